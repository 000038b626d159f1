"""What AWS is asked for each evaluation and each delivery, what that costs, and how long it takes beside bare boto3.

Everything runs against emulators on loopback; requests are counted as botocore sends them. The floor is a bare boto3
loop that makes only what cannot be left out, with the very requests that Tocsin had made: it reads, once each, to whom
it sends and who of them wants nothing, makes each write that must be durable and each send, without conditions or
queues. Both take turns in one run, on the same endpoints, each in a process of its own. The floor has one thread and
Tocsin those that a worker has; what Tocsin takes with one is printed beside it.

Beside it stands a loop that is told to whom it sends and reads nothing: no sender to an audience can do without, so
that no target is held to it, but it shows what the reading costs.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from math import ceil
from pathlib import Path
from typing import cast

import boto3
import botocore
from botocore.client import BaseClient
from botocore.model import OperationModel
from botocore.session import Session

from bench.aws_stub import services_apart
from bench.first_start import publish_all
from bench.report import interleaved, table
from service.channels.email import parse_sender
from service.config import Backend, Settings
from service.core.enums import Scope
from service.evaluations.flow import EvaluatedCall
from service.evaluations.flow import EvaluationCall as Asked
from service.wiring.app import Service
from service.wiring.storage import prepare_aws
from service.work import HandlerRegistry, Worker
from tests.aws import ministack
from tests.functional.client import Client, InProcess

TARGET = 1.25
"""Wall time over the bare loop's, at most."""

PRICES = "list prices of us-east-1, on demand, November 2026, USD for a million"
PER_MILLION = {"write units": 0.625, "read units": 0.125, "SQS": 0.40, "mails": 100.0}
"""https://aws.amazon.com/dynamodb/pricing/on-demand/ · https://aws.amazon.com/sqs/pricing/ ·
https://aws.amazon.com/ses/pricing/. SMS depend on the country, and cost more than everything else together."""

PEOPLE = 490
EVALUATIONS = 50
KIB = 1024
WRITES = frozenset({"PutItem", "DeleteItem", "TransactWriteItems"})
"""Not UpdateItem: that is a claim, which belongs to the queues."""

SENDS = frozenset({"SendTextMessage", "SendEmail", "SendBulkEmail"})
READS = ("recipient-", "optout-")
"""Ids of what is read to know to whom a message goes, and whether it may."""

_CONDITIONS = frozenset({"ConditionExpression", "ClientRequestToken", "ReturnValuesOnConditionCheckFailure"})

REQUEST = {
    "driver": {"age": "18", "name": "Brian"},
    "car": {"make": "honda", "model": "civic", "year": "2015", "style": "SPORTS", "color": "RED"},
    "policy": {"id": "1231231", "premium": "300"},
}
RAW = json.dumps({"request": REQUEST})
NEWS = "The warehouse is closed on Monday for the yearly stock count."

Parameters = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Call:
    """One request as it went over the wire."""

    service: str
    operation: str
    parameters: Parameters


@dataclass
class Wire:
    """Everything that botocore sends from this process, in order, and the clients that were made."""

    calls: list[Call] = field(default_factory=list)
    clients: Counter[str] = field(default_factory=Counter)

    def listen(self, session: Session) -> None:
        """Note the calls of every client that a session makes."""
        session.register("creating-client-class", self._client)
        session.register("before-parameter-build", self._call)

    def take(self) -> list[Call]:
        """The calls since the last look."""
        taken, self.calls = self.calls, []
        return taken

    def _client(self, **event: object) -> None:
        self.clients[str(event["event_name"]).removeprefix("creating-client-class.")] += 1

    def _call(self, **event: object) -> None:
        model, parameters = cast("OperationModel", event["model"]), cast("Parameters", event["params"])
        self.calls.append(Call(model.service_model.service_name, model.name, dict(parameters)))


@dataclass(frozen=True, slots=True)
class Site:
    """An installation on emulators: an app that calls it, and a worker."""

    service: Service
    client: Client
    worker: Worker
    alone: Worker
    wire: Wire
    numbers: Iterator[int] = field(default_factory=count)

    def evaluate(self) -> None:
        """Decide `EVALUATIONS` requests, without HTTP, which `bench http` measures."""
        for _ in range(EVALUATIONS):
            name = f"REQ-{next(self.numbers)}"
            call = Asked("premium", REQUEST, name, f"{name}-evaluation", "bench", RAW, "evaluations")
            self.service.evaluations.evaluate(call, EvaluatedCall.as_json)

    def deliver(self, audience: str, worker: Worker) -> None:
        """Accept a notification and let a worker send it to everybody."""
        body = {"text": NEWS, "language": "en", "audience": audience}
        answer = self.client.post("/v1/notifications", body)
        assert answer.status == 202, answer.text
        worker.run_due()


def run(*, quick: bool) -> Mapping[str, object]:
    """Count, measure, print, and answer the figures."""
    wire = Wire()
    botocore.register_initializer(wire.listen)
    with tempfile.TemporaryDirectory() as home, _site(Path(home), wire) as site:
        work: Mapping[str, tuple[Callable[[], None], int]] = {
            "evaluation": (site.evaluate, EVALUATIONS),
            "SMS": (lambda: site.deliver("sms", site.worker), PEOPLE),
            "mail": (lambda: site.deliver("mail", site.worker), PEOPLE),
        }
        alone: Mapping[str, Callable[[], None]] = {
            _alone("SMS"): lambda: site.deliver("sms", site.alone),
            _alone("mail"): lambda: site.deliver("mail", site.alone),
        }
        counted = {name: _counted(site, what) for name, (what, _) in work.items()}
        shares = {name: number for name, (_, number) in work.items()}
        _print_calls(counted, shares)
        costs = _print_costs(counted, shares)
        candidates = {**_candidates({name: what for name, (what, _) in work.items()}, counted), **alone}
        seconds = interleaved(candidates, 3 if quick else 9)
    botocore.unregister_initializer(wire.listen)
    ratios = {name: seconds[name] / seconds[_floor_of(name)] for name in work}
    told = {name: seconds[name] / seconds[_told(name)] for name in work}
    one_thread = {name: seconds[_alone(name)] / seconds[_floor_of(name)] for name in work if _alone(name) in alone}
    _print_times(seconds, ratios, told, one_thread, shares)
    calls = {name: _operations(each) for name, each in counted.items()}
    return {
        "calls": calls,
        "per": shares,
        "usd_per_million": costs,
        "prices": PRICES,
        "seconds": seconds,
        "ratios": ratios,
        "ratios_without_reads": told,
        "ratios_of_one_thread": one_thread,
        "clients": dict(wire.clients),
        "met": all(ratio <= TARGET for ratio in ratios.values()),
    }


def _candidates(
    work: Mapping[str, Callable[[], None]], counted: Mapping[str, Sequence[Call]]
) -> Mapping[str, Callable[[], None]]:
    """What is measured, in turns: each piece of work and its two floors."""
    candidates: dict[str, Callable[[], None]] = {}
    for name, what in work.items():
        candidates[name] = what
        needed = [call for call in counted[name] if call.operation in WRITES | SENDS]
        candidates[_told(name)] = _floor(needed)
        candidates[_floor_of(name)] = _floor([*_first_reads(counted[name]), *needed])
    return candidates


def _floor_of(name: str) -> str:
    return f"bare {name}"


def _alone(name: str) -> str:
    return f"{name}, one thread"


def _told(name: str) -> str:
    return f"bare {name}, told to whom"


@contextmanager
def _site(home: Path, wire: Wire) -> Iterator[Site]:
    with ministack(home) as emulator, services_apart() as services:
        os.environ.update({**services, **emulator})
        settings = Settings(
            home=home,
            backend=Backend.AWS,
            mail_from=parse_sender("Tocsin <tocsin@example.com>"),
            phone_identity="+4930900000",
            rules_watch=False,
        )
        prepare_aws(settings)
        service = Service(settings)
        publish_all(service)
        _, key = service.keys.create("bench", list(Scope))
        _invite(service)
        alone = Worker(service.store, HandlerRegistry(service.task_handlers()), service.clock, threads=1)
        site = Site(service, Client(InProcess(service.flask()), key), service.worker(), alone, wire)
        yield site
        for worker in (site.worker, site.alone):
            worker.close()
        service.store.close()


def _invite(service: Service) -> None:
    rules, directory = service.messaging.profiles, service.messaging.directory
    texted = [{"phone": f"+4915123450{n:03d}", "preference": "sms"} for n in range(PEOPLE)]
    mailed = [{"email": f"p{n}@example.com", "preference": "email"} for n in range(PEOPLE)]
    for audience, people in (("sms", texted), ("mail", mailed)):
        common = {"first_name": "Ann", "language": "en"}
        profiles = [{"user_id": f"{audience}-{n}", **common, **person} for n, person in enumerate(people)]
        directory.add(audience, [rules.parse(profile) for profile in profiles])


def _counted(site: Site, what: Callable[[], None]) -> list[Call]:
    """What is asked the second time: the first reads what a process keeps."""
    what()
    site.wire.take()
    what()
    return site.wire.take()


def _first_reads(calls: Sequence[Call]) -> Iterator[Call]:
    """The batches in which readers and their refusals were read for the first time."""
    known: set[str] = set()
    for call in calls:
        if call.operation != "BatchGetItem":
            continue
        ids = [key["id"]["S"] for asked in _asked(call).values() for key in asked["Keys"]]
        if ids[0].startswith(READS) and not known.issuperset(ids):
            yield call
        known.update(ids)


def _asked(call: Call) -> Mapping[str, Mapping[str, Sequence[Mapping[str, Mapping[str, str]]]]]:
    asked = call.parameters["RequestItems"]
    return cast("Mapping[str, Mapping[str, Sequence[Mapping[str, Mapping[str, str]]]]]", asked)


def _floor(needed: Sequence[Call]) -> Callable[[], None]:
    """A bare loop over calls that cannot be left out."""
    session = boto3.session.Session()
    clients: dict[str, BaseClient] = {}
    for name in {call.service for call in needed}:
        # boto3's overloads know services by literal names only
        clients[name] = cast("BaseClient", session.client(name))  # type: ignore[call-overload]
    made = [(_method(clients[call.service], call.operation), _unconditional(call.parameters)) for call in needed]

    def loop() -> None:
        for call, parameters in made:
            call(**parameters)

    return loop


def _method(client: BaseClient, operation: str) -> Callable[..., object]:
    names = cast("Mapping[str, str]", client.meta.method_to_api_mapping)
    method = next(name for name, one in names.items() if one == operation)
    return cast("Callable[..., object]", getattr(client, method))


def _unconditional(parameters: Parameters) -> dict[str, object]:
    """The same write whatever is stored, so that it can be made again."""
    left = {
        name: value for name, value in parameters.items() if name not in {"ConditionExpression", "ClientRequestToken"}
    }
    if "TransactItems" in left:
        left["TransactItems"] = [{"Put": _unconditional(write)} for write in _puts(parameters)]
    elif "ConditionExpression" in parameters:
        expressions = str(left.get("UpdateExpression", ""))
        _keep_used(left, "ExpressionAttributeNames", expressions)
        _keep_used(left, "ExpressionAttributeValues", expressions)
    return left


def _keep_used(parameters: dict[str, object], name: str, expressions: str) -> None:
    """DynamoDB refuses names and values that no expression uses."""
    given = cast("Mapping[str, object]", parameters.pop(name, {}))
    if used := {one: value for one, value in given.items() if one in expressions}:
        parameters[name] = used


def _puts(parameters: Parameters) -> list[Parameters]:
    writes = cast("Sequence[Mapping[str, Parameters]]", parameters["TransactItems"])
    return [write["Put"] for write in writes]


def _units(call: Call) -> Mapping[str, float]:
    """Billed units of one request, by its own size: KiB written and index entries, reads of at most 4 KiB each."""
    if call.service == "sqs":
        return {"SQS": 1}
    match call.operation:
        case "SendEmail":
            return {"mails": 1}
        case "SendBulkEmail":
            return {"mails": len(cast("Sequence[object]", call.parameters["BulkEmailEntries"]))}
        case "PutItem":
            return {"write units": _written(call.parameters, 1)}
        case "UpdateItem" | "DeleteItem":
            return {"write units": 2}
        case "TransactWriteItems":
            return {"write units": sum(_written(put, 2) for put in _puts(call.parameters))}
        case "GetItem" | "Query":
            return {"read units": 1}
        case "BatchGetItem":
            return {"read units": sum(len(one["Keys"]) for one in _asked(call).values())}
    return {}


def _written(put: Parameters, times: int) -> float:
    item = cast("Mapping[str, object]", put["Item"])
    indexed = [name for name in item if name.startswith("slot") or name in {"due_shard", "day_shard", "ruleset_shard"}]
    requests = 1 if "request_id" in item else 0
    return times * ceil(len(json.dumps(item)) / KIB) + len(indexed) + requests


def _operations(calls: Sequence[Call]) -> Mapping[str, int]:
    return dict(Counter(f"{call.service}:{call.operation}" for call in calls).most_common())


def _print_calls(counted: Mapping[str, Sequence[Call]], per: Mapping[str, int]) -> None:
    rows = [
        [operation, *(f"{_operations(calls).get(operation, 0) / per[name]:.2f}" for name, calls in counted.items())]
        for operation in sorted({one for calls in counted.values() for one in _operations(calls)})
    ]
    table(f"calls for one of each ({PEOPLE} people in a notification)", ["", *counted], rows)


def _print_costs(counted: Mapping[str, Sequence[Call]], per: Mapping[str, int]) -> Mapping[str, Mapping[str, float]]:
    costs: dict[str, dict[str, float]] = {}
    for name, calls in counted.items():
        units: Counter[str] = Counter()
        for call in calls:
            units.update(cast("Mapping[str, int]", _units(call)))
        costs[name] = {unit: PER_MILLION[unit] * units[unit] / per[name] for unit in PER_MILLION}
        costs[name]["all"] = sum(costs[name].values())
    header = ["a million of", *PER_MILLION, "all"]
    rows = [[name, *(f"{cost:.2f}" for cost in each.values())] for name, each in costs.items()]
    table(f"USD, {PRICES} (the SMS themselves not counted)", header, rows)
    return costs


def _print_times(
    seconds: Mapping[str, float],
    ratios: Mapping[str, float],
    told: Mapping[str, float],
    one_thread: Mapping[str, float],
    per: Mapping[str, int],
) -> None:
    rows = [
        [
            name,
            *(f"{1000 * seconds[one] / per[name]:.2f}" for one in (name, _floor_of(name), _told(name))),
            f"{ratios[name]:.2f}",
            f"{told[name]:.2f}",
            f"{one_thread[name]:.2f}" if name in one_thread else "",
        ]
        for name in ratios
    ]
    header = ["", "Tocsin", "bare boto3", "… told to whom", f"ratio (target {TARGET})", "… to that", "of one thread"]
    table("ms for one, beside bare boto3", header, rows)
