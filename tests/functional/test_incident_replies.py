"""What people write back, read by the words of `rules/replies`, seen from the incident."""

import pytest

from tests.functional.conftest import Api
from tests.functional.incident_room import ANN, BEN, Room


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
    room.says(ANN, "yes 10 and 11")
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
    room.says(ANN, "Liked “Pump 2 failed\nCan you take it? Reply YES 11 or NO 11”")
    assert (state(room, first), state(room, second)) == ("open", "acknowledged")


def test_a_sentence_that_ends_our_messages_does_so(room: Room) -> None:
    incident = room.opens()
    room.says(ANN, "Yes, please stop texting me")
    assert any("no messages" in str(line) or "wants no" in str(line) for line in room.read(incident)["timeline"])  # type: ignore[attr-defined]
