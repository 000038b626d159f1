"""An escalation policy from its file, with every finding at once and at its place, as for rule files."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

from service.core import Channel
from service.decide import EntryKeys, Finding, Flaw, Node, RuleFaults, Scalar, did_you_mean, entries, positions
from service.escalate import policy_words
from service.escalate.policy import EscalationPolicy, Level, OnNo, Role
from service.escalate.waits import BadWait, Wait, WaitFor, parse_duration, parse_time_of_day

MAX_LEVELS = 10
MAX_CONTACTS = 10
"""Contacts that one level pages; a page of each must fit one commit."""
MAX_REMINDERS = 5
MAX_REPEATS = 10

_FRAME = (
    *(
        "escalation",
        "description",
        "levels",
        "on_no",
        "last_resort",
        "messages",
        "acknowledge_link",
        "accepts",
        "keep_words",
        "owner",
    ),
    *("undo", "later", "renew", "repeat"),
)
_LEVEL = ("contacts", "channels", "wait", "until", "reminders", "messages", "accepts")
_ADDRESS = re.compile(r"[^@\s]{1,64}@[^@\s]{1,255}|\+[0-9]{6,15}")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")

T = TypeVar("T")


class AcceptedPhrases(StrEnum):
    """The kinds of phrases that a policy may take for a YES: see docs/replies.md."""

    YES = "yes"
    OK = "ok"
    COMMIT = "commit"
    APPROVE = "approve"
    TAKEN = "taken"
    DONE = "done"


Word = TypeVar("Word", bound=StrEnum)


@dataclass(frozen=True, slots=True)
class ParsedPolicy:
    """What a file says and what is wrong with it; `policy` is None exactly if one of the findings is an error."""

    policy: EscalationPolicy | None
    findings: tuple[Finding, ...]


def parse(source: str | bytes, templates: Collection[str] | None = None) -> ParsedPolicy:
    """Parse a policy file; never raises. With `templates`, a message that names none of them is an error."""
    faults = RuleFaults()
    root, _ = positions.read(source, faults)
    policy = None
    if root is not None and (keys := entries.keyed(root, _FRAME, "an escalation policy", faults)):
        policy = _policy(keys, templates, faults)
    return ParsedPolicy(None if faults.refused else policy, faults.in_order())


def _policy(keys: EntryKeys, templates: Collection[str] | None, faults: RuleFaults) -> EscalationPolicy:
    keys.demand("escalation", "escalation: default", faults)
    keys.demand("levels", "levels: and one - {contacts: [1], channels: [sms], wait: 40s} a level", faults)
    name = keys.read("escalation", lambda node: _name(node, "the name of a policy", faults))
    levels = keys.read("levels", lambda node: _levels(node, templates, faults))
    on_no = keys.read("on_no", lambda node: _word(node, OnNo, "on_no", faults))
    last_resort = keys.read("last_resort", lambda node: _last_resort(node, faults))
    messages = keys.read("messages", lambda node: _messages(node, templates, faults))
    link = keys.read("acknowledge_link", lambda node: _truth(node, "acknowledge_link", faults))
    description = keys.read("description", lambda node: _text(node, "a description", faults))
    repeat = keys.read("repeat", lambda node: _count(node, "repeat", 0, MAX_REPEATS, faults))
    policy = EscalationPolicy(
        name=name or "",
        levels=levels or (),
        on_no=on_no or OnNo.ESCALATE,
        last_resort=last_resort or (),
        messages=messages or {},
        acknowledge_link=link or False,
        description=description or "",
        accepts=keys.read("accepts", lambda node: _accepts(node, faults)) or (),
        undo=_seconds(keys, "undo", faults),
        later=_seconds(keys, "later", faults) or 0,
        renew=_seconds(keys, "renew", faults) or 0,
        repeat=repeat or 0,
        owner=keys.read("owner", lambda node: _owner(node, faults)),
        keep_words=keys.read("keep_words", lambda node: _truth(node, "keep_words", faults)) is not False,
    )
    if not faults.refused:
        policy_words.warn(keys, policy, faults)
    return policy


def _owner(node: Node, faults: RuleFaults) -> str | None:
    """Who is told when a contact opts out: an email address, or a phone in E.164."""
    scalar = entries.text(node, "an owner", faults)
    if scalar is not None and not _ADDRESS.fullmatch(scalar.text):
        message = f'"{scalar.text}" is neither an email address nor a phone number'
        faults.error(Flaw.SYNTAX, scalar.at, message, 'write owner: ops@example.com or owner: "+447700900123"')
    return None if scalar is None else scalar.text


def _seconds(keys: EntryKeys, what: str, faults: RuleFaults) -> int | None:
    """The seconds of a duration; 0 for the word `none`, None where the file does not say."""
    return keys.read(what, lambda node: _duration(node, what, faults))


def _duration(node: Node, what: str, faults: RuleFaults) -> int:
    if isinstance(node, Scalar) and node.text == "none":
        return 0
    wait = _read_wait(node, what, parse_duration, faults)
    return wait.seconds if isinstance(wait, WaitFor) else 0


def _levels(node: Node, templates: Collection[str] | None, faults: RuleFaults) -> tuple[Level, ...]:
    nodes = entries.items(node, "levels", faults)
    if isinstance(node, positions.Items) and not 1 <= len(nodes) <= MAX_LEVELS:
        faults.error(Flaw.OUT_OF_RANGE, node.at, f"a policy has 1 to {MAX_LEVELS} levels, this one {len(nodes)}")
    levels = tuple(level for entry in nodes if (level := _level(entry, templates, faults)) is not None)
    if len({name for level in levels for name in level.rosters}) > MAX_CONTACTS:
        faults.error(Flaw.OUT_OF_RANGE, node.at, f"a policy names at most {MAX_CONTACTS} rosters")
    if levels and not any(1 in level.contacts for level in levels) and not any(level.rosters for level in levels):
        message = "no level names contact 1: an incident with one contact would page that contact last of all"
        faults.warning(Flaw.GAP, node.at, message)
    return levels


def _level(node: Node, templates: Collection[str] | None, faults: RuleFaults) -> Level | None:
    keys = entries.keyed(node, _LEVEL, "a level", faults)
    if keys is None:
        return None
    keys.demand("contacts", "contacts: [1], counted as the incident lists them", faults)
    wait = _level_wait(keys, faults)
    contacts, rosters = keys.read("contacts", lambda value: _contacts(value, faults)) or ((), ())
    channels = keys.read("channels", lambda value: _channels(value, "channels", faults)) or (Channel.SMS,)
    reminders = keys.read("reminders", lambda value: _count(value, "reminders", 0, MAX_REMINDERS, faults))
    messages = keys.read("messages", lambda value: _messages(value, templates, faults)) or {}
    if not (contacts or rosters) or wait is None:
        return None
    accepts = keys.read("accepts", lambda value: _accepts(value, faults)) or ()
    return Level(contacts, channels, wait, 1 if reminders is None else reminders, messages, accepts, rosters)


def _accepts(node: Node, faults: RuleFaults) -> tuple[str, ...]:
    """The kinds of phrases that are a YES."""
    words = [_word(each, AcceptedPhrases, "a kind of YES", faults) for each in entries.one_or_more(node)]
    if not words:
        faults.error(Flaw.SYNTAX, node.at, "accepts names nothing", "write accepts: [yes, approve]")
    return tuple(dict.fromkeys(word.value for word in words if word is not None))


def _level_wait(keys: EntryKeys, faults: RuleFaults) -> Wait | None:
    if ("wait" in keys) == ("until" in keys):
        problem = 'both "wait" and "until" stand here' if "wait" in keys else 'the key "wait" is missing'
        faults.error(Flaw.SYNTAX, keys.at, problem, 'write wait: 40s, or until: "08:00" in the contact\'s time zone')
    wait: Wait | None = keys.read("wait", lambda node: _wait(node, faults))
    until: Wait | None = keys.read("until", lambda node: _read_wait(node, "until", parse_time_of_day, faults))
    return wait or until


def _wait(node: Node, faults: RuleFaults) -> Wait | None:
    """`wait: 40s`, or `wait: {until: "08:00"}`."""
    if not isinstance(node, positions.Entries):
        return _read_wait(node, "wait", parse_duration, faults)
    keys = entries.keyed(node, ("until",), "a wait", faults)
    if keys is None:
        return None
    keys.demand("until", 'until: "08:00"', faults)
    until: Wait | None = keys.read("until", lambda at: _read_wait(at, "until", parse_time_of_day, faults))
    return until


def _read_wait(node: Node, what: str, parser: Callable[[str], Wait], faults: RuleFaults) -> Wait | None:
    scalar = entries.text(node, what, faults)
    if scalar is None:
        return None
    try:
        return parser(scalar.text)
    except BadWait as problem:
        faults.error(Flaw.TYPE, scalar.at, str(problem))
    return None


def _contacts(node: Node, faults: RuleFaults) -> tuple[tuple[int, ...], tuple[str, ...]]:
    """The numbers of contacts, and the names of rosters."""
    nodes = entries.one_or_more(node)
    named = [entry for entry in nodes if isinstance(entry, positions.Entries)]
    counted = [entry for entry in nodes if entry not in named]
    numbers = [number for entry in counted if (number := _count(entry, "a contact", 1, 99, faults)) is not None]
    rosters = [name for entry in named if (name := _roster(entry, faults)) is not None]
    if not 1 <= len(nodes) <= MAX_CONTACTS:
        faults.error(Flaw.OUT_OF_RANGE, node.at, f"a level pages 1 to {MAX_CONTACTS} contacts, this one {len(nodes)}")
    if len(set(numbers)) < len(numbers) or len(set(rosters)) < len(rosters):
        faults.error(Flaw.DUPLICATE_KEY, node.at, "a contact stands twice in this level", "keep it once")
    return tuple(numbers), tuple(rosters)


def _roster(node: Node, faults: RuleFaults) -> str | None:
    """`{roster: pumps}`."""
    keys = entries.keyed(node, ("roster",), "a contact", faults)
    if keys is None:
        return None
    keys.demand("roster", "roster: pumps, as its file names it", faults)
    return keys.read("roster", lambda value: _name(value, "the name of a roster", faults))


def _channels(node: Node, what: str, faults: RuleFaults) -> tuple[Channel, ...]:
    words = [_word(entry, Channel, "a channel", faults) for entry in entries.one_or_more(node)]
    channels = tuple(word for word in words if word is not None)
    if not words:
        faults.error(Flaw.SYNTAX, node.at, f"{what} names no channel", "write [sms], [sms, email] or the like")
    if len(set(channels)) < len(channels):
        faults.error(Flaw.DUPLICATE_KEY, node.at, f"a channel stands twice in {what}", "keep it once")
    return channels


def _last_resort(node: Node, faults: RuleFaults) -> tuple[Channel, ...]:
    keys = entries.keyed(node, ("channels",), "last_resort", faults)
    if keys is None:
        return ()
    keys.demand("channels", "channels: [email, voice]", faults)
    return keys.read("channels", lambda value: _channels(value, "last_resort", faults)) or ()


def _messages(node: Node, templates: Collection[str] | None, faults: RuleFaults) -> dict[Role, str]:
    keys = entries.keyed(node, tuple(role.value for role in Role), "messages", faults)
    if keys is None:
        return {}
    named = {role: keys.read(role.value, lambda value: _template(value, templates, faults)) for role in Role}
    return {role: template for role, template in named.items() if template is not None}


def _template(node: Node, templates: Collection[str] | None, faults: RuleFaults) -> str | None:
    name = _name(node, "the name of a template", faults)
    if name is not None and templates is not None and name not in templates:
        message = f'there is no template "{name}"'
        hint = did_you_mean(name, templates) or f"add the folder templates/{name}"
        faults.error(Flaw.UNKNOWN_VALUE, node.at, message, hint)
    return name


def _name(node: Node, what: str, faults: RuleFaults) -> str | None:
    scalar = entries.text(node, what, faults)
    if scalar is None:
        return None
    if not _NAME.fullmatch(scalar.text):
        faults.error(Flaw.SYNTAX, scalar.at, f'"{scalar.text}" is not {what}', "use letters, digits, - and _, up to 64")
    return scalar.text


def _text(node: Node, what: str, faults: RuleFaults) -> str | None:
    scalar = entries.text(node, what, faults)
    return None if scalar is None else scalar.text


def _word(node: Node, words: type[Word], what: str, faults: RuleFaults) -> Word | None:
    scalar = entries.text(node, what, faults)
    if scalar is None:
        return None
    known = [word.value for word in words]
    if scalar.text in known:
        return words(scalar.text)
    hint = did_you_mean(scalar.text, known) or f"one of {', '.join(known)}"
    faults.error(Flaw.UNKNOWN_VALUE, scalar.at, f'"{scalar.text}" is not {what}', hint)
    return None


def _count(node: Node, what: str, low: int, high: int, faults: RuleFaults) -> int | None:
    value = node.value if isinstance(node, Scalar) else None
    if not isinstance(value, int) or isinstance(value, bool):
        entries.mismatch(node, f"{what} must be a whole number", faults)
        return None
    if not low <= value <= high:
        faults.error(Flaw.OUT_OF_RANGE, node.at, f"{what} must be between {low} and {high}, not {value}")
    return value


def _truth(node: Node, what: str, faults: RuleFaults) -> bool | None:
    value = node.value if isinstance(node, Scalar) else None
    if not isinstance(value, bool):
        entries.mismatch(node, f"{what} must be true or false", faults)
        return None
    return value
