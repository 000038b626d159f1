"""Evaluating: what is answered, what is refused, what is committed, and what happens when the store is not writable."""

from __future__ import annotations

import resource
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from service.decide.branches import Branches
from service.decide.cells import Signature
from service.decide.decision import Compiled, EngineFault
from service.decide.language import parse
from service.decide.matcher import Matcher
from service.decide.ruleset import Ruleset
from service.evaluations.flow import Call, Evaluated, Evaluations
from service.evaluations.sentiment import InItsOwnLanguage
from service.language import LanguageUnknown, SentimentScore
from service.language.embedded.detect import EmbeddedDetector
from service.rulesets.library import Draft
from service.rulesets.live import Live
from service.storage import AuditEntry, AuditQuery, StoreUnavailable
from service.tags import Tag
from service.words import Lane, Scope
from tests.functional.backends import Backend
from tests.functional.client import ROOT, Client, InProcess, Reply, Running
from tests.functional.conftest import NOON, Api

PREMIUM = "/v1/rulesets/premium/evaluations"

ORDERS = """
ruleset: orders
facts:
  order.id: {type: text}
  order.amount: {type: decimal, scale: 2}
  order.vip: {type: boolean, optional: true}
hit: all
rules:
  - name: Large
    when: order.amount > 1000.00
    then:
      - flag for review: "Order {{ order.id }} of {{ order.amount }}"
      - notify: large-order
        audience: directors
      - open incident: "Large order {{ order.id }}"
        policy: approval
        contacts: [{phone: "+447700900123", name: Ada}]
      - emit: order-large
  - name: Small
    when: order.amount <= 1000.00
    then: accept
"""

MOOD = """
ruleset: mood
facts:
  lead.comments: {type: text}
  lead.sentiment: {sentiment of: lead.comments}
rules:
  - name: Happy
    when: lead.sentiment.label == "Positive" and lead.sentiment.positive >= 0.9
    then: [{emit: happy-lead}]
"""

DATED = """
ruleset: dated
facts:
  fee: {type: decimal, scale: 2}
rules:
  - name: New year
    when: today >= "2027-01-01"
    then: [{increase: fee, by: 10%}]
"""

ON_A_FILE = pytest.mark.parametrize("install", [Backend.EMBEDDED], indirect=True)


@pytest.fixture
def premium(api: Api) -> Api:
    put(api, (ROOT / "rules" / "premium.yaml").read_text())
    return api


def put(api: Api, source: str) -> None:
    """Publish without the gate, whose canary takes longer than the test."""
    ruleset = parse(source).ruleset
    assert ruleset is not None
    api.service.library.publish(Draft(ruleset.name, source, "tests"))
    api.service.live.refresh()


def facts(age: object = "18", **policy: object) -> dict[str, object]:
    return {
        "driver": {"age": age},
        "car": {"style": "SPORTS", "color": "RED"},
        "policy": {"id": "p", "premium": 300} | policy,
    }


def order(amount: str) -> dict[str, object]:
    return {"context": {"request_id": "R"}, "request": {"order": {"id": "o-1", "amount": amount}}}


def audited(api: Api, request_id: str = "R") -> list[AuditEntry]:
    return list(api.service.store.audit_entries(AuditQuery(request_id=request_id)).items)


def types(api: Api, request_id: str = "R") -> list[str]:
    return [entry.entry_type for entry in audited(api, request_id)]


def errors(answer: Reply) -> Mapping[str, str]:
    found = answer.json()["errors"]
    assert isinstance(found, list)
    return {error["path"]: error["message"] for error in found}


# --- what is refused ---------------------------------------------------------------------------------------------


def test_every_bad_fact_is_named_at_once_and_the_refusal_is_audited(premium: Api) -> None:
    bad = {"driver": {"age": "1_8"}, "car": {"style": "SPORTS", "color": None}, "policy": {"id": 7, "premium": "3O0"}}
    answer = premium.client.post(PREMIUM, {"context": {"request_id": "R"}, "request": bad})
    assert (answer.status, answer.headers["Content-Type"]) == (422, "application/problem+json")
    assert list(errors(answer)) == ["driver.age", "car.color", "policy.id", "policy.premium"]
    assert "line" in errors(answer)["driver.age"]
    assert types(premium) == ["request", "exception"]
    assert "driver.age" in audited(premium)[1].raw_data


@pytest.mark.parametrize(
    ("body", "status", "kind"),
    [
        ("{", 400, "malformed-json"),
        ('{"request": {"a": 1, "a": 2}}', 400, "malformed-json"),
        ('{"request": {"a": NaN}}', 400, "malformed-json"),
        ("\xff\xfe", 400, "malformed-json"),
        ("[" * 100_000, 400, "malformed-json"),
        ("[]", 422, "invalid"),
        ("{}", 422, "invalid"),
        ('{"request": []}', 422, "invalid"),
        ('{"request": {}, "contxt": {}}', 422, "invalid"),
        ('{"request": {}, "context": {"request_id": ""}}', 422, "invalid"),
        ('{"request": {}, "context": {"request_id": "a\\nb"}}', 422, "invalid"),
        ('{"request": {}, "context": {"as_of": "yesterday"}}', 422, "invalid"),
        ('{"request": {}, "context": {"as_of": "2026-01-01T00:00:00"}}', 422, "invalid"),
    ],
)
def test_a_body_that_is_no_evaluation_request_is_refused(premium: Api, body: str, status: int, kind: str) -> None:
    raw = body.encode("latin-1")
    answer = premium.client.call("POST", PREMIUM, body=raw, headers={"Content-Type": "application/json"})
    assert (answer.status, answer.json()["type"]) == (status, f"/problems/{kind}")


def test_without_a_key_without_the_scope_for_an_unknown_ruleset_too_large_or_of_another_type(premium: Api) -> None:
    body = {"request": facts()}
    client = premium.client
    assert client.with_key(None).post(PREMIUM, body).status == 401
    assert client.with_key("wrong").post(PREMIUM, body).status == 401
    assert premium.client_with(Scope.AUDIT).post(PREMIUM, body).status == 403
    assert premium.client_with(Scope.EVALUATE).get("/v1/audit").status == 403
    unknown = client.post("/v1/rulesets/premum/evaluations", body)
    assert (unknown.status, "premium" in str(unknown.json()["detail"])) == (404, True)
    assert client.post(PREMIUM, {"request": {"driver": {"name": "x" * 300_000}}}).status == 413
    as_form = client.call("POST", PREMIUM, body="a=1", headers={"Content-Type": "application/x-www-form-urlencoded"})
    assert as_form.status == 415
    assert list(premium.service.store.audit_entries(AuditQuery()).items) == []  # nothing could be decided


def test_an_action_that_would_leave_the_facts_range_is_refused_by_path(api: Api) -> None:
    put(api, DATED.replace("scale: 2", "scale: 2, max: 100").replace('today >= "2027-01-01"', "fee > 0"))
    body = {"context": {"request_id": "R"}, "request": {"fee": 95}}
    answer = api.client.post("/v1/rulesets/dated/evaluations", body)
    assert (answer.status, list(errors(answer))) == (422, ["fee"])
    assert types(api) == ["request", "exception"]


def test_two_rules_at_once_where_one_is_allowed_is_an_error_of_the_request(api: Api) -> None:
    put(api, ORDERS.replace("hit: all", "hit: unique").replace("<= 1000.00", "> 500.00"))
    answer = api.client.post("/v1/rulesets/orders/evaluations", order("2000"))
    assert answer.status == 422
    assert "Large" in answer.text
    assert types(api) == ["request", "exception"]


# --- what is answered --------------------------------------------------------------------------------------------


def test_decimals_keep_their_scale_and_undeclared_facts_pass_through(premium: Api) -> None:
    request = {**facts(40, premium="1e2"), "extra": {"deep": [1, 0.10, None, "ü"]}}
    result = premium.client.post(PREMIUM, {"request": request}).json()["result"]
    assert isinstance(result, dict)
    assert result["extra"] == {"deep": [1, Decimal("0.10"), None, "ü"]}
    assert result["policy"] == {"id": "p", "premium": "110.00"}


def test_an_explanation_says_for_each_rule_why_or_why_not(premium: Api) -> None:
    body = {"context": {"request_id": "R"}, "request": facts("22")}
    answer = premium.client.post(f"{PREMIUM}?explain=true", body)
    explanation = answer.json()["explanation"]
    assert isinstance(explanation, dict)
    assert [(rule["rule"], rule["fired"]) for rule in explanation["rules"]] == [
        ("High Risk", False),
        ("Med Risk", True),
    ]
    assert '"driver.age is 22"' in answer.text
    assert "explanation" not in premium.client.post(PREMIUM, body).json()
    assert "explanation" not in audited(premium)[1].raw_data  # it follows from the request and the version


def test_as_of_decides_with_the_version_and_the_date_of_that_instant(api: Api) -> None:
    put(api, DATED)
    api.clock.advance(timedelta(days=1))
    put(api, DATED.replace("10%", "50%"))

    def fee(as_of: str | None) -> tuple[object, object]:
        context = {"as_of": as_of} if as_of else {}
        answer = api.client.post("/v1/rulesets/dated/evaluations", {"context": context, "request": {"fee": 100}}).json()
        assert isinstance(answer["result"], dict)
        assert isinstance(answer["ruleset"], dict)
        return answer["ruleset"]["version"], answer["result"]["fee"]

    assert fee(None) == (2, "100.00")
    assert fee("2026-05-10T13:00:00Z") == (1, "100.00")
    assert fee("2027-01-01") == (2, "150.00")
    assert fee("2026-12-31T23:59:59-01:00") == (2, "150.00")  # already 2027 in UTC


def test_as_of_before_the_first_version_is_refused(api: Api) -> None:
    put(api, DATED)
    body = {"context": {"request_id": "R", "as_of": "2020-01-01"}, "request": {"fee": 100}}
    answer = api.client.post("/v1/rulesets/dated/evaluations", body)
    assert (answer.status, list(errors(answer))) == (422, ["context.as_of"])
    assert types(api) == ["request", "exception"]


def test_a_repeated_call_with_an_idempotency_key_is_evaluated_once(premium: Api) -> None:
    body = {"context": {"request_id": "R"}, "request": facts()}
    key = {"Idempotency-Key": "k-1"}
    first, second = premium.client.post(PREMIUM, body, key), premium.client.post(PREMIUM, body, key)
    assert first.text == second.text
    assert second.headers["Idempotency-Replayed"] == "true"
    assert types(premium) == ["request", "response"]
    assert premium.client.post(PREMIUM, {"request": facts("22")}, key).status == 422


# --- what is committed with the answer ---------------------------------------------------------------------------


def test_outcomes_are_committed_with_the_answer_each_as_an_item_of_its_own(api: Api) -> None:
    put(api, ORDERS)
    answer = api.client.post("/v1/rulesets/orders/evaluations", order("1000.01")).json()
    evaluation_id = str(answer["evaluation_id"])
    found = [api.service.store.get(f"{evaluation_id}-{number}") for number in range(1, 6)]
    review, notify, incident, emit = (item for item in found if item is not None)
    assert found[4] is None
    kinds = [item.kind for item in (review, notify, incident, emit)]
    assert kinds == ["outcome-review", "outcome-notify", "outcome-incident", "outcome-emit"]
    assert [item.due_at for item in (review, notify, incident, emit)] == [None, NOON, NOON, NOON]
    assert [item.lane for item in (notify, incident, emit)] == [Lane.TRANSACTIONAL, Lane.INCIDENT, Lane.TRANSACTIONAL]
    assert [item.state["outcome"] for item in (review, notify, incident, emit)] == answer["outcomes"]
    assert review.state["request_id"] == "R"
    assert review.state["ruleset"] == answer["ruleset"]
    assert [item.id for item in api.service.store.by_index("reviews", "open").items] == [review.id]
    outcome = review.state["outcome"]
    assert isinstance(outcome, Mapping)
    assert outcome["reason"] == "Order o-1 of 1000.01"


def test_accepting_asks_nobody_to_do_anything(api: Api) -> None:
    put(api, ORDERS)
    answer = api.client.post("/v1/rulesets/orders/evaluations", order("5")).json()
    assert answer["outcomes"] == [{"outcome": "accept", "rule": "Small"}]
    assert api.service.store.get(f"{answer['evaluation_id']}-1") is None


def test_an_evaluation_repeated_after_a_crash_answers_as_the_first_did_and_asks_for_nothing_twice(api: Api) -> None:
    put(api, ORDERS)
    first = api.service.evaluations.evaluate(call(amount="2000"), Evaluated.as_json)
    api.clock.advance(timedelta(seconds=61))
    put(api, ORDERS.replace("1000.00", "5000.00"))  # it would be decided otherwise now
    second = api.service.evaluations.evaluate(call(amount="2000"), Evaluated.as_json)
    assert second.raw_data == first.raw_data
    assert types(api) == ["request", "response", "request"]
    assert len(api.service.store.by_index("reviews", "open").items) == 1


def test_an_answer_whose_outcomes_cannot_be_committed_is_not_given_and_not_recorded(api: Api) -> None:
    put(api, ORDERS.replace("- emit: order-large", "- emit: order-large\n" + "      - emit: again\n" * 100))
    answer = api.client.post("/v1/rulesets/orders/evaluations", order("2000"))
    assert (answer.status, answer.json()["type"]) == (413, "/problems/too-large")
    assert types(api) == ["request", "exception"]
    assert list(api.service.store.by_index("reviews", "open").items) == []


def call(amount: str) -> Call:
    request = {"order": {"id": "o-1", "amount": amount}}
    return Call("orders", request, "R", "evaluation-1", "tests", "{}", "evaluations")


# --- derived facts -----------------------------------------------------------------------------------------------


@dataclass
class Mood:
    """A sentiment service for which everything is one feeling."""

    positive: Decimal
    meanwhile: Callable[[], object] = lambda: None

    def score(self, _: str, __: Tag, /) -> SentimentScore:
        self.meanwhile()
        rest = 1 - self.positive
        return SentimentScore(self.positive, rest, Decimal(0), Decimal(0))


def client_of(api: Api, evaluations: Evaluations) -> Client:
    """The API of this service with other evaluations."""
    api.service.evaluations = evaluations
    return Client(InProcess(api.service.flask()), api.client.key)


def with_mood(api: Api, mood: Mood) -> Client:
    put(api, MOOD)
    return client_of(api, Evaluations(api.service.live, api.service.store, api.clock, mood))


COMMENT = {"context": {"request_id": "R"}, "request": {"lead": {"comments": "So good"}}}


@pytest.mark.parametrize(("positive", "fired"), [("0.95", ["Happy"]), ("0.89994", [])])
def test_how_a_text_feels_is_computed_before_deciding_and_kept_in_the_audit(
    api: Api, positive: str, fired: list[str]
) -> None:
    answer = with_mood(api, Mood(Decimal(positive))).post("/v1/rulesets/mood/evaluations", COMMENT)
    assert answer.json()["fired"] == fired
    assert answer.json()["result"] == {"lead": {"comments": "So good"}}
    derived = audited(api)[1].detail["derived"]
    assert isinstance(derived, Mapping)
    assert derived["lead.sentiment.label"] == "Positive"
    assert derived["lead.sentiment.positive"] == str(round(Decimal(positive), 4)).ljust(6, "0")


class Comprehending:
    """A sentiment service that knows two languages and says by its scores which one it was told."""

    def score(self, _: str, language: Tag, /) -> SentimentScore:
        if str(language) not in ("en", "de"):
            raise LanguageUnknown(f"no sentiment in {language}")
        positive = Decimal(1) if str(language) == "de" else Decimal(0)
        return SentimentScore(positive, 1 - positive, Decimal(0), Decimal(0))


@pytest.mark.parametrize(
    ("comments", "fired"),
    [
        ("Das war eine wirklich gute Vorführung, vielen Dank dafür!", ["Happy"]),
        ("That was a really good demonstration, thank you very much!", []),
        ("Danke!", []),  # too short to tell
        ("", []),
    ],
)
def test_a_text_is_scored_in_the_language_it_is_in(api: Api, comments: str, fired: list[str]) -> None:
    put(api, MOOD)
    sentiment = InItsOwnLanguage(Comprehending(), EmbeddedDetector())
    client = client_of(api, Evaluations(api.service.live, api.service.store, api.clock, sentiment))
    answer = client.post("/v1/rulesets/mood/evaluations", {"request": {"lead": {"comments": comments}}})
    assert answer.json()["fired"] == fired


def test_a_text_in_a_language_that_the_service_does_not_know_is_refused_not_guessed(api: Api) -> None:
    put(api, MOOD)
    sentiment = InItsOwnLanguage(Comprehending(), EmbeddedDetector())
    client = client_of(api, Evaluations(api.service.live, api.service.store, api.clock, sentiment))
    finnish = {"lead": {"comments": "Esittely oli todella hyvä, kiitos paljon kaikesta avusta!"}}
    refused = client.post("/v1/rulesets/mood/evaluations", {"request": finnish})
    assert refused.status == 422
    assert "no sentiment in fi" in refused.text
    assert "lead.sentiment.label" in refused.text
    scores = {"label": "Positive", "positive": "0.95", "negative": "0.05", "neutral": 0, "mixed": 0}
    brought = {"lead": {**finnish["lead"], "sentiment": scores}}
    assert client.post("/v1/rulesets/mood/evaluations", {"request": brought}).json()["fired"] == ["Happy"]


def test_decisions_and_fired_rules_are_counted(premium: Api) -> None:
    metric = 'tocsin_rules_fired_total{rule="High Risk",ruleset="premium",version="1"}'
    before = counted(premium, metric)
    for age in ("18", "19", "22"):
        premium.client.post(PREMIUM, {"request": facts(age)})
    fired_at = premium.clock.now()
    premium.clock.advance(timedelta(seconds=1))
    premium.client.post("/v1/rulesets/premium/dry-run", {"request": facts("18")})
    assert counted(premium, metric) == before + 2
    last = 'tocsin_rule_last_fired_timestamp_seconds{rule="High Risk",ruleset="premium",version="1"}'
    assert counted(premium, last) == fired_at.timestamp()


def counted(api: Api, metric: str) -> float:
    lines = api.client.get("/metrics").text.splitlines()
    return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(metric))


# --- when something is broken ------------------------------------------------------------------------------------


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
        api.service.evaluations.evaluate(call(amount="1"), Evaluated.as_json)


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


class Wrong:
    """An inference engine that names other rules than the conditions do."""

    def __init__(self, branches: Branches) -> None:
        self._matcher = Matcher(branches)

    def fired(self, signature: Signature) -> tuple[int, ...]:
        return () if self._matcher.match(signature) else (0,)

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

    live = Live(api.service.library, api.clock, compiled=compiled)
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
