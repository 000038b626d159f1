"""Fill an installation with the code of an earlier release, and keep what it leaves behind.

    git worktree add /tmp/earlier 4baba45
    cd /tmp/earlier && PYTHONPATH=/tmp/earlier python …/tests/earlier/make.py …/tests/earlier/NAME

Writes to the folder NAME, which must not exist yet:

- `home.tar.gz`: the embedded installation's home, with its database, its secret, its rules and its templates.
- `tables.json.gz`: the rows of both DynamoDB tables, and the notices in the queues, of the same story on AWS.
- `known.json`: for each of the two, what apps and people hold: keys, ids, links and answers.

Uses nothing of the checkout that it lies in: `service` and `tests` are those of the earlier release.
"""

from __future__ import annotations

import gzip
import io
import json
import os
import shutil
import socket
import sqlite3
import sys
import tarfile
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.message import Message
from pathlib import Path

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Message as Sink

import service
import tests
import tests.aws
from service.app import Service
from service.clock import HandClock, timestamp
from service.messages.optouts import Why
from service.stores import queue_names, table_names
from service.words import Lane, Scope
from tests.aws import ministack
from tests.contract.conftest import dynamodb_client
from tests.functional.backends import HandTimedQueues, Install, embedded, on_aws
from tests.functional.client import ROOT
from tests.functional.conftest import Api, api_of
from tests.functional.few_rules import few_rules
from tests.functional.incident_room import Room
from tests.functional.test_notifications import Desk

BEGAN = datetime(2026, 5, 10, 12, 0, tzinfo=UTC)  # a Sunday
PUBLIC_URL = "https://tocsin.example"
HOOKS = "http://127.0.0.1:47999"
"""Where callbacks go. Nobody listens there while the data are made; tests put a port of their own in its place."""

ANN, BEN, CLEO, DORA, EVE, FAY = (f"+4477009001{number:02d}" for number in range(1, 7))
STAN = "+447700900170"
QUIET = {"quiet_hours": "22:00-07:00", "public_url": PUBLIC_URL, "loopback_callbacks": True}
YAML = {"Content-Type": "application/yaml"}
PEOPLE: tuple[Mapping[str, object], ...] = (
    {"user_id": "john", "first_name": "John", "language": "en", "preference": "email", "email": "john@example.com"},
    {"user_id": "mary", "first_name": "Mary", "language": "de", "preference": "sms", "phone": "+491713920012"},
    {"user_id": "arnav", "first_name": "Arnav", "language": "fr", "preference": "sms", "phone": "+33639980012"},
    # At noon in London it is midnight in Auckland: her messages wait for the morning.
    {"user_id": "aya", "first_name": "Aya", "language": "en", "preference": "email", "email": "aya@example.com",
     "timezone": "Pacific/Auckland"},
    {"user_id": "uma", "first_name": "Uma", "language": "en", "preference": "email", "email": "uma@example.com"},
    {"user_id": "cora", "first_name": "Cora", "language": "en", "preference": "email", "email": "cora@example.com"},
    {"user_id": "bob", "first_name": "Bob", "language": "en", "preference": "email", "email": "bob@example.com"},
    {"user_id": "stan", "first_name": "Stan", "language": "en", "preference": "sms", "phone": STAN},
    {"user_id": "rita", "first_name": "Rita", "language": "en", "preference": "email", "email": "rita@example.com"},
    {"user_id": "sam", "first_name": "Sam", "language": "en", "preference": "email", "email": "sam@example.com"},
)  # fmt: skip
ANNOUNCEMENT = (
    "The company is adding a new item to the menu, this will go live by May 10th. "
    "Please ensure you are prepared for this change and plan out accordingly."
)
UNTRANSLATED = "The lift in building C stays out of order on Thursday, see https://example.com/lift for details."
PLAIN = "The warehouse in Leeds is closed on Monday for the yearly stock count."
POLICY = {"id": "7", "premium": 300}
REQUESTS: tuple[Mapping[str, object], ...] = tuple(
    {"request": {"driver": {"age": age}, "car": {"style": "SPORTS", "color": "RED"}, "policy": POLICY}}
    for age in (18, 21, 22, 30)
)  # fmt: skip


class Mailbox(Sink):
    """A mail server that keeps what it takes."""

    def __init__(self) -> None:
        super().__init__()
        self.mails: list[Message] = []

    def handle_message(self, message: Message) -> None:
        """Keep one."""
        self.mails.append(message)


@dataclass(frozen=True)
class Story:
    """Everything that happens before the release is replaced, on one backend; `known` is what people hold of it."""

    install: Install
    clock: HandClock
    settings: Mapping[str, object]
    known: dict[str, object] = field(default_factory=dict)

    def tell(self) -> None:
        """Let it happen."""
        api = self.opens()
        api.service.working_copies.sweep()
        self.known["key"] = api.client.key
        self.known["limited_key"] = api.key("limited", [Scope.AUDIT])
        self._revoked_key(api)
        self._people(api)
        self._rulesets(api)
        self._history(api)
        self._mails()
        self._opt_outs(api)
        self._incidents(api)
        self._waiting(api)
        self._retrying()
        self._last(api)
        self.known["made_at"] = timestamp(self.clock.now())
        self.known["audit_entries"] = self._count_audit(api)

    def opens(self, **settings: object) -> Api:
        """Another process of the installation."""
        return api_of(self.install(self.clock, **self.settings, **settings))

    def passes(self, **time: float) -> None:
        """Let time pass with nothing running."""
        self.clock.advance(timedelta(**time))

    def _revoked_key(self, api: Api) -> None:
        made, text = api.service.keys.create("revoked", [Scope.AUDIT])
        api.service.keys.revoke(made.key_id)
        self.known["revoked_key"] = text

    def _people(self, api: Api) -> None:
        for person in PEOPLE:
            body = {name: value for name, value in person.items() if name != "user_id"}
            done(api, "PUT", f"/v1/recipients/{person['user_id']}", body)
        everybody = [{"recipient_id": person["user_id"]} for person in PEOPLE]
        desk, by_id = Desk(api), {str(person["user_id"]): person for person in PEOPLE}
        desk.recipients("everybody", *PEOPLE)
        desk.recipients("kitchen", by_id["john"], by_id["mary"], by_id["arnav"])
        desk.recipients("left", by_id["uma"], by_id["cora"], by_id["bob"], by_id["stan"])
        self.known["people"] = [one["recipient_id"] for one in everybody]

    def _rulesets(self, api: Api) -> None:
        """Three versions of `premium`; the second is active again since a rollback."""
        first = (ROOT / "rules" / "premium.yaml").read_text()
        second, third = (changed(first, f"driver.age < {age}") for age in (22, 23))
        path = "/v1/rulesets/premium"
        for number, text in ((2, second), (3, third)):
            self.passes(hours=1)
            head = api.client.get(f"{path}/versions/{api.client.get(path).json()['versions']}").json()
            done(api, "POST", f"{path}/versions", text, {**YAML, "If-Match": f'"{head["sha256"]}"'})
            self.known[f"decided_by_{number}"] = decided(api)
        self.passes(hours=1)
        done(api, "POST", f"{path}/activate", {"version": 2})
        self.passes(minutes=1)
        done(api, "POST", f"{path}/shadow", {"version": 3, "share": 100})
        done(api, "POST", f"{path}/test-events/sample", {"share": 100, "version": 1})
        self.known["decisions"] = decided(api)
        as_of = timestamp(BEGAN + timedelta(minutes=10))
        self.known["decisions_as_of"] = {"as_of": as_of, "answers": decided(api, as_of)}
        api.service.shadows.work()
        api.service.event_samples.work()
        self.known["test_events"] = len(listed(api, f"{path}/test-events?limit=500"))
        self.known["shadow_requests"] = api.client.get(f"{path}/shadow").json()["report"]["requests"]  # type: ignore[index]

    def _history(self, api: Api) -> None:
        """What is over, and what an app may ask for again."""
        body = {"englishTxt": ANNOUNCEMENT, "eventId": "kitchen"}
        answer = api.client.post("/v1/notifications", body, {"Idempotency-Key": "menu-1"})
        self.known["idempotent"] = {"key": "menu-1", "body": body, "answer": answer.json()}
        Desk(api).works(10)
        self.known["completed"] = answer.json()["notification_id"]
        lead = {"id": "L-8", "name": "Ada", "email": "ada@example.com", "comments": "Worst demo ever, I am furious."}
        request = {"context": {"request_id": "lead-8"}, "request": {"lead": lead}}
        self.known["flagged"] = done(api, "POST", "/v1/rulesets/lead/evaluations", request)["evaluation_id"]
        Desk(api).works(1)  # the audience `marketing` has no recipients: dead work, and a review that waits

    def _mails(self) -> None:
        """Two mails by SMTP: their links are known, and what became of them is not."""
        box = Mailbox()
        with served(box) as port:
            api = self.opens(smtp_url=f"smtp://127.0.0.1:{port}")
            desk = Desk(api)
            self.known["mailed"] = desk.sends(text=PLAIN, recipients=["john", "uma"], lane="bulk")
            desk.works(3)
        links = {
            str(mail["To"]): str(mail["List-Unsubscribe"]).strip("<>").removeprefix(PUBLIC_URL) for mail in box.mails
        }
        assert len(links) == 2, box.mails
        self.known["unsubscribe"] = {name: path for to, path in links.items() for name in ("john", "uma") if name in to}

    def _opt_outs(self, api: Api) -> None:
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        path = str(self.known["unsubscribe"]["uma"])  # type: ignore[index]
        anybody = api.client.with_key(None)
        assert anybody.call("POST", path, body="List-Unsubscribe=One-Click", headers=form).status == 200
        register = api.service.messaging.opt_outs
        register.add_email("cora@example.com", Why.COMPLAINT)
        register.add_email("bob@example.com", Why.BOUNCE)
        register.add_phone("+447700900171", Why.PROVIDER)
        register.add_phone("+447700900172", Why.ADMINISTRATOR)
        Room(api).says(STAN, "STOP")

    def _incidents(self, api: Api) -> None:
        """Incidents in every state; the code of each is in `known`."""
        room = Room(api)
        pair = [{"name": "Ann", "phone": ANN, "language": "en"}, {"name": "Ben", "phone": BEN, "language": "de"}]
        room.opens(incident_id="cancelled", description="Pump 0 failed", contacts=pair)
        done(api, "POST", "/v1/incidents/cancelled/cancel", {"by": "the control room"})
        room.opens(incident_id="over", description="Pump 1 failed", contacts=[{"name": "Dora", "phone": DORA}])
        room.waits(90)
        assert room.state("over") == "unacknowledged", room.read("over")
        room.opens(incident_id="acknowledged", description="Pump 2 failed", contacts=pair)
        room.says(ANN, "yes")
        room.opens(incident_id="approval", description="Purchase 4711", policy="approval", contacts=pair)
        self.known["acknowledge_link"] = link_in(room.inbox(ANN)[-1])
        later = timestamp(self.clock.now() + timedelta(hours=30))
        room.opens(
            incident_id="later", description="Pump 4 is due", open_at=later, contacts=[{"name": "Eve", "phone": EVE}]
        )
        room.opens(
            incident_id="escalated", description="Pump 5 failed", contacts=[{"name": "Cleo", "phone": CLEO}, *pair]
        )
        room.says(CLEO, "no")
        room.opens(
            incident_id="reminded", description="Pump 6 failed", contacts=[{"name": "Cleo", "phone": CLEO}, *pair]
        )
        room.waits(39)
        room.waits(2)
        room.opens(incident_id="paged", description="Pump 7 failed", contacts=[{"name": "Eve", "phone": EVE}, *pair])
        room.opens(
            incident_id="paged-too", description="Pump 8 failed", contacts=[{"name": "Eve", "phone": EVE}, *pair]
        )
        names = ("over", "approval", "escalated", "reminded", "paged", "paged-too")
        self.known["codes"] = {name: room.read(name)["contacts"] for name in names}
        self.known["states"] = {name: room.state(name) for name in (*names, "cancelled", "acknowledged", "later")}
        self.known["timelines"] = {name: room.timeline(name) for name in self.known["states"]}  # type: ignore[attr-defined]
        reminder = [text for text in room.inbox(CLEO) if text.startswith("REMINDER")]
        assert len(reminder) == 1, room.inbox(CLEO)

    def _waiting(self, api: Api) -> None:
        """Notifications that wait: for a person, a time, a window, a translation."""
        desk, sent = Desk(api), {}
        sent["held"] = desk.sends(text="We are adding a dish; be ready for it", recipients=["john"])
        sent["untranslated"] = desk.sends(text=UNTRANSLATED, audience="kitchen")
        sent["digest"] = desk.sends(template="build-status", recipients=["john"], variables={"number": 1})
        sent["digest-too"] = desk.sends(template="build-status", recipients=["john"], variables={"number": 2})
        at = timestamp(self.clock.now() + timedelta(hours=2))
        sent["scheduled"] = desk.sends(text=PLAIN, recipients=["john"], send_at=at)
        sent["quiet"] = desk.sends(text=PLAIN, recipients=["aya"])
        daily = {
            "description": "Take the blue pill",
            "policy": "default",
            "contacts": [{"name": "Dora", "phone": DORA}],
        }
        made = done(api, "POST", "/v1/schedules", {"cron": "0 8 * * *", "timezone": "Europe/Berlin", "incident": daily})
        report = {"text": "The weekly report is available.", "recipients": ["john"]}
        weekly = done(api, "POST", "/v1/schedules", {"cron": "0 9 * * MON", "timezone": "UTC", "notification": report})
        gone = done(api, "POST", "/v1/schedules", {"cron": "0 7 * * *", "timezone": "UTC", "incident": daily})
        assert api.client.call("DELETE", f"/v1/schedules/{gone['schedule_id']}").status == 204
        self.known["schedules"] = {"daily": made["schedule_id"], "weekly": weekly["schedule_id"]}
        self.known["sent"] = sent
        desk.works(4)
        statuses = {name: desk.read(one)["status"] for name, one in sent.items()}
        self.known["statuses"] = statuses
        assert statuses["held"] == "held_for_review", statuses
        assert desk.counts(sent["untranslated"]) == {"accepted": 1, "needs_translation": 2}
        assert desk.counts(sent["quiet"]) == {"pending": 1}, desk.counts(sent["quiet"])

    def _retrying(self) -> None:
        """A mail that no server took, yet, and a callback that nobody answered."""
        with closing(socket.create_server(("127.0.0.1", 0))) as taken:
            port = taken.getsockname()[1]
        desk = Desk(self.opens(smtp_url=f"smtp://127.0.0.1:{port}"))
        self.known["retrying"] = desk.sends(text=PLAIN, recipients=["rita"])
        room, ending = Room(desk.api), {"callback_url": f"{HOOKS}/tried", "contacts": [{"name": "Fay", "phone": FAY}]}
        room.opens(incident_id="ended", description="Pump 3 failed", **ending)
        room.says(FAY, "yes")
        desk.works(2)
        (copy,) = desk.api.client.get(f"/v1/notifications/{self.known['retrying']}/deliveries").json()["items"]  # type: ignore[misc]
        assert (copy["status"], copy["attempt"] > 0) == ("pending", True), copy

    def _last(self, api: Api) -> None:
        """What was accepted a moment before the end, and no worker has touched."""
        hook = {"callback_url": f"{HOOKS}/untouched"}
        self.known["untouched"] = Desk(api).sends(text=PLAIN, recipients=["sam"], **hook)
        gas = {
            "sensor": {"id": "S-7", "place": "Boiler room", "methane": 6.2},
            "duty": {
                "first": {"name": "Gina", "phone": "+447700900150"},
                "second": {"name": "Hal", "phone": "+447700900151"},
            },
        }
        done(api, "POST", "/v1/rulesets/gas-leak/evaluations", {"context": {"request_id": "gas-1"}, "request": gas})
        test = done(api, "POST", "/v1/rulesets/premium/backtests", {"version": 3})
        self.known["backtest"] = test["backtest_id"]

    @staticmethod
    def _count_audit(api: Api) -> int:
        from service.storage import AuditQuery

        return api.service.store.count_audit(AuditQuery())


def done(api: Api, method: str, path: str, body: object, headers: Mapping[str, str] | None = None) -> dict[str, object]:
    """Call and expect a yes."""
    given = {"body": body} if isinstance(body, str) else {"json": body}
    reply = api.client.call(method, path, headers=headers, **given)  # type: ignore[arg-type]
    assert reply.status < 300, f"{method} {path}: {reply.text}"
    return reply.json()


def listed(api: Api, path: str) -> list[object]:
    found = api.client.get(path).json()["items"]
    assert isinstance(found, list)
    return found


def decided(api: Api, as_of: str | None = None) -> list[object]:
    """What `premium` decides about the requests: the version and the rules that fire."""
    answers = []
    for body in REQUESTS:
        context = {} if as_of is None else {"context": {"as_of": as_of}}
        answer = done(api, "POST", "/v1/rulesets/premium/evaluations", {**body, **context})
        answers.append({name: answer[name] for name in ("ruleset", "fired", "result")})
    return answers


def changed(text: str, condition: str) -> str:
    """The premium file with another limit of age; its tests say so."""
    return text.replace("driver.age < 21", condition).partition("tests:")[0]


def link_in(text: str) -> str:
    """The path of the link in a message."""
    return "/a/" + text.partition(f"{PUBLIC_URL}/a/")[2].split()[0]


@contextmanager
def served(box: Mailbox) -> Iterator[int]:
    """A mail server on a free port."""
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
    server = Controller(box, hostname="127.0.0.1", port=port)
    server.start()
    try:
        yield port
    finally:
        server.stop()


def files(home: Path) -> Mapping[str, object]:
    """The administrators' folders in a home; the settings that name them."""
    rules = few_rules(home, "lead.yaml", "premium.yaml", "gas-leak.yaml", "escalation/approval.yaml")
    templates = home / "templates"
    shutil.copytree(ROOT / "templates", templates)
    (templates / "build-status").mkdir()
    (templates / "build-status" / "sms.txt").write_text("Build {{ number }} failed.")
    (templates / "build-status" / "email.subject.txt").write_text("Build {{ number }} failed")
    (templates / "build-status" / "template.yaml").write_text("digest: 30m\n")
    return {"rules_dir": rules, "templates_dir": templates}


def make_embedded(folder: Path) -> Mapping[str, object]:
    """The story on SQLite."""
    with tempfile.TemporaryDirectory() as scratch:
        home = Path(scratch)
        services: list[Service] = []
        story = Story(kept(embedded(home), services), HandClock(BEGAN), {**QUIET, **files(home)})
        story.tell()
        close(services)
        with closing(sqlite3.connect(home / "tocsin.db")) as database:
            database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            database.execute("VACUUM")
        with tarfile.open(folder / "home.tar.gz", "w:gz") as archive:
            for name in ("tocsin.db", "secret", "rules", "templates"):
                archive.add(home / name, name)
        return story.known


def make_aws(folder: Path) -> Mapping[str, object]:
    """The story on DynamoDB and SQS."""
    with (
        tempfile.TemporaryDirectory() as scratch,
        ministack(Path(scratch)) as environment,
        pytest.MonkeyPatch.context() as patch,
    ):
        home = Path(scratch) / "home"
        home.mkdir()
        for name, value in environment.items():
            patch.setenv(name, value)
        services: list[Service] = []
        story = Story(kept(on_aws(home, patch), services), HandClock(BEGAN), {**QUIET, **files(home)})
        story.tell()
        settings = services[0].settings
        queues = queue_names(settings)
        names = table_names(settings)
        rows = {"items": scan(names.items), "audit": scan(names.audit)}
        sqs = services[0].store._queues._calls(lambda client: client)
        assert isinstance(sqs, HandTimedQueues)
        notices = {lane.value: waiting(sqs, queues.of(lane)) for lane in Lane}
        close(services)
        document = {**rows, "notices": notices, "secret": (home / "secret").read_text()}
        write(folder / "tables.json.gz", document)
        return story.known


def scan(table: str) -> list[object]:
    """All rows of a table."""
    pages = dynamodb_client().get_paginator("scan").paginate(TableName=table)
    rows: list[object] = [row for page in pages for row in page["Items"]]
    return sorted(rows, key=json.dumps)


def waiting(sqs: HandTimedQueues, queue: str) -> list[object]:
    """The notices of a queue: those that may be received now, and those that are held back until their time."""
    url = sqs.sqs.get_queue_url(QueueName=queue)["QueueUrl"]
    found: list[object] = [
        {"at": timestamp(at), "body": body} for at, _, held_in, body in sqs.held if held_in.endswith(f"/{queue}")
    ]
    while messages := sqs.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
        found += [{"at": None, "body": message["Body"]} for message in messages]
    return found


def kept(install: Install, services: list[Service]) -> Install:
    def another(clock: HandClock, **settings: object) -> Service:
        services.append(install(clock, **settings))
        return services[-1]

    return another


def close(services: list[Service]) -> None:
    for each in services:
        each.store.close()


def write(path: Path, document: object) -> None:
    """JSON text, packed without the time of the day."""
    text = json.dumps(document, separators=(",", ":"), sort_keys=True).encode()
    packed = io.BytesIO()
    with gzip.GzipFile(fileobj=packed, mode="wb", mtime=0) as archive:
        archive.write(text)
    path.write_bytes(packed.getvalue())


def main(arguments: list[str]) -> int:
    """Make both; 1 if the folder is there already, 2 for wrong usage."""
    if len(arguments) != 1:
        print(__doc__)
        return 2
    folder = Path(arguments[0])
    if folder.exists():
        print(f"{folder} exists: what an earlier release left behind is never made anew")
        return 1
    here = Path(__file__).parents[2]
    for module in (service, tests):
        assert not Path(str(module.__file__)).is_relative_to(here), "run it with the earlier release's code: see --help"
    folder.mkdir(parents=True)
    os.environ["OMP_NUM_THREADS"] = "1"
    tests.aws.PROGRAM = here / ".venv-aws" / "bin" / "ministack"
    known = {"embedded": make_embedded(folder), "aws": make_aws(folder)}
    (folder / "known.json").write_text(json.dumps(known, indent=1, sort_keys=True, default=str) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
