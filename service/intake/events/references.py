"""What the mappings of a rules folder may name: the rulesets and escalation policies beside their file."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path

from service.core import CannotRead, plain_files
from service.decide import Ruleset, language
from service.escalate import EscalationPolicy, policy_file
from service.intake.events.bodies import KnownNames
from service.intake.events.file import KnownTargets
from service.rulesets import rule_file


def known_beside(events: Path, templates: Collection[str]) -> KnownTargets:
    """The names in the folder of a file of mappings; a file with faults, or that cannot be read, still has its name."""
    return KnownTargets(dict(_rulesets(events)), KnownNames(tuple(_policies(events.parent / "escalation")), templates))


def _rulesets(events: Path) -> Iterator[tuple[str, Ruleset | None]]:
    for path in plain_files.named(events.parent):
        if path.name != events.name:
            ruleset = _ruleset(path)
            yield (path.stem, None) if ruleset is None else (ruleset.name, ruleset)


def _ruleset(path: Path) -> Ruleset | None:
    try:
        return language.parse(rule_file.read(path).content).ruleset
    except CannotRead:
        return None


def _policies(folder: Path) -> Iterator[str]:
    for path in plain_files.named(folder):
        policy = _policy(path)
        yield path.stem if policy is None else policy.name


def _policy(path: Path) -> EscalationPolicy | None:
    try:
        return policy_file.parse(plain_files.read(path)).policy
    except CannotRead:
        return None
