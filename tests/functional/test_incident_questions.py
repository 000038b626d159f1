"""What a person is asked back, how often, and what an answer that is not clear does to the incident."""

import pytest

from service.core.enums import Scope
from tests.functional.conftest import Api
from tests.functional.incident_room import ANN, BEN, Room

REPEATED_ON_AWS = False


@pytest.fixture
def room(api: Api) -> Room:
    return Room(api)


HOW = "11 (Pump 1 failed) is still open: reply YES 11 to take it or NO 11 to pass it on."


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("blorp", 'I could not read "blorp" as YES or NO.'),
        ("no problem", "I could not read your answer as YES or NO."),
        ("yes no", "Your answer says both YES and NO."),
        ("yes, in 2 hours", 'You wrote "in 2 hours", which is more than an hour from now.'),
        ("tomorrow", 'You wrote "tomorrow", but the question is about now.'),
        ("ok ask Ben", "If Ben should be asked instead, reply NO 11."),
        ("where is it?", "Nobody reads questions at this number."),
        ("STOP, I have it", "To get no more messages, reply STOP and nothing else."),
        ("blorp " * 90, "Your answer is too long to be read."),
    ],
)
def test_a_question_says_why_and_how_to_answer(room: Room, text: str, why: str) -> None:
    incident = room.opens()
    room.says(ANN, text)
    assert room.inbox(ANN)[1:] == [f"{why}\n{HOW}"]
    assert room.state(incident) == "open"


def test_a_question_speaks_the_words_of_the_policy_and_the_language_of_the_reader(room: Room) -> None:
    room.opens(policy="approval", description="Purchase 4711")
    room.says(ANN, "got it")
    assert room.inbox(ANN)[-1] == (
        '"got it" is not enough for this one.\n'
        "11 (Purchase 4711) is still to be decided: reply YES 11 to approve or NO 11 to decline."
    )
    room.opens(policy="medicine", description="Blaue Pille", contacts=[{"phone": BEN, "language": "de"}])
    room.says(BEN, "später vielleicht")
    assert room.inbox(BEN)[-1].endswith(
        "11 (Blaue Pille): antworten Sie JA 11, sobald Sie es eingenommen haben, oder NEIN 11, wenn es nicht geht."
    )


def test_a_page_is_asked_about_once_and_the_next_page_anew(room: Room) -> None:
    first = room.opens(description="Pump 1 failed")
    room.says(ANN, "blorp")
    room.says(ANN, "blorp blorp")
    assert len(room.inbox(ANN)) == 2
    room.api.client.post(f"/v1/incidents/{first}/cancel", {"by": "the control room"})
    room.opens(description="Pump 2 failed")
    before = len(room.inbox(ANN))
    room.says(ANN, "blorp")
    assert room.inbox(ANN)[before:] == [
        'I could not read "blorp" as YES or NO.\n'
        "12 (Pump 2 failed) is still open: reply YES 12 to take it or NO 12 to pass it on."
    ]


def test_a_new_page_and_a_command_give_the_answers_back_that_were_used_up(room: Room) -> None:
    for n in range(7):
        incident = room.opens(description=f"Pump {n} failed")
        before = len(room.inbox(ANN))
        room.says(ANN, f"blorp {'x' * n}")
        assert len(room.inbox(ANN)) == before + 1
        room.api.client.post(f"/v1/incidents/{incident}/acknowledge", {"by": "the control room"})
        room.works()


def test_which_one_is_always_asked_after_a_clear_yes(room: Room) -> None:
    room.opens(description="Pump 1 failed")
    room.opens(description="Pump 2 failed")
    for _ in range(8):
        before = len(room.inbox(ANN))
        room.says(ANN, "yes")
        assert room.inbox(ANN)[before:] == [
            "Which one do you mean: 12 Pump 2 failed, 11 Pump 1 failed? Reply YES or NO with the number, like YES 12."
        ]


def test_a_command_is_confirmed_a_few_times_an_hour(room: Room) -> None:
    room.opens()
    for _ in range(5):
        room.says(ANN, "help")
    helped = [text for text in room.inbox(ANN) if "This number asks" in text]
    assert len(helped) == 3
    assert helped[0] == (
        "This number asks whether you can take an incident. Reply STOP to get no more messages.\n"
        "Open: 11 Pump 1 failed. Reply YES or NO with the number, like YES 11."
    )


def test_an_automatic_answer_is_asked_nothing(room: Room) -> None:
    incident = room.opens()
    room.says(ANN, "OK, this is an automatic reply. I am out of the office until Monday.")
    assert len(room.inbox(ANN)) == 1
    assert "Ann wrote what is no clear answer: an automatic answer" in room.timeline(incident)


@pytest.mark.parametrize("text", ["thanks, looking now", "on it", "thank you"])
def test_nothing_after_a_yes_reads_like_a_failure(room: Room, text: str) -> None:
    incident = room.opens()
    room.says(ANN, "yes")
    before = len(room.inbox(ANN))
    room.says(ANN, text)
    answers = room.inbox(ANN)[before:]
    assert answers in ([], ["You have this since 12:00: 11 Pump 1 failed"])
    assert room.state(incident) == "acknowledged"


def test_looking_now_after_a_yes_is_met_with_silence_and_nonsense_with_how_it_stands_once(room: Room) -> None:
    room.opens()
    room.says(ANN, "yes")
    before = len(room.inbox(ANN))
    room.says(ANN, "thanks, looking now")
    assert room.inbox(ANN)[before:] == []
    room.says(ANN, "blorp")
    room.says(ANN, "blorp blorp")
    assert room.inbox(ANN)[before:] == ["You have this since 12:00: 11 Pump 1 failed"]


def test_an_answer_that_leans_to_yes_has_one_more_wait_once(room: Room) -> None:
    incident = room.opens()
    room.waits(40)
    room.waits(35)
    room.says(ANN, "yes, once the kettle is off")
    assert "Ann leans to yes and has one more wait" in room.timeline(incident)
    room.waits(30)
    assert room.inbox(BEN) == []
    room.says(ANN, "yes, kettle kettle")
    room.waits(15)
    assert len(room.inbox(BEN)) == 1


@pytest.mark.parametrize("text", ["blorp", "ok ask Ben", "tomorrow", "yes no"])
def test_an_answer_that_does_not_lean_to_yes_waits_no_longer(room: Room, text: str) -> None:
    room.opens()
    room.waits(75)
    room.says(ANN, text)
    room.waits(8)
    assert len(room.inbox(BEN)) == 1


def test_a_yes_that_may_mean_several_gives_each_of_them_one_more_wait(room: Room) -> None:
    room.opens(description="Pump 1 failed")
    room.opens(description="Pump 2 failed")
    room.waits(75)
    room.says(ANN, "yes")
    room.waits(30)
    assert room.inbox(BEN) == []
    room.waits(15)
    assert len(room.inbox(BEN)) == 2


def test_the_words_are_on_the_timeline_and_neither_in_the_audit_nor_in_the_log(
    room: Room, caplog: pytest.LogCaptureFixture
) -> None:
    incident = room.opens()
    room.says(ANN, "driving to grandma, home in 30")
    room.says(ANN, "no, grandma is ill")
    lines = room.read(incident)["timeline"]
    assert isinstance(lines, list)
    assert [line["words"] for line in lines if "words" in line] == [
        "driving to grandma, home in 30",
        "no, grandma is ill",
    ]
    assert "grandma" not in room.api.client.get("/v1/audit").text
    assert "grandma" not in caplog.text
    masked = room.api.client_with(Scope.INCIDENTS).get(f"/v1/incidents/{incident}")
    assert "grandma" not in masked.text
    assert [line["words"] for line in masked.json()["timeline"] if "words" in line] == ["…", "…"]  # type: ignore[attr-defined]


def test_an_erased_person_leaves_no_words_on_any_timeline(room: Room) -> None:
    profile = {"first_name": "Ann", "phone": ANN, "language": "en", "preference": "sms"}
    assert room.api.client.call("PUT", "/v1/recipients/ann", json=profile).status == 201
    first = room.opens(contacts=[{"recipient": "ann"}, {"name": "Ben", "phone": BEN}])
    room.says(ANN, "no, grandma is ill")
    room.says(BEN, "yes please")
    second = room.opens()
    room.says(ANN, "grandma is ill")
    assert "grandma" in str(room.read(first)) + str(room.read(second))
    assert room.api.client.call("DELETE", "/v1/recipients/ann").status == 204
    room.works()
    assert "grandma" not in str(room.read(first)) + str(room.read(second))
    assert "yes please" in str(room.read(first)), "Ben was not erased"
    assert "Ann said no" in room.timeline(first)
    assert room.state(second) == "open"
