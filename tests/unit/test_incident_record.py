from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from service.core import exact_json
from service.core.enums import Channel
from service.core.records import from_state, to_state
from service.escalate.effects import NOTHING, TimelineKind
from service.escalate.events import (
    ApiAcknowledge,
    ApiCancel,
    DeliveryFailed,
    Event,
    Failure,
    Opened,
    ReplyNo,
    ReplyYes,
    Timer,
)
from service.escalate.incident import Contact, Incident
from service.escalate.policy import EscalationPolicy, Level, OnNo, Role
from service.escalate.record import MAX_TIMELINE, IncidentRecord, shown
from service.escalate.timeline import sentence_of
from service.escalate.transition import transition
from service.escalate.waits import WaitFor, WaitUntil
from tests.unit.incidents import ANN, START, WAIT, level, new, policy

POLICY = EscalationPolicy(
    "p",
    (
        Level((1,), (Channel.SMS, Channel.EMAIL), WaitFor(40), 1, {Role.PAGE: "own-page"}),
        Level((2,), (Channel.SMS,), WaitUntil(8, 0), 0),
    ),
    OnNo.ESCALATE,
    (Channel.EMAIL, Channel.VOICE),
    {Role.THANKS: "my-thanks"},
    acknowledge_link=True,
    description="d",
)


def record(incident: Incident) -> IncidentRecord:
    return IncidentRecord(incident, app="app", sha256="0" * 64, callback_url=None)


def then(kept: IncidentRecord, *events: Event) -> IncidentRecord:
    for event in events:
        kept = kept.after(*transition(kept.incident, event))
    return kept


events = st.one_of(
    st.builds(Opened, st.just(START)),
    st.builds(Timer, st.integers(0, 9).map(lambda n: START + n * WAIT)),
    st.builds(ReplyYes, st.text("ab", max_size=2), st.just(START), st.integers(1, 3), st.integers(1, 3)),
    st.builds(ReplyNo, st.text("ab", max_size=2), st.just(START), st.integers(1, 3), st.integers(1, 3)),
    st.builds(
        DeliveryFailed,
        st.text("cd", max_size=2),
        st.just(START),
        st.integers(1, 3),
        st.integers(1, 3),
        st.sampled_from(Channel),
        st.sampled_from(Failure),
    ),
    st.builds(ApiAcknowledge, st.just("e"), st.just(START), st.text(max_size=5)),
    st.builds(ApiCancel, st.just("f"), st.just(START), st.text(max_size=5)),
)


@given(
    happened=st.lists(events, max_size=12),
    contacts=st.lists(
        st.tuples(st.sampled_from(["+447700900001", "+447700900002", None]), st.none() | st.text(max_size=5)),
        min_size=1,
        max_size=3,
    ),
)
def test_what_is_stored_is_read_back(happened: list[Event], contacts: list[tuple[str | None, str | None]]) -> None:
    who = [Contact(n, phone=phone, name=name, timezone="UTC") for n, (phone, name) in enumerate(contacts, 1)]
    kept = then(record(new(who, POLICY)), *happened)
    stored = exact_json.loads(exact_json.dumps(to_state(kept)))
    assert isinstance(stored, dict)
    assert from_state(IncidentRecord, stored) == kept


def test_a_reader_sees_state_timeline_and_the_samples_two_fields() -> None:
    escalated = then(record(new()), Opened(START), ReplyNo("a", START + timedelta(seconds=5), 1, 1))
    before = shown(then(record(new()), Opened(START)), with_contact_data=False)
    assert (before["state"], before["level"]) == ("open", 1)
    assert (before["incident_stat"], before["double_escalation"]) == ("not_acknowledged", "no")

    acknowledged = shown(then(escalated, ReplyYes("b", START, 2, 2)), with_contact_data=False)
    assert (acknowledged["state"], acknowledged["acknowledged_by"]) == ("acknowledged", "Ben")
    assert (acknowledged["incident_stat"], acknowledged["double_escalation"]) == ("acknowledged", "yes")
    timeline = acknowledged["timeline"]
    assert isinstance(timeline, list)
    assert [line["text"] for line in timeline] == [
        "Opened",
        "Paged Ann by sms",
        "Ann said no",
        "Told Ann that it will be escalated",
        "Escalated to level 2: everybody asked has declined",
        "Paged Ben by sms",
        "Ben said yes",
        "Thanked Ben",
        "Acknowledged by Ben",
        "Told Ann who has it",
    ]
    assert timeline[1] == {
        "at": "2026-05-10T09:00:00.000000Z",
        "event": "sent",
        "text": "Paged Ann by sms",
        "level": 1,
        "contact": 1,
        "channel": "sms",
        "message": "page",
    }


def test_contact_data_is_shown_in_full_only_to_who_may_see_it() -> None:
    kept = record(new([ANN]))
    assert "+447700900123" not in repr(shown(kept, with_contact_data=False))
    assert "ann@" not in repr(shown(kept, with_contact_data=False))
    assert "+447700900123" in repr(shown(kept, with_contact_data=True))


def test_every_kind_of_line_is_a_sentence() -> None:
    skipped = then(record(new([ANN], policy(level(4), level(1)))), Opened(START))
    lines = [sentence_of(line, skipped.incident) for line in skipped.timeline]
    assert lines[:2] == ["Opened", "Level 1 skipped: it names no contact of this incident"]
    opted_out = DeliveryFailed("x", START, 1, 2, Channel.SMS, Failure.OPTED_OUT)
    ended = then(skipped, opted_out)
    assert (
        sentence_of(ended.timeline[-2], ended.incident) == "Ann cannot be reached by sms: this phone wants no messages"
    )
    assert sentence_of(ended.timeline[-1], ended.incident) == "Acknowledged by nobody: nobody could be reached"
    called_off = then(record(new()), Opened(START), ApiCancel("c", START, "the desk"))
    assert sentence_of(called_off.timeline[-2], called_off.incident) == "Called off by the desk"


def test_endless_replies_do_not_fill_the_record() -> None:
    kept = then(record(new()), Opened(START), ReplyYes("first", START, 1, 1))
    for n in range(MAX_TIMELINE):
        kept = then(kept, ReplyYes(f"again-{n}", START, 1, 1))
    assert len(kept.timeline) <= MAX_TIMELINE // 2 + 2
    assert kept.timeline[0].kind is TimelineKind.OPENED
    assert kept.after(kept.incident, NOTHING) == kept
