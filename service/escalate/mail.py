"""What comes back by mail: answers to pages, and reports of what became of our mails.

An answer counts by the token of the page that it answers, which only whoever got that page can know: a From line proves
nothing. What a machine wrote never answers.
"""

from __future__ import annotations

import hashlib
import logging
import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from prometheus_client import Counter

from service.channels import (
    BouncedRecipient,
    DeliveryReport,
    MailTokens,
    Receipt,
    ReceiptStatus,
    ReceivedMail,
    Unwanted,
    is_gone,
)
from service.core import Channel, caseless, fold
from service.escalate.answers import event_of
from service.escalate.events import Origin, ReplyUnclear, Via
from service.escalate.incident import Contact, Incident
from service.escalate.incidents import Incidents, NoSuchIncident
from service.escalate.items import BY_MAIL_TOKEN, MESSAGE, MailAnswer, Outgoing, mail_answer_item, outgoing_of
from service.escalate.policy import PAGING
from service.escalate.questions import kept_words, reason_of
from service.escalate.receipts import Receipts
from service.escalate.replies import ClearAnswer, UnderstoodReply
from service.replies import Accepts, AskReason, Languages, PhraseKind, without_quotes
from service.storage import AlreadyExists, Item

logger = logging.getLogger(__name__)

RECEIVED = Counter("tocsin_mails_received_total", "Mails that came back, by what they were.", ["kind"])

MAX_TOKENS = 10
"""Tokens of one mail that are looked up."""

_TOKEN = re.compile(r"[^a-z2-7]([a-z2-7]{26})@")
_FATES = {"delivered": ReceiptStatus.DELIVERED, "failed": ReceiptStatus.REFUSED, "delayed": ReceiptStatus.IN_FLIGHT}
"""What became of a mail, by a report's Action (RFC 3464, 2.3.3). `relayed` and `expanded` say nothing for sure."""

Addressee = Callable[[str], str | None]
"""The address that a message of ours went to, by the id of its delivery; None if it is not known any more."""


@dataclass(frozen=True, slots=True)
class AnsweredMail:
    """The page that a mail answers."""

    item: Item
    outgoing: Outgoing
    incident: Incident
    contact: Contact


@dataclass(frozen=True, slots=True)
class MailReplies:
    """Takes mails. The same one twice changes nothing."""

    incidents: Incidents
    languages: Languages
    tokens: MailTokens
    receipts: Receipts
    addressee: Addressee

    def receive(self, mail: ReceivedMail) -> None:
        """Take one mail: an answer, a report, or neither."""
        kind = self._taken(mail)
        RECEIVED.labels(kind).inc()
        logger.info("A mail came back: %s", kind, extra={"mail": mail.id})

    def _taken(self, mail: ReceivedMail) -> str:
        if mail.report is not None:
            return self._reported(mail.report)
        if mail.automatic:
            return "automatic"
        answered = self._answered(mail)
        return "stranger" if answered is None else self._answer(mail, answered)

    def _answer(self, mail: ReceivedMail, page: AnsweredMail) -> str:
        text = _own_words(mail.text, page.contact)
        understood = UnderstoodReply(self.languages.read(text, page.contact.language))
        accepts = page.incident.policy.accepted(page.outgoing.level)
        answer = understood.answer(accepts)
        name = hashlib.sha256(f"{mail.id} {page.item.id}".encode()).hexdigest()[:32]
        words = kept_words(text) if page.incident.policy.keep_words else None
        if answer is None or (answer is ClearAnswer.LATER and not page.incident.may_be_later):
            self._ask(name, understood, accepts, page, words)
            return "unclear"
        event = event_of(
            name,
            answer,
            page.outgoing,
            self.incidents.clock.now(),
            minutes=understood.decision.minutes,
            origin=Origin(Via.EMAIL),
            words=words,
            quiet=PhraseKind.YES not in understood.kinds,
        )
        self.incidents.apply(page.incident.id, event)
        return answer.value

    def _ask(
        self, name: str, understood: UnderstoodReply, accepts: Accepts, page: AnsweredMail, words: str | None
    ) -> None:
        """Write it down, and say once for a page that it could not be read: two machines must not go on writing to
        each other. A person who leans to YES gets one more wait."""
        decision, outgoing = understood.decision_for(accepts), page.outgoing
        reason, now = reason_of(decision, understood), self.incidents.clock.now()
        event = ReplyUnclear(
            id=name,
            at=now,
            contact=outgoing.contact,
            level=outgoing.level,
            why=reason.value,
            leans_yes=decision.leans_yes,
            origin=Origin(Via.EMAIL),
            words=words,
        )
        self.incidents.apply(page.incident.id, event)
        if reason is not AskReason.MACHINE:
            asked = MailAnswer(page.incident.id, outgoing.contact, outgoing.level, outgoing.number)
            with suppress(AlreadyExists):
                self.incidents.store.add(mail_answer_item(asked, now))

    def _answered(self, mail: ReceivedMail) -> AnsweredMail | None:
        """The page by the token in the address, else by the id of the message that is answered."""
        for token in dict.fromkeys(_TOKEN.findall(mail.addressed)[:MAX_TOKENS]):
            for item in self.incidents.store.by_index(BY_MAIL_TOKEN, token, limit=1).items:
                if self.tokens.is_of(token, item.id):
                    return self._page(item)
        reference = self.tokens.read(mail.answered)
        named = None if reference is None else self.incidents.store.get(reference.delivery_id)
        return None if named is None else self._page(named)

    def _page(self, item: Item) -> AnsweredMail | None:
        if item.kind != MESSAGE:
            return None
        outgoing = outgoing_of(item)
        try:
            incident = self.incidents.get(outgoing.incident_id).incident
        except NoSuchIncident:
            return None
        contact = incident.contact(outgoing.contact)
        asks = outgoing.role in PAGING and outgoing.channel is Channel.EMAIL
        return AnsweredMail(item, outgoing, incident, contact) if contact is not None and asks else None

    def _reported(self, report: DeliveryReport) -> str:
        """What a report says of a mail of ours; one that only its reader could have written ends no other's mail."""
        named = next((name for name in report.message_ids if self.tokens.read([name]) is not None), "")
        reference, recipient = self.tokens.read([named]), next(iter(report.recipients), None)
        if reference is None or recipient is None or recipient.action not in _FATES:
            return "other report"
        status = f"DSN/{recipient.action}/{recipient.status}"[:64]
        receipt = Receipt(
            provider_id=named,
            channel=Channel.EMAIL,
            fate=_FATES[recipient.action],
            status=status,
            at=self.incidents.clock.now(),
            delivery_id=reference.delivery_id,
            attempt=reference.attempt,
        )
        self.receipts.receive(self._with_address(receipt, recipient))
        return "report"

    def _with_address(self, receipt: Receipt, recipient: BouncedRecipient) -> Receipt | Unwanted:
        """The receipt, and the address that is gone: the one that we wrote to, never one that only the report names."""
        if receipt.fate is not ReceiptStatus.REFUSED or not is_gone(recipient.status):
            return receipt
        address = self.addressee(receipt.delivery_id or "")
        if address is None or caseless(address) != caseless(recipient.address):
            return receipt
        return Unwanted(receipt, (address,))


def _own_words(text: str, contact: Contact) -> str:
    """What its writer wrote above the quotes, without their own name as last words."""
    lines = without_quotes(text).splitlines()
    own = frozenset(fold(contact.name or "").split())
    while lines and (not lines[-1].strip() or (own and own.issuperset(fold(lines[-1]).split()))):
        lines.pop()
    return "\n".join(lines)
