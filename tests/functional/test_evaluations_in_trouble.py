"""Evaluating where something is broken: the store, the engine, a service. Nothing is answered that is not recorded."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from service.core.enums import Lane
from service.decide.branches import Branches
from service.decide.cells import Signature
from service.decide.decision import Compiled, EngineFault
from service.decide.ruleset import Ruleset
from service.evaluations.flow import EvaluatedCall, Evaluations
from service.rulesets.active_versions import ActiveVersions
from service.storage import StoreUnavailable
from tests.functional.backends import Backend
from tests.functional.client import Running
from tests.functional.conftest import NOON, Api
from tests.functional.evaluating import (
    COMMENT,
    MOOD,
    ORDERS,
    PREMIUM,
    Mood,
    Wrong,
    call,
    client_of,
    counted,
    facts,
    order,
    put,
    types,
    with_mood,
)

ON_A_FILE = pytest.mark.parametrize("install", [Backend.EMBEDDED], indirect=True)


@contextmanager
def unwritable() -> Iterator[None]:
    """Let no file of this process grow or be written, as on a full disk: the kernel refuses every write."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@ON_A_FILE
def test_when_the_request_cannot_be_audited_nothing_is_evaluated(api: Api) -> None:
    put(api, MOOD)
    scored: list[str] = []
    client = with_mood(api, Mood(Decimal("0.95"), lambda: scored.append("scored")))
    with unwritable():
        answer = client.post("/v1/rulesets/mood/evaluations", COMMENT)
    assert answer.status == 503
    assert "Retry-After" in answer.headers
    assert scored == []
    assert types(api) == []
    assert client.post("/v1/rulesets/mood/evaluations", COMMENT).status == 200  # it recovers by itself


@ON_A_FILE
def test_when_the_response_cannot_be_audited_no_outcome_leaves(api: Api) -> None:
    disk = unwritable()
    client = with_mood(api, Mood(Decimal("0.95"), disk.__enter__))
    try:
        answer = client.post("/v1/rulesets/mood/evaluations", COMMENT)
    finally:
        disk.__exit__(None, None, None)
    assert answer.status == 503
    assert types(api) == ["request"]
    assert api.service.store.claim(Lane.TRANSACTIONAL, NOON, timedelta(minutes=1), 10) == ()


@ON_A_FILE
def test_a_store_that_cannot_be_opened_is_a_503(api: Api) -> None:
    put(api, ORDERS)
    api.service.store.close()
    database = api.service.settings.database
    for file in database.parent.glob(f"{database.name}*"):
        file.unlink()
    database.mkdir()
    with pytest.raises(StoreUnavailable):
        api.service.evaluations.evaluate(call(amount="1"), EvaluatedCall.as_json)


class Broken:
    """An inference engine that has failed."""

    def __init__(self, _: Branches) -> None:
        pass

    def fired(self, _: Signature) -> tuple[int, ...]:
        raise EngineFault("the rule engine failed and is rebuilt; ask again")

    def rebuild(self) -> None:
        pass

    def build_all(self) -> None:
        pass


@pytest.mark.parametrize(("engine", "disagreements"), [(Broken, 0), (Wrong, 1)])
def test_an_engine_that_fails_or_disagrees_answers_nothing_and_is_audited(
    api: Api, engine: type[Broken], disagreements: int
) -> None:
    put(api, ORDERS)

    def compiled(ruleset: Ruleset) -> Compiled:
        return Compiled(ruleset, engine)

    live = ActiveVersions(api.service.library, api.clock, compiled=compiled)
    client = client_of(api, Evaluations(live, api.service.store, api.clock))
    before = counted(api, 'tocsin_engine_disagreements_total{ruleset="orders",version="1"}')
    answer = client.post("/v1/rulesets/orders/evaluations", order("2000"))
    assert answer.status == 503
    assert counted(api, 'tocsin_engine_disagreements_total{ruleset="orders",version="1"}') == before + disagreements
    assert types(api) == ["request", "exception"]
    assert list(api.service.store.by_index("reviews", "open").items) == []


def test_a_ruleset_that_needs_a_sentiment_where_there_is_none_is_a_503_and_audited(api: Api) -> None:
    put(api, MOOD)
    client = client_of(api, Evaluations(api.service.live, api.service.store, api.clock))
    answer = client.post("/v1/rulesets/mood/evaluations", COMMENT)
    assert answer.status == 503
    assert types(api) == ["request", "exception"]


def test_a_full_disk_under_a_running_server_is_a_503_until_there_is_room(server: Running) -> None:
    body = {"context": {"request_id": "R-full"}, "request": facts()}
    assert server.client.post(PREMIUM, body).status == 200
    limits = {pid: resource.prlimit(pid, resource.RLIMIT_FSIZE) for pid in descendants(server.process.pid)}
    for pid, (_, hard) in limits.items():
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (0, hard))
    full = server.client.post(PREMIUM, body)
    for pid, limit in limits.items():
        resource.prlimit(pid, resource.RLIMIT_FSIZE, limit)
    assert (full.status, full.json()["type"]) == (503, "/problems/unavailable")
    assert server.client.post(PREMIUM, body).status == 200
    found = server.client.get("/v1/audit?request_id=R-full").json()["items"]
    assert isinstance(found, list)
    assert [entry["entry_type"] for entry in found] == ["request", "response"] * 2


def descendants(pid: int) -> list[int]:
    children = [
        int(child) for task in Path(f"/proc/{pid}/task").iterdir() for child in (task / "children").read_text().split()
    ]
    return children + [deeper for child in children for deeper in descendants(child)]
