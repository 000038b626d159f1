"""Rules: files are read, checked and compiled, and decide requests. Pure."""

from service.decide.canary import Declared
from service.decide.cells import Cells, Signature
from service.decide.decision import ActionRefused, Compiled, Decision, EngineDisagreement, NotUnique
from service.decide.declarations import TODAY
from service.decide.diff import diff_rulesets
from service.decide.dimensions import Dimension, NamedDimension, PairDimension, Reader
from service.decide.entries import Keys, duplicate
from service.decide.explain import Clause, Combination, Comparison, Explanation, RuleExplained, Truth
from service.decide.facts import FactsRefused
from service.decide.faults import Faults, did_you_mean
from service.decide.findings import Finding, Kind, Severity
from service.decide.intervals import OrderedDimension
from service.decide.outcomes import (
    Accepted,
    EventWanted,
    Flagged,
    IncidentWanted,
    LeftOut,
    NotificationWanted,
    Outcome,
    Rejected,
)
from service.decide.outline import outline_ruleset
from service.decide.positions import Entries, Items, Node, Plain, Refused, Scalar
from service.decide.rule_tests import Tested
from service.decide.ruleset import (
    ORDERED,
    Accept,
    Action,
    Cap,
    Change,
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
from service.decide.tables.inline import Inlined, inlined, taken_apart
from service.decide.tables.sheet import Grid
from service.decide.values import LIMIT, Unfit, fit
from service.decide.verify import verify_ruleset

__all__ = [
    "EXACT",
    "LIMIT",
    "ORDERED",
    "TODAY",
    "Accept",
    "Accepted",
    "Action",
    "ActionRefused",
    "Cap",
    "Cells",
    "Change",
    "Changing",
    "Clause",
    "Combination",
    "Comparison",
    "Compiled",
    "Decision",
    "Declared",
    "Derived",
    "Dimension",
    "Emit",
    "EngineDisagreement",
    "Entries",
    "EventWanted",
    "Explanation",
    "Fact",
    "FactPath",
    "FactType",
    "Facts",
    "FactsRefused",
    "Faults",
    "Finding",
    "FlagForReview",
    "Flagged",
    "Grid",
    "IncidentWanted",
    "Inlined",
    "Items",
    "Keys",
    "Kind",
    "LeftOut",
    "NamedDimension",
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
    "Refused",
    "Reject",
    "Rejected",
    "RuleExplained",
    "Ruleset",
    "Scalar",
    "SetTo",
    "Severity",
    "Signature",
    "Tested",
    "Text",
    "Truth",
    "Unfit",
    "Value",
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
