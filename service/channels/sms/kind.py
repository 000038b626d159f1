"""SMS as a channel: a short text to a phone."""

from __future__ import annotations

from service.channels.channel_type import Circumstances, ContactKind, MessageReader, PlainText, Words
from service.channels.message import Sms
from service.core import Channel


class SmsType(PlainText):
    """Text messages to phones."""

    channel = Channel.SMS
    field = "phone"
    word = "SMS"
    opted_out_by = ContactKind.PHONE
    weight = 2
    refusal = "this phone wants no messages"

    def compose(self, words: Words, reader: MessageReader, circumstances: Circumstances, /) -> Sms | None:
        """The text message to a reader's phone."""
        if reader.phone is None:
            return None
        how = circumstances
        return Sms(
            to=reader.phone,
            text=words.brief(),
            language=words.language,
            reference=how.reference,
            promotional=how.promotional,
            answerable=how.answerable,
        )
