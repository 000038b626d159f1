"""Rules: files are read, checked and compiled, and decide requests. Pure."""

from service.decide import canary, entries, explain, facts, language, positions, report, rule_tests, values
from service.decide.canary import RulesetHeader
from service.decide.cells import Cells, Signature
from service.decide.decision import ActionRefused, Compiled, EngineDisagreement, NotUnique, RulesetDecision
from service.decide.declarations import TODAY
from service.decide.diff import diff_rulesets
from service.decide.dimensions import Dimension, NamedDimension, PairDimension, Reader
from service.decide.entries import EntryKeys, duplicate
from service.decide.errors import RuleFaults, did_you_mean
from service.decide.explain import Clause, Combination, ExplainedComparison, Explanation, RuleExplained, Truth
from service.decide.facts import FactsRefused
from service.decide.findings import Finding, Flaw, Severity
from service.decide.gap_map import NoSuchAxis, rule_map
from service.decide.intervals import OrderedDimension
from service.decide.outcomes import (
    AcceptanceWanted,
    EventWanted,
    Flagged,
    IncidentWanted,
    NotificationWanted,
    Omission,
    Outcome,
    Rejected,
)
from service.decide.outline import outline_ruleset
from service.decide.positions import AlreadyReported, Entries, Items, Node, Plain, Scalar
from service.decide.rule_tests import RuleTestReport
from service.decide.ruleset import (
    ORDERED,
    Accept,
    Action,
    Adjustment,
    Cap,
    Changing,
    Derived,
    Emit,
    Fact,
    FactPath,
    Facts,
    FactType,
    FlagForReview,
    Notify,
    OpenIncident,
    Percent,
    Place,
    Reject,
    Ruleset,
    SetTo,
    Text,
    Value,
)
from service.decide.scales import EXACT, scale_of
from service.decide.tables.editing import EditableTable, NoTableHere, WrittenRow
from service.decide.tables.inline import InlinedText, inlined, taken_apart
from service.decide.tables.sheet import Grid
from service.decide.values import LIMIT, UnfitValue, fit
from service.decide.verify import verify_ruleset

__all__ = [
    "EXACT",
    "LIMIT",
    "ORDERED",
    "TODAY",
    "Accept",
    "AcceptanceWanted",
    "Action",
    "ActionRefused",
    "Adjustment",
    "AlreadyReported",
    "Cap",
    "Cells",
    "Changing",
    "Clause",
    "Combination",
    "Compiled",
    "Derived",
    "Dimension",
    "EditableTable",
    "Emit",
    "EngineDisagreement",
    "Entries",
    "EntryKeys",
    "EventWanted",
    "ExplainedComparison",
    "Explanation",
    "Fact",
    "FactPath",
    "FactType",
    "Facts",
    "FactsRefused",
    "Finding",
    "FlagForReview",
    "Flagged",
    "Flaw",
    "Grid",
    "IncidentWanted",
    "InlinedText",
    "Items",
    "NamedDimension",
    "NoSuchAxis",
    "NoTableHere",
    "Node",
    "NotUnique",
    "NotificationWanted",
    "Notify",
    "Omission",
    "OpenIncident",
    "OrderedDimension",
    "Outcome",
    "PairDimension",
    "Percent",
    "Place",
    "Plain",
    "Reader",
    "Reject",
    "Rejected",
    "RuleExplained",
    "RuleFaults",
    "RuleTestReport",
    "Ruleset",
    "RulesetDecision",
    "RulesetHeader",
    "Scalar",
    "SetTo",
    "Severity",
    "Signature",
    "Text",
    "Truth",
    "UnfitValue",
    "Value",
    "WrittenRow",
    "canary",
    "did_you_mean",
    "diff_rulesets",
    "duplicate",
    "entries",
    "explain",
    "facts",
    "fit",
    "inlined",
    "language",
    "outline_ruleset",
    "positions",
    "report",
    "rule_map",
    "rule_tests",
    "scale_of",
    "taken_apart",
    "values",
    "verify_ruleset",
]
