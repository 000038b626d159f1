"""The parts that incidents go through, chosen by the settings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path

from flask import Blueprint

from service.channels import ContactKeys, MailboxReader, Receipt, ReceiptStatus, ReplyAddress
from service.config import Settings
from service.core import Channel, Clock, last_good, secrets
from service.escalate import (
    AnswerPages,
    Answers,
    ContactLimits,
    Contacts,
    EscalationPolicy,
    Forgetting,
    IncidentCallbacks,
    Incidents,
    IncidentSender,
    IntakeRules,
    Links,
    MailReplies,
    Notices,
    Policies,
    QuotedPages,
    Receipts,
    Replies,
    RuleIncidents,
    SenderDetails,
    Summaries,
    Wording,
    action_routes,
    forgetting,
    items,
    link_routes,
    message_routes,
    outcomes,
    read_policies,
    routes,
)
from service.inbound import simulator
from service.inbound.sns import Fetcher, Receivers, SigningCertificates, SnsGate, amazon_roots
from service.inbound.sns import routes as sns_routes
from service.inbound.twilio import TwilioGate
from service.inbound.twilio import routes as twilio_routes
from service.notify import DeliveryStatus
from service.notify import NotificationReceipt as DeliveryReceipt
from service.replies import read_languages
from service.rosters import Calendars, Rosters, RosterView
from service.rosters import routes as roster_routes
from service.storage import Store
from service.wiring.channels import mail_tokens
from service.wiring.messaging import Messaging, phone_rules, signing_keys
from service.work import FOR_EVER, TaskHandler

A_DAY = timedelta(days=1)
"""How long the opening of a rule's incident, or the rest of an answer, is tried although it is dead."""

SHIPPED_WORDS = Path(__file__).parents[2] / "rules" / "replies"


def reply_words(rules: Path) -> Path:
    """The folder of vocabularies: that of the installation, else the shipped one."""
    own = rules / "replies"
    return own if own.is_dir() else SHIPPED_WORDS


class Escalation:
    """Incidents of one process, wired. Constructed after fork."""

    def __init__(self, settings: Settings, store: Store, clock: Clock, messaging: Messaging) -> None:
        self.settings = settings
        self.clock = clock
        self.messaging = messaging
        self.secret = secrets.of_installation(settings.secret, settings.secret_file)
        self.phones = phone_rules(settings)
        self.rules = IntakeRules(self.phones, test_domains=settings.is_trial(Channel.EMAIL))
        self._in_folder, self._published = self._read_policies(), Policies({})
        policies = self._published.over(self._in_folder)
        self.rosters = Rosters(settings.rules_dir / "rosters", settings.last_good / "rosters")
        self.roster_view = RosterView(messaging.directory)
        self.calendars = Calendars(store, clock)
        contacts = Contacts(messaging.directory, self.rosters, settings.timezone)
        limits = ContactLimits(settings.incident_text_limit, settings.incident_call_limit)
        self.incidents = Incidents(store, clock, ContactKeys(self.secret), policies, contacts, limits)
        self.rule_incidents = RuleIncidents(self.incidents, self.rules)
        self.languages = read_languages(reply_words(settings.rules_dir), instead=SHIPPED_WORDS)
        self.receipts = Receipts(self.incidents, messaging.opt_outs, self._of_a_notification)
        self.tokens = mail_tokens(settings)
        self.reply_to = None if settings.reply_to is None else ReplyAddress(settings.reply_to, self.tokens)
        quoted = QuotedPages(self.incidents, self._wording())
        self.replies = Replies(
            self.incidents, messaging.directory, messaging.opt_outs, self.phones, self.languages, quoted
        )
        self.mails = MailReplies(self.incidents, self.languages, self.tokens, self.receipts, self._addressee)
        self.receivers = Receivers(self.replies, self.mails, self.receipts)
        url, keys = settings.public_url, signing_keys(settings, "incident-link")
        self.links = None if url is None else Links(keys, url, clock, store)

    def _read_policies(self) -> Policies:
        """The current policies, or the last valid ones."""
        kept = self.settings.last_good / "escalation.zip"
        return last_good.read(self.settings.rules_dir / "escalation", kept, self._parsed)

    def _parsed(self, folder: Path) -> Policies:
        return read_policies(folder, self.messaging.templates.names)

    def renew_policies(self) -> None:
        """Use the policies as their folder has them now; raises where they cannot be used."""
        self._parsed(self.settings.rules_dir / "escalation")
        self._in_folder = self._read_policies()
        self.incidents.policies.replace_with(self._published.over(self._in_folder))

    def use_policies(self, published: Mapping[str, EscalationPolicy]) -> None:
        """Use what is published; what the folder has beside it goes on."""
        self._published = Policies(published)
        self.incidents.policies.replace_with(self._published.over(self._in_folder))

    def blueprints(self) -> Sequence[Blueprint]:
        """The calls about incidents, and those by which answers come in."""
        fetch = Fetcher()
        certificates = SigningCertificates(fetch, amazon_roots(), self.clock)
        gate = SnsGate(self.settings.sns_topics, certificates, self.clock)
        inbound = sns_routes.blueprint(gate, self.receivers, fetch)
        twilio = TwilioGate(self.settings.twilio_account, self.settings.twilio_tokens, self.settings.public_url)
        phones = simulator.blueprint(self.replies, self.clock)
        incidents = routes.blueprint(self.incidents, self.rules)
        action_routes.add(incidents, self.incidents)
        return (
            incidents,
            roster_routes.blueprint(self.rosters, self.roster_view, self.calendars, self.clock),
            message_routes.blueprint(self.incidents),
            inbound,
            twilio_routes.blueprint(twilio, self.replies, self.receipts, self.clock),
            *([phones] if self.settings.is_trial(Channel.SMS) else []),
            *self._answer_pages(),
        )

    def task_handlers(self) -> Sequence[TaskHandler]:
        """Who handles which kind of item."""
        sender = self._sender()
        summaries, notices = Summaries(self.incidents, sender), Notices(self.incidents, sender)
        return (
            TaskHandler(
                items.INCIDENT,
                self.incidents.on_time,
                together=self.incidents.on_time_together,
                tried_on_for=FOR_EVER,
            ),
            TaskHandler(items.MESSAGE, sender.message, sender.on_dead),
            TaskHandler(items.ANSWER, sender.answer),
            TaskHandler(items.MAIL_ANSWER, sender.mail_answer),
            TaskHandler(items.OWNER_NOTICE, sender.owner_notice),
            TaskHandler(items.SUMMARY, summaries.handle, summaries.on_dead),
            TaskHandler(items.NOTICES, notices.handle, notices.on_dead),
            TaskHandler(items.HEARD, Answers(self.incidents).handle, tried_on_for=A_DAY),
            TaskHandler(items.ENDING, IncidentCallbacks(self.messaging.webhooks).handle),
            TaskHandler(forgetting.KIND, Forgetting(self.incidents).handle),
            TaskHandler(outcomes.KIND, self.rule_incidents.handle, tried_on_for=A_DAY),
        )

    def mailbox(self) -> MailboxReader | None:
        """The reader of the mailbox in which answers and reports arrive; None without a mailbox."""
        server = self.settings.mailbox_url
        if server is None:
            return None
        from service.channels import ImapMailbox

        return MailboxReader(ImapMailbox(server, self.clock), self.incidents.store, self.clock, self.mails.receive)

    def _addressee(self, delivery_id: str) -> str | None:
        """The address that a mail went to: a contact's, or a recipient's."""
        item = self.incidents.store.get(delivery_id)
        if item is None or item.kind != items.MESSAGE:
            return None if item is None else self.messaging.address_of(item)
        outgoing = items.outgoing_of(item)
        contact = self.incidents.get(outgoing.incident_id).incident.contact(outgoing.contact)
        return None if contact is None else contact.email

    def _of_a_notification(self, receipt: Receipt) -> None:
        if (known := delivery_receipt(receipt)) is not None:
            self.messaging.receipts.receive(known)

    def _answer_pages(self) -> Sequence[Blueprint]:
        """The page behind the links, where there are any."""
        if self.links is None:
            return ()
        templates, catalogues = self.messaging.templates, self.messaging.catalogues
        sender = self.settings.sender_name or ""
        pages = AnswerPages(self._wording(), templates, catalogues, self.clock, sender)
        return (link_routes.blueprint(self.incidents, self.links, self.clock, pages),)

    def _wording(self) -> Wording:
        settings = self.settings
        house = SenderDetails(
            sender=settings.sender_name or "",
            help=settings.help_contact or "",
            sms_plain=settings.sms_plain,
            reads_mail=self.reply_to is not None,
            number=number_to_text(settings),
        )
        return Wording(self.messaging.templates, self.messaging.catalogues, self.phones, house)

    def _sender(self) -> IncidentSender:
        messaging, wording = self.messaging, self._wording()
        return IncidentSender(
            self.incidents,
            wording,
            messaging.carriers,
            messaging.slots,
            messaging.opt_outs,
            self.links,
            self.reply_to,
            messaging.pauses,
        )


def number_to_text(settings: Settings) -> str:
    """Our own number (E.164) that receives answers by SMS. Empty if none is known, or if nothing is really sent."""
    listed = [sender.origin for senders in settings.senders.by_country.values() for sender in senders if sender.two_way]
    numbers = (settings.twilio_identity, settings.phone_identity, *listed)
    known = next((number for number in numbers if number is not None and number.startswith("+")), "")
    return "" if settings.is_trial(Channel.SMS) else known


_STATUS = {
    ReceiptStatus.DELIVERED: DeliveryStatus.DELIVERED,
    ReceiptStatus.UNREACHED: DeliveryStatus.FAILED,
    ReceiptStatus.REFUSED: DeliveryStatus.FAILED,
    ReceiptStatus.UNKNOWN: DeliveryStatus.UNKNOWN,
}


def delivery_receipt(receipt: Receipt) -> DeliveryReceipt | None:
    """A provider's receipt as one of a notification's delivery; None while the message is still under way."""
    status = _STATUS.get(receipt.fate)
    if status is None:
        return None
    return DeliveryReceipt(receipt.provider_id, status, receipt.status, receipt.at, receipt.delivery_id)
