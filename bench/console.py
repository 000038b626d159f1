"""The console over a large store: server time (p95) of every page and every part that pages ask for again and again.

The store is SQLite with 1,000,000 audit entries, 100,000 deliveries of one notification and 10,000 incidents (a tenth
with `--quick`): one of each is made by the API and a worker, then copied under other ids.
"""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from time import perf_counter

from flask.testing import FlaskClient
from msgspec import structs

from bench.first_start import publish_all
from bench.report import percentile, table
from service.config.settings import Settings
from service.console import Sessions
from service.core import exact_json, ids
from service.core.clock import SystemClock
from service.core.enums import Channel, Lane, Scope
from service.notify.model import (
    BATCH_SIZE,
    DeliveryLine,
    DeliveryStatus,
    Expansion,
    Status,
    batch_item,
    changed_batch_item,
    cut,
    notification_item,
    notification_of,
)
from service.recipients import Recipient
from service.wiring.app import Service

PAGE_MS, PART_MS = 100.0, 30.0
"""Server time of a page, and of a part of one that is asked for again and again, at most (p95)."""

FACTS = {"driver": {"age": 18}, "car": {"style": "SPORTS", "color": "RED"}, "policy": {"id": "1", "premium": "300"}}
MODEL = "console-model"
ROUNDS = 20

DELIVERED = DeliveryLine(DeliveryStatus.DELIVERED, Channel.EMAIL, "en")
FAILED = DeliveryLine(DeliveryStatus.FAILED, Channel.EMAIL, "en")

PAGES = (
    "",
    "/incidents",
    f"/incidents/{MODEL}",
    "/messages",
    "/messages/new",
    "/messages/{message}",
    "/messages/{message}/deliveries",
    "/messages/{message}/deliveries?status=failed",
    "/requests",
    "/requests?type=exception",
    f"/requests/{MODEL}",
    "/reviews",
    "/translations",
    "/rules",
    "/rules/premium",
    "/rules/premium/try",
    "/rules/premium/edit",
    "/rules/premium/trials",
    "/rules/premium/events",
    "/rules/premium/versions",
    "/rules/premium/diff",
    "/people",
    "/people/p7",
    "/people/audiences",
    "/people/audiences/staff",
    "/people/opt-outs",
    "/people/import",
    "/schedules",
    "/phones",
    "/system",
    "/system/keys",
    "/system/settings",
    "/system/spend",
    f"/find?q={MODEL}",
)
PARTS = (
    "/live",
    "/incidents/live",
    f"/incidents/{MODEL}/live",
    "/messages/{message}/live",
    "/phones/live",
    "/system/live",
    "/pulse",
)


def run(quick: bool = False) -> Mapping[str, object]:
    """p95 of each page and part in ms."""
    share = 10 if quick else 1
    with tempfile.TemporaryDirectory() as home:
        service = Service(Settings(home=Path(home), rules_watch=False))
        message = _filled(
            service, Path(home), audit=1_000_000 // share, people=100_000 // share, incidents=10_000 // share
        )
        tab = _signed_in(service)
        taken = {path: _taken(tab, f"/console{path.format(message=message)}") for path in (*PAGES, *PARTS)}
        service.store.close()
    rows = [(path or "/", f"{ms:.1f}", PART_MS if path in PARTS else PAGE_MS) for path, ms in taken.items()]
    table("console, server time p95", ("page", "ms", "at most"), rows)
    late = [path for path, ms in taken.items() if ms > (PART_MS if path in PARTS else PAGE_MS)]
    return {"p95_ms": taken, "late": late, "met": not late}


def _signed_in(service: Service) -> FlaskClient:
    key, _ = service.keys.create("bench", list(Scope))
    tab = service.flask().test_client()
    tab.set_cookie("tocsin", Sessions(service.store, service.keys, service.clock).begin(key))
    return tab


def _taken(tab: FlaskClient, path: str) -> float:
    """Milliseconds (p95) of a page, after it was asked for once."""
    answer = tab.get(path, follow_redirects=True)
    assert answer.status_code == 200, f"{path}: {answer.status_code} {answer.text[-400:]}"
    times = []
    for _ in range(ROUNDS):
        began = perf_counter()
        tab.get(path)
        times.append((perf_counter() - began) * 1000)
    return percentile(times, 0.95)


def _filled(service: Service, home: Path, *, audit: int, people: int, incidents: int) -> str:
    """Fill the store; the id of the notification."""
    publish_all(service)
    members = [Recipient(f"p{n}", "P", "en", Channel.EMAIL, email=f"p{n}@example.com") for n in range(people)]
    service.messaging.directory.replace("staff", members)
    message = _models(service)
    _deliveries(service, message, [one.user_id for one in members])
    connection = sqlite3.connect(next(home.rglob("*.db")))
    with connection:
        connection.executemany("INSERT INTO audit VALUES (?, ?, ?, ?, ?, ?, ?, ?)", _audit(connection, audit))
        connection.executemany(
            f"INSERT OR IGNORE INTO items VALUES ({', '.join('?' * 9)})", _incidents(connection, incidents)
        )
    connection.close()
    return message


def _models(service: Service) -> str:
    """One request and one incident through the API, and a notification to everybody, not yet looked at."""
    client, key = service.flask().test_client(), service.keys.create("shop", list(Scope))[1]

    def post(path: str, body: Mapping[str, object]) -> Mapping[str, object]:
        headers = {"Authorization": f"Bearer {key}"}
        answer = client.post(path, data=exact_json.dumps(body), content_type="application/json", headers=headers)
        assert answer.status_code < 300, answer.text
        return dict(answer.get_json())

    post("/v1/rulesets/premium/evaluations", {"context": {"request_id": MODEL}, "request": FACTS})
    contacts = [{"name": "Ann", "phone": "+447700900123"}]
    post("/v1/incidents", {"incident_id": MODEL, "description": "Pump 3", "contacts": contacts})
    sent = post("/v1/notifications", {"text": "The lift is broken.", "audience": "staff"})
    return str(sent["notification_id"])


def _deliveries(service: Service, message: str, people: Sequence[str]) -> None:
    """The pages of a notification as they stand when all copies were delivered, but for one in five hundred.

    It is over, so that its tally is kept as that of a real one: receipts alone change it.
    """
    for number, first in enumerate(range(0, len(people), BATCH_SIZE), 1):
        page = cut(message, number, first + 1, people[first : first + BATCH_SIZE])
        lines = {name: FAILED if int(name[-6:]) % 500 == 0 else DELIVERED for name in page.recipients}
        service.store.add(changed_batch_item(batch_item(page, Lane.BULK), structs.replace(page, lines=lines), None))
    item = service.store.get(message)
    assert item is not None
    expansion = Expansion(pages=number, released=number, deliveries=len(people))
    over = replace(notification_of(item), expansion=expansion).ended(Status.COMPLETED, service.clock.now())
    service.store.save(notification_item(item, over, None))


def _audit(connection: sqlite3.Connection, number: int) -> Iterator[tuple[object, ...]]:
    """Copies of the request's entries over thirty days; of a thousand, one says that a request was refused."""
    models = connection.execute("SELECT * FROM audit WHERE request_id = ?", (MODEL,)).fetchall()
    now = SystemClock().now()
    for n in range(number // len(models)):
        at = now - timedelta(days=30) * (n + 1) * len(models) / number
        name = ids.fresh(at)
        for place, (_, _, kind, _, app, ruleset, raw, detail) in enumerate(models):
            said = "exception" if kind == "response" and n % 1000 == 0 else kind
            yield f"{name}-{place}", f"REQ-{n}", said, int(at.timestamp() * 1e6) + place, app, ruleset, raw, detail


def _incidents(connection: sqlite3.Connection, number: int) -> Iterable[tuple[object, ...]]:
    """Copies of the incident, one in two hundred of them open."""
    (model,) = connection.execute("SELECT * FROM items WHERE kind = 'incident'").fetchall()
    for n in range(number):
        copy = [text.replace(MODEL, f"copy-{n}") if isinstance(text, str) else text for text in model]
        if n % 200:
            copy[3], copy[4] = (text.replace('"open"', '"acknowledged"') for text in (copy[3], copy[4]))
        copy[5] = None
        yield tuple(copy)
