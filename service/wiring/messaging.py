"""The parts that messages go through, chosen by the settings: translators, voices, carriers, and the notifications."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from flask import Blueprint

from service.channels import ContactKeys, Outbox, PhoneRules
from service.config import Backend, Settings
from service.core import Channel, Clock, Keyring, last_good, parse_tag, secrets
from service.language import (
    Sentiment,
    Tone,
)
from service.language.embedded import Catalogues, read_catalogues
from service.messages import (
    OF_ONE_HOST,
    Attachments,
    Callback,
    HostShares,
    MachineReview,
    OptOuts,
    PostAttempts,
    Ruling,
    S3Attachments,
    Template,
    Templates,
    Translations,
    Webhooks,
    host_of,
    lane_routes,
    on_dead,
    optout_routes,
    read_templates,
    spend_routes,
    suppressed,
)
from service.messages import TRANSLATION_KIND as TRANSLATION
from service.messages import routes as outbox_routes
from service.notify import (
    Addressees,
    BatchSender,
    Cancellation,
    Chain,
    Completion,
    ContextReader,
    DeadLetterHandler,
    DeliveryPolicy,
    DeliveryTallies,
    Digests,
    EmitOutcome,
    Events,
    NotificationFlow,
    NotificationReceipts,
    NotificationService,
    NotifyOutcome,
    Previews,
    RecipientNaming,
    Renditions,
    Reviewers,
    ReviewLinks,
    TranslationReopener,
    UnsubscribeLinks,
    UnsubscribePages,
    Validation,
    WebhookEvents,
    lists,
    outcomes,
    receipts,
    tally,
    unsubscribe,
)
from service.notify import routes as notify_routes
from service.notify.api import attachment_routes
from service.notify.model import items
from service.notify.reviews import review, review_links
from service.recipients import EDITION_KIND, Directory, ProfileRules, Recipient
from service.recipients import routes as recipient_routes
from service.rulesets import ActiveVersions
from service.storage import Item, Relisting, Store
from service.wiring.channels import OutboundChannels
from service.wiring.translators import open_translator
from service.work import Breakers, LanePauses, TaskHandler

if TYPE_CHECKING:
    from service.wiring.aws import Amazon


CALLBACKS = "callbacks"
"""The purpose of the keys that callbacks are signed with."""


class Messaging:
    """Messages of one process, wired. Constructed after fork."""

    def __init__(
        self,
        settings: Settings,
        store: Store,
        clock: Clock,
        live: ActiveVersions,
        sentiment: Sentiment,
        tone: Tone,
        breakers: Breakers,
        amazon: Amazon | None = None,
    ) -> None:
        secret = secrets.of_installation(settings.secret, settings.secret_file)
        keys = ContactKeys(secret)
        self.settings = settings
        self.store = store
        self.clock = clock
        self.breakers = breakers
        self.amazon = amazon
        self.outbox = Outbox(store, clock, keys)
        self.profiles = ProfileRules(phone_rules(settings), test_domains=settings.is_trial(Channel.EMAIL))
        self.directory = Directory(store, keys, clock)
        self.opt_outs = OptOuts(store, clock, keys)
        self._in_folder = read_wording(settings)
        self._published = Templates({}), Catalogues({})
        self.templates, self.catalogues = self._over_the_folder()
        outbound = OutboundChannels(settings, store, clock, breakers, self.outbox, amazon)
        self.carriers, self.slots, self._speaks = outbound.carriers, outbound.slots, outbound.speaks
        self.spend = outbound.spend
        self.tries = PostAttempts(HostShares(in_all=max(OF_ONE_HOST, settings.worker_threads // 2)))
        self.webhooks = Webhooks(
            signing_keys(settings, CALLBACKS),
            clock,
            loopback_allowed=settings.loopback_callbacks,
            tries=self.tries,
        )
        translator = open_translator(settings, self.catalogues, breakers, amazon)
        review = MachineReview(settings.review_machine)
        self.translations = Translations(store, clock, translator, review, self.catalogues)
        self.validation = Validation(sentiment, tone, live, clock)
        self.receipts = NotificationReceipts(store, clock)
        url = settings.public_url
        self.unsubscribe_links = UnsubscribeLinks(signing_keys(settings, "unsubscribe"), url) if url else None
        foot = partial(unsubscribe.foot, self.catalogues, settings.sender_name or "") if url else None
        self.attachments = Attachments(store, clock, _in_s3(settings))
        self.renditions = Renditions(store, self.translations, self.attachments, foot)
        self.review_links = ReviewLinks(signing_keys(settings, "review"), url, clock) if url else None
        self.completion = Completion(store, self.webhooks)
        self.pauses = LanePauses(store, clock)
        self.cancellation = Cancellation(store, self.completion)
        self.addressees = Addressees(store)
        naming = RecipientNaming(self.directory, self.profiles, keys)
        self.notifications = NotificationService(
            store, clock, naming, self.templates, self.attachments, has_links_to_leave=bool(url)
        )
        self.rule_notifications = NotifyOutcome(self.notifications)

    def renew_wording(self) -> None:
        """Use the templates and catalogues as their folder has them now; raises where they cannot be used."""
        _wording(self.settings.templates_dir)
        self._in_folder = read_wording(self.settings)
        self._use_both()

    def use_templates(self, published: Mapping[str, Template]) -> None:
        """Use the templates that are published; what the folder has beside them goes on."""
        self._published = Templates(published), self._published[1]
        self._use_both()

    def use_catalogues(self, published: Mapping[str, Mapping[str, str]]) -> None:
        """Use the catalogues that are published, by language; sentences that they lack are those of the folder."""
        by_language = {parse_tag(language): known for language, known in published.items()}
        self._published = self._published[0], Catalogues(by_language)
        self._use_both()

    def _use_both(self) -> None:
        templates, catalogues = self._over_the_folder()
        self.templates.replace_with(templates)
        self.catalogues.replace_with(catalogues)

    def _over_the_folder(self) -> tuple[Templates, Catalogues]:
        (templates, catalogues), (other_templates, other_catalogues) = self._published, self._in_folder
        return templates.over(other_templates), catalogues.over(other_catalogues)

    def blueprints(
        self, decide: Callable[[str, Ruling], None], erased: Callable[[Recipient], None]
    ) -> Sequence[Blueprint]:
        """The calls about messages; `decide` records a person's word about a flagged evaluation, `erased` is told of
        people who are erased."""
        return (
            recipient_routes.blueprint(self.directory, self.profiles, partial(suppressed, self.opt_outs), erased),
            optout_routes.blueprint(self.opt_outs, self.directory, self.store, self.clock),
            outbox_routes.blueprint(self.outbox),
            lane_routes.blueprint(self.pauses, self.clock),
            spend_routes.blueprint(self.spend, self.clock),
            attachment_routes.blueprint(self.attachments, self.clock),
            notify_routes.blueprint(
                self.notifications,
                self.translations,
                self.store,
                self.clock,
                self.completion,
                self.cancellation,
                Previews(
                    self.notifications,
                    self.directory,
                    self.translations,
                    self.validation,
                    self.renditions,
                    self._link_to_leave,
                    self.settings.sms_plain,
                ),
                decide,
            ),
            *self._leaving(),
            *self._reviewing(),
        )

    def address_of(self, item: Item) -> str | None:
        """The address that the recipient of a delivery has."""
        if item.kind != items.DELIVERY:
            return None
        person = self.directory.get(items.delivery_of(item).recipient_id)
        return None if person is None else person.email

    def _leaving(self) -> Sequence[Blueprint]:
        links = self.unsubscribe_links
        if links is None:
            return []
        sender = self.settings.sender_name or ""
        pages = UnsubscribePages(links, self.directory, self.opt_outs, self.catalogues, sender)
        return [unsubscribe.blueprint(pages)]

    def _reviewing(self) -> Sequence[Blueprint]:
        links = self.review_links
        if links is None:
            return []
        return [review_links.blueprint(links, self.notifications, self.store, self.completion, self.clock)]

    def relistings(self) -> Sequence[Relisting]:
        """What puts the items of earlier versions where this one finds them."""
        return (
            self.opt_outs.relisting(),
            self.directory.relisting(),
            self.directory.audiences.relisting(),
            lists.relisting(self.store),
        )

    def task_handlers(self, chain: Chain | None = None) -> Sequence[TaskHandler]:
        """Who handles which kind of item; `chain` offers events of rules to this installation itself."""
        link = self.review_links.of if self.review_links else None
        reviewers = Reviewers(self.store, self.carriers, self.settings.reviewers, link)
        flow = NotificationFlow(
            self.store,
            self.directory,
            self.validation,
            self.renditions,
            reviewers,
            self.completion,
            self.cancellation,
            self.addressees,
        )
        gathering = Digests(self.store)
        policy = self._delivery_policy()
        sender = BatchSender(
            self.store,
            ContextReader(self.store, self.directory, self.addressees, self.renditions, self.opt_outs, policy),
            self.renditions,
            self.carriers,
            self.slots,
            policy,
            gathering,
            self.opt_outs,
            self.pauses,
            self.settings.recipient_limit,
        )
        return (
            TaskHandler(items.NOTIFICATION, flow.handle),
            self._batches(sender),
            TaskHandler(items.DELIVERY, self.receipts.silent),
            TaskHandler(receipts.PARKED, self.receipts.parked),
            TaskHandler(items.DIGEST, gathering.handle),
            TaskHandler(tally.KIND, DeliveryTallies(self.store, self.clock).recount),
            TaskHandler(EDITION_KIND, self.directory.audiences.forget),
            TaskHandler(TRANSLATION, TranslationReopener(self.store, self.translations).handle),
            TaskHandler(review.KIND, reviewers.handle),
            TaskHandler(outcomes.NOTIFY, self.rule_notifications.handle),
            TaskHandler(outcomes.EMIT, EmitOutcome(self._events(), self.tries, chain).handle, on_dead),
            self.webhooks.task_handler(),
        )

    def _batches(self, sender: BatchSender) -> TaskHandler:
        handler = TaskHandler(items.BATCH, sender.handle, DeadLetterHandler(self.store, self.clock).handle)
        is_store_here = self.settings.backend is Backend.EMBEDDED
        return replace(handler, computes=sender.computes) if is_store_here else handler

    def _events(self) -> Events | None:
        if self.amazon is not None and self.settings.event_bus is not None:
            return self.amazon.events(self.settings.event_bus)
        url = self.settings.events_url
        if url is None:
            return None
        return WebhookEvents(host_of(url), lambda event_id, body: self.webhooks.send(event_id, Callback(url, body)))

    def _delivery_policy(self) -> DeliveryPolicy:
        hours = self.settings.quiet_hours
        quiet = replace(hours, zone=self.settings.timezone) if hours else None
        return DeliveryPolicy(quiet, self._link_to_leave, self.settings.sms_plain, self._speaks)

    def _link_to_leave(self, person: Recipient) -> str | None:
        return None if self.unsubscribe_links is None else self.unsubscribe_links.of(person)


def _in_s3(settings: Settings) -> S3Attachments:
    """The files that notifications may name in S3."""
    if settings.attachments is None:
        return S3Attachments()
    from service.aws import Clients, S3Files

    return S3Attachments(settings.attachments, S3Files(Clients(connections=settings.most_threads)))


def signing_keys(settings: Settings, purpose: str) -> Keyring:
    """What signs for a purpose. Receivers of callbacks know theirs: none must lead to the keys of contacts."""
    installation = secrets.of_installation(settings.secret, settings.secret_file)
    return secrets.signing(settings.signing_secrets, installation, purpose)


def phone_rules(settings: Settings) -> PhoneRules:
    """Which phones may be written to; numbers reserved for examples only where nothing leaves this machine."""
    reserved = settings.is_trial(Channel.SMS) and settings.is_trial(Channel.VOICE)
    return PhoneRules(settings.allowed_countries or None, reserved_allowed=reserved)


SHIPPED_TEMPLATES = Path(__file__).parents[2] / "templates"


def read_wording(settings: Settings) -> tuple[Templates, Catalogues]:
    """The current templates and catalogues, or the last valid ones.

    What a folder lacks, because it was made for an earlier version, comes from the files that ship with this version.
    """
    templates, catalogues = last_good.read(settings.templates_dir, settings.last_good / "templates.zip", _wording)
    if not SHIPPED_TEMPLATES.is_dir() or settings.templates_dir.resolve() == SHIPPED_TEMPLATES:
        return templates, catalogues
    shipped, known = _wording(SHIPPED_TEMPLATES)
    return templates.over(shipped), catalogues.over(known)


def _wording(folder: Path) -> tuple[Templates, Catalogues]:
    return read_templates(folder), read_catalogues(folder / "catalogues")
