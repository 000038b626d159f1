"""What a file of administrators is, and everything there is to say about it."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from service import config
from service.decide.findings import Finding
from service.escalate import policy_file
from service.intake.events import file as events_file
from service.intake.events.beside import known_beside
from service.messages.templates import read_templates
from service.rulesets import gate
from service.rulesets.rule_file import RuleFile

_POLICY = re.compile(rb"^escalation[ \t]*:", re.MULTILINE)
"""The key by which an escalation policy tells its name; no rule file has it."""

_EVENTS = re.compile(rb"^events[ \t]*:", re.MULTILINE)
"""The key under which a file says what events ask for."""


def findings(file: RuleFile) -> Sequence[Finding]:
    """The findings of a rule file, an escalation policy or the mappings of events, whichever it is."""
    if _POLICY.search(file.content):
        return policy_file.parse(file.content, _templates()).findings
    if _EVENTS.search(file.content):
        return events_file.parse(file.content, known_beside(file.path, _templates())).findings
    return gate.check(file.content).findings


def _templates() -> Collection[str]:
    return read_templates(config.load().templates_dir).names
