"""What the mappings of a rules folder may name: the rulesets and escalation policies beside their file."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path

from service.decide import language
from service.decide.ruleset import Ruleset
from service.escalate import policy_file
from service.intake.events.bodies import Names
from service.intake.events.file import Known
from service.rulesets import rule_file


def known_beside(events: Path, templates: Collection[str]) -> Known:
    """The names in the folder of a file of mappings; a file with faults still has its name."""
    return Known(dict(_rulesets(events)), Names(tuple(_policies(events.parent / "escalation")), templates))


def _rulesets(events: Path) -> Iterator[tuple[str, Ruleset | None]]:
    for path in sorted(events.parent.glob("*.yaml")):
        if path.name != events.name:
            ruleset = language.parse(rule_file.read(path).content).ruleset
            yield (path.stem, None) if ruleset is None else (ruleset.name, ruleset)


def _policies(folder: Path) -> Iterator[str]:
    for path in sorted(folder.glob("*.yaml")):
        policy = policy_file.parse(path.read_bytes()).policy
        yield path.stem if policy is None else policy.name
