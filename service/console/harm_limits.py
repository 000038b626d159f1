"""The harm in a message beside the limits of the sentiment rules: read from the version that decides."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal

from service.console import calls
from service.http import Problem

RULESET = "sentiment"
_LIMIT = re.compile(r"\Amessage\.harm >=? ([0-9.]+)\Z")


@dataclass(frozen=True, slots=True)
class HarmLimit:
    """From which harm on (0 to 1) a rule holds."""

    harm: Decimal
    rule: str


def limits() -> tuple[HarmLimit, ...]:
    """Of the version that decides, lowest first; none where rules go by something else or may not be read."""
    if not calls.may_call("rulesets.read_outline"):
        return ()
    try:
        active = calls.read("rulesets.read_ruleset", name=RULESET)["active"]
        rules = calls.read("rulesets.read_outline", name=RULESET, number=active["version"])["rules"] if active else ()
    except Problem:  # there are no sentiment rules
        return ()
    harm_limits = [
        HarmLimit(Decimal(match[1]), rule["name"]) for rule in rules if (match := _LIMIT.match(rule["when"]))
    ]
    return tuple(sorted(harm_limits, key=lambda limit: limit.harm))
