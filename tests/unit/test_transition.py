from datetime import timedelta

from service.core.enums import Channel
from service.escalate.effects import Effects, TimelineKind
from service.escalate.events import (
    ApiAcknowledge,
    ApiCancel,
    Failure,
    Opened,
    Timer,
)
from service.escalate.incident import Contact
from service.escalate.policy import EscalationPolicy, Level, OnNo
from service.escalate.states import Acknowledged, Cancelled, Ending, Open, Unacknowledged
from service.escalate.transition import transition
from service.escalate.waits import WaitUntil
from tests.unit.incidents import (
    ANN,
    BEN,
    CLEO,
    START,
    WAIT,
    after,
    all_left,
    at,
    failed,
    level,
    new,
    no,
    opened,
    page_sent,
    policy,
    sent,
    yes,
)


def kinds(effects: Effects) -> list[TimelineKind]:
    return [entry.kind for entry in effects.timeline if entry.kind is not TimelineKind.SENT]


# --- the default policy, step by step


def test_opening_pages_the_first_contact_alone() -> None:
    incident, effects = transition(new(), Opened(START))
    assert sent(effects) == [("page", 1, "sms")]
    assert incident.state == Open(1, 1, START + WAIT)


def test_silence_reminds_the_same_contact() -> None:
    incident, effects = transition(opened(), at(1))
    assert sent(effects) == [("reminder", 1, "sms")]
    assert incident.state == Open(1, 2, START + 2 * WAIT)


def test_silence_after_the_reminder_escalates_and_says_so_to_the_first_contact() -> None:
    incident, effects = transition(after(opened(), at(1)), at(2))
    assert sent(effects) == [("escalated", 1, "sms"), ("page", 2, "sms")]
    assert incident.state == Open(2, 1, START + 3 * WAIT)
    assert kinds(effects) == [TimelineKind.ESCALATED]


def test_silence_of_everybody_ends_unacknowledged_with_a_last_resort_to_every_known_address() -> None:
    under = policy(last_resort=[Channel.EMAIL, Channel.VOICE])
    incident, effects = transition(after(opened(under=under), at(1), at(2), at(3)), at(4))
    assert sent(effects) == [
        ("exhausted", 1, "sms"),
        ("exhausted", 2, "sms"),
        ("last_resort", 1, "email"),
        ("last_resort", 1, "voice"),
        ("last_resort", 2, "voice"),
    ]
    assert incident.state == Unacknowledged(START + 4 * WAIT, Ending.SILENCE)
    assert incident.due_at is None


def test_yes_acknowledges_and_thanks_the_sender() -> None:
    incident, effects = transition(opened(), yes(1, 1))
    assert incident.state == Acknowledged(START + timedelta(seconds=5), "Ann", 1)
    assert sent(effects) == [("thanks", 1, "sms")]


def test_others_already_paged_are_told_who_has_it() -> None:
    _, effects = transition(after(opened(), at(1), at(2)), yes(2, 2))
    assert sent(effects) == [("thanks", 2, "sms"), ("taken", 1, "sms")]


def test_a_late_yes_of_a_contact_whose_level_was_left_still_acknowledges() -> None:
    incident, effects = transition(after(opened(), at(1), at(2)), yes(1, 1))
    assert isinstance(incident.state, Acknowledged)
    assert sent(effects) == [("thanks", 1, "sms"), ("taken", 2, "sms")]


def test_yes_after_everybody_was_tried_still_acknowledges() -> None:
    incident, effects = transition(after(opened(), at(1), at(2), at(3), at(4)), yes(1, 1))
    assert isinstance(incident.state, Acknowledged)
    assert sent(effects) == [("thanks", 1, "sms"), ("taken", 2, "sms")]


def test_no_pages_the_next_contact_at_once() -> None:
    incident, effects = transition(opened(), no(1, 1))
    assert sent(effects) == [("declined", 1, "sms"), ("page", 2, "sms")]
    assert incident.state == Open(2, 1, START + timedelta(seconds=5) + WAIT)


def test_no_on_the_last_level_ends_unacknowledged() -> None:
    incident, effects = transition(after(opened(), no(1, 1, "a")), no(2, 2, "b"))
    assert incident.state == Unacknowledged(START + timedelta(seconds=5), Ending.DECLINED)
    assert sent(effects) == [("exhausted", 1, "sms"), ("exhausted", 2, "sms")]


def test_a_late_no_from_a_level_already_left_does_nothing_but_answer() -> None:
    escalated = after(opened(), at(1), at(2))
    incident, effects = transition(escalated, no(1, 1))
    assert sent(effects) == [("already_escalated", 1, "sms")]
    assert incident.state == escalated.state


def test_a_second_yes_is_told_who_has_it() -> None:
    incident, effects = transition(after(opened(), at(1), at(2), yes(2, 2, "a")), yes(1, 1, "b"))
    assert sent(effects) == [("already_acknowledged", 1, "sms")]
    assert isinstance(incident.state, Acknowledged)
    assert incident.state.by == "Ben"


def test_a_contact_without_a_name_is_spoken_of_by_position() -> None:
    incident = after(opened([Contact(1, phone="+447700900123")]), yes(1, 1))
    assert isinstance(incident.state, Acknowledged)
    assert incident.state.by == "the first contact"
    assert Contact(12).label == "contact 12"


# --- levels of several contacts


def test_a_level_is_left_only_when_each_reachable_contact_has_declined() -> None:
    both = opened([ANN, BEN, CLEO], policy(level(1, 2), level(3)))
    incident, effects = transition(both, no(1, 1, "a"))
    assert sent(effects) == [("declined", 1, "sms")]
    assert incident.state == both.state
    _, again = transition(incident, no(1, 1, "b"))
    assert sent(again) == [("declined", 1, "sms")]
    _, last = transition(incident, no(2, 1, "c"))
    assert sent(last) == [("declined", 2, "sms"), ("page", 3, "sms")]


def test_who_declined_gets_no_reminder() -> None:
    _, effects = transition(after(opened([ANN, BEN], policy(level(1, 2))), no(1, 1)), at(1))
    assert sent(effects) == [("reminder", 2, "sms")]


def test_no_on_a_last_level_where_others_are_still_asked_promises_no_escalation() -> None:
    incident, effects = transition(opened([ANN, BEN], policy(level(1, 2))), no(1, 1))
    assert sent(effects) == [("noted", 1, "sms")]
    assert isinstance(incident.state, Open)


def test_one_person_twice_in_a_level_is_paged_once() -> None:
    twin = Contact(2, phone=ANN.phone, name="Ann at night")
    _, effects = transition(new([ANN, twin], policy(level(1, 2))), Opened(START))
    assert sent(effects) == [("page", 1, "sms")]


def test_one_phone_on_two_levels_is_paged_again() -> None:
    same = Contact(2, phone=ANN.phone)
    incident, effects = transition(opened([ANN, same]), no(1, 1, "a"))
    assert sent(effects) == [("declined", 1, "sms"), ("page", 2, "sms")]
    late, answered = transition(incident, no(1, 1, "b"))
    assert sent(answered) == [("already_escalated", 1, "sms")]
    assert late.state == incident.state
    ended, told = transition(incident, no(2, 2, "c"))
    assert isinstance(ended.state, Unacknowledged)
    assert sent(told) == [("exhausted", 2, "sms")]


# --- contacts that are absent or cannot be reached


def test_levels_that_name_absent_contacts_are_skipped() -> None:
    incident, effects = transition(new([ANN], policy(level(4), level(1))), Opened(START))
    assert sent(effects) == [("page", 1, "sms")]
    assert incident.state == Open(2, 1, START + WAIT)
    assert kinds(effects) == [TimelineKind.OPENED, TimelineKind.LEVEL_SKIPPED]


def test_contacts_that_no_level_names_follow_at_the_end() -> None:
    covered = policy().covering(3)
    assert [one.contacts for one in covered.levels] == [(1,), (2,), (3,)]
    assert policy().covering(1) == policy()


def test_an_incident_that_can_reach_nobody_is_unacknowledged_at_once() -> None:
    incident, effects = transition(new([Contact(1, email="ann@example.com")], policy(level(1))), Opened(START))
    assert incident.state == Unacknowledged(START, Ending.UNREACHABLE)
    assert effects.messages == ()


def test_an_opted_out_contact_is_skipped_to_the_next_level_at_once_and_the_timeline_says_why() -> None:
    incident, effects = transition(opened(), failed(1, 1))
    assert sent(effects) == [("page", 2, "sms")]
    assert incident.state == Open(2, 1, START + timedelta(seconds=1) + WAIT)
    assert [(e.kind, e.contact, e.why) for e in effects.timeline[:2]] == [
        (TimelineKind.CONTACT_SKIPPED, 1, "opted_out"),
        (TimelineKind.ESCALATED, None, "unreachable"),
    ]


def test_a_page_that_cannot_arrive_goes_by_the_next_channel_with_its_full_wait() -> None:
    by_two = policy(level(1, channels=[Channel.SMS, Channel.EMAIL]), level(2))
    incident, effects = transition(opened(under=by_two), failed(1, 1, why=Failure.ONE_WAY))
    assert sent(effects) == [("page", 1, "email")]
    assert incident.state == Open(1, 1, START + timedelta(seconds=1) + WAIT)
    _, reminded = transition(all_left(incident, effects, START + timedelta(seconds=1)), at(2))
    assert sent(reminded) == [("reminder", 1, "email")]


def test_a_contact_reached_by_nothing_leaves_the_others_of_the_level_asked() -> None:
    both = opened([ANN, BEN, CLEO], policy(level(1, 2), level(3)))
    incident, effects = transition(both, failed(1, 1))
    assert effects.messages == ()
    assert incident.state == both.state
    _, next_level = transition(incident, no(2, 1))
    assert sent(next_level) == [("declined", 2, "sms"), ("page", 3, "sms")]


def test_a_failure_after_the_others_declined_escalates_at_once() -> None:
    incident = after(opened([ANN, BEN, CLEO], policy(level(1, 2), level(3))), no(2, 1))
    _, effects = transition(incident, failed(1, 1))
    assert sent(effects) == [("page", 3, "sms")]


def test_a_phone_that_opted_out_is_not_tried_on_a_later_level_one_that_was_off_is() -> None:
    twice = policy(level(1), level(2), level(1))
    for why, then in ((Failure.OPTED_OUT, []), (Failure.UNDELIVERED, [("page", 1, "sms")])):
        incident = after(opened(under=twice), failed(1, 1, why=why))
        _, effects = transition(incident, no(2, 2))
        assert [message for message in sent(effects) if message[0] == "page"] == then


def test_an_opted_out_phone_is_not_tried_under_another_contact_either() -> None:
    same = Contact(2, phone=ANN.phone)
    incident, effects = transition(opened([ANN, same]), failed(1, 1))
    assert effects.messages == ()
    assert isinstance(incident.state, Unacknowledged)


# --- policies that end on NO, the API, waits


def test_a_declined_approval_is_over_and_everybody_paged_hears_it() -> None:
    approval = policy(level(1, 2), on_no=OnNo.END)
    incident, effects = transition(opened(under=approval), no(1, 1))
    assert incident.state == Cancelled(START + timedelta(seconds=5), "Ann", declined=True, contact=1)
    assert sent(effects) == [("ended", 1, "sms"), ("ended", 2, "sms")]
    _, effects = transition(incident, yes(2, 1))
    assert sent(effects) == [("ended", 2, "sms")]


def test_acknowledging_by_the_api_tells_everybody_paged() -> None:
    incident, effects = transition(after(opened(), no(1, 1)), ApiAcknowledge("api", START, "the control room"))
    assert incident.state == Acknowledged(START, "the control room")
    assert sent(effects) == [("taken", 1, "sms"), ("taken", 2, "sms")]


def test_a_contact_who_acknowledges_by_link_is_not_told_about_it() -> None:
    _, effects = transition(after(opened(), no(1, 1)), ApiAcknowledge("link", START, "Ben", contact=2))
    assert sent(effects) == [("taken", 1, "sms")]


def test_cancelling_tells_everybody_paged() -> None:
    incident, effects = transition(opened(), ApiCancel("api", START, "desk"))
    assert incident.state == Cancelled(START, "desk")
    assert sent(effects) == [("cancelled", 1, "sms")]


def test_an_event_that_arrives_twice_is_applied_once() -> None:
    once = after(opened([ANN, BEN, CLEO], policy(level(1), level(2), level(3))), no(1, 1))
    assert transition(once, no(1, 1)) == (once, Effects())


def test_a_timer_that_comes_early_or_twice_does_nothing() -> None:
    incident = opened()
    assert transition(incident, Timer(START + WAIT - timedelta(microseconds=1))) == (incident, Effects())
    reminded = after(incident, at(1))
    assert transition(reminded, at(1)) == (reminded, Effects())


def test_a_timer_that_comes_days_late_moves_one_step_only() -> None:
    incident, effects = transition(opened(), Timer(START + timedelta(days=3)))
    assert sent(effects) == [("reminder", 1, "sms")]
    assert incident.due_at == START + timedelta(days=3) + WAIT


def test_messages_are_numbered_without_a_gap() -> None:
    incident, first = transition(new(), Opened(START))
    incident, second = transition(incident, no(1, 1))
    assert [m.number for m in first.messages + second.messages] == [1, 2, 3]
    assert incident.sent == 3


def test_of_two_asked_together_only_who_was_paged_is_reminded_and_said_to_be_silent() -> None:
    """Ann's page left, Ben's could not: he is paged anew, and hears nothing of a silence."""
    both = policy(level(1, 2), level(3))
    incident, effects = transition(new((ANN, BEN, CLEO), both), Opened(START))
    anns, _ = effects.messages
    incident, _ = transition(incident, page_sent(anns, START))
    incident, effects = transition(incident, at(1))
    assert sent(effects) == [("reminder", 1, "sms"), ("page", 2, "sms")]
    _, effects = transition(incident, at(2))
    assert sent(effects) == [("escalated", 1, "sms"), ("page", 3, "sms")]


def test_a_wait_until_a_time_of_day_leaves_five_minutes_to_who_was_paged_just_before_it() -> None:
    until = EscalationPolicy("morning", (Level((1,), (Channel.SMS,), WaitUntil(11, 0)),))
    incident, effects = transition(new((ANN,), until), Opened(START))
    assert incident.due_at == START + timedelta(hours=2)
    (page,) = effects.messages
    early, _ = transition(incident, page_sent(page, START + timedelta(hours=1)))
    late, _ = transition(incident, page_sent(page, START + timedelta(hours=1, minutes=59)))
    assert early.due_at == START + timedelta(hours=2)
    assert late.due_at == START + timedelta(hours=2, minutes=4)
