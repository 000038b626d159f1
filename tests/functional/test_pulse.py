"""What was done in each minute, and how late the lanes were, as the API and the console show it."""

from __future__ import annotations

from datetime import timedelta

from prometheus_client import CollectorRegistry, Counter

from service.core.enums import Lane, Scope
from service.operations.pulse import PulseRecorder, counted_by
from tests.functional.conftest import Api
from tests.functional.test_console import signed_in

REPEATED_ON_AWS = frozenset({"test_two_processes_add_to_one_minute"})


def recorder(api: Api, counter: Counter, *, late: float | None = None, shard: float = 0.0) -> PulseRecorder:
    totals = {"requests": counted_by(counter, route="/v1/"), "failures": counted_by(counter, route="/v1/", status="5")}
    overdue = None if late is None else lambda lane: timedelta(seconds=late if lane is Lane.BULK else 0)
    return PulseRecorder(api.service.store, api.clock, totals, overdue, lambda: shard)


def asked() -> Counter:
    """Counts requests as every process does."""
    return Counter("requests", "Requests.", ("route", "status"), registry=CollectorRegistry())


def minutes(api: Api, query: str = "") -> list[dict[str, object]]:
    items = api.client.get(f"/v1/pulse{query}").json()["items"]
    assert isinstance(items, list)
    return items


def test_two_processes_add_to_one_minute(api: Api) -> None:
    one, other = asked(), asked()
    one.labels("/v1/incidents", 200).inc(7)
    first = recorder(api, one)  # what was counted before is not of this minute
    second, worker = recorder(api, other, shard=0.9), recorder(api, asked(), late=12.5)
    one.labels("/v1/incidents", 200).inc(3)
    one.labels("/console", 200).inc(100)
    other.labels("/v1/audit", 503).inc()
    for each in (first, second, worker, first):
        each.record()
    api.clock.advance(timedelta(minutes=1))
    one.labels("/v1/incidents", 200).inc()
    first.record()
    before, now = minutes(api, "?minutes=2")
    assert before == {
        "at": "2026-05-10T12:00:00Z",
        "requests": 4,
        "failures": 1,
        "decisions": 0,
        "work": 0,
        "late": {"incident": 0.0, "transactional": 0.0, "bulk": 12.5},
    }
    assert (now["requests"], now["late"]) == (1, {})
    assert len(minutes(api)) == 60


def test_the_console_draws_the_hour(api: Api) -> None:
    counter = asked()
    drawn = recorder(api, counter, late=12.5)
    counter.labels("/v1/incidents", 500).inc(40)
    drawn.record()
    page = signed_in(api).get("/console").text
    assert "Calls of the API in the last hour: 40, at most 40 a minute" in page
    assert "40 calls failed" in page
    assert "Lane bulk in the last hour: late by 12 s at most" in page
    assert "The last hour" not in signed_in(api, Scope.INCIDENTS).get("/console").text
