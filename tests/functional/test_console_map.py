"""The map of a ruleset, by HTTP, on its page and on the command line."""

from __future__ import annotations

import json

import pytest

from service.core.enums import Scope
from tests.functional.client import ROOT
from tests.functional.conftest import Api
from tests.functional.evaluating import put
from tests.functional.test_console import signed_in
from tests.functional.test_rules_cli import run

REPEATED_ON_AWS = False

PAGE = "/console/rules/premium/map"
CALL = "/v1/rulesets/premium/versions/1/map"


@pytest.fixture
def premium(api: Api) -> Api:
    put(api, (ROOT / "rules" / "premium.yaml").read_text())
    return api


def test_the_map_shows_the_gap_and_leads_to_a_request_in_it(premium: Api) -> None:
    tab = signed_in(premium)
    page = tab.get(f"{PAGE}?x=driver.age&y=car.color").text
    assert "21, RED: no rule, a gap" in page
    assert "under 21, RED: High Risk" in page
    assert "/console/rules/premium/try?version=1&amp;car.style=SPORTS&amp;driver.age=21&amp;car.color=RED" in page
    assert PAGE in tab.get("/console/rules/premium").text


def test_other_values_of_the_other_facts_are_chosen_until_the_axes_change(premium: Api) -> None:
    tab = signed_in(premium)
    sedan = tab.get(f"{PAGE}?x=driver.age&y=car.color&of=driver.age+car.color&at=1").text
    assert ", a gap" not in sedan
    turned = tab.get(f"{PAGE}?x=driver.age&y=car.style&of=driver.age+car.color&at=1").text
    assert "21, SPORTS: no rule, a gap" in turned


def test_the_call_says_the_same_and_refuses_what_is_no_axis(premium: Api) -> None:
    client = premium.client_with(Scope.RULES_READ)
    found = client.get(f"{CALL}?x=driver.age&y=car.color").json()
    assert (found["columns"], found["rows"]) == (["under 21", "21", "22 or more"], ["RED", "any other text"])
    refused = client.get(f"{CALL}?x=driver.name")
    assert (refused.status, refused.json()["errors"]) == (
        422,
        [{"path": "x", "message": "'driver.name' is no axis: choose two of driver.age, car.style, car.color"}],
    )
    assert client.get(f"{CALL}?at=1x2").status == 422
    assert client.get("/v1/rulesets/premium/versions/7/map").status == 404
    assert signed_in(premium).get(f"{PAGE}?x=nothing").status_code == 422


def test_the_command_draws_it_as_text() -> None:
    file = str(ROOT / "rules" / "premium.yaml")
    drawn = run("rules", "map", file, "--x", "driver.age", "--y", "car.color", settings={}).stdout
    assert "A = High Risk" in drawn
    assert "gap" in drawn
    document = json.loads(run("rules", "map", file, "--json", settings={}).stdout)
    assert document["x"] == "driver.age"
    wrong = run("rules", "map", file, "--x", "age", settings={})
    assert wrong.exit_code != 0
    assert "choose two of" in wrong.output
