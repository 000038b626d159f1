"""Turns of drawn batches against what must hold of each, reckoned from what was drawn and from nothing of ours.

First one turn, then the whole life of a batch: providers answer as they like and workers die at the worst moment.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import cycle
from zoneinfo import ZoneInfo

from hypothesis import example, given, settings
from hypothesis import strategies as st

from service.channels import Accepted, Outcome, Reason, Refused, SendResult, Unknown
from service.core.enums import Channel, Lane
from service.messages import parse_quiet_hours
from service.notify.digests import DigestOutcome, DigestWaits
from service.notify.model import LEFT_TO_SEND, UNTOUCHED, DeliveryBatch, DeliveryStatus, delivery_item
from service.notify.sending.choose import IN_DOUBT, WRITES, TurnInput, choose
from service.notify.sending.copies import Copy
from service.notify.sending.plan import Drop, Hold, Send
from service.notify.sending.settle import Settled, settle
from service.notify.sending.turn import DeliveryRecord, HandOver, Later
from service.storage import Item
from service.work import POLICIES
from tests.unit.batches import NOON, Rates, Reader, turn_input

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
NIGHT = (22, 7)
"""The quiet hours of these tests: from 22:00 on, until 7:00."""

QUIET = parse_quiet_hours("22:00-07:00")

BEFORE = (None, DeliveryStatus.PENDING, DeliveryStatus.SENDING, DeliveryStatus.ACCEPTED, DeliveryStatus.FAILED)

readers = st.builds(
    Reader,
    channel=st.sampled_from(Channel),
    has_address=st.sampled_from([True, True, True, False]),
    language=st.sampled_from(["en", "en", "en", "fr"]),
    zone=st.sampled_from([None, "Europe/Berlin", "Asia/Tokyo", "America/Los_Angeles"]),
    is_guest=st.booleans(),
    is_removed=st.sampled_from([False, False, False, True]),
    refuses=st.sampled_from([False, False, False, True]),
    status=st.sampled_from(BEFORE),
    has_record=st.booleans(),
    attempt=st.sampled_from([0, 1, 5, 7, 9]),
    retry_in=st.sampled_from([None, None, -HOUR, 8 * HOUR]),
    is_paced=st.booleans(),
)
untouched_readers = readers.map(lambda reader: replace(reader, status=None, has_record=False, attempt=0, retry_in=None))
nows = st.integers(0, 23).map(lambda hours: NOON + hours * HOUR)
channels = st.frozensets(st.sampled_from(Channel))
outcomes = st.one_of(
    st.just(Accepted("p1")),
    st.just(Unknown("cut off")),
    st.builds(
        Refused,
        reason=st.sampled_from(Reason),
        detail=st.just("why"),
        retry_after=st.sampled_from([timedelta(0), 90 * MINUTE]),
        gone=st.booleans(),
    ),
    st.builds(
        Refused,
        reason=st.sampled_from([Reason.LIMIT, Reason.THROTTLED, Reason.LATER]),
        detail=st.just("not now"),
        retry_after=st.just(90 * MINUTE),
        untried=st.just(True),
    ),
)


@dataclass(frozen=True, slots=True)
class Drawn:
    """What a turn is drawn from."""

    readers: Sequence[Reader]
    lane: Lane
    now: datetime
    window: timedelta | None
    has_night: bool
    in_our_store: frozenset[Channel]
    resting: frozenset[Channel]
    at_once: int
    shares_calls: bool

    def input(self) -> TurnInput:
        return turn_input(
            self.readers,
            lane=self.lane,
            now=self.now,
            window=self.window,
            quiet=QUIET if self.has_night else None,
            in_our_store=self.in_our_store,
            rates=Rates(dict.fromkeys(self.resting, self.now + HOUR), self.at_once),
            shares_calls=self.shares_calls,
        )


def drawn(of: st.SearchStrategy[Reader], most: int = 12) -> st.SearchStrategy[Drawn]:
    return st.builds(
        Drawn,
        readers=st.lists(of, max_size=most),
        lane=st.sampled_from(Lane),
        now=nows,
        window=st.sampled_from([None, None, HOUR]),
        has_night=st.booleans(),
        in_our_store=channels,
        resting=st.frozensets(st.sampled_from(Channel), max_size=2),
        at_once=st.sampled_from([1, 3, 100]),
        shares_calls=st.booleans(),
    )


def is_asleep(reader: Reader, case: Drawn) -> bool:
    there = case.now.astimezone(ZoneInfo(reader.zone or "UTC")).hour
    return case.has_night and case.lane is not Lane.INCIDENT and (there >= NIGHT[0] or there < NIGHT[1])


def may_leave(reader: Reader, case: Drawn) -> bool:
    """Whether a message may go to a reader now, by all that is known of them."""
    is_wanted = reader.has_address and not reader.is_removed and not reader.refuses and reader.language == "en"
    was_in_doubt = reader.status is DeliveryStatus.SENDING and case.lane is not Lane.INCIDENT
    has_record = reader.has_record and reader.status is not None
    waits = has_record and reader.retry_in is not None and NOON + reader.retry_in > case.now
    is_for_a_digest = case.window is not None and case.lane is not Lane.INCIDENT and not reader.is_guest
    return is_wanted and not (was_in_doubt or waits or is_for_a_digest or is_asleep(reader, case))


def in_turn(case: Drawn) -> tuple[TurnInput, HandOver | Later]:
    turn = case.input()
    return turn, choose(turn)


def by_name(turn: TurnInput, case: Drawn) -> Mapping[str, Reader]:
    return dict(zip(turn.batch.recipients, case.readers, strict=True))


@given(drawn(readers))
@example(Drawn([Reader(refuses=True)], Lane.INCIDENT, NOON, None, False, frozenset(), frozenset(), 100, False))
def test_nothing_leaves_that_may_not(case: Drawn) -> None:
    turn, choice = in_turn(case)
    for copy, message in choice.leaving if isinstance(choice, HandOver) else ():
        reader = by_name(turn, case)[copy.delivery.id]
        assert may_leave(reader, case), reader
        assert message.channel is reader.channel
        assert message.channel not in case.resting
        assert message.reference.delivery_id == copy.delivery.id


@given(drawn(readers))
def test_whatever_may_leave_leaves_within_the_limits_of_a_turn(case: Drawn) -> None:
    turn, choice = in_turn(case)
    copies: Sequence[Copy] = choice.copies if isinstance(choice, HandOver) else ()
    for copy in copies:
        reader = by_name(turn, case)[copy.delivery.id]
        expected = may_leave(reader, case) and reader.channel not in case.resting
        assert isinstance(copy.plan, Send) == expected, copy.plan
    if isinstance(choice, Later):
        assert all(by_name(turn, case)[name].channel in case.resting for name in turn.names), "somebody could be asked"


@given(drawn(readers))
@example(Drawn([Reader()] * 9, Lane.BULK, NOON, None, False, frozenset(), frozenset(), 100, False))
def test_a_turn_takes_the_first_of_what_is_left_and_keeps_within_its_limits(case: Drawn) -> None:
    turn, choice = in_turn(case)
    if isinstance(choice, Later):
        assert choice.until > case.now
        return
    names = [copy.delivery.id for copy in choice.copies]
    assert names == list(turn.names)[: len(names)], "in order, none twice"
    assert bool(names) == bool(turn.names), "a turn gets on"
    asked = [message for _, message in choice.leaving if message.channel not in case.in_our_store]
    assert len(asked) <= IN_DOUBT or case.shares_calls
    assert max(Counter(message.channel for _, message in choice.leaving).values(), default=0) <= case.at_once
    weights = {Channel.VOICE: 6}
    assert sum(weights.get(message.channel, 2) for _, message in choice.leaving) <= WRITES


@given(drawn(readers))
def test_exactly_what_a_provider_is_asked_to_take_is_marked(case: Drawn) -> None:
    turn, choice = in_turn(case)
    if isinstance(choice, Later):
        return
    asked = {copy.delivery.id for copy, message in choice.leaving if message.channel not in case.in_our_store}
    marked = choice.marked(case.now)
    changed = {name for name in marked.recipients if marked.lines.get(name) != turn.batch.lines.get(name)}
    assert changed <= asked
    assert all(marked.lines[name].status is DeliveryStatus.SENDING for name in asked)
    assert {record.delivery.id for record in choice.marked_records(case.now)} <= asked


@given(drawn(readers), st.lists(outcomes, min_size=12, max_size=12), st.floats(0, 0.99))
def test_each_copy_of_a_turn_ends_in_one_way_and_all_others_stay(
    case: Drawn, answers: Sequence[Outcome], die: float
) -> None:
    turn, choice = in_turn(case)
    if isinstance(choice, Later):
        return
    choice = choice.gathered(dict.fromkeys(choice.gathering, case.now + HOUR))
    handed = [SendResult(answer) for answer, _ in zip(answers, choice.leaving, strict=False)]
    settled = settle(choice, handed, case.now, [die] * len(handed))
    records = {record.delivery.id: record for record in settled.records}
    assert len(records) == len(settled.records) == len(choice.copies)
    said = {copy.delivery.id: each.outcome for (copy, _), each in zip(choice.leaving, handed, strict=True)}
    for copy in choice.copies:
        check_end(copy, said.get(copy.delivery.id), records[copy.delivery.id], case)
    untouched = [name for name in turn.batch.recipients if name not in records]
    assert all(settled.batch.lines.get(name) == turn.batch.lines.get(name) for name in untouched)
    check_due(settled, case.now)


def check_end(copy: Copy, outcome: Outcome | None, record: DeliveryRecord, case: Drawn) -> None:
    """Sent, put off, refused or given back: what the record says is what happened."""
    before, after = copy.delivery, record.delivery
    assert record.version == copy.version
    match outcome:
        case None:
            assert isinstance(copy.plan, Drop | Hold)
            assert after.attempt == before.attempt
            assert (after.retry_at is None) == isinstance(copy.plan, Drop)
            assert (after.status in LEFT_TO_SEND) == isinstance(copy.plan, Hold)
        case Accepted():
            assert (after.status, after.attempt) == (DeliveryStatus.ACCEPTED, before.attempt + 1)
        case Unknown():
            assert (after.status, after.attempt) == (DeliveryStatus.UNKNOWN, before.attempt + 1)
        case Refused(untried=True):
            assert (after.status, after.attempt) == (DeliveryStatus.PENDING, before.attempt)
            assert after.retry_at == case.now + 90 * MINUTE
        case Refused() as refused:
            is_last = before.attempt + 1 >= POLICIES[case.lane].max_attempts
            ends = refused.permanent or is_last
            assert after.status is (DeliveryStatus.FAILED if ends else DeliveryStatus.PENDING)
            assert (after.retry_at is None) == ends
            assert after.retry_at is None or after.retry_at > case.now
    assert (record.silent_at is not None) == (
        isinstance(outcome, Accepted) and copy.delivery.channel not in case.in_our_store
    )


def check_due(settled: Settled, now: datetime) -> None:
    left = [name for name in settled.batch.recipients if is_left(settled.batch, name)]
    assert (settled.due_at is None) == (not left), "it comes again exactly while something is left"
    waiting = {record.delivery.id for record in settled.records if record.delivery.retry_at is not None}
    if settled.due_at is not None:
        assert settled.due_at == now if set(left) - waiting else settled.due_at > now


def is_left(batch: DeliveryBatch, name: str) -> bool:
    return batch.lines.get(name, UNTOUCHED).status in {DeliveryStatus.PENDING, DeliveryStatus.SENDING}


@dataclass(slots=True)
class Life:
    """A batch from its first turn to its last, as its store holds it, and what its providers were handed."""

    case: Drawn
    answers: Iterator[Outcome]
    deaths: Iterator[bool]
    waits: Iterator[timedelta]
    turns: int = 0
    records: dict[str, Item] = field(default_factory=dict)
    joined: dict[str, datetime] = field(default_factory=dict)
    took: Counter[str] = field(default_factory=Counter)
    in_doubt: Counter[str] = field(default_factory=Counter)
    digested: set[str] = field(default_factory=set)

    def run(self) -> DeliveryBatch:
        turn = self.case.input()
        batch = turn.batch
        due_at: datetime | None = self.case.now
        while due_at is not None:
            self.turns += 1
            assert self.turns < 1_500, "the batch does not end"
            self.case = replace(self.case, now=due_at)
            batch, due_at = self._turn(batch, due_at)
        return batch

    def _turn(self, batch: DeliveryBatch, now: datetime) -> tuple[DeliveryBatch, datetime | None]:
        fates = {name: self._fate(until, now) for name, until in self.joined.items()}
        turn = replace(self.case.input(), batch=batch, names=batch.left, stored=self.records, fates=fates)
        turn = replace(turn, rates=Rates())
        choice = choose(turn)
        assert isinstance(choice, HandOver), "no provider rests"
        choice = choice.gathered(self._join(choice, now))
        booked = choice.booked(now + next(self.waits) if choice.to_book else now, now)
        if isinstance(booked, Later):
            return booked.of(batch, now), booked.until
        paced = booked.paced({name: now + next(self.waits) for name in booked.to_pace}, now)
        return self._handed_over(paced, now)

    def _handed_over(self, turn: HandOver, now: datetime) -> tuple[DeliveryBatch, datetime | None]:
        for copy, message in turn.leaving:
            reader = self.case.readers[list(turn.batch.recipients).index(copy.delivery.id)]
            assert not is_asleep(reader, self.case)
            assert not reader.refuses
            assert message.reference.attempt == copy.delivery.attempt + 1
        turn = turn.with_versions(self._keep(turn.marked_records(now)))
        if next(self.deaths):
            self.in_doubt.update(copy.delivery.id for copy in turn.in_doubt)
            return (turn.marked(now) if turn.in_doubt else turn.batch), now + MINUTE
        answers = [self._answer(copy) for copy, _ in turn.leaving]
        settled = settle(turn, answers, now, [0.5] * len(answers))
        self._keep(settled.records)
        return settled.batch, settled.due_at

    def _answer(self, copy: Copy) -> SendResult:
        outcome = next(self.answers)
        if isinstance(outcome, Accepted):
            self.took[copy.delivery.id] += 1
        if isinstance(outcome, Unknown):
            self.in_doubt[copy.delivery.id] += 1
        return SendResult(outcome)

    def _join(self, turn: HandOver, now: datetime) -> Mapping[str, datetime]:
        until = {name: now + gather.window for name, (_, gather) in turn.gathering.items()}
        assert not until.keys() & self.joined.keys(), "a copy joins one digest"
        self.joined |= until
        return until

    def _fate(self, until: datetime, now: datetime) -> DigestWaits | DigestOutcome:
        return (
            DigestWaits(until + MINUTE)
            if now < until + MINUTE
            else DigestOutcome(DeliveryStatus.ACCEPTED, "with a digest")
        )

    def _keep(self, records: Sequence[DeliveryRecord]) -> Mapping[str, int]:
        for record in records:
            name = record.delivery.id
            before = self.records[name].version if name in self.records else 0
            assert record.version == before, "it is written over what was read"
            self.records[name] = delivery_item(record.delivery, before + 1, self.case.lane)
        return {record.delivery.id: self.records[record.delivery.id].version for record in records}


@settings(max_examples=60)
@given(
    drawn(untouched_readers, most=6),
    st.lists(outcomes, min_size=1, max_size=7),
    st.lists(st.booleans(), max_size=5),
    st.lists(st.sampled_from([timedelta(0), timedelta(0), HOUR]), min_size=1, max_size=4),
)
def test_a_batch_ends_and_nobody_gets_a_copy_twice(
    case: Drawn, answers: Sequence[Outcome], deaths: Sequence[bool], waits: Sequence[timedelta]
) -> None:
    dies = cycle([*deaths, False])
    life = Life(case, cycle(answers), dies, cycle([*waits, timedelta(0)]))
    batch = life.run()
    assert not [name for name in batch.recipients if is_left(batch, name)]
    for name, reader in zip(batch.recipients, case.readers, strict=True):
        end = batch.lines[name].status
        assert life.took[name] <= 1, "accepted twice"
        if case.lane is not Lane.INCIDENT:
            assert life.took[name] + life.in_doubt[name] <= 1, "sent again although somebody may have it"
            assert (end is DeliveryStatus.UNKNOWN) == bool(life.in_doubt[name])
        assert (end is DeliveryStatus.ACCEPTED) == bool(life.took[name] or name in life.joined)
        assert (end is DeliveryStatus.SUPPRESSED) == (reader.refuses and not reader.is_removed)
