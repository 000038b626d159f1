"""What a check of a rule file has to say: every fault at once, each with its place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from service.decide.ruleset import Place


class Severity(StrEnum):
    """An error keeps a file from being published, a warning does not."""

    ERROR = "error"
    WARNING = "warning"


class Flaw(StrEnum):
    """The kind of a finding. Scripts read these names, so they stay."""

    SYNTAX = "syntax"
    TYPE = "type"
    UNKNOWN_FACT = "unknown_fact"
    UNKNOWN_VALUE = "unknown_value"
    UNKNOWN_VERB = "unknown_verb"
    DUPLICATE_KEY = "duplicate_key"
    GAP = "gap"
    OVERLAP = "overlap"
    DEAD = "dead"
    SHADOWED = "shadowed"
    REDUNDANT = "redundant"
    OUT_OF_RANGE = "out_of_range"
    NOT_ANALYSED = "not_analysed"
    TEST_FAILED = "test_failed"
    UNTESTED = "untested"
    NOT_TRIED = "not_tried"
    DRIFT = "drift"


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding; `example` is a request body's `request` (nested JSON) that shows it and can be pasted."""

    severity: Severity
    kind: Flaw
    at: Place
    message: str
    rule: str | None = None
    hint: str | None = None
    example: Mapping[str, object] | None = None
