"""Digests: what one template says to one recipient within a window arrives as one message.

The first copy opens the window, later ones join it. When it ends the digest is sent, and each page that waits for one
of its copies reads there what became of it. Addresses stay in the recipient's profile: a digest names only the person.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from msgspec import structs

from service.channels import Accepted, Email, Reference, Refused, Sms, Unknown, VoiceCall
from service.channels.carrier import Message
from service.channels.voice import MAX_CHARACTERS as MAX_SPOKEN
from service.language import SOURCE
from service.messages import render
from service.messages.carriers import Carriers
from service.messages.render import MAX_SMS
from service.messages.templates import announcement
from service.recipients import Directory, Recipient
from service.records import from_state, to_state
from service.storage import Conflict, Item, Store
from service.tags import Tag, parse_tag
from service.words import Channel, Lane
from service.work import Permanent, RetryLater, Step, Task, finished, postponed

KIND = "digest"

SETTLE = timedelta(seconds=1)
"""How long after a window's end a page asks what became of its copies."""

UNKNOWN = "unknown"
REFUSED = "refused: "
"""What stands instead of a provider's id where there is none."""

REMEMBERED = 1_000
"""Copies whose outcome a digest keeps for pages that ask late."""


@dataclass(frozen=True, slots=True)
class Piece:
    """What one copy says: `heading` is an email's subject."""

    text: str
    heading: str | None = None


@dataclass(frozen=True, slots=True)
class Digest:
    """Copies that wait for the end of the window, and what became of earlier ones (a provider's id, by delivery)."""

    recipient: str
    channel: Channel
    language: str
    promotional: bool
    ends_at: datetime
    pieces: Mapping[str, Piece] = field(default_factory=dict)
    sending: bool = False
    done: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Waits:
    """The copy is in a digest: ask again at `until`."""

    until: datetime


@dataclass(frozen=True, slots=True)
class Went:
    """The copy went out with a digest: under this id of the provider's, or `UNKNOWN`, or `REFUSED` and why."""

    became: str


@dataclass(frozen=True, slots=True)
class Digests:
    """Gathers copies, and handles items of kind `digest`."""

    store: Store
    directory: Directory
    carriers: Carriers

    def joined(
        self, template: str, person: Recipient, message: Message, window: timedelta, now: datetime
    ) -> Waits | Went:
        """Put a copy into its digest, or say what became of it there."""
        name = digest_id(template, person.user_id)
        item = self.store.get(name)
        digest = None if item is None else from_state(Digest, item.state)
        copy = message.reference.delivery_id
        if digest is not None and copy in digest.done:
            return Went(digest.done[copy])
        if digest is not None and copy in digest.pieces:
            return Waits(max(digest.ends_at, now) + SETTLE)
        if digest is None or not digest.pieces:
            digest = _opened(person, message, now + window, {} if digest is None else digest.done)
        grown = replace(digest, pieces={**digest.pieces, copy: _piece(message)})
        own = item or Item(name, KIND, {}, lane=Lane.TRANSACTIONAL)
        try:
            self.store.save(structs.replace(own, state=to_state(grown), due_at=grown.ends_at, attempts=0))
        except Conflict:
            return self.joined(template, person, message, window, now)
        return Waits(grown.ends_at + SETTLE)

    def handle(self, task: Task) -> Step:
        """Send what has gathered as one message."""
        digest = from_state(Digest, task.item.state)
        person = self.directory.get(digest.recipient)
        if digest.sending or person is None:
            return _settled(task, digest, UNKNOWN)  # a worker died while sending: nobody is written to twice
        message = combined(digest, person, Reference(task.item.id, task.item.version))
        if digest.channel not in self.carriers.in_our_store:
            task.checkpoint(structs.replace(task.item, state=to_state(replace(digest, sending=True))))
        handed = self.carriers.hand_over([message], task.begin_by)[0]
        match handed.outcome:
            case Accepted(provider_id=provider_id):
                return _settled(task, digest, provider_id, handed.writes)
            case Unknown():
                return _settled(task, digest, UNKNOWN)
            case Refused(permanent=True, detail=detail):
                return _settled(task, digest, f"{REFUSED}{detail}")
            case Refused(untried=True, retry_after=after):
                return Step(postponed(task.item, task.now + after, to_state(digest)))
            case Refused(detail=detail, retry_after=after):
                task.item = structs.replace(task.item, state=to_state(digest))
                raise RetryLater(f"the digest was not taken: {detail}", after)


def digest_id(template: str, recipient: str) -> str:
    """One digest for each template and recipient."""
    return f"digest-{hashlib.sha256(f'{template}|{recipient}'.encode()).hexdigest()[:32]}"


def combined(digest: Digest, person: Recipient, reference: Reference) -> Message:
    """All pieces as one message, in the order in which they were asked for; what no longer fits is counted."""
    pieces = [digest.pieces[copy] for copy in sorted(digest.pieces)]
    language = parse_tag(digest.language)
    match digest.channel:
        case Channel.SMS if person.phone:
            text = _together(pieces, MAX_SMS)
            return Sms(person.phone, text, language, reference, promotional=digest.promotional)
        case Channel.VOICE if person.phone:
            return VoiceCall(person.phone, _together(pieces, MAX_SPOKEN), language, reference)
        case Channel.EMAIL if person.email:
            return _letter(pieces, person.email, language, reference)
        case channel:
            raise Permanent(f"the profile has no address for {channel.value} any more")


def _opened(person: Recipient, message: Message, ends_at: datetime, done: Mapping[str, str]) -> Digest:
    match message:
        case Sms(language=language, promotional=promotional):
            return Digest(person.user_id, Channel.SMS, str(language), promotional, ends_at, done=done)
        case VoiceCall(voice=voice):
            return Digest(person.user_id, Channel.VOICE, str(voice), False, ends_at, done=done)
        case Email(language=language):
            return Digest(person.user_id, Channel.EMAIL, str(language), False, ends_at, done=done)


def _together(pieces: Sequence[Piece], limit: int) -> str:
    text = "\n\n".join(dict.fromkeys(piece.text.strip() for piece in pieces))
    if len(text) <= limit:
        return text
    return text[: limit - 12].rsplit("\n\n", 1)[0] + f"\n\n(+{len(pieces)})"


def _letter(pieces: Sequence[Piece], to: str, language: Tag, reference: Reference) -> Email:
    """The texts of all, laid out like any announcement: what a person wrote into them is no slot of ours."""
    body = "\n\n".join(piece.text.strip() for piece in pieces).replace("{", "(").replace("}", ")")
    first = pieces[0].heading or ""
    subject = first if len(pieces) == 1 else f"{first} (+{len(pieces) - 1})"
    letter = render.rendition(announcement(body, language), language, SOURCE, {})
    text = render.email_text(letter, {})
    return Email(to, subject, text.html, text.text, language, reference)


def _piece(message: Message) -> Piece:
    return Piece(message.text, message.subject if isinstance(message, Email) else None)


def _settled(task: Task, digest: Digest, became: str, writes: Sequence[Item] = ()) -> Step:
    done = {**digest.done, **dict.fromkeys(digest.pieces, became)}
    kept = dict(list(done.items())[-REMEMBERED:])
    settled = replace(digest, pieces={}, sending=False, done=kept)
    return Step(finished(task.item, to_state(settled)), spawn=writes)
