"""Every state answers every event: a table of both, without a gap."""

from datetime import timedelta

import pytest

from service.core.enums import Channel
from service.escalate.events import (
    ApiAcknowledge,
    ApiCancel,
    Event,
    Opened,
    PageSent,
    ReplyYes,
    Timer,
)
from service.escalate.incident import Incident, Open
from service.escalate.policy import OnNo
from service.escalate.transition import transition
from tests.unit.incidents import (
    START,
    after,
    at,
    failed,
    level,
    new,
    no,
    opened,
    policy,
    sent,
    yes,
)

EVENTS: dict[str, Event] = {
    "opened": Opened(START),
    "reply_yes": yes(1, 1),
    "reply_no": no(1, 1),
    "timer": Timer(START + timedelta(days=1)),
    "page_sent": PageSent(START + timedelta(seconds=9), 1, 1, Channel.SMS, 1),
    "delivery_failed": failed(1, 1),
    "api_acknowledge": ApiAcknowledge("acknowledge", START, "desk"),
    "api_cancel": ApiCancel("cancel", START, "desk"),
}

UNSENT, _ = transition(new(), Opened(START))
"""Its page waits for a provider to take it."""
PAUSED = transition(transition(UNSENT, at(1))[0], at(2))[0]

STATES: dict[str, Incident] = {
    "not yet paged": new(),
    "open(1, not sent)": UNSENT,
    "begins again": PAUSED,
    "open(1, page)": opened(),
    "open(1, reminder)": after(opened(), at(1)),
    "open(2, page)": after(opened(), at(1), at(2)),
    "acknowledged": after(opened(), ReplyYes("before", START, 1, 1)),
    "unacknowledged": after(opened(), at(1), at(2), at(3), at(4)),
    "cancelled": after(opened(), ApiCancel("before", START, "desk")),
    "declined": after(opened(under=policy(level(1), level(2), on_no=OnNo.END)), no(1, 1, "before")),
}

SAME = ("", "")
MATRIX: dict[str, dict[str, tuple[str, str]]] = {
    "not yet paged": {
        "opened": ("open(1, 1)", "page 1"),
        "reply_yes": ("acknowledged", "thanks 1"),
        "reply_no": SAME,
        "timer": ("open(1, 1)", "page 1"),
        "page_sent": SAME,
        "delivery_failed": SAME,
        "api_acknowledge": ("acknowledged", ""),
        "api_cancel": ("cancelled", ""),
    },
    "open(1, not sent)": {
        "opened": SAME,
        "reply_yes": ("acknowledged", "thanks 1"),
        "reply_no": ("open(2, 1)", "declined 1, page 2"),
        "timer": ("open(2, 1)", "page 2"),
        "page_sent": ("open(1, 1)", ""),
        "delivery_failed": ("open(2, 1)", "page 2"),
        "api_acknowledge": ("acknowledged", "taken 1"),
        "api_cancel": ("cancelled", "cancelled 1"),
    },
    "begins again": {
        "opened": SAME,
        "reply_yes": ("acknowledged", "thanks 1"),
        "reply_no": ("", "already_escalated 1"),
        "timer": ("unacknowledged", ""),
        "page_sent": SAME,
        "delivery_failed": SAME,
        "api_acknowledge": ("acknowledged", ""),
        "api_cancel": ("cancelled", ""),
    },
    "open(1, page)": {
        "opened": SAME,
        "reply_yes": ("acknowledged", "thanks 1"),
        "reply_no": ("open(2, 1)", "declined 1, page 2"),
        "timer": ("open(1, 2)", "reminder 1"),
        "page_sent": ("open(1, 1)", ""),
        "delivery_failed": ("open(2, 1)", "page 2"),
        "api_acknowledge": ("acknowledged", "taken 1"),
        "api_cancel": ("cancelled", "cancelled 1"),
    },
    "open(1, reminder)": {
        "opened": SAME,
        "reply_yes": ("acknowledged", "thanks 1"),
        "reply_no": ("open(2, 1)", "declined 1, page 2"),
        "timer": ("open(2, 1)", "escalated 1, page 2"),
        "page_sent": SAME,
        "delivery_failed": ("open(2, 1)", "page 2"),
        "api_acknowledge": ("acknowledged", "taken 1"),
        "api_cancel": ("cancelled", "cancelled 1"),
    },
    "open(2, page)": {
        "opened": SAME,
        "reply_yes": ("acknowledged", "thanks 1, taken 2"),
        "reply_no": ("", "already_escalated 1"),
        "timer": ("open(2, 2)", "reminder 2"),
        "page_sent": SAME,
        "delivery_failed": SAME,
        "api_acknowledge": ("acknowledged", "taken 1, taken 2"),
        "api_cancel": ("cancelled", "cancelled 1, cancelled 2"),
    },
    "acknowledged": {
        "opened": SAME,
        "reply_yes": ("", "already_acknowledged 1"),
        "reply_no": ("", "already_acknowledged 1"),
        "timer": SAME,
        "page_sent": SAME,
        "delivery_failed": SAME,
        "api_acknowledge": SAME,
        "api_cancel": SAME,
    },
    "unacknowledged": {
        "opened": SAME,
        "reply_yes": ("acknowledged", "thanks 1, taken 2"),
        "reply_no": ("", "exhausted 1"),
        "timer": SAME,
        "page_sent": SAME,
        "delivery_failed": SAME,
        "api_acknowledge": ("acknowledged", "taken 1, taken 2"),
        "api_cancel": ("cancelled", "cancelled 1, cancelled 2"),
    },
    "cancelled": {
        "opened": SAME,
        "reply_yes": ("", "cancelled 1"),
        "reply_no": ("", "cancelled 1"),
        "timer": SAME,
        "page_sent": SAME,
        "delivery_failed": SAME,
        "api_acknowledge": SAME,
        "api_cancel": SAME,
    },
    "declined": {
        "opened": SAME,
        "reply_yes": ("", "ended 1"),
        "reply_no": ("", "ended 1"),
        "timer": SAME,
        "page_sent": SAME,
        "delivery_failed": SAME,
        "api_acknowledge": SAME,
        "api_cancel": SAME,
    },
}


def test_the_matrix_leaves_out_no_pair() -> None:
    assert MATRIX.keys() == STATES.keys()
    assert all(row.keys() == EVENTS.keys() for row in MATRIX.values())


@pytest.mark.parametrize(("state", "event"), [(state, event) for state in MATRIX for event in MATRIX[state]])
def test_every_state_answers_every_event(state: str, event: str) -> None:
    before = STATES[state]
    becomes, messages = MATRIX[state][event]
    incident, effects = transition(before, EVENTS[event])
    match incident.state:
        case Open(level=at_level, attempt=attempt):
            name = f"open({at_level}, {attempt})"
        case other:
            name = other.name
    assert ", ".join(f"{role} {contact}" for role, contact, _ in sent(effects)) == messages
    if becomes:
        assert name == becomes
    else:
        assert incident.state == before.state
