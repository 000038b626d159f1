"""A reply that names many incidents: each of them is taken, however many there are and whoever dies meanwhile."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from itertools import islice
from pathlib import Path
from typing import cast

import pytest

from service.channels.inbound import InboundSms
from service.core.clock import HandClock
from service.escalate import answers
from service.escalate.phonebook import FIRST_CODE, TIMES
from service.storage import Store, StoreUnavailable
from tests.functional.backends import Install, embedded
from tests.functional.conftest import NOON, Api, api_of
from tests.functional.incident_room import ANN, Room

TEAM = """\
escalation: team
levels:
  - {contacts: [1, 2, 3, 4], wait: 10m, reminders: 0}
"""

CODES = tuple(code for code in range(FIRST_CODE, 1_000) if code not in TIMES)
"""In the order in which a phone's pages get them."""

OpenRoom = Callable[[], Room]


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    folder = tmp_path / "rules"
    (folder / "escalation").mkdir(parents=True)
    (folder / "escalation" / "team.yaml").write_text(TEAM)
    return folder


@pytest.fixture
def room(install: Install, rules: Path) -> Room:
    return Room(api_of(install(HandClock(NOON), rules_dir=rules)))


@pytest.fixture
def here(tmp_path: Path, rules: Path) -> Room:
    """The embedded backend alone, for what is tried in many sizes."""
    return Room(api_of(embedded(tmp_path)(HandClock(NOON), rules_dir=rules)))


def opens_many(room: Room, incidents: int, people: int, callback: bool = False) -> str:
    """So many incidents that page so many people; answers a YES to all of them."""
    contacts = [{"name": f"P{n}", "phone": f"+4477009001{23 + n}"} for n in range(people)]
    told = {"callback_url": "https://example.com/hook"} if callback else {}
    for n in range(incidents):
        body = {"incident_id": f"b{n}", "policy": "team", "description": f"Disk {n}", "contacts": contacts, **told}
        assert room.api.client.post("/v1/incidents", body).status == 201
    return "YES " + " ".join(map(str, islice(CODES, incidents)))


def still_open(room: Room) -> int:
    return len(room.api.service.store.by_index("incidents-by-state", "open", limit=500).items)


def thanked_for(room: Room) -> int:
    """For how many incidents Ann is thanked, those that a text has no room for included."""
    room.api.clock.advance(timedelta(seconds=20))  # what goes to one phone in a storm is gathered
    room.works()
    thanks = " ".join(text for text in room.inbox(ANN) if text.startswith("Thank you"))
    return len(set(re.findall(r"Disk \d+", thanks))) + sum(map(int, re.findall(r"and (\d+) more", thanks)))


@pytest.mark.parametrize(
    ("incidents", "people", "callback"),
    [(20, 1, True), (20, 2, True), (20, 4, False), (16, 4, False), (33, 1, False), (80, 1, False), (12, 4, True)],
)
def test_every_incident_that_a_reply_names_is_taken(here: Room, incidents: int, people: int, callback: bool) -> None:
    reply = opens_many(here, incidents, people, callback)
    here.says(ANN, reply)
    assert still_open(here) == 0
    assert thanked_for(here) == incidents


def test_a_dozen_incidents_with_callbacks_are_taken_by_one_reply(room: Room) -> None:
    room.says(ANN, opens_many(room, 12, 4, callback=True))
    assert still_open(room) == 0


def test_a_reply_that_names_more_codes_than_a_phone_keeps_takes_those_there_are(here: Room) -> None:
    opens_many(here, 310, 1)
    here.says(ANN, "YES " + " ".join(str(code) for code in range(200, 320)))
    assert still_open(here) == 310 - 120


class Dying:
    """A store whose process dies after so many commits."""

    def __init__(self, store: Store, commits: int) -> None:
        self._store, self._left = store, commits

    def __getattr__(self, name: str) -> object:
        if name == "save":
            self._left -= 1
            if self._left < 0:
                raise StoreUnavailable("the process dies here")
        return getattr(self._store, name)


def dies_after(commits: int, room: Room, reply: str) -> InboundSms:
    """The SMS that a process heard which died after so many commits."""
    replies = room.api.service.escalation.replies
    store = cast("Store", Dying(replies.incidents.store, commits))
    sms = InboundSms("many", ANN, "", reply, None, room.api.clock.now())
    with pytest.raises(StoreUnavailable):
        replace(replies, incidents=replace(replies.incidents, store=store)).receive(sms)
    return sms


@pytest.mark.parametrize("commits", [0, 1, 2])
def test_the_same_sms_again_finishes_what_a_dead_process_began(here: Room, commits: int) -> None:
    reply = opens_many(here, 12, 1)
    sms = dies_after(commits, here, reply)
    assert still_open(here) == 12 - commits * answers.AT_ONCE
    for _ in range(2):
        here.api.service.escalation.replies.receive(sms)
    here.works()
    assert still_open(here) == 0
    assert thanked_for(here) == 12


def test_a_worker_finishes_what_a_dead_process_began(here: Room) -> None:
    dies_after(1, here, opens_many(here, 12, 4))
    here.api.clock.advance(timedelta(minutes=1))
    here.works()
    assert still_open(here) == 0


def test_a_code_alone_that_completes_a_question_takes_all_it_names(api: Api) -> None:
    room = Room(api)
    for n in range(7):
        room.opens(description=f"Pump {n}")
    room.says(ANN, "yes")
    room.says(ANN, "11 12 13 14 16 17 18")
    assert still_open(room) == 0


def test_pages_of_one_instant_arrive_in_the_order_of_their_codes(api: Api) -> None:
    room = Room(api)
    for n in range(5):
        room.api.client.post(
            "/v1/incidents",
            {
                "description": f"Pump {n}",
                "contacts": [{"phone": ANN}],
                "open_at": "2026-05-10T12:10:00Z",
            },
        )
    room.api.clock.advance(timedelta(minutes=10))
    room.works()
    room.waits(5)
    codes = [int(code) for text in room.inbox(ANN) for code in re.findall(r"YES (\d+)", text)]
    assert codes == [11, 12, 13, 14, 16]
