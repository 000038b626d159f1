"""Reading the audit, by HTTP and from the shell."""

from __future__ import annotations

import json
from datetime import timedelta
from decimal import Decimal
from urllib.parse import quote

import pytest
from click.testing import CliRunner, Result

from service.cli import main
from service.core.enums import Scope
from service.storage import AuditEntry
from tests.functional.conftest import NOON, Api


@pytest.fixture
def filled(api: Api) -> Api:
    """Two rulesets, three requests, an entry a minute."""
    for minute in range(12):
        request_id, ruleset = f"R{minute % 3}", ("fees", "fines")[minute % 2]
        at = NOON + timedelta(minutes=minute)
        api.service.store.append(
            AuditEntry(f"e{minute:02d}", request_id, "request", at, "shop", '{"n": 1.0}', ruleset, {"via": "test"})
        )
    return api


def listed(api: Api, query: str) -> list[str]:
    """The ids that a query lists, page by page."""
    found: list[str] = []
    cursor: object = ""
    while cursor is not None:
        answer = api.client.get(f"/v1/audit?limit=2&{query}" + (f"&cursor={quote(str(cursor))}" if cursor else ""))
        assert answer.status == 200, answer.text
        document = answer.json()
        assert isinstance(document["items"], list)
        found += [entry["audit_id"] for entry in document["items"]]
        cursor = document["next_cursor"]
    return found


@pytest.mark.parametrize(
    ("query", "minutes"),
    [
        ("", range(12)),
        ("request_id=R1", [1, 4, 7, 10]),
        ("ruleset=fines", [1, 3, 5, 7, 9, 11]),
        ("request_id=R1&ruleset=fines", [1, 7]),
        ("from=2026-05-10T12:03:00Z&to=2026-05-10T12:06:00Z", [3, 4, 5]),
        ("from=2026-05-10T14:03:00%2B02:00&ruleset=fees", [4, 6, 8, 10]),
        ("request_id=nobody", []),
    ],
)
def test_entries_are_found_by_request_ruleset_and_time(filled: Api, query: str, minutes: list[int]) -> None:
    assert listed(filled, query) == [f"e{minute:02d}" for minute in minutes]


def test_an_entry_is_shown_as_it_was_written(filled: Api) -> None:
    assert filled.client.get("/v1/audit/e01").json() == {
        "audit_id": "e01",
        "request_id": "R1",
        "entry_type": "request",
        "time_stamp": "2026-05-10T12:01:00.000000Z",
        "app": "shop",
        "ruleset": "fines",
        "raw_data": '{"n": 1.0}',
        "data": {"n": Decimal("1.0")},
        "detail": {"via": "test"},
    }


def test_an_unknown_entry_is_a_404_and_a_bad_query_names_what_is_wrong(filled: Api) -> None:
    assert filled.client.get("/v1/audit/e99").status == 404
    for query in ("from=yesterday", "limit=0", "limit=501", "requestid=R1"):
        answer = filled.client.get(f"/v1/audit?{query}")
        assert (answer.status, query.partition("=")[0] in answer.text) == (422, True)


def test_reading_needs_the_scope(filled: Api) -> None:
    other = filled.client_with(Scope.EVALUATE)
    assert {other.get("/v1/audit").status, other.get("/v1/audit/e01").status} == {403}


def test_the_shell_lists_the_same_entries(filled: Api) -> None:
    settings = {"TOCSIN_HOME": str(filled.service.settings.home)}

    def search(*options: str) -> Result:
        return CliRunner().invoke(main, ["audit", "search", *options], env=settings)

    found = json.loads(search("--request-id", "R1", "--json").stdout)["items"]
    assert [entry["audit_id"] for entry in found] == ["e01", "e04", "e07", "e10"]
    short = search("--from", "2026-05-10T12:10:00Z")
    assert [line.split()[-1] for line in short.stdout.splitlines()] == ["e10", "e11"]
    assert search("--from", "noon").exit_code == 2
