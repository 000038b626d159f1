"""What a person translated once serves other days and numbers, and longer texts."""

from __future__ import annotations

from pathlib import Path

import pytest

from service.core.clock import HandClock
from tests.functional.backends import Install
from tests.functional.conftest import NOON, api_of
from tests.functional.few_rules import few_rules
from tests.functional.test_notifications import MARY, Desk

REPEATED_ON_AWS = False

GYM, GERMAN = "The gym is closed on May 10.", "Das Fitnessstudio ist am 10. Mai geschlossen."
SHIPPED = "Your order has been shipped."


@pytest.fixture
def desk(install: Install, tmp_path: Path) -> Desk:
    service = install(HandClock(NOON), rules_dir=few_rules(tmp_path, "lead.yaml"))
    service.working_copies.sweep()
    desk = Desk(api_of(service))
    desk.recipients("all", MARY)
    return desk


def supplies(desk: Desk, text: str, translation: str) -> None:
    desk.sends(text=text, audience="all", lane="transactional")
    desk.works(3)
    missing = desk.api.client.get("/v1/translations").json()["items"]
    assert isinstance(missing, list)
    (name,) = [one["id"] for one in missing if one["source_text"] == text]
    assert desk.api.client.call("PUT", f"/v1/translations/{name}", json={"text": translation}).status == 200
    desk.works(3)


def arrives(desk: Desk, text: str) -> str | None:
    sent = desk.sends(text=text, audience="all", lane="transactional")
    desk.works(3)
    if desk.status(sent) != "completed":
        return None
    return desk.outbox()[0].text


def test_it_serves_readers_of_a_region_too(desk: Desk) -> None:
    supplies(desk, GYM, GERMAN)
    desk.recipients("all", {**MARY, "language": "de-AT"})
    assert arrives(desk, "The gym is closed on May 12.") == GERMAN.replace("10", "12")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The gym is closed on May 12.", GERMAN.replace("10", "12")),
        ("the gym is closed on Monday, May 11!", "Das Fitnessstudio ist am Montag, 11. Mai geschlossen!"),
        (f"The gym is closed on May 12. {SHIPPED}", f"{GERMAN.replace('10', '12')} Ihre Bestellung wurde versandt."),
        (f"- {GYM}\n- The gym is closed on May 2.", f"- {GERMAN}\n- {GERMAN.replace('10', '2')}"),
        ("The pool is closed on May 12.", None),
    ],
)
def test_a_supplied_sentence_serves_other_days_and_longer_texts(desk: Desk, text: str, expected: str | None) -> None:
    supplies(desk, GYM, GERMAN)
    assert arrives(desk, text) == expected


@pytest.mark.parametrize(
    ("source", "said", "other"),
    [
        (GYM, "Das Studio ist am zehnten Mai zu.", "The gym is closed on May 12."),
        ("Room 5 opens at 5 PM.", "Raum 5 öffnet um 17 Uhr.", "Room 6 opens at 7 PM."),
        ("Take 2 of 2 pills.", "Nehmen Sie 2 von 2 Pillen.", "Take 2 of 3 pills."),
    ],
)
def test_a_translation_that_says_a_day_or_number_otherwise_serves_its_own_text_alone(
    desk: Desk, source: str, said: str, other: str
) -> None:
    supplies(desk, source, said)
    assert arrives(desk, source) == said
    assert arrives(desk, other) is None


def test_a_second_translation_of_the_same_sentence_replaces_the_first(desk: Desk) -> None:
    supplies(desk, GYM, GERMAN)
    missing = desk.api.client.get("/v1/translations?status=supplied").json()["items"]
    assert isinstance(missing, list)
    (name,) = [one["id"] for one in missing]
    better = {"text": "Das Studio bleibt am 10. Mai zu."}
    assert desk.api.client.call("PUT", f"/v1/translations/{name}", json=better).status == 200
    assert arrives(desk, "The gym is closed on June 3.") == "Das Studio bleibt am 3. Juni zu."
