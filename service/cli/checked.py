"""What a file of administrators is, and everything there is to say about it."""

from __future__ import annotations

import re
from collections.abc import Sequence

from service import config
from service.decide.findings import Finding
from service.escalate import policy_file
from service.messages.templates import read_templates
from service.rulesets import gate
from service.rulesets.rule_file import RuleFile

_POLICY = re.compile(rb"^escalation[ \t]*:", re.MULTILINE)
"""The key by which an escalation policy tells its name; no rule file has it."""


def findings(file: RuleFile) -> Sequence[Finding]:
    """The findings of a rule file or an escalation policy, whichever it is."""
    if _POLICY.search(file.content):
        return policy_file.parse(file.content, read_templates(config.load().templates_dir).names).findings
    return gate.check(file.content).findings
