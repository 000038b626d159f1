"""Rulesets: their versions, which of them is active, and what they would have decided."""

from service.rulesets import gate, problems, rule_file
from service.rulesets.active_texts import ActiveTexts
from service.rulesets.active_versions import ActiveVersions, ServingVersion, VersionDoesNotCompile
from service.rulesets.backtest import Backtests
from service.rulesets.columns.segment_builder import SegmentWriter
from service.rulesets.columns.segment_store import head_of
from service.rulesets.comparing import decided_by, facts_of
from service.rulesets.errors import NotThere, NotYetActive, UnknownRuleset, UnknownVersion
from service.rulesets.family import CATALOGUES, POLICIES, TEMPLATES, Family
from service.rulesets.gate import CheckedFile
from service.rulesets.library import Library, fingerprint
from service.rulesets.notes import Notes
from service.rulesets.problems import as_problems
from service.rulesets.proposals import Approval, Approver, Proposal, ProposalState, of_user
from service.rulesets.publishing import PublishableFile, passed
from service.rulesets.pulling import pull
from service.rulesets.reading import Reader
from service.rulesets.recent_comparison import RecentComparison, RecentCounts
from service.rulesets.recorded import RecordedRequest, computed_facts, instant_of, recorded_request
from service.rulesets.replay import Replay, ReplayedRequests
from service.rulesets.rule_file import EVENTS, RuleFile
from service.rulesets.schemas import MAX_FILE_BYTES, Paged
from service.rulesets.seen_copies import SeenCopy
from service.rulesets.shadow import Shadows, in_share
from service.rulesets.tally import Tally
from service.rulesets.text_routes import VersionedTexts
from service.rulesets.trial_places import TrialPlaces
from service.rulesets.versions import Activation, Version
from service.rulesets.working_copies import WorkingCopies
from service.rulesets.working_files import OneFileEach, WorkingFiles

__all__ = [
    "CATALOGUES",
    "EVENTS",
    "MAX_FILE_BYTES",
    "POLICIES",
    "TEMPLATES",
    "Activation",
    "ActiveTexts",
    "ActiveVersions",
    "Approval",
    "Approver",
    "Backtests",
    "CheckedFile",
    "Family",
    "Library",
    "NotThere",
    "NotYetActive",
    "Notes",
    "OneFileEach",
    "Paged",
    "Proposal",
    "ProposalState",
    "PublishableFile",
    "Reader",
    "RecentComparison",
    "RecentCounts",
    "RecordedRequest",
    "Replay",
    "ReplayedRequests",
    "RuleFile",
    "SeenCopy",
    "SegmentWriter",
    "ServingVersion",
    "Shadows",
    "Tally",
    "TrialPlaces",
    "UnknownRuleset",
    "UnknownVersion",
    "Version",
    "VersionDoesNotCompile",
    "VersionedTexts",
    "WorkingCopies",
    "WorkingFiles",
    "as_problems",
    "computed_facts",
    "decided_by",
    "facts_of",
    "fingerprint",
    "gate",
    "head_of",
    "in_share",
    "instant_of",
    "of_user",
    "passed",
    "problems",
    "pull",
    "recorded_request",
    "rule_file",
]
