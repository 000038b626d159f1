"""Random events, replays, reorderings and clock jumps against what must hold of every incident and of its commits."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, precondition, rule

from service.channels.contact_keys import ContactKeys
from service.core.enums import Channel
from service.escalate.effects import NOTHING, Effects, IncidentMessage, TimelineKind
from service.escalate.events import (
    ApiAcknowledge,
    ApiCancel,
    ApiEscalate,
    ApiReopen,
    ApiResolve,
    DeliveryFailed,
    Event,
    Failure,
    Opened,
    PageSent,
    Reply,
    ReplyDone,
    ReplyLater,
    ReplyNo,
    ReplyUnclear,
    ReplyUndo,
    ReplyWho,
    ReplyYes,
    SameAlert,
    Timer,
)
from service.escalate.incident import Contact, Incident
from service.escalate.items import message_id
from service.escalate.phone_book_changes import PhoneBooks
from service.escalate.policy import PAGING, EscalationPolicy, Level, OnNo, Role
from service.escalate.record import IncidentRecord, lines
from service.escalate.states import Ending, Open, Unacknowledged
from service.escalate.steps import IncidentChange, TransitionResult, moved, written
from service.escalate.unreached import GIVEN_UP_AFTER
from service.escalate.waits import WaitFor, WaitUntil
from service.storage.sqlite import SqliteStore
from tests.unit.incidents import START

ROSTERS = ("pumps", "gas")
PHONES = ("+447700900001", "+447700900002", "+447700900003", None)
NUMBERS = st.integers(1, 4)

levels = st.builds(
    Level,
    contacts=st.lists(NUMBERS, min_size=1, max_size=3, unique=True).map(tuple),
    channels=st.lists(st.sampled_from(Channel), min_size=1, max_size=3, unique=True).map(tuple),
    wait=st.sampled_from([WaitFor(40), WaitFor(7200), WaitUntil(8, 0), WaitUntil(2, 30)]),
    reminders=st.integers(0, 2),
)
policies = st.builds(
    EscalationPolicy,
    name=st.just("drawn"),
    levels=st.lists(levels, min_size=1, max_size=3).map(tuple),
    on_no=st.sampled_from([OnNo.ESCALATE, OnNo.ESCALATE, OnNo.END]),
    last_resort=st.lists(st.sampled_from(Channel), unique=True).map(tuple),
    undo=st.sampled_from([None, 0, 86_400]),
    later=st.sampled_from([0, 7_200]),
    renew=st.sampled_from([0, 1_800]),
    repeat=st.integers(0, 2),
)
REOPENING = (ApiReopen, ApiEscalate, ReplyNo, ReplyUndo, Timer)
"""What may make an incident open that somebody has; of one that is over only `ApiReopen`."""
people = st.tuples(
    st.sampled_from(PHONES),
    st.sampled_from(["a@example.com", "b@example.com", None]),
    st.sampled_from(["Europe/Berlin", "America/New_York", None]),
)


def contacts(drawn: Sequence[tuple[str | None, str | None, str | None]]) -> tuple[Contact, ...]:
    return tuple(Contact(n, phone=phone, email=mail, timezone=zone) for n, (phone, mail, zone) in enumerate(drawn, 1))


def place(incident: Incident) -> tuple[int, int] | None:
    """Where an open incident is: level and attempt."""
    return (incident.state.level, incident.state.attempt) if isinstance(incident.state, Open) else None


NOTHING_STORED = SqliteStore(Path(tempfile.mkdtemp()) / "empty.db")
"""The machine commits nothing: the books of its phones live in its own hands."""


class IncidentMachine(RuleBasedStateMachine):
    events = Bundle("events")
    record: IncidentRecord
    now: datetime = START

    @property
    def incident(self) -> Incident:
        return self.record.incident

    @initialize(
        under=policies,
        drawn=st.lists(people, min_size=1, max_size=3),
        rosters=st.lists(st.sampled_from(ROSTERS), max_size=2),
    )
    def begin(
        self,
        under: EscalationPolicy,
        drawn: Sequence[tuple[str | None, str | None, str | None]],
        rosters: Sequence[str],
    ) -> None:
        who = contacts(drawn)
        who += tuple(Contact(n, roster=name) for n, name in enumerate(rosters, len(who) + 1))
        under = under.covering(len(who))
        incident = Incident("i", "Pump 1 failed", None, who, under, START, Open(0, 0, START))
        self.record = IncidentRecord(incident, "app", "sha256")
        self.books = PhoneBooks(NOTHING_STORED, ContactKeys(b"secret"))
        self.applied: set[str] = set()
        self.numbers: list[int] = []
        self.count = 0
        self.on_call: tuple[Contact, ...] = ()

    def name(self) -> str:
        self.count += 1
        return f"event-{self.count}"

    def happens(self, event: Event) -> None:
        before = self.incident
        move = moved(None, self.record, event, self.on_call)
        if move is None:
            self.check_step(before, event, NOTHING)
            return
        committed = written(move, self.books)
        self.record = committed.record
        self.check_step(before, event, move.effects)
        self.check_commit(move, committed)

    @rule(roster=st.sampled_from(ROSTERS), who=people | st.none())
    def hands_over(self, roster: str, who: tuple[str | None, str | None, str | None] | None) -> None:
        others = tuple(each for each in self.on_call if each.on_call != roster)
        comes = () if who is None else (Contact(0, who[0], email=who[1], timezone=who[2], on_call=roster),)
        self.on_call = others + comes

    @rule(minutes=st.sampled_from([0, 1, 60, 60 * 30, -1, -60 * 26]))
    def clock_jumps(self, minutes: int) -> None:
        self.now += timedelta(minutes=minutes)

    @rule(target=events)
    def opens(self) -> Event:
        event = Opened(self.now)
        self.happens(event)
        return event

    @rule(target=events)
    def timer_fires(self) -> Event:
        event = Timer(self.now)
        self.happens(event)
        return event

    @precondition(lambda self: self.incident.state.name == "open")
    @rule(late=st.integers(0, 100_000), turn=st.sampled_from([None, None, -60, 0, 600]))
    def time_is_up(self, late: int, turn: int | None) -> None:
        """`turn` is in seconds from now, where a page of the level waits for its turn."""
        assert self.incident.due_at is not None
        self.now = self.incident.due_at + timedelta(seconds=late)
        before = self.incident
        self.happens(Timer(self.now, None if turn is None else self.now + timedelta(seconds=turn)))
        assert self.incident != before, "a due timer always moves an open incident"
        if turn is not None and before.leaving():
            assert place(self.incident) == place(before), "a level waits for pages that wait for us"

    @precondition(lambda self: self.incident.pages)
    @rule(target=events, which=st.integers(0, 9), earlier=st.integers(0, 2))
    def a_page_leaves(self, which: int, earlier: int) -> Event:
        """The page's present message, or one of those before it, that a provider took late."""
        page = self.incident.pages[-1 - which % len(self.incident.pages)]
        event = PageSent(self.now, page.contact, page.level, page.channel, max(1, page.message - earlier), self.now)
        self.happens(event)
        return event

    @precondition(lambda self: self.incident.state.name == "open" and self.incident.leaving())
    @rule(target=events)
    def all_pages_of_the_level_leave(self) -> Event:
        for page in self.incident.leaving():
            event = PageSent(self.now, page.contact, page.level, page.channel, page.message, self.now)
            self.happens(event)
        return event

    @precondition(lambda self: self.incident.pages)
    @rule(target=events, which=st.integers(0, 9))
    def answers_no_to_a_page(self, which: int) -> Event:
        page = self.incident.pages[-1 - which % len(self.incident.pages)]
        event = ReplyNo(self.name(), self.now, page.contact, page.level)
        self.happens(event)
        return event

    @precondition(lambda self: self.incident.pages)
    @rule(target=events, which=st.integers(0, 9), why=st.sampled_from(Failure))
    def a_page_does_not_arrive(self, which: int, why: Failure) -> Event:
        page = self.incident.pages[-1 - which % len(self.incident.pages)]
        event = DeliveryFailed(self.name(), self.now, page.contact, page.level, page.channel, why)
        self.happens(event)
        return event

    @rule(target=events, contact=NUMBERS, level=st.integers(1, 6))
    def says_no(self, contact: int, level: int) -> Event:
        event = ReplyNo(self.name(), self.now, contact, level)
        self.happens(event)
        return event

    @rule(target=events, contact=NUMBERS, level=st.integers(1, 6))
    def says_yes(self, contact: int, level: int) -> Event:
        event = ReplyYes(self.name(), self.now, contact, level)
        self.happens(event)
        return event

    @rule(
        target=events,
        contact=NUMBERS,
        level=st.integers(1, 6),
        channel=st.sampled_from(Channel),
        why=st.sampled_from(Failure),
    )
    def page_fails(self, contact: int, level: int, channel: Channel, why: Failure) -> Event:
        event = DeliveryFailed(self.name(), self.now, contact, level, channel, why)
        self.happens(event)
        return event

    @rule(target=events, contact=st.none() | NUMBERS)
    def acknowledged_by_api(self, contact: int | None) -> Event:
        event = ApiAcknowledge(self.name(), self.now, "desk", contact)
        self.happens(event)
        return event

    @rule(target=events)
    def cancelled_by_api(self) -> Event:
        event = ApiCancel(self.name(), self.now, "desk")
        self.happens(event)
        return event

    @precondition(lambda self: self.incident.pages)
    @rule(
        target=events,
        which=st.integers(0, 9),
        kind=st.sampled_from([ReplyDone, ReplyUndo, ReplyWho, ReplyLater, ReplyNo, ReplyYes]),
    )
    def answers_a_page(self, which: int, kind: type[Reply]) -> Event:
        page = self.incident.pages[-1 - which % len(self.incident.pages)]
        event = kind(self.name(), self.now, page.contact, page.level)
        self.happens(event)
        return event

    @precondition(lambda self: self.incident.pages)
    @rule(target=events, which=st.integers(0, 9), leans=st.booleans())
    def writes_what_is_unclear(self, which: int, leans: bool) -> Event:
        page = self.incident.pages[-1 - which % len(self.incident.pages)]
        event = ReplyUnclear(self.name(), self.now, page.contact, page.level, "unclear", leans)
        before = self.incident
        self.happens(event)
        assert self.incident.state.name == before.state.name
        later = self.incident.due_at != before.due_at
        assert later <= leans, "only who leans to yes has one more wait"
        assert sum(each.waited for each in self.incident.pages) == sum(each.waited for each in before.pages) + (
            leans and any(a.waited and not b.waited for a, b in zip(self.incident.pages, before.pages, strict=True))
        )
        return event

    @rule(target=events, kind=st.sampled_from([ApiReopen, ApiEscalate]))
    def reopened_or_passed_on(self, kind: type[ApiReopen | ApiEscalate]) -> Event:
        event = kind(self.name(), self.now, "desk")
        self.happens(event)
        return event

    @rule(target=events, contact=st.none() | NUMBERS)
    def resolved_by_api(self, contact: int | None) -> Event:
        event = ApiResolve(self.name(), self.now, "desk", contact)
        self.happens(event)
        return event

    @rule(target=events)
    def the_alert_comes_again(self) -> Event:
        event = SameAlert(self.name(), self.now)
        counts = self.incident.state.name in ("open", "acknowledged")
        before = self.incident.times
        self.happens(event)
        assert self.incident.times == before + counts
        return event

    @precondition(lambda self: self.incident.state.name == "acknowledged" and self.incident.due_at is not None)
    @rule()
    def time_to_say_that_one_is_on_it(self) -> None:
        assert self.incident.due_at is not None
        self.now = self.incident.due_at
        before = self.incident
        self.happens(Timer(self.now))
        assert self.incident != before, "a due timer moves it"

    @rule(event=events)
    def comes_again(self, event: Event) -> None:
        self.happens(event)

    @rule(target=events, event=events)
    def held_up_and_delivered_late(self, event: Event) -> Event:
        """The same thing said again later, as another message would."""
        match event:
            case Opened() | Timer() | PageSent():
                again: Event = replace(event, at=self.now)
            case _:
                again = replace(event, id=self.name(), at=self.now)
        self.happens(again)
        return again

    def check_step(self, before: Incident, event: Event, effects: Effects) -> None:
        after = self.incident
        asked_to_act = [message for message in effects.messages if message.role in PAGING]
        self.check_applied_once(before, event, effects)
        self.check_reminders(before, effects)
        self.check_leaving(before, event, effects)
        self.check_ends(before, event)
        if after.state.name in ("acknowledged", "cancelled", "resolved"):
            assert not asked_to_act, "nobody is paged once somebody has it or it is over"
        if isinstance(before.state, Open) and isinstance(after.state, Open):
            paused = after.state.level == 0 and after.not_sent is not None
            assert paused or after.rounds > before.rounds or after.state.level >= before.state.level, (
                "levels only go up, unless no page could be sent"
            )
            entered = {m.level for m in asked_to_act if m.role is Role.PAGE} - {before.state.level}
            assert len(entered) <= 1, "one event enters at most one level"
            if after.state.level > before.state.level and isinstance(event, ReplyNo):
                assert event.level == before.state.level, "only a no of the present level escalates"
        present = isinstance(before.state, Open) and isinstance(event, ReplyNo) and event.level == before.state.level
        if isinstance(event, ReplyNo) and not present and not before.is_owner(event.contact):
            assert after.state == before.state, "a late no only gets an answer"
        told = [(line.role, line.contact, line.channel) for line in effects.timeline if line.kind is TimelineKind.SENT]
        assert told == [(m.role, m.contact, m.channel) for m in effects.messages], "the timeline shows every message"
        self.numbers += [message.number for message in effects.messages]

    def check_ends(self, before: Incident, event: Event) -> None:
        after = self.incident
        match before.state.name, after.state.name:
            case "acknowledged", "open":
                assert isinstance(event, REOPENING)
                assert not isinstance(event, ReplyNo | ReplyUndo) or before.is_owner(event.contact), (
                    "others give nothing back"
                )
            case "unacknowledged" | "resolved" | "cancelled", "open":
                assert isinstance(event, ApiReopen), "what is over is not opened again"
            case "resolved", "acknowledged":
                assert isinstance(event, ReplyUndo)
            case "cancelled", end:
                assert end == "cancelled" or isinstance(event, ApiReopen)
            case "resolved", end:
                assert end == "resolved" or isinstance(event, ApiReopen)
            case "acknowledged", end:
                assert end in ("acknowledged", "resolved") or isinstance(event, REOPENING)

    def check_reminders(self, before: Incident, effects: Effects) -> None:
        reminded = {(m.level, m.contact) for m in effects.messages if m.role is Role.REMINDER}
        had = {(page.level, page.contact) for page in before.pages if page.has_left}
        assert reminded <= had, "only whose page left is reminded"

    def check_leaving(self, before: Incident, event: Event, effects: Effects) -> None:
        after = self.incident
        for message in effects.messages:
            contact = after.contacts[message.contact - 1]
            if message.role is Role.ESCALATED:
                assert before.has_left(message.level, contact), "who was not paged is not said to be silent"
            if message.role is Role.EXHAUSTED and not isinstance(event, ReplyNo | ReplyWho):
                assert before.was_paged_at_all(contact), "who never heard of it is not told that nobody took it"
        if isinstance(event, PageSent) and isinstance(before.state, Open) and isinstance(after.state, Open):
            assert (after.state.level, after.state.attempt) == (before.state.level, before.state.attempt)
            assert after.state.due_at >= before.state.due_at, "a page that left shortens no wait"
            if event.level == before.state.level and before.page(event.level, event.contact):
                assert after.state.due_at >= before.wait_after(event.level, event.at), "its wait begins when it left"
        if isinstance(after.state, Unacknowledged) and isinstance(before.state, Open):
            self.check_end(before, after.state)

    def check_end(self, before: Incident, end: Unacknowledged) -> None:
        heard_of = any(page.has_left for page in before.pages) or before.was_paged
        if end.why is Ending.SILENCE:
            assert heard_of, "nobody is silent who was not paged"
        if end.why is Ending.NOT_SENT:
            assert not heard_of
            since = before.not_sent.since if before.not_sent else min(page.at for page in before.pages)
            assert end.at - since >= GIVEN_UP_AFTER, "it is tried for a day"
        if end.why is Ending.UNREACHABLE and not heard_of and before.pages:
            lasting = before.as_if_new().next_level(0) is None or before.declined
            assert lasting or self.incident.as_if_new().next_level(0) is None, "a passing fault ends nothing"

    def check_commit(self, move: TransitionResult, committed: IncidentChange) -> None:
        """Every page is written down and audited in the commit that sends it, and the next timer is set by it.

        A last resort beyond the limit of its channel waits in the book of its address, to be told with others.
        """
        audited = [line for entry in committed.audit for line in json.loads(entry.raw_data)["timeline"]]
        assert audited == lines(move.effects.timeline)
        assert committed.record.timeline[-len(audited) :] == move.effects.timeline or not audited
        spawned = {item.id for item in committed.spawn}
        pages = [message for message in move.effects.messages if message.role in PAGING]
        for page in pages:
            assert message_id("i", page.number) in spawned or self.waits_with_others(page)
        assert committed.item.due_at == self.incident.due_at

    def waits_with_others(self, message: IncidentMessage) -> bool:
        address = self.incident.contacts[message.contact - 1].address(message.channel)
        waiting = [] if address is None else self.books[address].notices
        return message.role is Role.LAST_RESORT and message.number in [notice.number for notice in waiting]

    def check_applied_once(self, before: Incident, event: Event, effects: Effects) -> None:
        if isinstance(event, Opened | Timer | PageSent):
            return
        if event.id in self.applied:
            assert (self.incident, effects) == (before, NOTHING), "an event is applied once"
        elif (
            isinstance(event, ReplyYes)
            and before.contact(event.contact)
            and before.state.name
            not in (
                "cancelled",
                "resolved",
            )
        ):
            assert self.incident.state.name == "acknowledged", "a contact's yes takes what is not called off"
        self.applied.add(event.id)

    @invariant()
    def an_open_incident_has_a_next_timer(self) -> None:
        renews = self.incident.state.name == "acknowledged" and self.incident.policy.renew
        assert (self.incident.due_at is not None) == bool(self.incident.state.name == "open" or renews)

    @invariant()
    def messages_are_numbered_in_order(self) -> None:
        assert self.numbers == list(range(1, len(self.numbers) + 1))

    @invariant()
    def pages_go_to_addresses_there_are(self) -> None:
        for page in self.incident.pages:
            contact = self.incident.contact(page.contact)
            assert contact is not None
            assert contact.address(page.channel) is not None

    @invariant()
    def whoever_was_paged_can_answer_by_a_code_of_their_own(self) -> None:
        coded = [(self.incident.contacts[page.contact - 1].phone, page.code) for page in self.incident.pages]
        assert all((code is None) == (phone is None) for phone, code in coded)
        by_phone = [pair for pair in coded if pair[0] is not None]
        assert len(set(by_phone)) == len(by_phone)

    @invariant()
    def somebody_is_asked_while_it_is_open(self) -> None:
        state = self.incident.state
        if isinstance(state, Open) and state.level > 0:
            assert self.incident.asked(state.level)


IncidentMachine.TestCase.settings = settings(
    max_examples=2_000 if os.environ.get("TOCSIN_TEST_LONG") else 150,
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
TestIncidentMachine = IncidentMachine.TestCase
