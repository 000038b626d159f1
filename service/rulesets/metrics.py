"""What rulesets do, counted for Prometheus; dry runs are not.

`tocsin_engine_disagreements_total` must stay 0: alarm on any increase.
"""

from __future__ import annotations

from functools import cache

from prometheus_client import Counter

from service.decide.decision import Decision

DECISIONS = Counter("tocsin_decisions", "Decisions, by who was asked.", ("ruleset", "decided_by"))
FIRED = Counter("tocsin_rules_fired", "Times that a rule fired.", ("ruleset", "rule"))
DISAGREEMENTS = Counter(
    "tocsin_engine_disagreements", "Requests refused because engine and cross-check disagreed.", ("ruleset",)
)


def count_decision(ruleset: str, decision: Decision) -> None:
    """Count a decision and the rules that fired."""
    _decisions(ruleset, decision.decided_by).inc()
    for rule in decision.fired:
        _fired(ruleset, rule).inc()


def count_disagreement(ruleset: str) -> None:
    """Count an answer that was refused because nobody knows which is right."""
    DISAGREEMENTS.labels(ruleset).inc()


@cache
def _decisions(ruleset: str, decided_by: str) -> Counter:
    return DECISIONS.labels(ruleset, decided_by)


@cache
def _fired(ruleset: str, rule: str) -> Counter:
    return FIRED.labels(ruleset, rule)
