"""The outbox: what was "sent" where no provider is set up, decoded, so that a person can see and hear it."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache

from msgspec import structs

from service.channels.carrier import SendResult
from service.channels.chat import Chat
from service.channels.contact_keys import ContactKeys
from service.channels.message import Accepted, Email, Outcome, Reason, Reference, Refused, Sms, VoiceCall
from service.channels.voice import Audio, NoVoice, Speech, SpeechFailed
from service.core import Channel, Clock, Record, Tag, from_state, ids, to_stored_json
from service.storage import Item, Page, Store

KIND = "outbox"
AUDIO_KIND = "outbox-audio"
KEPT = timedelta(days=30)
AUDIO_CHUNK = 240 * 1024
"""Bytes of MP3 in one item: in base64 they stay below an item's limit."""


class OutboxEntry(Record, frozen=True):
    """One message as its reader would have it."""

    channel: Channel
    to: str
    text: str
    language: str
    at: datetime
    delivery_id: str
    attempt: int
    subject: str | None = None
    html: str | None = None
    audio_chunks: int = 0
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class OutboxItem:
    """An entry with the id it is found by."""

    id: str
    entry: OutboxEntry


class Outbox:
    """Keeps and lists entries. Lookup keys hold a contact only as its HMAC."""

    def __init__(self, store: Store, clock: Clock, keys: ContactKeys) -> None:
        self._store = store
        self._clock = clock
        self._keys = keys

    @property
    def now(self) -> datetime:
        """The instant that an entry made now carries."""
        return self._clock.now()

    def keep(self, entry: OutboxEntry, audio: bytes = b"") -> str:
        """Store an entry and its audio in one commit; answers its id."""
        kept = self.with_audio(entry, audio)
        self._store.add(*kept)
        return kept[0].id

    def items(self, entries: Sequence[OutboxEntry]) -> Sequence[Item]:
        """What keeping these writes, for who commits it with something else: one item for each, in order."""
        names = ids.several(entries[0].at, len(entries)) if entries else ()
        return [self._item(name, entry) for name, entry in zip(names, entries, strict=True)]

    def with_audio(self, entry: OutboxEntry, audio: bytes) -> Sequence[Item]:
        """What keeping an entry and its audio writes: the entry first."""
        (item,) = self.items([entry])
        return [item, *(_audio_item(item, number, chunk) for number, chunk in enumerate(_chunks(audio)))]

    def entries(
        self, *, to: str | None = None, channel: Channel | None = None, cursor: str | None = None, limit: int = 50
    ) -> Page[OutboxItem]:
        """What was sent, newest first: to one phone (E.164) or address, on one channel, or all.

        With both, a page may hold fewer entries than `limit` although more follow.
        """
        index, value = self._lookup(to, channel)
        page = self._store.by_index(index, value, cursor=cursor, limit=limit, newest_first=True)
        sent = [OutboxItem(item.id, from_state(OutboxEntry, item.state)) for item in page.items]
        return Page([message for message in sent if channel in {None, message.entry.channel}], page.cursor)

    def entry(self, entry_id: str) -> OutboxItem | None:
        """One entry, or None."""
        item = self._store.get(entry_id)
        if item is None or item.kind != KIND:
            return None
        return OutboxItem(item.id, from_state(OutboxEntry, item.state))

    def mp3(self, entry_id: str) -> bytes | None:
        """The audio of a voice entry, or None."""
        sent = self.entry(entry_id)
        if sent is None or not sent.entry.audio_chunks:
            return None
        parts = (self._store.get(_audio_id(entry_id, number)) for number in range(sent.entry.audio_chunks))
        return b"".join(base64.b64decode(str(part.state["mp3"])) for part in parts if part is not None)

    def erase(self, to: str) -> int:
        """Forget everything sent to one phone or address; answers how many entries there were."""
        erased = 0
        while page := self._store.by_index(*self._lookup(to, None), limit=100).items:
            for item in page:
                self._erase(item)
            erased += len(page)
        return erased

    def _erase(self, item: Item) -> None:
        for number in range(from_state(OutboxEntry, item.state).audio_chunks):
            if (part := self._store.get(_audio_id(item.id, number))) is not None:
                self._store.remove(part)
        self._store.remove(item)

    def _lookup(self, to: str | None, channel: Channel | None) -> tuple[str, str]:
        if to is not None and "://" in to:
            return "outbox-to", self._keys.chat(to)
        if to is not None:
            return "outbox-to", self._keys.email(to) if "@" in to else self._keys.phone(to)
        return ("outbox", "all") if channel is None else ("outbox-channel", channel.value)

    def _item(self, name: str, entry: OutboxEntry) -> Item:
        to_index, to_value = self._lookup(entry.to, None)
        keys = {"outbox": "all", "outbox-channel": entry.channel.value, to_index: to_value}
        return Item(f"outbox-{name}", KIND, to_stored_json(entry), keys=keys, expires_at=entry.at + KEPT)


class OutboxSms:
    """Text messages into the outbox."""

    name = "outbox"
    is_our_store = True

    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox

    def send(self, sms: Sms, /) -> Outcome:
        """Keep one SMS."""
        return Accepted(self._outbox.keep(_text(sms, self._outbox.now)))

    def joins(self, _message: Sms, _earlier: Sequence[Sms], /) -> bool:
        """Never: each is kept by itself."""
        return False

    def hand_over(self, messages: Sequence[Sms], _begin_by: datetime, /) -> Sequence[SendResult]:
        """What keeping these writes."""
        now = self._outbox.now
        return [_handed([item]) for item in self._outbox.items([_text(sms, now) for sms in messages])]


class OutboxEmail:
    """Emails into the outbox."""

    name = "outbox"
    is_our_store = True

    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox

    def send(self, email: Email, /) -> Outcome:
        """Keep one email."""
        return Accepted(self._outbox.keep(_letter(email, self._outbox.now)))

    def joins(self, _message: Email, _earlier: Sequence[Email], /) -> bool:
        """Never: each is kept by itself."""
        return False

    def hand_over(self, messages: Sequence[Email], _begin_by: datetime, /) -> Sequence[SendResult]:
        """What keeping these writes."""
        now = self._outbox.now
        return [_handed([item]) for item in self._outbox.items([_letter(email, now) for email in messages])]


class OutboxVoice:
    """Calls into the outbox: what would have been heard, as MP3."""

    name = "outbox"
    is_our_store = True

    def __init__(self, outbox: Outbox, speech: Speech) -> None:
        self._outbox = outbox
        # One rendition is read to many people: the last few are spoken once.
        self._speak: Callable[[str, Tag], Audio] = lru_cache(maxsize=16)(speech.speak)

    def send(self, call: VoiceCall, /) -> Outcome:
        """Speak and keep one call."""
        spoken = self._spoken(call)
        return spoken if isinstance(spoken, Refused) else Accepted(self._outbox.keep(*spoken))

    def joins(self, message: VoiceCall, earlier: Sequence[VoiceCall], /) -> bool:
        """Whether its words were spoken already."""
        return any((message.text, message.voice) == (other.text, other.voice) for other in earlier)

    def hand_over(self, messages: Sequence[VoiceCall], _begin_by: datetime, /) -> Sequence[SendResult]:
        """What keeping these writes, each spoken."""
        return [self._handed(self._spoken(call)) for call in messages]

    def _handed(self, spoken: tuple[OutboxEntry, bytes] | Refused) -> SendResult:
        return SendResult(spoken) if isinstance(spoken, Refused) else _handed(self._outbox.with_audio(*spoken))

    def _spoken(self, call: VoiceCall) -> tuple[OutboxEntry, bytes] | Refused:
        try:
            audio = self._speak(call.text, call.voice)
        except NoVoice as error:
            return Refused(Reason.CONTENT, str(error))
        except SpeechFailed as error:
            return Refused(Reason.PROVIDER, str(error))
        entry = _entry(Channel.VOICE, call.to.e164, call.text, call.voice, self._outbox.now, call.reference)
        return structs.replace(entry, audio_chunks=len(_chunks(audio.mp3)), seconds=audio.seconds), audio.mp3


class OutboxChat:
    """Messages to chat rooms into the outbox."""

    name = "outbox"
    is_our_store = True

    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox

    def joins(self, _message: Chat, _earlier: Sequence[Chat], /) -> bool:
        """Never: each is kept by itself."""
        return False

    def hand_over(self, messages: Sequence[Chat], _begin_by: datetime, /) -> Sequence[SendResult]:
        """What keeping these writes."""
        now = self._outbox.now
        entries = [
            _entry(message.channel, message.to, message.text, message.language, now, message.reference)
            for message in messages
        ]
        return [_handed([item]) for item in self._outbox.items(entries)]


def _handed(kept: Sequence[Item]) -> SendResult:
    return SendResult(Accepted(kept[0].id), kept)


def _text(sms: Sms, at: datetime) -> OutboxEntry:
    return _entry(Channel.SMS, sms.to.e164, sms.text, sms.language, at, sms.reference)


def _letter(email: Email, at: datetime) -> OutboxEntry:
    return OutboxEntry(
        *(Channel.EMAIL, email.to, email.text, str(email.language), at),
        *(email.reference.delivery_id, email.reference.attempt),
        subject=email.subject,
        html=email.html,
    )


def _entry(channel: Channel, to: str, text: str, language: Tag, at: datetime, reference: Reference) -> OutboxEntry:
    return OutboxEntry(channel, to, text, str(language), at, reference.delivery_id, reference.attempt)


def _chunks(audio: bytes) -> Sequence[bytes]:
    return [audio[start : start + AUDIO_CHUNK] for start in range(0, len(audio), AUDIO_CHUNK)]


def _audio_id(entry_id: str, number: int) -> str:
    return f"{entry_id}-audio-{number}"


def _audio_item(entry: Item, number: int, chunk: bytes) -> Item:
    state = {"mp3": base64.b64encode(chunk).decode()}
    return Item(_audio_id(entry.id, number), AUDIO_KIND, state, expires_at=entry.expires_at)
