"""Rules: files are read, checked and compiled, and decide requests. Pure."""

from service.decide.canary import Declared
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
from service.decide.intervals import OrderedDimension
from service.decide.outcomes import (
    AcceptanceWanted,
    EventWanted,
    Flagged,
    IncidentWanted,
    LeftOut,
    NotificationWanted,
    Outcome,
    Rejected,
)
from service.decide.outline import outline_ruleset
from service.decide.positions import AlreadyReported, Entries, Items, Node, Plain, Scalar
from service.decide.rule_tests import Tested
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
from service.decide.tables.inline import Inlined, inlined, taken_apart
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
    "Declared",
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
    "Inlined",
    "Items",
    "LeftOut",
    "NamedDimension",
    "NoTableHere",
    "Node",
    "NotUnique",
    "NotificationWanted",
    "Notify",
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
    "Ruleset",
    "RulesetDecision",
    "Scalar",
    "SetTo",
    "Severity",
    "Signature",
    "Tested",
    "Text",
    "Truth",
    "UnfitValue",
    "Value",
    "WrittenRow",
    "did_you_mean",
    "diff_rulesets",
    "duplicate",
    "fit",
    "inlined",
    "outline_ruleset",
    "scale_of",
    "taken_apart",
    "verify_ruleset",
]
