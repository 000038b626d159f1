"""A turn of a batch: what leaves, what waits for what, and what is committed, without a store or a provider."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from service.channels import Accepted, Outcome, Reason, Refused, SendResult, Unknown
from service.core.enums import Channel, Lane
from service.messages import parse_quiet_hours
from service.notify.digests import DigestOutcome, DigestWaits
from service.notify.model import DeliveryStatus
from service.notify.receipts import SILENCE
from service.notify.sending.choose import IN_DOUBT, TurnInput, choose
from service.notify.sending.copies import Gather
from service.notify.sending.plan import Hold, Send
from service.notify.sending.settle import SOONEST, Settled, settle
from service.notify.sending.stalls import LONGEST
from service.notify.sending.turn import HandOver, Later, WaitsFor
from service.work import POLICIES
from tests.unit.batches import NOON, STORED_VERSION, Rates, Reader, turn_input

HOUR = timedelta(hours=1)
EVERY_CHANNEL = frozenset(Channel)
PLEASE_WAIT = Refused(Reason.THROTTLED, "slow down", untried=True, retry_after=timedelta(minutes=1))


def chosen(turn: TurnInput) -> HandOver:
    choice = choose(turn)
    assert isinstance(choice, HandOver)
    return choice


def answered(turn: HandOver, outcome: Outcome, now: datetime = NOON) -> Settled:
    """The turn after every copy that left got the same answer."""
    number = len(turn.leaving)
    return settle(turn, [SendResult(outcome)] * number, now, [0.5] * number)


def statuses(settled: Settled) -> Sequence[DeliveryStatus]:
    return [line.status for line in settled.batch.lines.values()]


def test_a_turn_asks_providers_for_no_more_copies_than_a_crash_may_leave_in_doubt() -> None:
    turn = chosen(turn_input([Reader()] * 9))
    assert len(turn.leaving) == IN_DOUBT == len(turn.in_doubt)
    assert len(chosen(turn_input([Reader()] * 9, shares_calls=True)).leaving) == 9, "one call takes them all"


def test_what_is_a_write_of_ours_leaves_in_one_turn_and_is_in_nobodys_doubt() -> None:
    turn = chosen(turn_input([Reader()] * 49, in_our_store=EVERY_CHANNEL))
    assert (len(turn.leaving), turn.in_doubt) == (49, [])


def test_speech_of_our_own_takes_a_turn_for_itself() -> None:
    readers = [Reader(), Reader(channel=Channel.VOICE), Reader(channel=Channel.VOICE)]
    assert len(chosen(turn_input(readers, in_our_store=EVERY_CHANNEL)).copies) == 2


def test_a_turn_lets_out_no_more_than_the_rate_of_a_moment() -> None:
    turn = chosen(turn_input([Reader()] * 9, in_our_store=EVERY_CHANNEL, rates=Rates(at_once=3)))
    assert len(turn.leaving) == 3


@pytest.mark.parametrize(
    ("reader", "ends_as"),
    [
        (Reader(refuses=True), DeliveryStatus.SUPPRESSED),
        (Reader(is_removed=True), DeliveryStatus.FAILED),
        (Reader(has_address=False), DeliveryStatus.FAILED),
        (Reader(language="fr"), DeliveryStatus.NEEDS_TRANSLATION),
        (Reader(status=DeliveryStatus.SENDING), DeliveryStatus.UNKNOWN),
        (Reader(status=DeliveryStatus.SENDING, refuses=True), DeliveryStatus.UNKNOWN),
        (Reader(status=DeliveryStatus.SENDING, is_removed=True), DeliveryStatus.UNKNOWN),
    ],
)
def test_a_copy_that_cannot_leave_ends_at_once(reader: Reader, ends_as: DeliveryStatus) -> None:
    settled = answered(chosen(turn_input([reader])), Accepted("never asked"))
    assert (statuses(settled), settled.due_at, settled.was_asked) == ([ends_as], None, False)


def test_a_copy_of_an_incident_that_a_worker_died_over_leaves_once_more() -> None:
    turn = chosen(turn_input([Reader(status=DeliveryStatus.SENDING)], lane=Lane.INCIDENT))
    [(_, message)] = turn.leaving
    assert (message.reference.attempt, message.reference.urgent) == (2, True)


def test_quiet_hours_hold_everything_but_incidents() -> None:
    quiet = parse_quiet_hours("11:00-13:00")
    [copy] = chosen(turn_input([Reader()], quiet=quiet)).copies
    assert copy.plan == Hold(NOON + HOUR)
    assert chosen(turn_input([Reader()], quiet=quiet, lane=Lane.INCIDENT)).leaving


def test_a_copy_waits_for_its_next_attempt() -> None:
    reader = Reader(status=DeliveryStatus.PENDING, has_record=True, attempt=1, retry_in=HOUR)
    settled = answered(chosen(turn_input([reader])), Accepted("never asked"))
    assert settled.due_at == NOON + HOUR


def test_a_batch_whose_providers_all_rest_waits_and_stands_still() -> None:
    rests = Rates({Channel.SMS: NOON + HOUR})
    turn = turn_input([Reader()] * 2, rates=rests)
    later = choose(turn)
    assert later == Later(NOON + HOUR, WaitsFor.PROVIDERS)
    assert later.of(turn.batch, NOON).stalled_since == NOON


def test_a_batch_that_has_stood_still_for_too_long_is_given_up() -> None:
    rests = Rates({Channel.SMS: NOON + HOUR})
    since = {"stalled_since": NOON - LONGEST[Lane.BULK]}
    settled = answered(chosen(turn_input([Reader()], rates=rests, batch=since)), Accepted("never asked"))
    assert (statuses(settled), settled.due_at) == ([DeliveryStatus.FAILED], None)


def test_where_some_providers_rest_the_other_copies_leave() -> None:
    turn = chosen(turn_input([Reader(), Reader(channel=Channel.EMAIL)], rates=Rates({Channel.SMS: NOON + HOUR})))
    assert [message.channel for _, message in turn.leaving] == [Channel.EMAIL]


def test_waiting_for_the_rates_is_booked_and_no_standing_still() -> None:
    turn = chosen(turn_input([Reader()], batch={"stalled_since": NOON - HOUR}))
    assert len(turn.to_book) == 1
    later = turn.booked(NOON + HOUR, NOON)
    assert isinstance(later, Later)
    waiting = later.of(turn.batch, NOON)
    assert (waiting.slots_booked, waiting.stalled_since) == (True, NOON)
    assert turn.booked(NOON, NOON) is turn


def test_a_batch_that_has_waited_for_its_place_books_no_other() -> None:
    turn = chosen(turn_input([Reader()], batch={"slots_booked": True}))
    assert (len(turn.leaving), turn.to_book) == (1, ())
    assert answered(turn, Accepted("p1")).batch.slots_booked is False


def test_a_paused_lane_is_no_standing_still() -> None:
    batch = turn_input([Reader()], batch={"stalled_since": NOON}).batch
    assert Later(NOON + HOUR, WaitsFor.LANE).of(batch, NOON).stalled_since == NOON + HOUR


def test_a_reader_who_had_too_many_waits_for_a_place_that_is_then_theirs() -> None:
    turn = chosen(turn_input([Reader(), Reader()]))
    first, second = turn.to_pace
    paced = turn.paced({first: NOON, second: NOON + HOUR}, NOON)
    assert [type(copy.plan) for copy in paced.copies] == [Send, Hold]
    settled = answered(paced, Accepted("p1"))
    assert all(record.delivery.paced for record in settled.records)
    assert settled.due_at == NOON + HOUR


def test_incidents_and_copies_that_have_their_place_count_towards_no_limit() -> None:
    had_theirs = Reader(status=DeliveryStatus.PENDING, has_record=True, is_paced=True)
    assert not chosen(turn_input([had_theirs])).to_pace
    assert not chosen(turn_input([Reader()], lane=Lane.INCIDENT)).to_pace


def test_copies_join_a_digest_but_those_of_guests_leave() -> None:
    turn = chosen(turn_input([Reader(), Reader(is_guest=True)], window=HOUR))
    assert [type(copy.plan) for copy in turn.copies] == [Gather, Send]
    [name] = turn.gathering
    gathered = turn.gathered({name: NOON + HOUR})
    assert gathered.copies[0].plan == Hold(NOON + HOUR)
    assert not gathered.gathering


def test_an_incident_never_waits_for_a_digest() -> None:
    assert chosen(turn_input([Reader()], window=HOUR, lane=Lane.INCIDENT)).leaving


def test_what_became_of_a_digest_becomes_of_its_copies() -> None:
    fates: Mapping[str, DigestWaits | DigestOutcome] = {
        "n1-000001": DigestWaits(NOON + HOUR),
        "n1-000002": DigestOutcome(DeliveryStatus.ACCEPTED, "with the digest d1"),
    }
    settled = answered(chosen(turn_input([Reader()] * 2, window=HOUR, fates=fates)), Accepted("never asked"))
    assert statuses(settled) == [DeliveryStatus.PENDING, DeliveryStatus.ACCEPTED]
    assert settled.due_at == NOON + HOUR


def test_copies_are_marked_before_their_providers_are_asked() -> None:
    again = Reader(status=DeliveryStatus.PENDING, has_record=True, attempt=1)
    turn = chosen(turn_input([Reader(), again, Reader(channel=Channel.EMAIL)], in_our_store=frozenset({Channel.EMAIL})))
    marked = {name: line.status for name, line in turn.marked(NOON).lines.items()}
    assert marked == {"n1-000001": DeliveryStatus.SENDING, "n1-000002": DeliveryStatus.SENDING}
    [record] = turn.marked_records(NOON)
    assert (record.delivery.id, record.delivery.attempt, record.version) == ("n1-000002", 2, STORED_VERSION)
    written = turn.with_versions({"n1-000002": 4})
    assert [copy.version for copy in written.copies] == [0, 4, 0]


def test_what_a_provider_takes_waits_for_its_receipt_and_what_is_ours_does_not() -> None:
    readers = [Reader(), Reader(channel=Channel.EMAIL)]
    settled = answered(chosen(turn_input(readers, in_our_store=frozenset({Channel.EMAIL}))), Accepted("p1"))
    assert [record.silent_at for record in settled.records] == [NOON + SILENCE, None]
    assert (settled.due_at, settled.was_asked) == (None, True)


def test_a_note_stands_with_a_copy_that_was_accepted() -> None:
    turn = turn_input([Reader()])
    turn = replace(turn, context=replace(turn.context, notes={"p0": "sent by sms instead"}))
    settled = answered(chosen(turn), Accepted("p1"))
    assert settled.records[0].delivery.detail == "sent by sms instead"


def test_a_copy_in_doubt_ends_as_unknown() -> None:
    assert statuses(answered(chosen(turn_input([Reader()])), Unknown("cut off"))) == [DeliveryStatus.UNKNOWN]


def test_a_refused_copy_is_tried_again_after_a_wait_that_the_dice_spread() -> None:
    turn = chosen(turn_input([Reader()]))
    refused = [SendResult(Refused(Reason.PROVIDER, "500"))]
    early, late = (settle(turn, refused, NOON, [die]).due_at for die in (0.0, 0.99))
    assert early is not None
    assert late is not None
    assert NOON < early < late


@pytest.mark.parametrize("lane", Lane)
def test_a_copy_that_was_refused_often_enough_has_failed(lane: Lane) -> None:
    tried = Reader(status=DeliveryStatus.PENDING, has_record=True, attempt=POLICIES[lane].max_attempts - 1)
    settled = answered(chosen(turn_input([tried], lane=lane)), Refused(Reason.PROVIDER, "500"))
    assert (statuses(settled), settled.due_at) == ([DeliveryStatus.FAILED], None)


def test_a_provider_says_how_long_to_wait_at_least() -> None:
    turn = chosen(turn_input([Reader()]))
    asked = Refused(Reason.PROVIDER, "503", retry_after=9 * HOUR)
    assert settle(turn, [SendResult(asked)], NOON, [0.0]).due_at == NOON + 9 * HOUR


def test_a_refusal_that_is_no_attempt_takes_none_and_the_batch_stands_still() -> None:
    settled = answered(chosen(turn_input([Reader()])), PLEASE_WAIT)
    assert (settled.records[0].delivery.attempt, settled.batch.stalled_since) == (0, NOON)
    assert settled.due_at == NOON + timedelta(minutes=1)


def test_nothing_is_put_off_for_ever() -> None:
    since = {"stalled_since": NOON - LONGEST[Lane.BULK]}
    settled = answered(chosen(turn_input([Reader()], batch=since)), PLEASE_WAIT)
    assert (statuses(settled), settled.due_at) == ([DeliveryStatus.FAILED], None)


def test_a_batch_is_not_committed_over_and_over_for_an_instant_that_is_over() -> None:
    at_once = Refused(Reason.THROTTLED, "slow down", untried=True)
    assert answered(chosen(turn_input([Reader()])), at_once).due_at == NOON + SOONEST


def test_a_batch_comes_again_at_once_while_nobody_has_looked_at_some_of_its_copies() -> None:
    settled = answered(chosen(turn_input([Reader()] * 5)), Accepted("p1"))
    assert (settled.due_at, len(settled.batch.untouched)) == (NOON, 1)
    waiting = settled.waiting(Later(NOON + HOUR, WaitsFor.RATES), NOON)
    assert (waiting.due_at, waiting.batch.slots_booked) == (NOON + HOUR, True)


def test_who_wants_nothing_and_which_mailbox_is_gone_is_to_be_written_down() -> None:
    turn = chosen(turn_input([Reader(), Reader(channel=Channel.EMAIL), Reader(channel=Channel.VOICE)]))
    stop, gone = Refused(Reason.OPTED_OUT, "stop list"), Refused(Reason.ADDRESS, "550 5.1.1", gone=True)
    settled = settle(turn, [SendResult(stop), SendResult(gone), SendResult(Accepted("p1"))], NOON, [0.5] * 3)
    assert (settled.opted_out, settled.gone) == (["+447700900123"], ["ann@example.com"])


def test_a_batch_with_nothing_left_is_over() -> None:
    settled = answered(chosen(turn_input([])), Accepted("never asked"))
    assert (settled.records, settled.due_at) == ([], None)
