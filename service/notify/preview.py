"""What people would get, before anything is sent: nothing is stored, and nobody gets a message."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from itertools import islice
from typing import TypeVar
from zoneinfo import ZoneInfo

from service.core import Channel, Lane, parse_tag
from service.language import Translation
from service.messages import (
    UNSUBSCRIBE,
    EmailText,
    NotFilled,
    Rendition,
    Segments,
    TooLong,
    Translations,
    estimated_price,
    render,
    segments_of,
)
from service.notify.audience import Addressee, people_in
from service.notify.model import Notification, Texts, template_of
from service.notify.reviews import PATIENCE, Validation
from service.notify.sending import values_for
from service.notify.service import NotificationService, Request
from service.notify.texts import Renditions, authors_words, in_source_language
from service.recipients import Directory, Recipient

T = TypeVar("T")

MOST = 20
"""Readers or languages of one preview."""


@dataclass(frozen=True, slots=True)
class MissingText:
    """A text that nothing here translates, and why."""

    text: str
    reason: str


@dataclass(frozen=True, slots=True)
class ReaderPreview:
    """What one reader would get, or a reader of one language, by each channel that has room for it.

    `fault` says why they could not be sent it by the channel that they prefer, or by one of all where nobody is named.

    `price` is the estimate of its SMS where the reader's country is known.
    """

    language: str
    written_in: str
    provenance: str | None
    recipient: Recipient | None = None
    missing: tuple[MissingText, ...] = ()
    sms: str | None = None
    segments: Segments | None = None
    price: Decimal | None = None
    email: EmailText | None = None
    speech: str | None = None
    fault: str | None = None


@dataclass(frozen=True, slots=True)
class Preview:
    """The notification as the sentiment rules would leave it, and what some of its readers would get."""

    judged: Notification
    items: Sequence[ReaderPreview]


@dataclass(frozen=True, slots=True)
class Previews:
    """Makes previews."""

    notifications: NotificationService
    directory: Directory
    translations: Translations
    validation: Validation
    renditions: Renditions
    unsubscribe_url: Callable[[Recipient], str | None]
    sms_plain: bool = True

    def of(self, request: Request, languages: Sequence[str]) -> Preview:
        """What the first `MOST` readers would get, or one of each language; `UnfitRequest` as the service says it."""
        draft = self.notifications.draft(request, is_addressed=bool(request.audience or request.recipients))
        notification = draft.notification
        judged = self.validation.judged(notification, PATIENCE)
        readers = list(islice(self._readers(notification, draft.people), MOST))
        if readers:
            items = [self._for(notification, person, own) for person, own in readers]
        else:
            items = [self._in(notification, language, {}) for language in languages or [notification.message.language]]
        return Preview(judged, items)

    def _readers(
        self, notification: Notification, people: Sequence[Addressee]
    ) -> Iterator[tuple[Recipient, Mapping[str, object]]]:
        if notification.audience is not None:
            yield from ((person, {}) for person in self.directory.members(notification.audience, limit=MOST).items)
            return
        names = notification.recipients[:MOST]
        described = {reader.name: reader for reader in people}
        stored = self.directory.get_many([name for name in names if name not in people_in(described)])
        people_by_name = {**stored, **people_in(described)}
        for name in names:
            if name in people_by_name:
                yield people_by_name[name], described[name].variables if name in described else {}

    def _for(self, notification: Notification, person: Recipient, own: Mapping[str, object]) -> ReaderPreview:
        return self._in(notification, person.language, own, person)

    def _in(
        self, notification: Notification, language: str, own: Mapping[str, object], person: Recipient | None = None
    ) -> ReaderPreview:
        texts, missing = self._texts(notification, language)
        stamp = texts.stamp if not missing else None
        shell = ReaderPreview(language, texts.written_in, stamp, person, missing)
        if missing:
            return shell
        reader = person or Recipient("A", "", language, Channel.EMAIL)
        values = values_for(reader, notification.message.variables, own)
        if notification.lane is Lane.BULK and (url := self.unsubscribe_url(reader)) is not None:
            values = {**values, UNSUBSCRIBE: url}
        return self._filled(shell, self.renditions.laid_out(notification, texts), values)

    def _filled(self, shell: ReaderPreview, rendition: Rendition, values: Mapping[str, object]) -> ReaderPreview:
        person, faults = shell.recipient, dict[Channel, str]()
        zone = ZoneInfo(person.timezone) if person is not None and person.timezone else None
        brief = partial(render.sms_text, rendition, values, zone, cheap=self.sms_plain)
        sms = _made(Channel.SMS, brief, faults)
        country = person.phone.country if person is not None and person.phone is not None else None
        return ReaderPreview(
            *(shell.language, shell.written_in, shell.provenance, person, ()),
            sms=sms,
            segments=None if sms is None else segments_of(sms),
            price=None if sms is None or country is None else estimated_price(sms, country),
            email=_made(Channel.EMAIL, partial(render.email_text, rendition, values, zone), faults),
            speech=_made(Channel.VOICE, partial(render.voice_text, rendition, values, zone), faults),
            fault=_fault_of(faults, person),
        )

    def _texts(self, notification: Notification, language: str) -> tuple[Texts, tuple[MissingText, ...]]:
        """The texts in a language, as far as there are some, and what is missing."""
        if (as_written := in_source_language(notification, language)) is not None:
            return as_written, ()
        message, target = notification.message, parse_tag(language)
        source = parse_tag(message.language)
        authors = authors_words(message, target)
        answers = {
            text: authors.get(text) or self.translations.look(text, source, target)
            for text in template_of(message).texts
        }
        translated = {text: answer for text, answer in answers.items() if isinstance(answer, Translation)}
        lacking = [
            MissingText(text, answer.reason) for text, answer in answers.items() if not isinstance(answer, Translation)
        ]
        texts = {text: answer.text for text, answer in translated.items()}
        provenance = {text: answer.provenance for text, answer in translated.items()}
        return Texts("", language, str(target), texts, provenance), tuple(lacking)


def _made(channel: Channel, make: Callable[[], T], faults: dict[Channel, str]) -> T | None:
    """The text of one channel; None where it cannot be made, with the reason in `faults`."""
    try:
        return make()
    except (NotFilled, TooLong) as error:
        faults[channel] = str(error)
        return None


def _fault_of(faults: Mapping[Channel, str], person: Recipient | None) -> str | None:
    if person is None:
        return next(iter(faults.values()), None)
    return faults.get(Channel.SMS if person.preference is Channel.CHAT else person.preference)
