"""`/readyz` as a balancer and a monitor meet it, while parts of a real service stand still, go away and come back."""

from __future__ import annotations

import os
import re
import signal
import time
from collections.abc import Mapping
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest

from service.core import exact_json
from service.core.enums import Lane
from service.work.vitals import PROBE, Heartbeat, Vitals
from tests.functional.client import Client, Running
from tests.functional.conftest import Api, Start
from tests.functional.few_rules import few_rules
from tests.functional.test_up import eventually, processes


def asked(client: Client, query: str = "") -> tuple[int, str, Mapping[str, str]]:
    """Status of the answer, of the whole, and of the parts that are not well."""
    answer = client.with_key(None).get(f"/readyz{query}")
    document = answer.json()
    parts = document["parts"]
    assert isinstance(parts, dict)
    return answer.status, str(document["status"]), {name: state for name, state in parts.items() if state != "ok"}


READY: tuple[int, str, Mapping[str, str]] = (200, "ready", {})


def is_ready(server: Running) -> bool:
    return asked(server.client) == READY


def worker_of(server: Running) -> int:
    return next(pid for pid, command in processes(server).items() if "service.cli worker" in command)


def hang(server: Running, worker: int) -> None:
    """Stop the worker where it writes nothing: within a write it would hold the store's lock, and nobody could."""
    for _ in range(20):
        os.kill(worker, signal.SIGSTOP)
        if not eventually(lambda: "store" in asked(server.client)[2], 3):
            return
        os.kill(worker, signal.SIGCONT)
    pytest.fail("the worker was within a write each time")


def findings(server: Running) -> dict[str, str]:
    """What the doctor says that is not well, by subject."""
    document = exact_json.loads(server.tocsin("doctor", "--json").stdout)
    assert isinstance(document, dict)
    return {check["subject"]: check["found"] for check in document["checks"] if check["level"] != "OK"}


def test_a_worker_that_hangs_degrades_and_takes_no_api_out_of_its_balancer(start: Start, tmp_path: Path) -> None:
    server = start(RULES_DIR=str(few_rules(tmp_path)), WORKERS="1", WORKER_SILENCE="4")
    assert eventually(partial(is_ready, server), 30)
    worker = worker_of(server)
    hang(server, worker)
    try:
        assert eventually(lambda: asked(server.client)[2].get("worker") == "degraded", 20)
        assert eventually(lambda: asked(server.client)[:2] == (200, "degraded"), 20)
        assert eventually(lambda: asked(server.client, "?strict=1")[:2] == (503, "degraded"), 20)
        assert "no worker has reported for" in findings(server)["worker"]
        age = re.search(r"tocsin_worker_heartbeat_age_seconds ([0-9.]+)", server.client.get("/metrics").text)
        assert age is not None
        assert float(age[1]) > 4
    finally:
        os.kill(worker, signal.SIGCONT)
    assert eventually(partial(is_ready, server), 20)


def test_a_home_that_goes_away_makes_it_unready_within_two_seconds_and_coming_back_is_enough(
    start: Start, tmp_path: Path
) -> None:
    server = start(RULES_DIR=str(few_rules(tmp_path)), WORKERS="2")
    assert eventually(partial(is_ready, server), 30)
    away = server.home.rename(tmp_path / "away")
    try:
        assert eventually(lambda: asked(server.client)[2].get("store") == "not ready", 5)
        for _ in range(8):
            began = time.monotonic()
            status, _, parts = asked(server.client)
            assert (status, parts["store"]) == (503, "not ready")
            assert time.monotonic() - began < 5  # 2 s on a machine that does nothing else
            assert server.client.with_key(None).get("/healthz").status == 200
        os.kill(worker_of(server), signal.SIGKILL)
        assert eventually(lambda: "is started again" in (away / "said.log").read_text())
        assert not server.home.exists(), "no process may make it anew, empty"
    finally:
        away.rename(server.home)
    assert eventually(lambda: asked(server.client)[0] == 200, 20)
    assert eventually(partial(is_ready, server), 40)


def test_a_rule_file_with_a_typo_is_named_and_the_api_stays(start: Start, tmp_path: Path) -> None:
    rules = few_rules(tmp_path, "premium.yaml")
    server = start(RULES_DIR=str(rules), WORKERS="1")
    assert eventually(partial(is_ready, server), 30)
    text = (rules / "premium.yaml").read_text()
    (rules / "premium.yaml").write_text(text.replace("increase:", "increaze:"))
    assert eventually(lambda: asked(server.client) == (200, "degraded", {"rule files": "degraded"}), 20)
    assert asked(server.client, "?strict=1")[0] == 503
    assert "premium.yaml" in server.log().rpartition("rule files is degraded")[2]
    (rules / "premium.yaml").write_text(text)
    assert eventually(partial(is_ready, server), 20)


def test_late_work_and_a_silent_worker_are_told_by_part_on_each_backend(api: Api) -> None:
    api.service.working_copies.sweep()
    vitals = Vitals(api.service.store, api.clock, api.service.settings.thresholds)
    rounds = iter(range(100))
    heartbeat = Heartbeat(api.service.store, api.clock, lambda: next(rounds), api.service.settings.thresholds)
    heartbeat.beat()
    contacts = [{"name": "Ann", "phone": "+447700900123", "language": "en"}]
    assert api.client.post("/v1/incidents", {"description": "Pump 1", "contacts": contacts}).status == 201
    assert asked(api.client)[:2] == (200, "ready")
    api.clock.advance(timedelta(seconds=31))
    time.sleep(1.1)  # a part that was well is asked again after a second
    status, whole, parts = asked(api.client)
    assert (status, whole, parts) == (200, "degraded", {"worker": "degraded", "lane incident": "degraded"})
    assert vitals.overdue(Lane.INCIDENT) == timedelta(seconds=31)
    heartbeat.beat()
    assert set(asked(api.client)[2]) == {"lane incident"}
    api.service.worker().run_due()
    assert asked(api.client)[1] == "ready"
    assert 'tocsin_lane_overdue_seconds{lane="incident"} 0.0' in api.client.get("/metrics").text


def test_a_loop_that_stands_still_does_not_report(api: Api) -> None:
    limits = api.service.settings.thresholds
    heartbeat = Heartbeat(api.service.store, api.clock, lambda: 7, limits)
    heartbeat.beat()
    api.clock.advance(timedelta(minutes=1))
    heartbeat.beat()
    assert Vitals(api.service.store, api.clock, limits).last_heartbeat() == api.clock.now() - timedelta(minutes=1)


def test_a_write_is_tried_once_a_second_however_many_ask(api: Api) -> None:
    api.service.working_copies.sweep()

    def version() -> int:
        item = api.service.store.get(PROBE)
        assert item is not None
        return item.version

    asked(api.client)
    first = version()
    for _ in range(5):
        asked(api.client)
    assert version() == first
    api.clock.advance(timedelta(seconds=1))
    asked(api.client)
    assert version() == first + 1
