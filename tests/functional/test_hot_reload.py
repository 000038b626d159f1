"""Swapping rules under load, on a real server: each answer is wholly of one version, and everybody follows in time."""

from __future__ import annotations

import hashlib
import shutil
import threading
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path

import pytest

from tests.functional.client import Client, Running
from tests.functional.conftest import Start

FILE = """ruleset: NAME
facts:
  first: {type: integer}
  second: {type: integer}
  third: {type: text}
rules:
  - {name: One, when: first >= 0, then: [{set: first, to: 1}]}
  - {name: Two, when: second >= 0, then: [{set: second, to: 1}, {set: third, to: "v1"}]}
"""
REQUEST = {"request": {"first": 0, "second": 0, "third": ""}}


def stamped(name: str, number: int) -> str:
    return FILE.replace("NAME", name).replace("to: 1}", f"to: {number}}}").replace("v1", f"v{number}")


def test_every_answer_under_load_is_wholly_of_one_version(server: Running) -> None:
    swap_under_load(server, "few", swaps=6, requests=600)


@pytest.mark.long
def test_ten_thousand_requests_across_a_hundred_swaps(server: Running) -> None:
    swap_under_load(server, "many", swaps=100, requests=10_000)


def swap_under_load(server: Running, name: str, swaps: int, requests: int) -> None:
    sha256 = published(server, name, stamped(name, 1), None)
    contents = {1: sha256}
    done = threading.Event()
    seen: set[int] = set()

    def ask(_: int) -> int:
        answer = server.client.post(evaluations(name), REQUEST)
        assert answer.status == 200, answer.text
        document = answer.json()
        ruleset, result = document["ruleset"], document["result"]
        assert isinstance(ruleset, Mapping)
        number = ruleset["version"]
        assert result == {"first": number, "second": number, "third": f"v{number}"}
        assert ruleset["sha256"] == contents[number]
        seen.add(number)
        return int(number)

    def load(worker: int) -> int:
        count = 0
        while not done.is_set() or count < requests // 8:
            ask(worker)
            count += 1
        return count

    with ThreadPoolExecutor(8) as callers:
        loads = [callers.submit(load, worker) for worker in range(8)]
        try:
            for number in range(2, swaps + 2):
                source = stamped(name, number)
                contents[number] = sha(source)
                sha256 = published(server, name, source, sha256)
        finally:
            done.set()
        assert sum(one.result() for one in loads) >= requests
    assert len(seen) > swaps // 2
    follows(server.client, name, swaps + 1)


def evaluations(name: str) -> str:
    return f"/v1/rulesets/{name}/evaluations"


def published(server: Running, name: str, source: str, edited: str | None) -> str:
    headers = {"Content-Type": "application/yaml"} | ({"If-Match": f'"{edited}"'} if edited else {})
    answer = server.client.call("POST", f"/v1/rulesets/{name}/versions", body=source, headers=headers)
    assert answer.status == 201, answer.text
    return str(answer.json()["sha256"])


def sha(source: str) -> str:
    return hashlib.sha256(source.encode()).hexdigest()


def follows(client: Client, name: str, number: int) -> None:
    """Wait until every process answers with a version; they have 2 s and the time that a test machine takes."""
    deadline = time.monotonic() + 5
    in_a_row = 0
    while in_a_row < 20:
        ruleset = client.post(evaluations(name), REQUEST).json()["ruleset"]
        assert isinstance(ruleset, Mapping)
        in_a_row = in_a_row + 1 if ruleset["version"] == number else 0
        assert time.monotonic() < deadline, f"still answers with version {ruleset['version']}"


def test_a_saved_file_decides_within_seconds_and_a_broken_one_changes_nothing(start: Start, tmp_path: Path) -> None:
    rules = tmp_path / "rules"
    rules.mkdir()
    shutil.copy("rules/premium.yaml", rules)
    server = start(RULES_DIR=str(rules))
    file = rules / "premium.yaml"
    original = file.read_text()
    assert premium(server.client) == Decimal("360.0")
    file.write_text(original.replace("by: 20%", "by: 50%").replace("360.00", "450.00"))
    becomes(server.client, Decimal("450.0"))
    file.write_text("ruleset: premium\nrules: [")
    said(server, "premium.yaml is not published")
    assert refused(server.client)["file"] == "premium.yaml"
    assert premium(server.client) == Decimal("450.0")
    done = server.tocsin("rules", "activate", "premium", "1")
    assert done.returncode == 0, done.stderr
    becomes(server.client, Decimal("360.0"))


def refused(client: Client) -> Mapping[str, object]:
    """The one working copy, once its fault is on record, which is said first and stored then."""
    deadline = time.monotonic() + 10
    while True:
        (copy,) = copies(client)
        if copy["version"] is None:
            assert copy["findings"]
            return copy
        assert time.monotonic() < deadline, copy


def copies(client: Client) -> list[Mapping[str, object]]:
    found = client.get("/v1/rulesets").json()["working_copies"]
    assert isinstance(found, list)
    return found


def premium(client: Client) -> object:
    body = {
        "driver": {"age": 18},
        "car": {"style": "SPORTS", "color": "RED"},
        "policy": {"id": "p", "premium": 300},
    }
    return client.post("/policy/premium", body).json()["premium"]


def becomes(client: Client, expected: Decimal) -> None:
    deadline = time.monotonic() + 10
    in_a_row = 0
    while in_a_row < 20:
        in_a_row = in_a_row + 1 if premium(client) == expected else 0
        assert time.monotonic() < deadline, f"still {premium(client)}"


def said(server: Running, words: str) -> None:
    deadline = time.monotonic() + 10
    while words not in server.log():
        assert time.monotonic() < deadline, server.log()
        time.sleep(0.05)
