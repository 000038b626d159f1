"""Back-tests: the requests of the audit, decided again by another version."""

from __future__ import annotations

import json
import random
import signal
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import count
from pathlib import Path

import pytest
from click.testing import CliRunner
from msgspec import structs

from service.cli import main
from service.core.clock import HandClock
from service.core.enums import Lane, Scope
from service.decide import language
from service.decide.decision import Compiled
from service.rulesets import versions
from service.rulesets.active_versions import ActiveVersions
from service.rulesets.backtest import Backtests
from service.rulesets.columns.segment_builder import SegmentWriter
from service.rulesets.library import fingerprint
from service.rulesets.recent_comparison import RecentComparison
from service.rulesets.replay import Replay, ReplayedRequests
from service.storage import AuditEntry, AuditQuery, Store
from service.work.registry import HandlerRegistry
from service.work.worker import Worker
from tests.functional.backends import Install
from tests.functional.conftest import Api, api_of

REPEATED_ON_AWS = False

FILE = """ruleset: loans
facts:
  age: {type: integer, min: 0, max: 130}
  style: {type: text}
  amount: {type: decimal, scale: 2, min: 0}
rules:
  - {name: Young, when: age < 21, then: [{increase: amount, by: 20%}]}
  - {name: Sports, when: style == "SPORTS", then: [{increase: amount, by: 5.00}]}
"""
DRAFT = (
    FILE.replace("age < 21", "age < 25 and style == SPORTS".replace("SPORTS", '"SPORTS"'))
    .replace("by: 5.00", "by: 4.10")
    .replace("max: 130", "max: 99")
)
PATH = "/v1/rulesets/loans/backtests"
YAML = {"Content-Type": "application/yaml"}


@pytest.fixture
def loans(api: Api) -> Api:
    """The API with an active version."""
    assert api.client.call("POST", "/v1/rulesets/loans/versions", body=FILE, headers=YAML).status == 201
    return api


def ask(api: Api, request_id: str, **facts: object) -> None:
    api.client.post("/v1/rulesets/loans/evaluations", {"context": {"request_id": request_id}, "request": facts})


def work(api: Api) -> None:
    """Let a worker do what is due."""
    worker = api.service.worker()
    worker.run_due()
    worker.close()


def begin(api: Api, **wanted: object) -> str:
    api.clock.advance(timedelta(seconds=1))
    answer = api.client.post(PATH, wanted or {"source": DRAFT})
    assert answer.status == 202, answer.text
    return str(answer.json()["backtest_id"])


def read(api: Api, backtest_id: str) -> dict[str, object]:
    return api.client.get(f"{PATH}/{backtest_id}").json()


def report(api: Api, backtest_id: str) -> dict[str, object]:
    document = read(api, backtest_id)
    assert document["status"] == "completed", document
    found = document["report"]
    assert isinstance(found, dict)
    return found


def test_a_draft_is_compared_with_the_active_version_on_recorded_requests(loans: Api) -> None:
    ask(loans, "young", age=18, style="SEDAN", amount=100)  # 120 → 100, no rule fires any more
    ask(loans, "sports", age=40, style="SPORTS", amount=100)  # 105 → 104.10
    ask(loans, "both", age=22, style="SPORTS", amount="100")  # 105 → 124.10 (20 %, then 4.10)
    ask(loans, "same", age=50, style="SEDAN", amount=100)
    ask(loans, "old", age=110, style="SEDAN", amount=100)  # the draft refuses it
    ask(loans, "unfit", age="?", style="SEDAN", amount=100)  # so did the active version
    backtest_id = begin(loans)
    assert (read(loans, backtest_id)["status"], read(loans, backtest_id)["progress"]) == ("running", 0)
    work(loans)
    found = report(loans, backtest_id)
    refused, uncovered, not_compared = found["refused"], found["newly_uncovered"], found["not_compared"]
    assert (found["requests"], found["changed"]) == (6, 4)
    assert found["changes"] == [
        {"from": ["Young"], "to": [], "count": 1, "samples": ["young"]},
        {"from": ["Sports"], "to": ["Sports"], "count": 1, "samples": ["sports"]},
        {"from": ["Sports"], "to": ["Young", "Sports"], "count": 1, "samples": ["both"]},
    ]
    assert found["amounts"] == {"amount": {"changed": 3, "sum": "-1.80", "mean": "-0.60", "largest": "-20.00"}}
    assert uncovered == {"count": 1, "samples": [{"request_id": "young"}]}
    assert "old" in str(refused)
    assert "age" in str(refused)
    assert "unfit" in str(not_compared)
    assert read(loans, backtest_id)["progress"] == 1


def test_a_backtest_carries_nothing_out_and_leaves_the_audit_as_it_is(loans: Api) -> None:
    ask(loans, "r", age=18, style="SEDAN", amount=100)
    before = loans.service.store.audit_entries(AuditQuery()).items
    begin(loans)
    work(loans)
    assert loans.service.store.audit_entries(AuditQuery()).items == before
    for lane in Lane:
        assert loans.service.store.claim(lane, loans.clock.now(), timedelta(minutes=1), 10) == ()


def test_only_requests_of_the_time_that_was_asked_for_are_replayed(loans: Api) -> None:
    for number in range(5):
        ask(loans, f"r-{number}", age=18, style="SEDAN", amount=100)
        loans.clock.advance(timedelta(hours=1))
    backtest_id = begin(loans, source=DRAFT, **{"from": "2026-05-10T13:00:00Z", "to": "2026-05-10T15:00:00Z"})
    work(loans)
    assert "'samples': ['r-1', 'r-2']" in str(report(loans, backtest_id)["changes"])


def test_the_report_equals_asking_one_by_one(loans: Api) -> None:
    random_ = random.Random(7)
    asked: dict[str, dict[str, object]] = {}
    for number in range(150):
        facts = {"age": random_.randrange(15, 99), "style": random_.choice(["SPORTS", "SEDAN"])}
        asked[f"r-{number}"] = {**facts, "amount": f"{random_.randrange(100_000) / 100:.2f}"}
        ask(loans, f"r-{number}", **asked[f"r-{number}"])
    backtest_id = begin(loans)
    work(loans)
    changes: Counter[tuple[tuple[str, ...], tuple[str, ...]]] = Counter()
    total = Decimal(0)
    events = list(asked.values())
    for old, new in zip(tried(loans, events), tried(loans, events, source=DRAFT), strict=True):
        if old != new:
            changes[old[0], new[0]] += 1
            total += new[1] - old[1]
    found = report(loans, backtest_id)
    assert counted(found) == changes
    assert found["changed"] == sum(changes.values())
    assert total == Decimal(str(amounts(found)["sum"]))


def tried(api: Api, events: list[dict[str, object]], **which: object) -> list[tuple[tuple[str, ...], Decimal]]:
    """What the event tester says of each: the rules that fired and the amount after."""
    answer = api.client.post("/v1/rulesets/loans/test-events", {"events": events, **which}).json()
    items = answer["items"]
    assert isinstance(items, list)
    return [(tuple(one["fired"]), Decimal(one["result"]["amount"])) for one in items]


def counted(found: Mapping[str, object]) -> dict[tuple[tuple[str, ...], tuple[str, ...]], int]:
    changes = found["changes"]
    assert isinstance(changes, list)
    return {(tuple(one["from"]), tuple(one["to"])): one["count"] for one in changes}


def amounts(found: Mapping[str, object]) -> Mapping[str, object]:
    by_path = found["amounts"]
    assert isinstance(by_path, dict)
    amount: Mapping[str, object] = by_path["amount"]
    return amount


def test_a_worker_that_dies_is_followed_by_one_that_goes_on_where_it_was(loans: Api) -> None:
    for number in range(12):
        ask(loans, f"r-{number}", age=18, style="SEDAN", amount=100)
        loans.clock.advance(timedelta(seconds=1))
    backtest_id = begin(loans)
    small = Backtests(loans.service.live, loans.service.store, loans.clock, pages=1, page=4)
    worker = Worker(loans.service.store, HandlerRegistry([small.task_handler()]), loans.clock, threads=1)
    once(loans, small)
    halfway = read(loans, backtest_id)
    assert halfway["status"] == "running"
    assert "'requests': 4" in str(halfway["report"])
    assert 0 < float(str(halfway["progress"])) < 1
    loans.service.store.claim(Lane.BULK, loans.clock.now(), timedelta(seconds=40), 1)  # whoever claims this one dies
    assert worker.run_due() == 0
    loans.clock.advance(timedelta(seconds=41))
    worker.run_due()
    worker.close()
    assert (report(loans, backtest_id)["requests"], report(loans, backtest_id)["changed"]) == (12, 12)


def once(api: Api, backtests: Backtests) -> None:
    """One step of what is due, as a worker does it."""
    from service.work.tasks import Task

    (item,) = api.service.store.claim(Lane.BULK, api.clock.now(), timedelta(seconds=40), 1)
    step = backtests.step(Task(item, api.service.store, api.clock, timedelta(seconds=40)))
    api.service.store.save(step.item)


def test_a_cancelled_backtest_stops_and_keeps_what_it_has_counted(loans: Api) -> None:
    ask(loans, "r", age=18, style="SEDAN", amount=100)
    backtest_id = begin(loans)
    assert loans.client.call("DELETE", f"{PATH}/{backtest_id}").status == 204
    work(loans)
    assert (read(loans, backtest_id)["status"], read(loans, backtest_id)["progress"]) == ("cancelled", 0)
    assert loans.client.call("DELETE", f"{PATH}/{backtest_id}").status == 409


def test_a_published_version_can_be_tested_against_another(loans: Api) -> None:
    ask(loans, "r", age=18, style="SEDAN", amount=100)
    shown = loans.client.get("/v1/rulesets/loans").json()["active"]
    assert isinstance(shown, dict)
    headers = {**YAML, "If-Match": f'"{shown["sha256"]}"'}
    assert loans.client.call("POST", "/v1/rulesets/loans/versions", body=DRAFT, headers=headers).status == 201
    forward, back = begin(loans, version=2, against=1), begin(loans, version=1)
    work(loans)
    assert counted(report(loans, forward)) == {(("Young",), ()): 1}
    assert counted(report(loans, back)) == {((), ("Young",)): 1}
    listed = loans.client.get(PATH).json()["items"]
    assert isinstance(listed, list)
    assert [one["backtest_id"] for one in listed] == [back, forward]


def test_a_day_that_was_asked_for_is_the_day_that_is_replayed(api: Api) -> None:
    file = (
        'ruleset: loans\nfacts: {n: {type: integer}}\nrules: [{name: Late, when: today > "2026-05-01", then: accept}]\n'
    )
    assert api.client.call("POST", "/v1/rulesets/loans/versions", body=file, headers=YAML).status == 201
    api.clock.advance(timedelta(days=2))
    body = {"context": {"request_id": "past", "as_of": "2026-05-10T13:00:00Z"}, "request": {"n": 1}}
    assert api.client.post("/v1/rulesets/loans/evaluations", body).status == 200
    ask(api, "now", n=1)
    backtest_id = begin(api, source=file.replace("05-01", "05-11"))
    work(api)
    assert "['past']" in str(report(api, backtest_id)["changes"])
    assert report(api, backtest_id)["changed"] == 1


def test_computed_facts_are_those_of_the_time(api: Api) -> None:
    file = """ruleset: loans
facts:
  comment: {type: text}
  mood: {sentiment of: comment}
rules: [{name: Glad, when: mood.positive > 0.01, then: accept}]
"""
    assert api.client.call("POST", "/v1/rulesets/loans/versions", body=file, headers=YAML).status == 201
    ask(api, "glad", comment="I love this, it is wonderful")
    backtest_id = begin(api, source=file.replace("0.01", "0.9999"))
    work(api)
    assert counted(report(api, backtest_id)) == {(("Glad",), ()): 1}


def test_what_cannot_be_tested_is_refused(loans: Api) -> None:
    assert loans.client.post(PATH, {"version": 9}).status == 404
    assert loans.client.post(PATH, {}).status == 422
    assert loans.client.post(PATH, {"source": DRAFT, "version": 1}).status == 422
    refused = loans.client.post(PATH, {"source": DRAFT.replace("age <", "aeg <")})
    assert (refused.status, "unknown_fact" in refused.text) == (422, True)
    assert loans.client.get(f"{PATH}/none").status == 404
    assert loans.client_with(Scope.EVALUATE).post(PATH, {"version": 1}).status == 403


def test_the_command_line_says_the_same(loans: Api, tmp_path: Path) -> None:
    ask(loans, "young", age=18, style="SEDAN", amount=100)
    ask(loans, "old", age=110, style="SEDAN", amount=100)
    backtest_id = begin(loans)
    work(loans)
    file, home = tmp_path / "draft.yaml", {"TOCSIN_HOME": str(tmp_path)}
    file.write_text(DRAFT)
    until = ("--to", "2026-05-10T12:00:01Z", "--against", "1")
    printed = CliRunner().invoke(main, ["rules", "backtest", str(file), "--json", *until], env=home)
    assert printed.exit_code == 0, printed.output
    assert json.loads(printed.stdout) == json.loads(json.dumps(report(loans, backtest_id)))
    said = CliRunner().invoke(main, ["rules", "backtest", str(file), "--ruleset", "loans", *until], env=home).stdout
    assert said.startswith("2 requests replayed; 2 would be decided otherwise than by version 1.")
    assert "Young → nothing, for example young" in said
    assert "amount: changed 1 times, by -20.00 in all, -20.00 on average, -20.00 at most" in said


class InterruptedReplay(Replay):
    """Replays two requests at a time; at the second page somebody presses Ctrl-C."""

    def __init__(self, store: Store, query: AuditQuery, old: Compiled, new: Compiled, segments: int) -> None:
        super().__init__(store, query, old, new, page=2, segments=segments)

    def pages(self, cursor: str | None = None) -> Iterator[ReplayedRequests]:
        for number, page in enumerate(super().pages(cursor)):
            if number == 1:
                signal.raise_signal(signal.SIGINT)
            yield page


def test_ctrl_c_ends_a_backtest_with_what_was_found_so_far(
    loans: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(6):
        ask(loans, f"r-{number}", age=18, style="SEDAN", amount=100)
        loans.clock.advance(timedelta(seconds=1))
    file, home = tmp_path / "draft.yaml", {"TOCSIN_HOME": str(tmp_path)}
    file.write_text(DRAFT)
    monkeypatch.setattr("service.rulesets.Replay", InterruptedReplay)
    before = signal.getsignal(signal.SIGINT)
    ended = CliRunner().invoke(main, ["rules", "backtest", str(file)], env=home)
    assert ended.exit_code == 130, ended.output
    assert ended.stdout.startswith("4 requests replayed; 4 would be decided otherwise")
    assert ended.stderr.strip() == "Interrupted: requests after 2026-05-10T12:00:03+00:00 are left out."
    printed = CliRunner().invoke(main, ["rules", "backtest", str(file), "--json"], env=home)
    assert (printed.exit_code, json.loads(printed.stdout)["requests"]) == (130, 4)
    assert signal.getsignal(signal.SIGINT) is before


def test_publishing_at_the_command_line_says_it_too(install: Install, tmp_path: Path) -> None:
    api = api_of(install(HandClock(datetime.now(UTC) - timedelta(minutes=1))))  # the command's clock is the wall's
    file, home = tmp_path / "loans.yaml", {"TOCSIN_HOME": str(tmp_path)}
    file.write_text(FILE)
    first = CliRunner().invoke(main, ["rules", "publish", str(file)], env=home)
    assert (first.exit_code, len(first.stdout.splitlines())) == (0, 1), first.output
    api.clock.advance(timedelta(minutes=1))
    api.service.live.refresh()
    ask(api, "young", age=18, style="SEDAN", amount=100)
    ask(api, "same", age=50, style="SEDAN", amount=100)
    file.write_text(DRAFT)
    said = CliRunner().invoke(main, ["rules", "publish", str(file)], env=home).stdout.splitlines()
    assert said[0].startswith("loans version 2 is active")
    assert said[1].startswith("The latest requests, from ")
    assert said[2] == "2 requests replayed; 1 would be decided otherwise than by version 1."
    assert "Young → nothing, for example young" in said[3]
    file.write_text(FILE)
    printed = json.loads(CliRunner().invoke(main, ["rules", "publish", str(file), "--json"], env=home).stdout)
    assert (printed["version"], printed["backtest"]["against"], printed["backtest"]["complete"]) == (3, 2, True)
    assert printed["backtest"]["report"]["changes"] == [{"from": [], "to": ["Young"], "count": 1, "samples": ["young"]}]


def test_a_check_and_a_publication_say_what_the_latest_requests_would_have_become(loans: Api) -> None:
    ask(loans, "young", age=18, style="SEDAN", amount=100)
    ask(loans, "same", age=50, style="SEDAN", amount=100)
    loans.clock.advance(timedelta(seconds=1))
    checked = loans.client.call("POST", "/v1/rulesets/loans/check", body=DRAFT, headers=YAML).json()
    shown = loans.client.get("/v1/rulesets/loans").json()["active"]
    assert isinstance(shown, dict)
    headers = {**YAML, "If-Match": f'"{shown["sha256"]}"'}
    published = loans.client.call("POST", "/v1/rulesets/loans/versions", body=DRAFT, headers=headers).json()
    for answer in (checked, published):
        found = answer["backtest"]
        assert isinstance(found, dict)
        assert (found["against"], found["complete"], found["to"]) == (1, True, "2026-05-10T12:00:01.000000Z")
        assert found["report"]["requests"] == 2
        assert found["report"]["changes"] == [{"from": ["Young"], "to": [], "count": 1, "samples": ["young"]}]
        assert "Young" in str(answer["diff"])
    again = loans.client.call("POST", "/v1/rulesets/loans/check", body=DRAFT, headers=YAML).json()["backtest"]
    assert isinstance(again, dict)
    assert (again["against"], again["report"]["changed"]) == (2, 0)


def test_a_first_version_and_a_file_with_errors_are_compared_with_nothing(api: Api) -> None:
    path = "/v1/rulesets/loans/check"
    assert api.client.call("POST", path, body=FILE, headers=YAML).json()["backtest"] is None
    created = api.client.call("POST", "/v1/rulesets/loans/versions", body=FILE, headers=YAML)
    assert (created.status, created.json()["backtest"]) == (201, None)
    wrong = FILE.replace("age < 21", "aeg < 21")
    assert api.client.call("POST", path, body=wrong, headers=YAML).json()["backtest"] is None


def test_a_damaged_version_keeps_nobody_from_publishing_what_mends_it(loans: Api) -> None:
    service, draft = loans.service, language.parse(DRAFT).ruleset
    (part,) = versions.chunk_items(fingerprint(FILE), FILE)
    stored = service.store.get(part.id)
    assert stored is not None
    assert draft is not None
    service.store.save(structs.replace(stored, state={**stored.state, "part": "?"}))
    assert (
        RecentComparison(ActiveVersions(service.library, loans.clock), service.store, loans.clock).compared(
            Compiled(draft)
        )
        is None
    )


UNREADABLE = {
    "a byte order mark": '\ufeff{"request": {"age": 18, "style": "SEDAN", "amount": 100}}',
    "a huge exponent": '{"request": {"age": 18, "style": "SEDAN", "amount": 1e400000000000000000000}}',
    "too many digits": f'{{"request": {{"age": {"9" * 5_000}, "style": "SEDAN", "amount": 1}}}}',
    "no JSON": '{"request": {"age": 18',
    "a comma too many": "1,2",
    "very deep": "[" * 100_000,
    "no time": '{"request": {"age": 18, "style": "SEDAN", "amount": 1}, "context": {"as_of": "10000-01-01"}}',
}
"""What an earlier release took and kept, or a fault of the disk left behind."""


@pytest.fixture
def with_unreadable(loans: Api) -> Api:
    """Readable requests before, between and after those that nobody can read."""
    for number, raw in enumerate(UNREADABLE.values()):
        ask(loans, f"r-{number}", age=18, style="SEDAN", amount=100)
        entry = AuditEntry(f"bad-{number}-1", f"bad-{number}", "request", loans.clock.now(), "shop", raw, "loans")
        loans.service.store.append(entry)
        loans.clock.advance(timedelta(seconds=1))
    return loans


def is_counted_and_skipped(report: Mapping[str, object]) -> None:
    bad = len(UNREADABLE)
    assert report["requests"] == 2 * bad
    assert report["changes"] == [{"from": ["Young"], "to": [], "count": bad, "samples": [f"r-{n}" for n in range(bad)]}]
    not_compared = report["not_compared"]
    assert isinstance(not_compared, dict)
    assert not_compared["count"] == bad
    assert not_compared["samples"][0] == {"request_id": "bad-0", "why": "the recorded request cannot be read"}


def test_a_recorded_request_that_cannot_be_read_stops_neither_a_check_nor_a_publication(with_unreadable: Api) -> None:
    checked = with_unreadable.client.call("POST", "/v1/rulesets/loans/check", body=DRAFT, headers=YAML)
    assert checked.status == 200, checked.text
    headers = {**YAML, "If-Match": "*"}
    published = with_unreadable.client.call("POST", "/v1/rulesets/loans/versions", body=DRAFT, headers=headers)
    assert published.status == 201, published.text
    for answer in (checked.json(), published.json()):
        compared = answer["backtest"]
        assert isinstance(compared, dict)
        is_counted_and_skipped(compared["report"])


@pytest.mark.parametrize("rows", [None, 2, 3])
def test_a_back_test_counts_it_and_goes_on_from_columns_too(with_unreadable: Api, rows: int | None) -> None:
    service = with_unreadable.service
    if rows is not None:
        with_unreadable.clock.advance(timedelta(minutes=3))
        assert SegmentWriter(service.library, service.store, with_unreadable.clock, rows=rows).follow() > 0
        assert SegmentWriter(service.library, service.store, with_unreadable.clock, rows=rows).mend() == 0
    backtest_id = begin(with_unreadable)
    work(with_unreadable)
    is_counted_and_skipped(report(with_unreadable, backtest_id))


def test_a_look_at_the_latest_requests_ends_when_its_time_is_over(loans: Api) -> None:
    for number in range(6):
        ask(loans, f"r-{number}", age=18, style="SEDAN", amount=100)
        loans.clock.advance(timedelta(seconds=30))
    draft = language.parse(DRAFT).ruleset
    assert draft is not None
    few = RecentComparison(loans.service.live, loans.service.store, loans.clock, enough=5).compared(Compiled(draft))
    assert few is not None
    assert (few.tally.requests, few.since) == (4, loans.clock.now() - timedelta(minutes=2))
    loans.clock.advance(timedelta(minutes=3))
    assert SegmentWriter(loans.service.library, loans.service.store, loans.clock, rows=2).follow() == 3
    ticks = count()
    slow = RecentComparison(loans.service.live, loans.service.store, loans.clock, tick=lambda: next(ticks) * 2.0)
    late = slow.compared(Compiled(draft))
    assert late is not None
    assert (late.tally.requests, late.complete) == (2, False)  # of three segments it came to the first
    assert late.until < loans.clock.now() - timedelta(minutes=3)
