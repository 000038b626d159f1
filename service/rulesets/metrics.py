"""What rulesets do, counted for Prometheus by rule and version; dry runs, shadows and back-tests are not.

`tocsin_engine_disagreements_total` must stay 0: alarm on any increase. A rule that has not fired for long, or never,
is one to look at: `tocsin_rule_last_fired_timestamp_seconds`.
"""

from __future__ import annotations

from datetime import datetime
from functools import cache

from prometheus_client import Counter, Gauge

from service.decide import RulesetDecision

DECISIONS = Counter("tocsin_decisions", "Decisions, by who was asked.", ("ruleset", "version", "decided_by"))
FIRED = Counter("tocsin_rules_fired", "Times that a rule fired.", ("ruleset", "version", "rule"))
LAST_FIRED = Gauge(
    "tocsin_rule_last_fired_timestamp_seconds",
    "When a rule fired last, in seconds since 1970.",
    ("ruleset", "version", "rule"),
    multiprocess_mode="max",
)
DISAGREEMENTS = Counter(
    "tocsin_engine_disagreements",
    "Requests refused because engine and cross-check disagreed.",
    ("ruleset", "version"),
)


def count_decision(ruleset: str, version: int, decision: RulesetDecision, at: datetime) -> None:
    """Count a decision and the rules that fired."""
    _decisions(ruleset, version, decision.decided_by).inc()
    for rule in decision.fired:
        fired, last_fired = _rule(ruleset, version, rule)
        fired.inc()
        last_fired.set(at.timestamp())


def count_disagreement(ruleset: str, version: int) -> None:
    """Count an answer that was refused because engine and matcher disagreed."""
    DISAGREEMENTS.labels(ruleset, version).inc()


@cache
def _decisions(ruleset: str, version: int, decided_by: str) -> Counter:
    return DECISIONS.labels(ruleset, version, decided_by)


@cache
def _rule(ruleset: str, version: int, rule: str) -> tuple[Counter, Gauge]:
    labels = (ruleset, version, rule)
    return FIRED.labels(*labels), LAST_FIRED.labels(*labels)
