"""Requests of every kind that the API's description allows, and of many that it does not: `make fuzz`.

An instance of its own is asked; each answer must be one that the description knows: no 5xx, no status or schema that it
does not name, nothing that takes longer than 2 s, no memory that is not given back. The same requests each time.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, seed, settings
from openpyxl import Workbook
from schemathesis.checks import CHECKS
from schemathesis.config import SchemathesisConfig

from service.config import Settings
from service.recipients.import_routes import EXCEL
from service.wiring.app import create_app
from tests.functional.client import Client, InProcess, Running, running
from tests.functional.incident_room import ANN, BEN

LONG = bool(os.environ.get("TOCSIN_TEST_LONG"))
EXAMPLES = 120 if LONG else 20
"""Requests of each call, beside those that cover each of its parameters once."""

AT_LEAST = 5_000 if LONG else 1_000
"""Requests in all."""

SLOWEST_S = 2.0
GROWS_BY = 50 * 1024 * 1024
"""Bytes by which the API's memory may grow."""

WANTED = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
)


FACTS = {"driver": {"age": 18}, "car": {"style": "SPORTS", "color": "RED"}, "policy": {"id": "7", "premium": 300}}
LEAD = {"id": "L-8", "name": "Ada", "email": "ada@example.com", "comments": "Worst demo ever, I am furious."}
DAILY = {"cron": "0 8 * * *", "timezone": "UTC", "notification": {"text": "Good morning.", "recipients": ["ann"]}}
PROFILE = {"first_name": "Ann", "language": "en", "preference": "sms", "phone": ANN}
GOOD: Mapping[str, Mapping[str, object]] = {
    "POST /ExecuteRuleSet": {"request": FACTS},
    "POST /policy/premium": FACTS,
    "POST /v1/audiences/{audience}/recipients": {"recipients": [{"user_id": "ben", **PROFILE}]},
    "POST /v1/incidents": {"description": "Pump 1", "contacts": [{"phone": ANN}, {"phone": BEN}]},
    "POST /v1/notifications": {"text": "The lift is out of order.", "recipients": ["ann"]},
    "POST /v1/rulesets/{name}/backtests": {"version": 1},
    "POST /v1/rulesets/{name}/dry-run": {"request": FACTS},
    "POST /v1/rulesets/{name}/evaluations": {"request": FACTS},
    "POST /v1/rulesets/{name}/test-events": {"detail": FACTS},
    "POST /v1/schedules": DAILY,
    "PATCH /v1/schedules/{schedule_id}": {"cron": "0 9 * * *"},
    "POST /v1/simulator/sms": {"from": ANN, "body": "YES"},
    "PUT /v1/recipients/{user_id}": PROFILE,
}


@schemathesis.serializer(EXCEL)
def _as_it_is(_context: schemathesis.SerializationContext, drawn: object) -> bytes:
    """A workbook is bytes, whatever schemathesis draws for them."""
    return drawn if isinstance(drawn, bytes) else str(drawn).encode("utf-8", "surrogatepass")


def _description() -> dict[str, object]:
    """What `/openapi.json` says, without the parameter that waits by design."""
    with tempfile.TemporaryDirectory() as home:
        app = create_app(Settings(home=Path(home), rules_watch=False))
        document = Client(InProcess(app), None).get("/openapi.json").json()
    paths = document["paths"]
    assert isinstance(paths, dict)
    for calls in paths.values():
        for call in calls.values():
            call["parameters"] = [one for one in call.get("parameters", []) if one["name"] != "wait"]
    return document


schema = schemathesis.openapi.from_dict(_description(), config=SchemathesisConfig())
schema.config.generation.update(modes=[schemathesis.GenerationMode.POSITIVE, schemathesis.GenerationMode.NEGATIVE])


@dataclass
class Target:
    """The instance that is asked."""

    server: Running
    known: dict[str, str]
    requests: int = 0
    memory: int = 0

    def resident(self) -> int:
        """Bytes of memory of the process that answers."""
        children = Path(f"/proc/{self.server.process.pid}/task/{self.server.process.pid}/children").read_text().split()
        return sum(_resident(int(child)) for child in children if _answers(int(child)))


def _answers(process: int) -> bool:
    return b"gunicorn" in Path(f"/proc/{process}/cmdline").read_bytes()


def _resident(process: int) -> int:
    """Its own and that of its children, in bytes."""
    pages = int(Path(f"/proc/{process}/statm").read_text().split()[1])
    children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    return pages * os.sysconf("SC_PAGE_SIZE") + sum(_resident(int(child)) for child in children)


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    """`tocsin up` with one API process, that holds something of everything."""
    with running(tmp_path_factory.mktemp("home"), WORKERS="1", THREADS="4", PUBLIC_URL="http://127.0.0.1") as server:
        yield Target(server, _filled(server.client))


def _filled(client: Client) -> dict[str, str]:
    """What stands in the places of paths, so that calls reach what is there."""
    people = {"recipients": [{"user_id": "ann", **PROFILE}]}
    for audience in ("all", "marketing"):
        assert client.post(f"/v1/audiences/{audience}/recipients", people).status == 200
    incident = client.post("/v1/incidents", {"description": "Pump 1", "contacts": [{"phone": ANN}, {"phone": BEN}]})
    sent = client.post("/v1/notifications", {"text": "The lift is out of order.", "recipients": ["ann"]})
    schedule = client.post("/v1/schedules", DAILY)
    backtest = client.post("/v1/rulesets/premium/backtests", {"version": 1})
    return {
        "name": "premium",
        "version": "1",
        "user_id": "ann",
        "audience": "all",
        "incident_id": str(incident.json()["incident_id"]),
        "notification_id": str(sent.json()["notification_id"]),
        "schedule_id": str(schedule.json()["schedule_id"]),
        "backtest_id": str(backtest.json()["backtest_id"]),
    }


def test_ordinary_requests_are_answered_before(target: Target) -> None:
    """What is loaded once is loaded now."""
    for _ in range(50):
        assert target.server.client.post("/v1/rulesets/premium/evaluations", {"request": FACTS}).status == 200
        assert target.server.client.post("/v1/rulesets/lead/evaluations", {"request": {"lead": LEAD}}).status == 200
    for path in ("/openapi.json", "/docs", "/metrics", "/v1/audit?limit=500"):
        assert target.server.client.get(path).status == 200
    reply = {"from": ANN, "body": "a reply that may be in any language"}
    assert target.server.client.post("/v1/simulator/sms", reply).status == 202
    looked = target.server.client.call(
        "POST", "/v1/recipients?dry_run=true", body=_workbook(), headers={"Content-Type": EXCEL}
    )
    assert looked.status == 200, looked.text
    target.memory = target.resident()


def _workbook() -> bytes:
    book, content = Workbook(), BytesIO()
    book.worksheets[0].append(["user_id", "email", "language", "preference"])
    book.worksheets[0].append(["ann", "ann@example.com", "en", "email"])
    book.save(content)
    return content.getvalue()


@schema.parametrize()
@seed(1)
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_every_answer_is_one_that_the_description_knows(case: schemathesis.Case, target: Target) -> None:
    _lead_to_what_is_there(case, target)
    answer, took = _asked(case, target)
    case.validate_response(answer, checks=CHECKS.get_by_names(WANTED))
    if took >= SLOWEST_S:
        _, again = _asked(case, target)  # this machine may have been busy with something else
        assert again < SLOWEST_S, f"took {took:.1f} s, then {again:.1f} s: {case.as_curl_command()}"


def _asked(case: schemathesis.Case, target: Target) -> tuple[schemathesis.Response, float]:
    """The answer, and the seconds that it took."""
    began = time.monotonic()
    key = {"Authorization": f"Bearer {target.server.client.key}"}
    answer = case.call(base_url=target.server.url, headers=key)
    target.requests += 1
    return answer, time.monotonic() - began


def _lead_to_what_is_there(case: schemathesis.Case, target: Target) -> None:
    """Every second request is about something that exists, and every second body is a good one but for one member."""
    if target.requests % 2 and case.method != "DELETE":
        case.path_parameters.update({name: target.known[name] for name in case.path_parameters if name in target.known})
    if target.requests // 2 % 2 and case.operation.label in GOOD and isinstance(case.body, dict):
        case.body = {**GOOD[case.operation.label], **dict(list(case.body.items())[:1])}


def test_no_memory_is_kept_and_nothing_woke_an_operator(target: Target) -> None:
    assert target.requests >= AT_LEAST
    assert target.resident() - target.memory < GROWS_BY
    lines = target.server.log().splitlines()
    assert [line for line in lines if '"ERROR"' in line and '"service.http' in line][:3] == []
    assert target.server.client.get("/readyz").status == 200
