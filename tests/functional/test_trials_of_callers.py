"""Rule files that callers send: read and tried in a process of its own, within limits, a few at a time."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from time import process_time

import pytest

from service.decide import canary
from tests.functional.client import Reply
from tests.functional.conftest import Api

REPEATED_ON_AWS = False

FACTS = "ruleset: fees\nfacts: {fee: {type: decimal, scale: 2}, age: {type: integer}}\nrules:\n"
REQUEST: Mapping[str, object] = {"fee": 5, "age": 7}


def file(rules: int, text: str = "no") -> str:
    """A rule file of so many rules."""
    return FACTS + "".join(f"  - {{name: R{n}, when: age == {n}, then: [reject: '{text}']}}\n" for n in range(rules))


def check(api: Api, source: str) -> Reply:
    headers = {"Content-Type": "application/yaml"}
    return api.client.call("POST", "/v1/rulesets/fees/check", body=source, headers=headers)


def publish(api: Api, source: str) -> Reply:
    return api.client.call("POST", "/v1/rulesets/fees/versions", body=source)


def dry_run(api: Api, source: str) -> Reply:
    return api.client.post("/v1/rulesets/fees/dry-run", {"request": REQUEST, "source": source})


def events(api: Api, source: str) -> Reply:
    return api.client.post("/v1/rulesets/fees/test-events", {"events": [REQUEST], "source": source})


def backtest(api: Api, source: str) -> Reply:
    return api.client.post("/v1/rulesets/fees/backtests", {"source": source})


DOORS = [check, publish, dry_run, events, backtest]


@pytest.fixture
def published(api: Api) -> Api:
    """An installation with a version of the ruleset, for back-tests."""
    assert publish(api, file(1)).status == 201
    return api


@pytest.mark.parametrize("door", [check, dry_run, events, backtest])  # publishing asks for `If-Match` first
@pytest.mark.parametrize(
    ("limits", "message"),
    [
        (canary.Limits(cpu=1), "takes more than 1 s of processor time"),
        (canary.Limits(memory=40 << 20), "takes more than 40 MiB of memory"),
    ],
    ids=["time", "memory"],
)
def test_a_file_that_needs_too_much_is_422_and_names_the_limit(
    published: Api, monkeypatch: pytest.MonkeyPatch, door: type, limits: canary.Limits, message: str
) -> None:
    monkeypatch.setattr(canary, "LIMITS", limits)
    begun = process_time()
    reply = door(published, file(40_000))
    assert process_time() - begun < 1  # to read it takes 5 s, in the process of its own
    assert reply.status == 422, reply.text
    assert message in reply.text


@pytest.mark.parametrize("door", DOORS)
def test_a_file_of_8_kb_of_blanks_in_a_text_is_answered_at_once(published: Api, door: type) -> None:
    hostile = f'{FACTS}  - {{name: A, when: age < 21, then: [reject: "{{{{{" " * 8_000}!{{"]}}\n'
    begun = process_time()
    reply = door(published, hostile)
    assert process_time() - begun < 2  # it took minutes, and other requests with it
    assert reply.status in ((200, 428) if door in (check, publish) else (422,)), reply.text
    if door is not publish:
        assert "without its other half" in reply.text


def test_a_text_of_more_than_2000_characters_is_refused_by_every_door(published: Api) -> None:
    long = file(1, "x" * 2_001)
    for door in (check, dry_run, events, backtest):
        assert "2,001 characters; 2,000 are allowed" in door(published, long).text


def test_a_third_call_of_a_key_at_once_is_429_and_says_when_to_come_again(published: Api) -> None:
    with ThreadPoolExecutor(4) as pool:
        replies = list(pool.map(lambda _: check(published, file(2_000)), range(4)))
    refused = [reply for reply in replies if reply.status == 429]
    assert len(refused) >= 1
    assert {reply.status for reply in replies} == {200, 429}
    assert all(reply.headers["Retry-After"] == "10" for reply in refused)
    assert all(reply.json()["type"] == "/problems/too-many-requests" for reply in refused)
    assert check(published, file(2)).status == 200
    assert dry_run(published, file(2)).status == 200


def test_a_draft_that_takes_its_trial_too_long_to_compile_is_not_tried_on_requests(
    published: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("service.rulesets.gate.AFFORDABLE", 0.001)
    for door in (dry_run, events, backtest):
        reply = door(published, file(200))
        assert reply.status == 422
        assert "0.001 s are allowed: split its largest rules" in reply.text
    checked = check(published, file(200)).json()
    assert checked["ok"] is True
    assert checked["backtest"] is None
    assert checked["diff"] is not None
