"""Accepts notifications and shows what became of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from msgspec import structs

from service.channels import Unaddressable, parse_reply_to
from service.core import SAY_SOMETHING, Clock, Lane, Tag, TocsinError, UnknownTag, is_blank, parse_tag
from service.messages import (
    UNSUBSCRIBE,
    Attachments,
    CallbackRefused,
    FormRefused,
    NoSuchTemplate,
    PiecesLost,
    Template,
    Templates,
    announcement,
    check_pieces,
    check_url,
    parse_form,
)
from service.notify.audience import Addressee, DescribedEntry, NamedIds, RecipientNaming, addressee_items
from service.notify.ineffective_members import ignored, used
from service.notify.model import (
    DELIVERY,
    HELD,
    NOTIFICATION,
    UNTOUCHED,
    Delivery,
    DeliveryBatch,
    DeliveryLine,
    DeliveryStatus,
    Notification,
    Texts,
    aliases_of,
    batches_of,
    delivery_of,
    message_of,
    new_notification_item,
    notification_of,
    texts_of,
)
from service.notify.tally import DeliveryTallies, DeliveryTally
from service.storage import AlreadyExists, AuditEntry, Item, Page, Store

FROM_THE_PROFILE: Mapping[str, object] = {"first_name": "A", "user_id": "A"}
"""Variables that every recipient's own profile fills in, as they might be."""

A_LINK_TO_LEAVE = "https://example.com/u/IjEyMzQ1Njc4Ig.8VKZ2XnGZbGqCwD8vS0dQ3oTqH5eYkJ1mL9aR7cN4xU"
"""As the link of one reader might be."""


class UnfitRequest(TocsinError):
    """A request that cannot be taken in; `faults` are (path, what is wrong) for each."""

    def __init__(self, faults: Sequence[tuple[str, str]]) -> None:
        super().__init__("; ".join(f"{path}: {message}" for path, message in faults))
        self.faults = tuple(faults)


class NoSuchNotification(TocsinError):
    """No notification has this id."""


@dataclass(frozen=True, slots=True)
class Request:
    """What an app asks to be sent, as it said it."""

    id: str
    app: str
    request_id: str
    text: str | None = None
    language: str = "en"
    subject: str | None = None
    template: str | None = None
    variables: Mapping[str, object] | None = None
    audience: str | None = None
    recipients: Sequence[str | DescribedEntry] = ()
    lane: Lane | None = None
    send_at: datetime | None = None
    callback_url: str | None = None
    reference: str | None = None
    translations: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    reply_to: str | None = None
    attachments: tuple[str, ...] = ()

    def without_ignored(self) -> Request:
        """As earlier versions took it: without what has no effect."""
        subject = self.subject if self.template is None else None
        return replace(self, subject=subject, translations=used(self.language, self.translations))


@dataclass(frozen=True, slots=True)
class NotificationView:
    """A notification with the tally of its deliveries and the texts it has by now."""

    notification: Notification
    tally: DeliveryTally
    texts: Sequence[Texts]


@dataclass(frozen=True, slots=True)
class Draft:
    """A notification before it is stored, and those whom its request describes."""

    notification: Notification
    people: Sequence[Addressee]


class NotificationService:
    """Accepts notifications and reads them back."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        naming: RecipientNaming,
        templates: Templates,
        attachments: Attachments,
        *,
        has_links_to_leave: bool = False,
    ) -> None:
        self._has_links_to_leave = has_links_to_leave
        self._attachments = attachments
        self._store = store
        self._tallies = DeliveryTallies(store, clock)
        self._clock = clock
        self._naming = naming
        self._directory = naming.directory
        self._templates = templates

    def create(self, request: Request, audit: Sequence[AuditEntry] = ()) -> Notification:
        """Take a request in, durably; the same id again is the same notification. `UnfitRequest` names every fault."""
        draft = self.draft(request)
        notification = draft.notification
        beside = (*aliases_of(notification), *addressee_items(notification, draft.people))
        try:
            self._store.add(new_notification_item(notification), *beside, audit=audit)
        except AlreadyExists:
            return self.get(request.id)
        return notification

    def draft(self, request: Request, *, is_addressed: bool = True) -> Draft:
        """The notification of a request, not stored; `UnfitRequest`. One that is not addressed names nobody."""
        named = self._checked(request, is_addressed=is_addressed)
        template = self._template(request)
        notification = Notification(
            id=request.id,
            app=request.app,
            request_id=request.request_id,
            message=message_of(
                template,
                request.variables or {},
                authors_words(request, template),
                request.reply_to,
                request.attachments,
            ),
            accepted_at=self._clock.now(),
            audience=request.audience,
            recipients=named.names,
            lane=_lane(request, template),
            send_at=request.send_at,
            callback_url=request.callback_url,
            reference=request.reference,
            describes_recipients=bool(named.people),
        )
        return Draft(notification, named.people)

    def known(self, recipients: Sequence[str | DescribedEntry]) -> Sequence[str | DescribedEntry]:
        """Those of these that can be written to: ids that a profile has."""
        missing = self._directory.missing([name for name in recipients if isinstance(name, str)])
        return [name for name in recipients if name not in missing]

    def check(self, request: Request) -> None:
        """Raise `UnfitRequest` if `create` would, but take nothing in."""
        self._checked(request)

    def _checked(self, request: Request, *, is_addressed: bool = True) -> NamedIds:
        named = self._naming.read(request.recipients, request.language)
        if faults := list(self._faults(request, named, is_addressed=is_addressed)):
            raise UnfitRequest(faults)
        return named

    def get(self, notification_id: str) -> Notification:
        """One notification; `NoSuchNotification`."""
        item = self._store.get(notification_id)
        if item is None or item.kind != NOTIFICATION:
            raise NoSuchNotification(f"There is no notification {notification_id!r}.")
        return notification_of(item)

    def show(self, notification_id: str) -> NotificationView:
        """One notification with its tally; `NoSuchNotification`."""
        notification = self.get(notification_id)
        texts = self._store.by_index("texts", notification_id, limit=200)
        return NotificationView(notification, self._tallies.of(notification), [texts_of(item) for item in texts.items])

    def deliveries(
        self, notification_id: str, status: DeliveryStatus | None, cursor: str | None, limit: int
    ) -> Page[Delivery]:
        """A page of deliveries in the order of their ids, of one status or all. The cursor is the last id."""
        self.get(notification_id)
        deliveries: list[Delivery] = []
        for batch, name, line in self._lines(notification_id):
            if (cursor is not None and name <= cursor) or status not in (None, line.status):
                continue
            if len(deliveries) == limit:
                return Page(deliveries, deliveries[-1].id)
            deliveries.append(self._delivery(batch, name))
        return Page(deliveries, None)

    def held(self, cursor: str | None, limit: int) -> Page[Item]:
        """What waits for a review: notifications, and evaluations that a rule flagged."""
        return self._store.by_index(*HELD, cursor=cursor, limit=limit)

    def _lines(self, notification_id: str) -> Iterator[tuple[DeliveryBatch, str, DeliveryLine]]:
        for _, batch in batches_of(self._store, notification_id):
            for name in batch.recipients:
                yield batch, name, batch.lines.get(name, UNTOUCHED)

    def _delivery(self, batch: DeliveryBatch, name: str) -> Delivery:
        item = self._store.get(name)
        if item is None or item.kind != DELIVERY:
            return batch.unrecorded(name)
        # A copy that is to be sent once more has its last outcome in its record still.
        return structs.replace(delivery_of(item), status=batch.lines.get(name, UNTOUCHED).status)

    def _faults(self, request: Request, named: NamedIds, *, is_addressed: bool) -> Iterator[tuple[str, str]]:
        yield from self._text_faults(request)
        if is_addressed:
            yield from self._audience_faults(request, named)
        yield from self._attachment_faults(request)
        if request.send_at is not None and request.send_at < self._clock.now() - timedelta(days=1):
            yield "send_at", "is over for more than a day: leave it out to send at once"
        if request.reply_to is not None:
            try:
                parse_reply_to(request.reply_to)
            except Unaddressable as error:
                yield "reply_to", str(error)
        if request.callback_url is not None:
            try:
                check_url(request.callback_url)
            except CallbackRefused as error:
                yield "callback_url", str(error)

    def _attachment_faults(self, request: Request) -> Iterator[tuple[str, str]]:
        if not request.attachments:
            return
        at = max(self._clock.now(), request.send_at or self._clock.now())
        for number, fault in self._attachments.faults(request.attachments, request.app, at):
            yield f"attachments[{number}]", fault
        if request.template in self._templates.names and self._templates.get(request.template or "").digest:
            yield "attachments", "cannot go along with a template whose messages gather in a digest"

    def _text_faults(self, request: Request) -> Iterator[tuple[str, str]]:
        if (request.text is None) == (request.template is None):
            yield "text", "send either a text or the name of a template"
            return
        yield from ignored(request.template, request.subject, request.language, request.translations)
        try:
            parse_tag(request.language)
        except UnknownTag as error:
            yield "language", str(error)
            return
        try:
            template = self._template(request)
        except NoSuchTemplate as error:
            yield "template", str(error)
        except TocsinError as error:
            yield "text", str(error)
        else:
            given = self._with_link_to_leave(request, template)
            missing = list(_missing(given, template))
            yield from missing
            if not missing:
                yield from _filling_faults(given, template)
            yield from translation_faults(request, template)

    def _with_link_to_leave(self, request: Request, template: Template) -> Request:
        """The request as the copies of bulk mail are filled, where readers get a link to leave."""
        if not self._has_links_to_leave or _lane(request, template) is not Lane.BULK:
            return request
        return replace(request, variables={**(request.variables or {}), UNSUBSCRIBE: A_LINK_TO_LEAVE})

    def _template(self, request: Request) -> Template:
        if request.template is not None:
            return self._templates.get(request.template)
        return announcement(request.text or "", parse_tag(request.language), request.subject)

    def _audience_faults(self, request: Request, named: NamedIds) -> Iterator[tuple[str, str]]:
        if (request.audience is None) == (not request.recipients):
            yield "audience", "name either an audience or recipients"
        elif request.audience is not None:
            if not self._directory.members(request.audience, limit=1).items:
                yield "audience", "has no recipients: add some first"
        else:
            yield from named.faults


def authors_words(request: Request, template: Template) -> Mapping[str, Mapping[str, str]]:
    """The author's own translations by language: of the template's folder, and over them those of the request."""
    by_language = {name: dict(words) for name, words in template.translations.items()}
    sources = _sources(template)
    for name, words in request.translations.items():
        of_language = by_language.setdefault(str(parse_tag(name)), {})
        of_language |= {sources[which]: text for which, text in words.items()}
    return by_language


def translation_faults(request: Request, template: Template) -> Iterator[tuple[str, str]]:
    """What is wrong with the translations of a request. Templates are not judged, so that no request words them."""
    if request.translations and request.template is not None:
        yield "translations", "are for a text: a template's stand beside it, sms.de.txt beside sms.txt"
        return
    sources, named = _sources(template), set[Tag]()
    for name, words in request.translations.items():
        try:
            language = parse_tag(name)
        except UnknownTag as error:
            yield f"translations.{name}", str(error)
            continue
        if language in named:
            yield f"translations.{name}", f"says {language} a second time: keep one of them"
        named.add(language)
        for which, translation in words.items():
            if (fault := _translation_fault(sources.get(which), translation)) is not None:
                yield f"translations.{name}.{which}", fault


def _sources(template: Template) -> dict[str, str]:
    """What a request may translate, by the name under which it does."""
    sources = {"text": template.sms.source}
    return sources if template.subject is None else {**sources, "subject": template.subject.source}


def _translation_fault(source: str | None, translation: str) -> str | None:
    if source is None:
        return "translates a subject that there is not"
    try:
        check_pieces(source, translation)
        parse_form(translation, "translation")
    except (PiecesLost, FormRefused) as error:
        return str(error)
    return None


def _missing(request: Request, template: Template) -> Iterator[tuple[str, str]]:
    """Variables that the message needs and nobody gives: the request for all, or an entry for one."""
    everybodys = {**FROM_THE_PROFILE, **(request.variables or {})}
    missing, own = template.missing(everybodys), _own_values(request)
    if missing and own:
        lacking = ((n, name) for n, values in own for name in sorted(template.missing({**everybodys, **values})))
        yield from ((f"recipients[{n}].variables.{name}", _why_missing(name)) for n, name in lacking)
        return
    yield from ((f"variables.{name}", _why_missing(name)) for name in sorted(missing))


def _why_missing(name: str) -> str:
    if name != UNSUBSCRIBE:
        return "is missing, and the message needs it"
    return 'is there in bulk mail alone, and where TOCSIN_PUBLIC_URL is set: write it with | default("") for the rest'


def _lane(request: Request, template: Template) -> Lane:
    return request.lane or template.lane or Lane.BULK


def _own_values(request: Request) -> Sequence[tuple[int, Mapping[str, object]]]:
    """The values of each entry, if one has some."""
    own = [{} if isinstance(recipient, str) else recipient.variables for recipient in request.recipients]
    return list(enumerate(own)) if any(own) else ()


def _filling_faults(request: Request, template: Template) -> Iterator[tuple[str, str]]:
    """What would keep every reader's copy from being filled, or leave nothing in it to say."""
    own = request.variables or {}
    for number, values in _own_values(request):
        wrong = template.unfit({**FROM_THE_PROFILE, **own, **values})
        yield from ((f"recipients[{number}].variables.{name}", why) for name, why in wrong.items() if name in values)
    if _own_values(request):
        return
    unfit = template.unfit({**FROM_THE_PROFILE, **own})
    faults = {name: fault for name, fault in unfit.items() if name in own or name not in FROM_THE_PROFILE}
    yield from ((f"variables.{name}", fault) for name, fault in sorted(faults.items()))
    if unfit:
        return
    filled = {**FROM_THE_PROFILE, **own}
    if template.html is None and is_blank(template.sms.fill(filled, template.language)):
        yield "template" if request.text is None else "text", SAY_SOMETHING
    if template.subject is not None and is_blank(template.subject.fill(filled, template.language)):
        yield "template" if request.text is None else "subject", f"its subject {SAY_SOMETHING}"
