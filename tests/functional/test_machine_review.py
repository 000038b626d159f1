"""What a machine says leaves when a person has looked at it, source and answer side by side, once for everybody."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from service.core.clock import HandClock
from service.core.enums import Lane
from service.messages.machine_review import MachineReview
from tests.functional.backends import Install
from tests.functional.conftest import NOON, api_of
from tests.functional.few_rules import few_rules
from tests.functional.test_notifications import JOHN, MARY, Desk

REPEATED_ON_AWS = False

TEXT = "The door of the warehouse is open."
Open = Callable[..., Desk]


@pytest.fixture
def opened(install: Install, tmp_path: Path) -> Open:
    def opened(**settings: object) -> Desk:
        service = install(HandClock(NOON), rules_dir=few_rules(tmp_path, "lead.yaml"), **settings)
        service.working_copies.sweep()
        desk = Desk(api_of(service))
        desk.recipients("all", JOHN, {**MARY, "language": "pt-BR"})
        return desk

    return opened


def waiting(desk: Desk) -> list[dict[str, object]]:
    items = desk.api.client.get("/v1/reviews").json()["items"]
    assert isinstance(items, list)
    return items


def decides(desk: Desk, decision: str, name: object) -> int:
    body = {"decision": decision, "reason": "I read it"}
    return desk.api.client.post(f"/v1/reviews/{name}", body).status


def in_portuguese(desk: Desk) -> list[str]:
    return [entry.text for entry in desk.outbox() if entry.language == "pt-BR"]


def test_a_machines_text_waits_beside_its_source_and_goes_out_when_it_is_approved(opened: Open) -> None:
    desk = opened(reviewers="rita@example.com")
    sent = desk.sends(text=TEXT, audience="all")
    desk.works(5)
    assert desk.counts(sent) == {"accepted": 1, "needs_translation": 1}
    (item,) = waiting(desk)
    assert (item["kind"], item["text"], item["language"]) == ("translation", TEXT, "pt-BR")
    assert "porta" in str(item["translation"])
    assert str(item["drafted_by"]).startswith("machine:fxtranslate@")
    (letter,) = [entry for entry in desk.outbox() if entry.to == "rita@example.com"]
    assert TEXT in letter.text
    assert str(item["translation"]) in letter.text
    assert desk.read(sent)["renditions"][-1]["drafts"] == {TEXT: item["translation"]}  # type: ignore[index]
    assert decides(desk, "approve", item["id"]) == 200
    desk.works(5)
    assert in_portuguese(desk) == [item["translation"]]
    assert desk.status(sent) == "completed"
    assert waiting(desk) == []
    assert decides(desk, "approve", item["id"]) == 409
    again = desk.sends(text=TEXT, audience="all")
    desk.works(5)
    assert desk.status(again) == "completed", "it was read once for everybody"


def test_what_a_person_declines_never_leaves_in_any_lane(opened: Open) -> None:
    desk = opened()
    sent = desk.sends(text=TEXT, audience="all")
    desk.works(5)
    (item,) = waiting(desk)
    assert decides(desk, "reject", item["id"]) == 200
    assert waiting(desk) == []
    desk.works(1)
    assert desk.read(sent)["renditions"][-1]["drafts"] == {}  # type: ignore[index]
    desk.sends(text=TEXT, audience="all", lane="transactional")
    desk.works(5)
    assert in_portuguese(desk) == []
    missing = desk.api.client.get("/v1/translations").json()["items"]
    assert isinstance(missing, list)
    assert [one["declined_because"] for one in missing] == ["I read it"]
    own = {"text": "A porta do depósito está aberta."}
    assert desk.api.client.call("PUT", f"/v1/translations/{item['id']}", json=own).status == 200
    desk.works(5)
    assert in_portuguese(desk) == [own["text"]] * 2
    assert desk.status(sent) == "completed"


@pytest.mark.parametrize(
    ("settings", "lane"),
    [({}, "transactional"), ({"review_machine": "off"}, "bulk"), ({"review_machine": "all"}, "incident")],
)
def test_elsewhere_a_machines_text_leaves_at_once(opened: Open, settings: dict[str, object], lane: str) -> None:
    desk = opened(**settings)
    sent = desk.sends(text=TEXT, audience="all", lane=lane)
    desk.works(5)
    assert desk.status(sent) == "completed"
    assert len(in_portuguese(desk)) == 1


@pytest.mark.parametrize("provenance", ["machine:amazon-translate", "machine:libretranslate", "catalogue", "source"])
def test_an_upgrade_holds_no_text_of_a_provider(provenance: str) -> None:
    assert not any(MachineReview().holds(provenance, lane) for lane in Lane)
    assert MachineReview("all").holds(provenance, Lane.TRANSACTIONAL) is provenance.startswith("machine:")
