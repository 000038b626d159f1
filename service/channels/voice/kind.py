"""Voice as a channel: a text that is read out to a phone."""

from __future__ import annotations

from service.channels.channel_type import Circumstances, ContactKind, MessageReader, PlainText, Words
from service.channels.message import VoiceCall
from service.core import Channel, Tag, parse_tag


class VoiceType(PlainText):
    """Calls to phones."""

    channel = Channel.VOICE
    field = "phone"
    word = "a call"
    opted_out_by = ContactKind.PHONE
    weight = 6  # with the pieces of its audio
    refusal = "this phone wants no calls"

    def compose(self, words: Words, reader: MessageReader, circumstances: Circumstances, /) -> VoiceCall | None:
        """The call to a reader's phone, in the voice they asked for if it speaks the text's language."""
        if reader.phone is None:
            return None
        voice = voice_of(reader.voice_locale, words.language)
        return VoiceCall(reader.phone, words.spoken(), voice, circumstances.reference, keys=circumstances.keys)


def voice_of(locale: str | None, language: Tag) -> Tag:
    """The locale of a call's voice: the reader's own, if it speaks the text's language."""
    wanted = parse_tag(locale) if locale else language
    return wanted if wanted.language == language.language else language
