"""When a level's wait begins: once its page has left. What becomes of an incident none of whose pages can leave."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import cast

import pytest
from msgspec import structs

from service.channels.inbound import InboundSms
from service.core.clock import HandClock, parse_timestamp
from service.escalate.items import SUMMARY, message_id, summary_id
from service.escalate.phone_book_changes import PhoneBooks
from service.escalate.summaries import Summaries
from service.escalate.turns import turns_of
from service.storage import Store, StoreUnavailable
from service.work import Commit, HandlerRegistry, Worker, all_dead_items
from tests.aws_services import Answer, Error, Request, Silence
from tests.functional.backends import Install, embedded
from tests.functional.conftest import NOON, api_of
from tests.functional.incident_room import ANN, BEN, NAMED, Room
from tests.functional.plant import CALL, DOWN, MAIL, SMS, Build, Plant, plants

ANNA, BERT = "+4915123456001", "+4915123456002"
TWO = [{"name": "Anna", "phone": ANNA, "language": "en"}, {"name": "Bert", "phone": BERT, "language": "en"}]
DAY = 24 * 60 * 60


@pytest.fixture
def build(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Build]:
    with plants(tmp_path, monkeypatch) as build:
        yield build


@pytest.fixture
def plant(build: Build) -> Plant:
    return build()


def down(plant: Plant, *operations: str) -> None:
    for operation in operations:
        plant.aws.usually(operation, lambda _: DOWN)


def up(plant: Plant, *operations: str) -> None:
    for operation in operations:
        plant.aws.usually(operation, lambda _: {"MessageId": "m"})


def texts(plant: Plant, phone: str, since: int = 0) -> list[str]:
    """What the provider was asked to send to a phone."""
    asked = plant.aws.of(SMS)[since:]
    return [str(one["MessageBody"]) for one in asked if one["DestinationPhoneNumber"] == phone]


def passes(plant: Plant, seconds: int, step: int = 1) -> None:
    """Let time pass, and the worker do what comes due, every `step` seconds."""
    worker = plant.room.api.service.worker()
    for _ in range(seconds // step):
        plant.room.api.clock.advance(timedelta(seconds=step))
        worker.run_due()
    worker.close()


def due(room: Room, incident: str) -> datetime:
    return parse_timestamp(str(room.read(incident)["next_timer_at"]))


def test_an_outage_longer_than_all_waits_loses_no_page(plant: Plant) -> None:
    down(plant, SMS, CALL)
    incident = plant.room.opens(contacts=TWO)
    passes(plant, 150)
    assert plant.room.state(incident) == "open"
    lines = plant.room.timeline(incident)
    assert "Anna cannot be reached by sms: the page could not be sent in time" in lines
    assert "Escalated to level 2: the page could not be sent in time" in lines
    assert "No page could be sent: all levels are tried again in 1 min" in lines
    up(plant, SMS, CALL)
    tried = len(plant.aws.of(SMS))
    passes(plant, 60)
    assert plant.room.state(incident) == "open"
    page = texts(plant, ANNA, tried)[0]
    assert page.startswith("Pump 1 failed\nCan you take it? Reply YES 11")
    assert texts(plant, BERT, tried) == []
    plant.room.api.client.post(f"/v1/incidents/{incident}/acknowledge", {"by": "Anna"})
    assert plant.room.state(incident) == "acknowledged"


def test_nobody_is_said_to_be_silent_whose_page_never_left(plant: Plant) -> None:
    down(plant, SMS)
    plant.room.opens(contacts=TWO)
    passes(plant, 45)
    tried = len(plant.aws.of(SMS))
    up(plant, SMS)
    passes(plant, 150)
    said = [*texts(plant, ANNA, tried), *texts(plant, BERT, tried)]
    assert said
    assert not [
        text for text in texts(plant, ANNA, tried) if "not answered" in text or "acknowledged by anyone" in text
    ]


def test_the_operator_is_told_at_once_and_every_hour_for_a_day(plant: Plant, caplog: pytest.LogCaptureFixture) -> None:
    down(plant, SMS, CALL, MAIL)
    before = total(plant)
    incident = plant.room.opens(contacts=TWO)
    passes(plant, 90)
    assert total(plant) == before + 1
    passes(plant, DAY - 600, 30)
    assert plant.room.state(incident) == "open"
    assert total(plant) - before in (23, 24)
    errors = [one for one in caplog.records if one.levelname == "ERROR" and "could be sent" in one.getMessage()]
    assert len(errors) == total(plant) - before
    assert len(str(plant.room.read(incident))) < 200_000, "the timeline stays bounded"
    assert plant.room.timeline(incident)[0] == "Opened"
    passes(plant, 1_200, 30)
    shown = plant.room.read(incident)
    assert (shown["state"], shown["why"]) == ("unacknowledged", "not_sent")


def total(plant: Plant) -> float:
    shown = plant.desk.api.client.with_key(None).get("/metrics").text
    lines = [line for line in shown.splitlines() if line.startswith("tocsin_incidents_not_sent_total ")]
    return float(lines[0].split()[-1])


def test_what_is_refused_for_good_is_no_reason_to_begin_again(build: Build) -> None:
    plant = build(allowed_countries="DE,GB")
    plant.aws.usually(
        SMS, lambda _: Error("ConflictException", members={"Reason": "DESTINATION_PHONE_NUMBER_OPTED_OUT"})
    )
    incident = plant.room.opens(contacts=TWO)
    passes(plant, 5)
    shown = plant.room.read(incident)
    assert (shown["state"], shown["why"]) == ("unacknowledged", "unreachable")


def test_a_cancelled_incident_does_not_begin_again(plant: Plant) -> None:
    down(plant, SMS, CALL)
    incident = plant.room.opens(contacts=TWO)
    passes(plant, 100)
    plant.room.api.client.post(f"/v1/incidents/{incident}/cancel", {})
    tried = len(plant.aws.of(SMS))
    up(plant, SMS, CALL)
    passes(plant, 700)
    assert texts(plant, ANNA, tried) == texts(plant, BERT, tried) == []


def test_a_page_whose_fate_is_unknown_begins_the_wait(plant: Plant) -> None:
    plant.aws.usually(SMS, lambda _: Silence())
    incident = plant.room.opens(contacts=TWO)
    passes(plant, 41)
    assert "Reminded Anna by sms" in plant.room.timeline(incident)


def test_the_wait_runs_from_when_the_page_left(plant: Plant) -> None:
    plant.aws.script(SMS, DOWN, DOWN, DOWN)
    incident = plant.room.opens(contacts=TWO)
    while not plant.room.messages(incident)[0].get("provider_id"):
        passes(plant, 1)
    left_at = plant.room.api.clock.now()
    assert left_at > NOON
    assert due(plant.room, incident) == left_at + timedelta(seconds=40)


def test_the_level_above_is_paged_by_the_next_channel_while_the_first_has_an_outage(
    build: Build, tmp_path: Path
) -> None:
    rules = tmp_path / "own"
    (rules / "escalation").mkdir(parents=True, exist_ok=True)
    policy = "escalation: both\nlevels:\n  - {contacts: [1], channels: [sms, email], wait: 40s}\n"
    (rules / "escalation" / "both.yaml").write_text(policy)
    plant = build(rules_dir=rules)
    down(plant, SMS)
    anna = {"name": "Anna", "phone": ANNA, "email": "anna@example.com", "language": "en"}
    incident = plant.room.opens(contacts=[anna], policy="both")
    passes(plant, 41)
    lines = plant.room.timeline(incident)
    assert lines[-2:] == ["Anna cannot be reached by sms: the page could not be sent in time", "Paged Anna by email"]
    up(plant, SMS)
    tried = len(plant.aws.of(SMS))
    passes(plant, 30)
    assert texts(plant, ANNA, tried) == [], "the page that another replaced leaves no more"


def opened_at_once(room: Room, number: int) -> None:
    for n in range(number):
        contacts = [{"name": f"A{n}", "phone": f"+4479{n:08d}"}, {"name": f"B{n}", "phone": f"+4478{n:08d}"}]
        body = {"incident_id": f"i{n}", "description": "Pump", "contacts": contacts}
        assert room.api.client.post("/v1/incidents", body).status == 201


def sent_at(room: Room) -> dict[str, datetime]:
    """When each message went into the outbox, by the message's id."""
    store, cursor = room.api.service.messaging.outbox, None
    found: dict[str, datetime] = {}
    while True:
        page = store.entries(limit=500, cursor=cursor)
        found |= {each.entry.delivery_id: each.entry.at for each in page.items}
        cursor = page.cursor
        if cursor is None:
            return found


def test_at_one_sms_a_second_no_page_leaves_after_its_incident_left_that_reader(tmp_path: Path) -> None:
    room = Room(api_of(embedded(tmp_path)(HandClock(NOON), sms_rate=1)))
    opened_at_once(room, 150)
    room.waits(500)
    sent, late, reminded = sent_at(room), [], 0
    for n in range(150):
        shown = room.read(f"i{n}")
        lines = shown["timeline"]
        assert isinstance(lines, list)
        left = [parse_timestamp(line["at"]) for line in lines if line["event"] in ("escalated", "unacknowledged")]
        messages = [one for one in room.messages(f"i{n}") if one["message"] in ("page", "reminder")]
        assert not [one for one in messages if one["status"] == "dropped"]
        for one in messages:
            at, level = sent.get(message_id(f"i{n}", int(str(one["number"])))), int(str(one["level"]))
            late += [n] if at is not None and level <= len(left) and at > left[level - 1] else []
        pages = [sent.get(message_id(f"i{n}", number)) for number in (1, 2)]
        if pages[0] is not None and pages[1] is not None:
            assert pages[1] - pages[0] >= timedelta(seconds=40), "the reader has the whole wait"
            reminded += 1
    assert late == []
    assert reminded == 150


def test_storms_pages_wait_from_when_their_summary_left(install: Install) -> None:
    room = Room(api_of(install(HandClock(NOON))))
    incidents = [room.opens(description=f"Pump {n}") for n in range(14)]
    room.waits(11)
    alone, summarised = incidents[0], incidents[-1]
    assert due(room, alone) == NOON + timedelta(seconds=40)
    assert due(room, summarised) == NOON + timedelta(seconds=50)
    room.waits(39)
    assert "Reminded Ann by sms" in room.timeline(summarised)


def test_a_summary_that_nobody_takes_hands_its_incidents_on(plant: Plant) -> None:
    incidents = [plant.room.opens(contacts=TWO, description=f"Pump {n}") for n in range(12)]
    down(plant, SMS)
    passes(plant, 52)
    assert plant.room.read(incidents[-1])["level"] == 2
    assert "Anna cannot be reached by sms: the page could not be sent in time" in plant.room.timeline(incidents[-1])


def test_a_summary_that_left_is_not_said_to_be_unsent_before_its_incidents_know(
    plant: Plant, monkeypatch: pytest.MonkeyPatch
) -> None:
    def dies(*_: object) -> Commit:
        raise StoreUnavailable("the process dies here")

    monkeypatch.setattr(Summaries, "_tell", dies)
    incidents = [plant.room.opens(contacts=TWO, description=f"Pump {n}") for n in range(12)]
    passes(plant, 52)
    assert plant.room.read(incidents[-1])["level"] == 1
    assert not [line for line in plant.room.timeline(incidents[-1]) if "could not be sent" in line]


def stormy(plant: Plant, number: int = 13) -> list[str]:
    """Incidents whose first pages leave by themselves and whose last wait for Anna's summary, which is not due yet."""
    return [plant.room.opens(contacts=TWO, description=f"Pump {n}") for n in range(number)]


def opted_out_by_anna(request: Request) -> Answer:
    if request["DestinationPhoneNumber"] != ANNA:
        return {"MessageId": "m"}
    return Error("ConflictException", 409, {"Reason": "DESTINATION_PHONE_NUMBER_OPTED_OUT"})


def breaks_down(monkeypatch: pytest.MonkeyPatch, method: str, at: str | None = None) -> None:
    """Let a step of summaries meet a fault of the program: always, or where it is about one incident."""
    whole = getattr(Summaries, method)

    def broken(self: Summaries, *given: object) -> object:
        if at is None or getattr(given[1], "incident_id", None) == at:
            raise ZeroDivisionError("a fault of the program")
        return whole(self, *given)

    monkeypatch.setattr(Summaries, method, broken)


def test_the_incidents_of_a_summary_that_is_given_up_go_on_at_once(
    plant: Plant, monkeypatch: pytest.MonkeyPatch
) -> None:
    breaks_down(monkeypatch, "_leave")
    monkeypatch.setattr("service.work.retry.Backoff.wait", lambda *_: timedelta(milliseconds=100))
    incidents = stormy(plant)
    passes(plant, 20)
    assert [one.kind for one in all_dead_items(plant.room.api.service.store)] == [SUMMARY]
    for incident in incidents[-2:]:
        assert plant.room.read(incident)["level"] == 2, "their time is not over yet"
        assert "Anna cannot be reached by sms" in " ".join(plant.room.timeline(incident))


@pytest.mark.parametrize("is_down", [False, True])
def test_an_incident_that_cannot_be_told_of_its_summary_keeps_no_other_from_it(
    plant: Plant, monkeypatch: pytest.MonkeyPatch, is_down: bool
) -> None:
    incidents = stormy(plant, 15)
    if is_down:
        plant.aws.usually(SMS, opted_out_by_anna)
    breaks_down(monkeypatch, "_told", at=incidents[-2])
    monkeypatch.setattr("service.work.retry.Backoff.wait", lambda *_: timedelta(milliseconds=100))
    passes(plant, 25)
    assert [one.kind for one in all_dead_items(plant.room.api.service.store)] == [SUMMARY]
    for incident in (incidents[-4], incidents[-3], incidents[-1]):
        read = plant.room.read(incident)
        if is_down:
            assert read["level"] == 2
        else:
            assert due(plant.room, incident) > NOON + timedelta(seconds=45), "it waits from when its summary left"


def test_a_later_summary_keeps_no_page_waiting_that_it_does_not_carry(plant: Plant) -> None:
    *_, incident = stormy(plant)
    incidents = plant.room.api.service.escalation.incidents
    books = PhoneBooks(incidents.store, incidents.keys)
    given_up = incidents.store.get(summary_id(books.key(ANNA), 1))
    assert given_up is not None
    books[ANNA] = books[ANNA].summarised(books[ANNA].held, NOON)
    incidents.store.save(structs.replace(given_up, due_at=None), *books.changed())  # as an earlier release gave it up
    plant.room.opens(contacts=TWO, description="Pump 99")
    assert PhoneBooks(incidents.store, incidents.keys)[ANNA].summaries == 2
    later = NOON + timedelta(seconds=41)
    assert (
        turns_of(
            [incidents.get(incident).incident], PhoneBooks(incidents.store, incidents.keys), incidents.store, later
        )
        == {}
    )


def test_an_overdue_worker_does_not_pass_over_the_first_contact(install: Install) -> None:
    service = install(HandClock(NOON))
    room = Room(api_of(service))
    reply = room.api.client.post("/v1/incidents", {"incident_id": "1", "description": "Pump", "contacts": NAMED})
    assert reply.status == 201
    room.api.clock.advance(timedelta(minutes=10))
    room.works()
    assert len(room.inbox(ANN)) == 1
    assert room.inbox(BEN) == []
    assert due(room, "1") == room.api.clock.now() + timedelta(seconds=40)


class Dead:
    """A store whose process dies before what it sent is written down."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def __getattr__(self, name: str) -> object:
        if name in ("save", "save_all"):
            raise StoreUnavailable("the process dies here")
        return getattr(self._store, name)


def dies_over_a_page(plant: Plant) -> str:
    """An incident whose page the provider took from a worker that died before it could say so."""
    service = plant.room.api.service
    body = {"incident_id": "1", "description": "Pump", "contacts": TWO}
    assert plant.room.api.client.post("/v1/incidents", body).status == 201
    worker = Worker(cast("Store", Dead(service.store)), HandlerRegistry(service.task_handlers()), service.clock)
    worker.run_due()
    worker.close()
    assert len(plant.aws.of(SMS)) == 1
    return "1"


def says(plant: Plant, text: str, at: datetime) -> None:
    plant.room.api.service.escalation.replies.receive(InboundSms("m", ANNA, "", text, None, at))


def test_a_yes_to_a_page_that_was_sent_by_a_worker_that_died_is_not_lost(plant: Plant) -> None:
    incident = dies_over_a_page(plant)
    plant.room.api.clock.advance(timedelta(seconds=20))
    says(plant, "yes", plant.room.api.clock.now())
    assert plant.room.state(incident) == "acknowledged"


def test_nor_is_it_lost_when_it_comes_after_the_page_was_sent_again(plant: Plant) -> None:
    incident = dies_over_a_page(plant)
    passes(plant, 35)
    assert len(plant.aws.of(SMS)) == 2
    says(plant, "yes", NOON + timedelta(seconds=20))
    assert plant.room.state(incident) == "acknowledged"


def test_a_reply_is_never_about_a_page_that_could_not_leave_yet(plant: Plant) -> None:
    down(plant, SMS)
    incident = plant.room.opens(contacts=TWO)
    passes(plant, 20)
    says(plant, "yes", plant.room.api.clock.now())
    assert plant.room.state(incident) == "open"
    says_by_code = InboundSms("m-2", ANNA, "", "yes 11", None, plant.room.api.clock.now())
    plant.room.api.service.escalation.replies.receive(says_by_code)
    assert plant.room.state(incident) == "acknowledged"


def test_a_page_is_not_sent_again_because_its_incident_changed_meanwhile(plant: Plant) -> None:
    """A YES comes while the provider is being asked: what it said is written down beside the YES."""
    taken: list[str] = []

    def meanwhile(_: Request) -> Answer:
        plant.room.api.client.post("/v1/incidents/1/acknowledge", {"by": "the control room"})
        taken.append("page")
        return {"MessageId": "m"}

    plant.aws.usually(SMS, meanwhile)
    plant.room.opens({"incident_id": "1", "description": "Pump", "contacts": TWO})
    plant.aws.usually(SMS, lambda _: {"MessageId": "m"})
    passes(plant, 5)
    assert texts(plant, ANNA)[0].startswith("Pump")
    assert len([text for text in texts(plant, ANNA) if text.startswith("Pump")]) == 1
    assert plant.room.messages("1")[0]["status"] == "accepted"


def with_level(tmp_path: Path, level: str) -> Path:
    """A rules folder with a policy `own` whose first level is this; the second contact follows."""
    rules = tmp_path / "own"
    (rules / "escalation").mkdir(parents=True, exist_ok=True)
    levels = f"levels:\n  - {level}\n  - {{contacts: [2], wait: 30m}}\n"
    (rules / "escalation" / "own.yaml").write_text(f"escalation: own\n{levels}")
    return rules


def test_a_provider_that_is_back_shortly_before_the_end_of_a_wait_is_asked_in_time(
    build: Build, tmp_path: Path
) -> None:
    """The breaker of a provider that was away for two hours rests for five minutes at a time."""
    plant = build(rules_dir=with_level(tmp_path, '{contacts: [1], until: "14:00"}'))
    down(plant, SMS)
    incident = plant.room.opens(contacts=TWO, policy="own")
    passes(plant, 118 * 60, 5)
    up(plant, SMS)
    tried = len(plant.aws.of(SMS))
    passes(plant, 119)
    assert len(texts(plant, ANNA, tried)) == 1
    lines = plant.room.timeline(incident)
    assert not [line for line in lines if "could not be sent" in line]
    assert plant.room.read(incident)["level"] == 1


def test_a_page_is_tried_for_as_long_as_its_level_lasts(build: Build, tmp_path: Path) -> None:
    plant = build(rules_dir=with_level(tmp_path, "{contacts: [1], wait: 2h}"))
    down(plant, SMS)
    incident = plant.room.opens(contacts=TWO, policy="own")
    passes(plant, 100 * 60, 5)
    assert plant.room.read(incident)["level"] == 1
    up(plant, SMS)
    tried = len(plant.aws.of(SMS))
    passes(plant, 60)
    assert len(texts(plant, ANNA, tried)) == 1
    assert texts(plant, BERT) == []
