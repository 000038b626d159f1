"""What people write back: STOP, HELP and START first, then answers to incidents."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from itertools import chain

from service.channels import InboundSms, PhoneRefused, PhoneRules
from service.core import Channel, Lane
from service.escalate.answers import AT_ONCE, Answers, ReplyCommit, each_once
from service.escalate.begun_pages import CLOCKS_DIFFER, BegunPages
from service.escalate.commands import command_of
from service.escalate.events import DeliveryFailed, Failure, ReplyUnclear
from service.escalate.incident import Incident
from service.escalate.incidents import Incidents, NoSuchIncident
from service.escalate.items import (
    BY_PROVIDER,
    MESSAGE,
    NamedPage,
    OwnerNotice,
    PhoneAnswer,
    Unfinished,
    answer_item,
    heard_item,
    outgoing_of,
    owner_notice_item,
)
from service.escalate.phonebook import ListedPage, PhoneBook, Question, Standing, listing
from service.escalate.questions import QuestionTexts, about_one, kept_words, reason_of
from service.escalate.quoted_pages import QuotedPages
from service.escalate.replies import ClearAnswer, UnderstoodReply
from service.escalate.resolution import (
    AmbiguousReply,
    ClearReply,
    NotUnderstood,
    Resolution,
    UnknownPhone,
    may_mean,
    resolve,
)
from service.escalate.wording import HELP_CONTACT
from service.messages import Keyword, OptOutReason, OptOuts
from service.recipients import Directory
from service.replies import AskReason, Languages, PhraseKind
from service.storage import AlreadyExists, Conflict, Item

logger = logging.getLogger(__name__)

PAGES_LOOKED_AT = 20
"""Pages of a question whose policies are asked whether the answer suits them all."""

STILL_ASKED = (Standing.OPEN, Standing.UNACKNOWLEDGED)
"""How an incident stands that a YES still takes; about any other its writer reads how it stands."""

_COMMANDS = {Keyword.STOP: "answer-stop", Keyword.HELP: "answer-help", Keyword.START: "answer-start"}


@dataclass(frozen=True, slots=True)
class InboundReply:
    """One SMS from a phone that may be written to. `name` is made of the provider's id of it.

    `at` is when it was written, as far as the provider tells, `keyword` what the provider took it for and answered,
    `page` the message that it surely answers.
    """

    name: str
    phone: str
    text: str
    in_reply_to: str | None
    at: datetime
    keyword: Keyword | None = None
    page: str | None = None


@dataclass(frozen=True, slots=True)
class Replies:
    """Understands what phones write."""

    incidents: Incidents
    directory: Directory
    opt_outs: OptOuts
    phones: PhoneRules
    languages: Languages
    quoted: QuotedPages

    def receive(self, sms: InboundSms) -> None:
        """Take one SMS; one that was heard before does nothing."""
        name = hashlib.sha256(sms.id.encode()).hexdigest()[:32]
        try:
            phones = [phone.e164 for phone in self.phones.senders(sms.sender)]
        except PhoneRefused:
            logger.info("An SMS came from a number that nothing may be sent to; it was not answered")
            return
        keyword = _keyword_of(sms)
        self._take(InboundReply(name, self._known(phones), sms.text, sms.in_reply_to, sms.at, keyword, sms.page))

    def _known(self, phones: Sequence[str]) -> str:
        """The form of a number that was paged, or that a profile has; else the first form."""
        if len(phones) == 1:
            return phones[0]
        books = self.incidents.books()
        paged = (phone for phone in phones if books[phone].pages)
        in_profiles = (phone for phone in phones if self.directory.by_phone(phone) is not None)
        return next(chain(paged, in_profiles, phones))

    def _take(self, heard: InboundReply) -> None:
        """Handle it, unless it was handled before; then finish what may be left."""
        new = heard_item(heard.name, self._now)
        while True:
            mark = self.incidents.store.get(new.id)
            try:
                return self._hear(heard, new) if mark is None else self._answers.finish(mark)
            except Conflict:
                continue  # the incident or the phone's book changed, or another process heard the same SMS

    def _hear(self, heard: InboundReply, mark: Item) -> None:
        commit = ReplyCommit(self.incidents.books())
        understood = UnderstoodReply(self.languages.read(heard.text, self._language(heard, commit)))
        command = command_of(heard.text, heard.keyword, understood, self._language(heard, commit))
        if command is not None:
            self._obey(heard, command)
            if heard.keyword is None:
                self._confirm(heard, command, commit)
        elif (answer := self._answer(heard, understood, commit)) is not None:
            return self._answers.begin(mark, answer, commit.books)
        changed = (*commit.items, *commit.books.changed())
        self.incidents.store.save(mark, *changed, spawn=commit.spawn, audit=commit.audit)
        return None

    @property
    def _answers(self) -> Answers:
        return Answers(self.incidents)

    @property
    def _now(self) -> datetime:
        return self.incidents.clock.now()

    def _obey(self, heard: InboundReply, command: Keyword) -> None:
        """It may be repeated, so it is not part of the commit."""
        logger.info("A phone sent %s", command.value, extra={"keyword": command.value})
        if command is Keyword.START:
            self.opt_outs.lift_phone(heard.phone)
        if command is not Keyword.STOP:
            return
        self.opt_outs.add_phone(heard.phone, OptOutReason.KEYWORD)
        self._tell_owners(heard)
        for page in self.incidents.books()[heard.phone].latest(Standing.OPEN):
            # Who wants no messages cannot be asked: the incident goes on to the next contact at once.
            for channel in self._ended_channels(page):
                name = f"{heard.name}-{page.code}" + ("" if channel is Channel.SMS else f"-{channel}")
                failed = DeliveryFailed(name, self._now, page.contact, page.level, channel, Failure.OPTED_OUT)
                self.incidents.apply(page.incident_id, failed)

    def _tell_owners(self, heard: InboundReply) -> None:
        """Tell the owners of the policies that paged this phone that one of their contacts is gone."""
        book = self.incidents.books()[heard.phone]
        paged_by = dict[str, Incident]()
        for page in book.latest(*Standing)[:PAGES_LOOKED_AT]:
            if (incident := self._incident(page)) is not None:
                paged_by.setdefault(incident.policy.name, incident)
        waits = ", ".join(page.about for page in book.latest(Standing.OPEN)[:AT_ONCE])
        for policy, incident in paged_by.items():
            contact = next((each for each in incident.contacts if each.phone == heard.phone), None)
            if incident.policy.owner is None or contact is None:
                continue
            variables = {"name": contact.label, "policy": policy, "open": waits}
            notice = OwnerNotice(incident.policy.owner, "policy-opted-out", variables)
            with suppress(AlreadyExists):
                self.incidents.store.add(owner_notice_item(f"owner-{heard.name}-{policy}", notice, self._now))

    def _ended_channels(self, page: ListedPage) -> Sequence[Channel]:
        """What STOP ends for a page; calls first where its level makes any, so that none replaces the SMS."""
        try:
            level = self.incidents.get(page.incident_id).incident.level(page.level)
        except NoSuchIncident:
            return ()
        return (Channel.VOICE, Channel.SMS) if Channel.VOICE in level.channels else (Channel.SMS,)

    def _confirm(self, heard: InboundReply, command: Keyword, commit: ReplyCommit) -> None:
        known = bool(commit.books[heard.phone].pages) or self.directory.by_phone(heard.phone) is not None
        if known:
            pages = commit.books[heard.phone].latest(Standing.OPEN) if command is Keyword.HELP else ()
            open_ones = ("answer-help-open",) if pages else ()
            contact = (HELP_CONTACT,) if command is Keyword.HELP else ()
            templates = (self._confirmation(heard, command), *open_ones, *contact)
            self._confirm_by(heard, QuestionTexts(templates, listing(pages) if pages else {}), commit)

    def _confirmation(self, heard: InboundReply, command: Keyword) -> str:
        """The template that says what a command did. START ends nothing that an administrator ordered."""
        if command is Keyword.START and self.opt_outs.ending_phone(heard.phone, Lane.INCIDENT) is not None:
            return "answer-start-refused"
        return _COMMANDS[command]

    def _answer(self, heard: InboundReply, understood: UnderstoodReply, commit: ReplyCommit) -> Unfinished | None:
        """The clear answer that was given; None where it is asked about, which `commit` then holds."""
        book = commit.books[heard.phone]
        begun = BegunPages(self.incidents.store, commit.books, heard.phone, heard.at + CLOCKS_DIFFER)
        match self._meant(understood, book, heard, begun):
            case ClearReply(answer=answer, pages=pages, minutes=minutes):
                if clear := self._clear(understood, answer, pages):
                    quiet = PhraseKind.YES not in understood.kinds
                    words = kept_words(heard.text)
                    return Unfinished(heard.phone, answer, each_once(clear), minutes, words, quiet)
                self._ask(heard, understood, pages, commit)
            case AmbiguousReply(answer=answer, pages=pages):
                looked_at = pages[:PAGES_LOOKED_AT]
                suits = answer is not None and len(self._clear(understood, answer, looked_at)) == len(looked_at)
                question = Question(self._now, answer if suits else None, understood.said.minutes)
                self._ask_which(heard, question, pages, commit)
                self._note(heard, understood, pages, commit, which=answer)
            case NotUnderstood(pages=pages):
                self._ask(heard, understood, pages, commit)
            case UnknownPhone():
                logger.info("An SMS came from a phone that was never paged; it was not answered")
        return None

    def _meant(
        self, understood: UnderstoodReply, book: PhoneBook, heard: InboundReply, begun: BegunPages
    ) -> Resolution:
        """Which pages the reply is about: all of them, the one that a reaction quotes, or those that it names."""
        decision, reply = understood.decision, understood.said
        if reply.answer and (called := self._called_about(heard, book)):
            return ClearReply(reply.answer, (called,))
        still_open = tuple(page for page in book.latest(Standing.OPEN) if begun.by_then(page))
        untaken = still_open or book.latest(Standing.UNACKNOWLEDGED)
        if reply.answer in (ClearAnswer.YES, ClearAnswer.DONE) and not reply.codes:
            done = may_mean(ClearAnswer.DONE, book, self._now, begun.by_then)
            meant = untaken if reply.answer is ClearAnswer.YES else done
            if meant and (decision.every or (decision.both and len(meant) == 2)):
                return ClearReply(reply.answer, meant)
        if decision.quote is not None:
            quoted = self.quoted.of(decision.quote, book)
            return ClearReply(reply.answer, quoted) if reply.answer and quoted else NotUnderstood(quoted or still_open)
        return resolve(reply, book, self._now, self._replied_to(heard), begun.by_then)

    def _clear(self, understood: UnderstoodReply, answer: ClearAnswer, pages: Sequence[ListedPage]) -> list[NamedPage]:
        """The pages that the reply is a clear answer to, each with what it says to that page."""
        answers = [(page, self._answer_to(understood, answer, page)) for page in pages]
        return [
            NamedPage(page.incident_id, page.contact, page.level, page.code, None if own is answer else own)
            for page, own in answers
            if own is not None
        ]

    def _answer_to(self, understood: UnderstoodReply, answer: ClearAnswer, page: ListedPage) -> ClearAnswer | None:
        """What the reply says to a page, by the page's policy: an approval takes no "got it".

        A code alone completes an answer that was clear when it was given.
        """
        try:
            incident = self.incidents.get(page.incident_id).incident
        except NoSuchIncident:
            return answer
        accepts = incident.policy.accepted(page.level)
        own = understood.answer(accepts) if understood.said.answer is not None else answer
        if own is ClearAnswer.LATER and not incident.may_be_later:
            return None
        return own if own is answer or {own, answer} == {ClearAnswer.YES, ClearAnswer.DONE} else None

    def _ask(
        self, heard: InboundReply, understood: UnderstoodReply, pages: Sequence[ListedPage], commit: ReplyCommit
    ) -> None:
        """Ask, once for each page, what was meant to be said, or which incident; what was written is noted."""
        anew = not all(page.asked for page in pages) and understood.decision.reason is not AskReason.MACHINE
        self._note(heard, understood, pages, commit, answered=anew)
        commit.books[heard.phone] = commit.books[heard.phone].asked_about(pages)
        if not anew:
            return
        if len({page.incident_id for page in pages}) > 1:
            self._ask_which(heard, Question(self._now), pages, commit, passive=True)
        elif pages[0].standing in STILL_ASKED and (incident := self._incident(pages[0])) is not None:
            decision = understood.decision_for(incident.policy.accepted(pages[0].level))
            asked = about_one(reason_of(decision, understood), understood, incident, pages[0])
            self._say(heard, asked, commit, passive=True)
            commit.books[heard.phone] = commit.books[heard.phone].asking(Question(self._now))

    def _ask_which(
        self,
        heard: InboundReply,
        question: Question,
        pages: Sequence[ListedPage],
        commit: ReplyCommit,
        *,
        passive: bool = False,
    ) -> None:
        """Ask which incident is meant. After a clear answer that is no answer to a machine: it is always asked."""
        self._say(heard, QuestionTexts(("answer-which-incident",), listing(pages)), commit, passive=passive)
        commit.books[heard.phone] = commit.books[heard.phone].asking(question)

    def _note(
        self,
        heard: InboundReply,
        understood: UnderstoodReply,
        pages: Sequence[ListedPage],
        commit: ReplyCommit,
        *,
        which: ClearAnswer | None = None,
        answered: bool = False,
    ) -> None:
        """Write down what was written, on the timelines of the incidents it may be about: the latest few of them.

        Who leans to YES, or says YES and is asked which one, has one more wait. `answered` says that nobody was asked
        about this page yet, so that where it is over its writer reads how it stands.
        """
        latest = list({page.incident_id: page for page in pages}.values())[:AT_ONCE]
        for page in latest:
            incident = self._incident(page)
            if incident is None:
                continue
            decision = understood.decision_for(incident.policy.accepted(page.level))
            event = ReplyUnclear(
                id=f"{heard.name}-{page.code}",
                at=self._now,
                contact=page.contact,
                level=page.level,
                why="which" if which else reason_of(decision, understood).value,
                leans_yes=which in (ClearAnswer.YES, ClearAnswer.DONE) or decision.leans_yes,
                answered=answered and len(latest) == 1,
                words=kept_words(heard.text) if incident.policy.keep_words else None,
            )
            self._add(self.incidents.item(page.incident_id), event, commit)

    def _add(self, item: Item, event: ReplyUnclear, commit: ReplyCommit) -> None:
        changed = self.incidents.change_of(item, event, commit.books)
        if changed is not None:
            commit.items.append(changed.item)
            commit.spawn += changed.spawn
            commit.audit += changed.audit

    def _incident(self, page: ListedPage) -> Incident | None:
        try:
            return self.incidents.get(page.incident_id).incident
        except NoSuchIncident:
            return None

    def _confirm_by(self, heard: InboundReply, question: QuestionTexts, commit: ReplyCommit) -> None:
        """Confirm a command; somebody who sends one after the other gets no answer after a few."""
        book = commit.books[heard.phone]
        if book.may_confirm(self._now):
            commit.books[heard.phone] = book.confirmed(self._now)
            self._answer_by(heard, question, commit, commanded=True)

    def _say(self, heard: InboundReply, question: QuestionTexts, commit: ReplyCommit, *, passive: bool) -> None:
        """Answer by SMS; a `passive` answer counts, so that two machines that answer each other fall silent."""
        book = commit.books[heard.phone]
        if passive and not book.may_answer(self._now):
            return
        if passive:
            commit.books[heard.phone] = book.answered(self._now)
        self._answer_by(heard, question, commit, commanded=False)

    def _answer_by(self, heard: InboundReply, question: QuestionTexts, commit: ReplyCommit, *, commanded: bool) -> None:
        first, *then = question.templates
        language = self._language(heard, commit)
        answer = PhoneAnswer(heard.phone, language, first, question.variables, commanded, tuple(then))
        commit.spawn.append(answer_item(heard.name, answer, self._now))

    def _language(self, heard: InboundReply, commit: ReplyCommit) -> str | None:
        """The language of the person who was paged last on this phone, else of a recipient who has it."""
        pages = commit.books[heard.phone].pages
        if pages:
            return self._language_of(pages[-1])
        person = self.directory.by_phone(heard.phone)
        return None if person is None else person.language

    def _language_of(self, page: ListedPage) -> str | None:
        try:
            contact = self.incidents.get(page.incident_id).incident.contact(page.contact)
        except NoSuchIncident:
            return None
        return None if contact is None else contact.language

    def _called_about(self, heard: InboundReply, book: PhoneBook) -> ListedPage | None:
        """The page that a call read out while a key was pressed."""
        item = None if heard.page is None else self.incidents.store.get(heard.page)
        if item is None or item.kind != MESSAGE:
            return None
        incident = outgoing_of(item).incident_id
        return next((page for page in book.latest(*Standing) if page.incident_id == incident), None)

    def _replied_to(self, heard: InboundReply) -> str | None:
        """The incident of the message that the person appears to answer."""
        asked = heard.in_reply_to
        items = () if asked is None else self.incidents.store.by_index(BY_PROVIDER, asked, limit=1).items
        return next((outgoing_of(item).incident_id for item in items if item.kind == MESSAGE), None)


def _keyword_of(sms: InboundSms) -> Keyword | None:
    return Keyword(sms.keyword) if sms.keyword in set(Keyword) else None
