"""Mappings from their file, with every finding at once and at its place, as for rule files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from service.decide import (
    TODAY,
    Entries,
    EntryKeys,
    Finding,
    Flaw,
    Node,
    RuleFaults,
    Ruleset,
    Scalar,
    entries,
    positions,
)
from service.intake.events import bodies, file_tests
from service.intake.events.bodies import KnownNames
from service.intake.events.mappings import Key, Mappings, Target, ToIncident, ToNotification, ToRuleset
from service.intake.events.paths import demand_path

_FRAME = ("description", "events", "tests")
_MAPPING = ("description", "source", "detail-type", "ruleset", "facts", "notification", "incident")
_TARGETS = ("ruleset", "notification", "incident")


@dataclass(frozen=True, slots=True)
class KnownTargets:
    """What the mappings may name, as far as it is known where they are checked; None is not looked at.

    A ruleset whose own file has faults is there and None.
    """

    rulesets: Mapping[str, Ruleset | None] | None = None
    names: KnownNames = field(default_factory=KnownNames)


@dataclass(frozen=True, slots=True)
class ParsedMappings:
    """What a file says and what is wrong with it; `mappings` is None exactly if one of the findings is an error."""

    mappings: Mappings | None
    findings: tuple[Finding, ...]


def parse(source: str | bytes, known: KnownTargets | None = None) -> ParsedMappings:
    """Parse a file of mappings; never raises."""
    faults = RuleFaults()
    root, _ = positions.read(source, faults)
    keys = None if root is None else entries.keyed(root, _FRAME, "a file of events", faults)
    targets: dict[Key, Target] = {}
    if keys is not None:
        keys.demand("events", "events: and one - {source: …, detail-type: …, ruleset: …} an event", faults)
        keys.read("description", lambda node: entries.text(node, "a description", faults))
        targets = keys.read("events", lambda node: _mappings(node, known or KnownTargets(), faults)) or {}
        if not faults.refused:
            keys.read("tests", lambda node: file_tests.check(node, Mappings(targets), faults))
    return ParsedMappings(None if faults.refused else Mappings(targets), faults.in_order())


def _mappings(node: Node, known: KnownTargets, faults: RuleFaults) -> dict[Key, Target]:
    targets: dict[Key, Target] = {}
    for each in entries.items(node, "events", faults):
        keys = entries.keyed(each, _MAPPING, "a mapping", faults)
        if keys is None:
            continue
        key, target = _key(keys, faults), _target(keys, known, faults)
        if key in targets:
            message = f'events of source "{key[0]}" and detail-type "{key[1]}" are mapped above already'
            faults.error(Flaw.DUPLICATE_KEY, keys.at, message, "keep one of them")
        if key is not None and target is not None:
            targets.setdefault(key, target)
    return targets


def _key(keys: EntryKeys, faults: RuleFaults) -> Key | None:
    keys.demand("source", "source: shop.orders, as the event says it", faults)
    keys.demand("detail-type", "detail-type: Order Placed, as the event says it", faults)
    keys.read("description", lambda node: entries.text(node, "a description", faults))
    source = keys.read("source", lambda node: entries.text(node, "source", faults))
    detail_type = keys.read("detail-type", lambda node: entries.text(node, "detail-type", faults))
    return None if source is None or detail_type is None else (source.text, detail_type.text)


def _target(keys: EntryKeys, known: KnownTargets, faults: RuleFaults) -> Target | None:
    """Every target that stands there is checked, although there may be only one."""
    named = [target for target in _TARGETS if target in keys]
    if len(named) != 1:
        problem = f"both {' and '.join(named)} stand here" if named else "this mapping says not what the event asks for"
        faults.error(Flaw.SYNTAX, keys.at, problem, "write ruleset, notification or incident")
    if "facts" in keys and "ruleset" not in keys:
        faults.error(Flaw.SYNTAX, keys.at, "facts without a ruleset that they are for", "add ruleset: its name")
    targets = [_to_ruleset(keys, known, faults), *_to_body(keys, known, faults)]
    return next((target for target in targets if target is not None), None)


def _to_body(keys: EntryKeys, known: KnownTargets, faults: RuleFaults) -> tuple[Target | None, Target | None]:
    message = keys.read("notification", lambda node: bodies.notification(node, known.names, faults))
    incident = keys.read("incident", lambda node: bodies.incident(node, known.names, faults))
    return (
        None if message is None else ToNotification(message),
        None if incident is None else ToIncident(incident),
    )


def _to_ruleset(keys: EntryKeys, known: KnownTargets, faults: RuleFaults) -> Target | None:
    name = keys.read("ruleset", lambda node: entries.text(node, "the name of a ruleset", faults))
    given = keys.read("facts", lambda node: _facts(node, faults))
    if name is None:
        return None
    if known.rulesets is not None:
        _check_ruleset(name, given, known.rulesets, faults)
    return ToRuleset(name.text, None if given is None else {fact.text: path for fact, path in given.items()})


def _facts(node: Node, faults: RuleFaults) -> dict[Scalar, str]:
    if not isinstance(node, Entries):
        entries.mismatch(node, "facts must map facts to paths, such as driver.age: detail.driver.age", faults)
        return {}
    seen: set[str] = set()
    facts: dict[Scalar, str] = {}
    for fact, value in node.pairs:
        if fact.text in seen:
            entries.duplicate(fact, faults)
        seen.add(fact.text)
        path = entries.text(value, f"the path of {fact.text}", faults)
        if path is not None and demand_path(path.text, path.at, faults):
            facts[fact] = path.text
    return facts


def _check_ruleset(
    name: Scalar, given: Mapping[Scalar, str] | None, rulesets: Mapping[str, Ruleset | None], faults: RuleFaults
) -> None:
    if name.text not in rulesets:
        hint = faults.did_you_mean(name.text, rulesets) or f"there are: {', '.join(sorted(rulesets)) or 'none'}"
        faults.error(Flaw.UNKNOWN_VALUE, name.at, f'there is no ruleset "{name.text}" beside this file', hint)
        return
    ruleset = rulesets[name.text]
    if ruleset is None or given is None:
        return
    for fact in given:
        if fact.text not in ruleset.facts:
            message = f'ruleset {ruleset.name} declares no fact "{fact.text}"'
            faults.error(Flaw.UNKNOWN_FACT, fact.at, message, faults.did_you_mean(fact.text, ruleset.facts))
    missing = _demanded(ruleset) - {fact.text for fact in given}
    for fact_path in sorted(missing):
        message = f"{fact_path} is not given, and ruleset {ruleset.name} demands it: every such event would be refused"
        faults.error(Flaw.GAP, name.at, message, f"add {fact_path}: detail.…")


def _demanded(ruleset: Ruleset) -> frozenset[str]:
    computed = tuple(f"{derived.path}." for derived in ruleset.derived)
    demanded = (path for path, fact in ruleset.facts.items() if not fact.optional and path != TODAY)
    return frozenset(path for path in demanded if not path.startswith(computed))
