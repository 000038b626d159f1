"""An installation of an earlier release, opened by today's code, on SQLite and on DynamoDB with SQS."""

from __future__ import annotations

import gzip
import heapq
import json
import tarfile
import threading
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from sqlite3 import connect as connect_sqlite
from typing import TYPE_CHECKING, cast

from service.config import Settings
from service.core.clock import HandClock, parse_timestamp
from service.core.enums import Lane
from service.storage.sqs import create_queues
from service.wiring.app import Service
from service.wiring.storage import queue_names, table_names
from tests.contract.conftest import create_lasting_tables, dynamodb_client, sqs_client
from tests.functional.backends import Backend, HandTimedQueues, KeptUp
from tests.functional.client import Client, InProcess
from tests.functional.conftest import Api
from tests.functional.incident_room import Room
from tests.functional.test_notifications import Desk
from tests.loopback import serving

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import WriteRequestTypeDef

FOLDER = Path(__file__).parent / "commit-4baba45"
HOOKS = "127.0.0.1:47999"
"""Where callbacks go, as the data say."""

PUBLIC_URL = "https://tocsin.example"
A_MOMENT = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Installation:
    """What was opened; `known` is what apps and people held when the earlier release was stopped.

    `hooks` lists the paths that callbacks came to, each with its body.
    """

    api: Api
    known: Mapping[str, object]
    hooks: Sequence[tuple[str, Mapping[str, object]]]

    @property
    def room(self) -> Room:
        return Room(self.api)

    @property
    def desk(self) -> Desk:
        return Desk(self.api)

    def named(self, name: str) -> dict[str, str]:
        """A table of what is known."""
        found = self.known[name]
        assert isinstance(found, dict)
        return found

    def passes(self, span: timedelta, step: timedelta = timedelta(seconds=5)) -> None:
        """Let time pass, and a worker do what comes due on the way."""
        worker = self.api.service.worker()
        ends = self.api.clock.now() + span
        while self.api.clock.now() < ends:
            worker.run_due()
            self.api.clock.advance(step)
        worker.run_due()
        worker.close()

    def jumps(self, at: datetime) -> None:
        """Let time pass with nothing running, and then a worker do what is due."""
        self.api.clock.advance(at - self.api.clock.now())
        self.passes(timedelta(seconds=5), A_MOMENT)

    def listed(self, path: str) -> list[dict[str, object]]:
        """All items of a list, page by page."""
        items: list[dict[str, object]] = []
        mark, cursor = "&" if "?" in path else "?", ""
        while True:
            reply = self.api.client.get(f"{path}{mark}limit=7{cursor}")
            assert reply.status == 200, reply.text
            page = reply.json()
            items += cast("list[dict[str, object]]", page["items"])
            if page["next_cursor"] is None:
                return items
            cursor = f"&cursor={page['next_cursor']}"


@contextmanager
def opened(backend: Backend, home: Path) -> Iterator[Installation]:
    """The installation a moment after the earlier release was stopped."""
    known = json.loads((FOLDER / "known.json").read_text())[backend.value]
    clock = HandClock(parse_timestamp(known["made_at"]))
    with tarfile.open(FOLDER / "home.tar.gz") as archive:
        archive.extractall(home, filter="data")
    with hooks() as (port, received):
        receiver = f"127.0.0.1:{port}"
        service = _embedded(home, clock, receiver) if backend is Backend.EMBEDDED else _on_aws(home, clock, receiver)
        clock.advance(A_MOMENT)
        try:
            yield Installation(Api(service, clock, Client(InProcess(service.flask()), known["key"])), known, received)
        finally:
            service.store.close()


def _settings(home: Path, **more: object) -> Settings:
    given = {
        "home": home,
        "rules_dir": home / "rules",
        "templates_dir": home / "templates",
        "rules_watch": False,
        "quiet_hours": "22:00-07:00",
        "public_url": PUBLIC_URL,
        "loopback_callbacks": True,
    }
    return Settings.model_validate({**given, **more})


def _embedded(home: Path, clock: HandClock, receiver: str) -> Service:
    with closing(connect_sqlite(home / "tocsin.db")) as database, database:
        database.execute("UPDATE items SET state = replace(state, ?, ?)", (HOOKS, receiver))
    return Service(_settings(home), clock)


def _on_aws(home: Path, clock: HandClock, receiver: str) -> Service:
    here = {"backend": "aws", "aws_prefix": uuid.uuid4().hex, "language_services": "embedded"}
    settings = _settings(home, **here, outbox_channels="email,sms,voice")
    tables, queues = table_names(settings), queue_names(settings)
    create_lasting_tables(tables)
    create_queues(sqs_client(), queues)
    dump = json.loads(
        gzip.decompress((FOLDER / "tables.json.gz").read_bytes()).replace(HOOKS.encode(), receiver.encode())
    )
    (home / "secret").write_text(dump["secret"])
    _write(tables.items, dump["items"])
    _write(tables.audit, dump["audit"])
    sqs = HandTimedQueues(sqs_client(), clock)
    for lane in Lane:
        url = sqs_client().get_queue_url(QueueName=queues.of(lane))["QueueUrl"]
        for notice in dump["notices"][lane.value]:
            at = clock.now() if notice["at"] is None else parse_timestamp(notice["at"])
            heapq.heappush(sqs.held, (at, len(sqs.held), url, notice["body"]))
    return Service(settings, clock, KeptUp(sqs, tables, queues, clock))


def _write(table: str, rows: Sequence[Mapping[str, object]]) -> None:
    """Put rows back as they were, 25 a call."""
    for start in range(0, len(rows), 25):
        batch = cast("list[WriteRequestTypeDef]", [{"PutRequest": {"Item": row}} for row in rows[start : start + 25]])
        assert dynamodb_client().batch_write_item(RequestItems={table: batch})["UnprocessedItems"] == {}


@contextmanager
def hooks() -> Iterator[tuple[int, list[tuple[str, Mapping[str, object]]]]]:
    """An app that takes callbacks: its port, and what came."""
    received: list[tuple[str, Mapping[str, object]]] = []
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            with lock:
                received.append((self.path, body))
            self.send_response(204)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Tests read what came."""

    with serving(Handler) as port:
        yield port, received
