"""Rulesets that are evaluated by tests, and what tests ask and look at."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from service.core.language_tags import Tag
from service.decide.branches import Branches
from service.decide.cells import Signature
from service.decide.language import parse
from service.decide.matcher import Matcher
from service.evaluations.flow import EvaluationCall, Evaluations
from service.language import Sentiment, SentimentScore
from service.rulesets.library import RulesetDraft
from service.storage import AuditEntry, AuditQuery
from tests.functional.client import Client, InProcess, Reply
from tests.functional.conftest import Api

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
      - notify: follow-up
        audience: directors
        variables: {name: "{{ order.id }}", lead: "{{ order.amount }}"}
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

DIRECTOR = {"user_id": "dora", "language": "en", "preference": "email", "email": "dora@example.com"}


def put(api: Api, source: str) -> None:
    """Publish without the gate, whose canary takes longer than the test, with somebody for its rules to notify."""
    ruleset = parse(source).ruleset
    assert ruleset is not None
    messaging = api.service.messaging
    messaging.directory.add("directors", [messaging.profiles.parse(DIRECTOR)])
    api.service.library.publish(RulesetDraft(ruleset.name, source, "tests"))
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


def call(amount: str) -> EvaluationCall:
    request = {"order": {"id": "o-1", "amount": amount}}
    return EvaluationCall("orders", request, "R", "evaluation-1", "tests", "{}", "evaluations")


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


def with_mood(api: Api, mood: Sentiment) -> Client:
    put(api, MOOD)
    return client_of(api, Evaluations(api.service.live, api.service.store, api.clock, mood))


COMMENT = {"context": {"request_id": "R"}, "request": {"lead": {"comments": "So good"}}}


def counted(api: Api, metric: str) -> float:
    lines = api.client.get("/metrics").text.splitlines()
    return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(metric))


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
