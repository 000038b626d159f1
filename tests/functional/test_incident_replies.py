"""What people write back, read by the words of `rules/replies`, seen from the incident."""

from pathlib import Path

import pytest

from service.core.clock import HandClock
from tests.functional.backends import Install
from tests.functional.conftest import NOON, Api, api_of
from tests.functional.few_rules import few_rules
from tests.functional.incident_room import ANN, BEN, Room

REPEATED_ON_AWS = False


@pytest.fixture
def room(api: Api) -> Room:
    return Room(api)


def state(room: Room, incident: str) -> object:
    return room.read(incident)["state"]


@pytest.mark.parametrize(
    "text",
    [
        "ok ask Ben",
        "yes tomorrow morning",
        "Yes I'm on holiday",
        "OK, this is an automatic reply. I am out of the office until Monday.",
        "got it wrong",
        "yes when",
        "yes, in 2 hours",
        "busy 👍",
        "STOP, I have it",
    ],
)
def test_what_is_no_yes_takes_no_incident(room: Room, text: str) -> None:
    incident = room.opens()
    room.says(ANN, text)
    assert state(room, incident) == "open"


@pytest.mark.parametrize("text", ["k", "yesss", "on my way, 20 min out", "I'll take it", "👌"])
def test_what_is_a_yes_takes_it(room: Room, text: str) -> None:
    incident = room.opens()
    room.says(ANN, text)
    assert state(room, incident) == "acknowledged"


def test_minutes_beside_a_yes_are_no_code(room: Room) -> None:
    first, second = room.opens(description="Pump 1 failed"), room.opens(description="Pump 2 failed")
    room.says(ANN, "Yes, 10 min")
    assert {state(room, first), state(room, second)} == {"open"}
    room.says(ANN, "yes 11 and 12")
    assert {state(room, first), state(room, second)} == {"acknowledged"}


def test_yes_all_takes_every_open_incident(room: Room) -> None:
    incidents = [room.opens(description=f"Pump {n} failed") for n in range(3)]
    room.says(ANN, "YES ALL")
    assert {state(room, incident) for incident in incidents} == {"acknowledged"}


def test_an_approval_takes_no_receipt(room: Room) -> None:
    incident = room.opens(policy="approval", description="Purchase 4711 of 12,000 EUR")
    for text in ("got it", "will do", "👍"):
        room.says(ANN, text)
        assert state(room, incident) == "open"
    room.says(ANN, "approved, go ahead")
    assert state(room, incident) == "acknowledged"


def test_a_medicine_is_taken_only_once_somebody_says_so(room: Room) -> None:
    incident = room.opens(policy="medicine", description="Take the blue pill")
    room.says(ANN, "ok I will take it after lunch")
    assert state(room, incident) == "open"
    room.says(ANN, "took it just now")
    assert state(room, incident) == "acknowledged"


def test_the_doctor_of_a_medicine_is_paged_like_anybody(room: Room) -> None:
    incident = room.opens(policy="medicine", description="Take the blue pill")
    room.says(ANN, "no")
    room.says(BEN, "geht klar")
    assert state(room, incident) == "acknowledged"


def test_a_reaction_answers_the_page_that_it_quotes(room: Room) -> None:
    first, second = room.opens(description="Pump 1 failed"), room.opens(description="Pump 2 failed")
    room.says(ANN, "Liked “Pump 2 failed\nCan you take it? Reply YES 12 or NO 12”")
    assert (state(room, first), state(room, second)) == ("open", "acknowledged")


@pytest.mark.parametrize(
    ("quote", "answer"),
    [
        ("Liked “Disk full db1 is…”", "acknowledged"),
        ("Liked “Disk full db1 is on fir", "acknowledged"),
        ("Loved “Disk full db1 is…”", "open"),  # no answer, whatever it is to mean,
        ("👍 to “Disk full db1 is on fire in the cellar\nCan you take it? Reply YES 1…”", "acknowledged"),
        ("Reacted ✅ to “Incident 12: Disk full db1…”", "acknowledged"),
        ("Liked “Disk full…”", "open"),  # as the other page begins
        ("Liked “Disk full db1 is gone”", "open"),
        ("Liked “Disk full db1 is asked about 12”", "open"),
        ("Removed a like from “Disk full db1 is…”", "open"),
    ],
)
def test_a_reaction_finds_its_page_although_the_phone_cut_the_quote(room: Room, quote: str, answer: str) -> None:
    other, meant = (
        room.opens(description="Disk full db2"),
        room.opens(description="Disk full db1 is on fire in the cellar"),
    )
    room.says(ANN, quote)
    assert (state(room, other), state(room, meant)) == ("open", answer)


def test_a_like_of_the_message_that_somebody_else_is_asked_takes_nothing(room: Room) -> None:
    incident = room.opens(description="Disk full db1 is on fire in the cellar")
    room.waits(85)
    (told,) = (text for text in room.inbox(ANN) if "no answer yet" in text)
    for quote in (told, told[:30] + "…"):
        room.says(ANN, f"Liked “{quote}”")
        assert state(room, incident) == "open"
    page = next(text for text in room.inbox(ANN) if "Can you take it" in text)
    room.says(ANN, f"Liked “{page}”")
    assert state(room, incident) == "acknowledged"


def test_a_sentence_that_ends_our_messages_does_so(room: Room) -> None:
    incident = room.opens()
    room.says(ANN, "Yes, please stop texting me")
    assert any("no messages" in str(line) or "wants no" in str(line) for line in room.read(incident)["timeline"])  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("paged", "writes"),
    [
        ("+5215512345678", "+525512345678"),
        ("+525512345678", "+5215512345678"),
        ("+5491123456789", "+541123456789"),
        ("+447700900123", "whatsapp:+447700900123"),
    ],
)
def test_one_person_answers_by_every_form_of_the_number(room: Room, paged: str, writes: str) -> None:
    incident = room.opens(contacts=[{"name": "Ana", "phone": paged, "language": "en"}])
    room.says(writes, "yes")
    assert state(room, incident) == "acknowledged"


@pytest.mark.parametrize("owner", ["ops@example.com", "+447700900999"])
def test_the_owner_of_a_policy_is_told_once_when_a_contact_opts_out(
    install: Install, tmp_path: Path, owner: str
) -> None:
    rules = few_rules(tmp_path)
    policy = f'escalation: night\nlevels: [{{contacts: [1], wait: 1m}}]\nowner: "{owner}"\n'
    (rules / "escalation" / "night.yaml").write_text(policy)
    room = Room(api_of(install(HandClock(NOON), rules_dir=rules)))
    room.opens(policy="night")
    room.says(ANN, "STOP")
    assert [text.strip() for text in room.inbox(owner)] == [
        "Ann has sent STOP and gets no more pages of the policy night.\nPump 1 failed"
    ]


def test_stop_beside_an_answer_is_asked_about_and_ends_nothing(room: Room) -> None:
    incident = room.opens()
    room.says(ANN, "Stop. I'm on it")
    assert room.inbox(ANN)[-1].startswith(
        "To get no more messages, reply STOP and nothing else.\n11 (Pump 1 failed) is"
    )
    assert state(room, incident) == "open"
    room.says(ANN, "yes 11")
    assert state(room, incident) == "acknowledged"


@pytest.mark.parametrize("word", ["fin", "baja", "alto", "ende"])
def test_a_stop_of_another_language_is_none(room: Room, word: str) -> None:
    incident = room.opens()
    room.says(ANN, word)
    assert not any("wants no messages" in line for line in room.timeline(incident))
