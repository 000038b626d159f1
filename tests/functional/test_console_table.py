"""The table of a ruleset is changed cell by cell; its text stays what is published."""

from __future__ import annotations

import re
from html import unescape

import pytest
from flask.testing import FlaskClient

from tests.functional.conftest import Api
from tests.functional.evaluating import put
from tests.functional.test_console import signed_in, submit

REPEATED_ON_AWS = False

LIFT = """\
ruleset: lift
facts:
  floor: {type: integer, min: 0, max: 90}
  fee:   {type: integer, min: 0}
hit: unique
table: |
  rule,floor,fee,why
  ,in,out:set,note
  Low, < 4,0,
  High,>= 4,10,"Far, far up"
"""
TABLE = "/console/rules/lift/table"


def fields(page: str) -> dict[str, list[str]]:
    """What the form of a page would send, without its buttons."""
    found: dict[str, list[str]] = {}
    for tag in re.findall(r'<input [^>]*name="(?:row|cell|sha256|first|count|width)"[^>]*>', page):
        name, value = re.search(r'name="(\w+)"', tag), re.search(r'value="([^"]*)"', tag)
        assert name
        found.setdefault(name[1], []).append(unescape(value[1]) if value else "")
    source = re.search(r'<textarea name="source" hidden>\n(.*?)</textarea>', page, re.DOTALL)
    assert source
    return {**found, "source": [unescape(source[1])]}


@pytest.fixture
def tab(api: Api) -> FlaskClient:
    put(api, LIFT)
    return signed_in(api)


def test_one_number_is_changed_checked_and_published(api: Api, tab: FlaskClient) -> None:
    assert TABLE in tab.get("/console/rules/lift/edit").text
    form = fields(tab.get(TABLE).text)
    assert form["cell"] == ["Low", "< 4", "0", "", "High", ">= 4", "10", "Far, far up"]
    form["cell"][6] = "12"
    assert "It can be published" in submit(tab, f"{TABLE}/check", form).text
    assert submit(tab, f"{TABLE}/publish", form).status_code == 303
    source = str(api.client.get("/v1/rulesets/lift/versions/2").json()["source"])
    assert source == LIFT.replace("High,>= 4,10", "High,>= 4,12")
    form["cell"][6] = "13"
    page = submit(tab, f"{TABLE}/publish", form).text
    assert "Somebody else published meanwhile" in page
    assert fields(page)["cell"] == form["cell"]


def test_rows_are_added_copied_moved_and_deleted_before_anything_is_published(api: Api, tab: FlaskClient) -> None:
    form = fields(tab.get(TABLE).text)
    for deed, names in (
        ("copy 1", ["Low", "Low", "High"]),
        ("lower 2", ["Low", "High", "Low"]),
        ("raise 3", ["Low", "Low", "High"]),
        ("delete 2", ["Low", "High"]),
        ("delete 9", ["Low", "High"]),
        ("add", ["Low", "High", ""]),
    ):
        form = fields(submit(tab, TABLE, {**form, "do": deed}).text)
        assert form["cell"][::4] == names, deed
    assert form["row"] == ["1", "2", ""]
    form["cell"][8:] = ["Roof", "90", "25", ""]
    page = submit(tab, f"{TABLE}/check", form).text
    assert "It cannot be published yet" in page, "two rules hold for the 90th floor, and one may"
    assert page.count('class="faulty"') >= 1
    form["cell"][5] = "4..89"
    assert submit(tab, f"{TABLE}/publish", form).status_code == 303
    source = str(api.client.get("/v1/rulesets/lift/versions/2").json()["source"])
    assert source.endswith('  Low, < 4,0,\n  High,4..89,10,"Far, far up"\n  Roof,90,25,\n')


def test_a_long_table_is_changed_a_hundred_rows_at_a_time(api: Api) -> None:
    rows = "".join(f"  R{n},{n},{n}\n" for n in range(250))
    put(
        api,
        LIFT[: LIFT.index("  rule,")].replace("max: 90", "max: 900") + "  rule,floor,fee\n  ,in,out:set\n" + rows,
    )
    tab = signed_in(api)
    form = fields(tab.get(TABLE).text)
    form["cell"][2] = "7"
    form = fields(submit(tab, TABLE, {**form, "do": "page 101"}).text)
    assert (form["first"], form["count"], form["cell"][0]) == (["101"], ["100"], "R100")
    form = fields(submit(tab, TABLE, {**form, "do": "page 201"}).text)
    assert (len(form["row"]), form["cell"][0], form["cell"][-1]) == (50, "R200", "249")
    assert submit(tab, f"{TABLE}/publish", {**form, "comment": "R0 costs 7"}).status_code == 303
    source = str(api.client.get("/v1/rulesets/lift/versions/2").json()["source"])
    assert "  R0,0,7\n  R1,1,1\n" in source
    assert source.endswith("  R249,249,249\n")


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"source": "ruleset: lift\nrules: []\n"}, "source"),
        ({"source": LIFT, "first": 0}, "first"),
        ({"source": LIFT, "rows": [{"cells": [1]}]}, "rows[0].cells[0]"),
    ],
)
def test_what_cannot_be_a_table_is_refused(api: Api, body: dict[str, object], path: str) -> None:
    answer = api.client.post("/v1/rulesets/lift/grid", body)
    assert answer.status == 422
    assert f'"path":"{path}"' in answer.text


def test_a_ruleset_without_a_table_says_so(api: Api, tab: FlaskClient) -> None:
    put(
        api,
        "ruleset: plain\nfacts:\n  n: {type: integer}\nrules:\n  - {name: A, when: n > 1, then: [{reject: No}]}\n",
    )
    assert "/console/rules/plain/table" not in tab.get("/console/rules/plain/edit").text
    answer = tab.get("/console/rules/plain/table")
    assert answer.status_code == 422
    assert "has no table" in answer.text
