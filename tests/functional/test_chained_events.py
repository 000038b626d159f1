"""A rule's event carries what the rule says with it, and a mapping makes another ruleset's request of it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from service.core.clock import HandClock
from tests.functional.backends import Install
from tests.functional.conftest import NOON, Api, api_of
from tests.functional.few_rules import few_rules

LEADS = """\
ruleset: leads
facts:
  lead.id: {type: text}
  lead.score: {type: integer}
rules:
  - name: Warm
    when: lead.score >= 50
    then:
      - emit: lead-accepted
        with: {lead.id: "{{ lead.id }}", lead.level: "score {{ lead.score }}"}
"""
OFFERS = """\
ruleset: offers
facts:
  lead.id: {type: text}
rules:
  - {name: Offer, when: lead.id is not missing, then: [{emit: offer-made, with: {lead.id: "{{ lead.id }}"}}]}
"""
EVENTS = """\
events:
  - {source: tocsin, detail-type: lead-accepted, ruleset: offers, facts: {lead.id: detail.data.lead.id}}
  - {source: tocsin, detail-type: offer-made, ruleset: offers, facts: {lead.id: detail.data.lead.id}}
"""


@pytest.fixture
def api(install: Install, tmp_path: Path) -> Api:
    rules_dir = few_rules(tmp_path)
    for name, text in (("leads", LEADS), ("offers", OFFERS), ("events", EVENTS)):
        (rules_dir / f"{name}.yaml").write_text(text)
    api = api_of(install(HandClock(NOON), rules_dir=rules_dir))
    api.service.working_copies.sweep()
    return api


def works(api: Api) -> None:
    worker = api.service.worker()
    for _ in range(8):
        worker.run_due()
    worker.close()


def responses(api: Api, ruleset: str) -> list[Mapping[str, object]]:
    items = api.client.get(f"/v1/audit?ruleset={ruleset}&entry_type=response").json()["items"]
    assert isinstance(items, list)
    return items


def test_rulesets_chain_by_events_and_a_circle_ends(api: Api) -> None:
    lead = {"lead": {"id": "L-7", "score": 80}}
    reply = api.client.post("/v1/rulesets/leads/evaluations", {"request": lead})
    data = {"lead.id": "L-7", "lead.level": "score 80"}
    asked = {"outcome": "emit", "rule": "Warm", "event": "lead-accepted", "data": data}
    assert reply.json()["outcomes"] == [asked]
    works(api)
    followed = responses(api, "offers")
    assert len(followed) == 5  # the offers' own event comes back to them: the sixth asks for nothing
    assert all(entry["data"]["result"]["lead"]["id"] == "L-7" for entry in followed)  # type: ignore[index]
    evaluation = str(reply.json()["evaluation_id"])
    shown = api.client.get(f"/v1/evaluations/{evaluation}").json()["outcomes"]
    assert isinstance(shown, list)
    assert [each["status"] for each in shown] == ["emitted"]
    works(api)
    assert len(responses(api, "offers")) == 5
