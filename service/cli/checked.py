"""What a file of administrators is, and everything there is to say about it."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from pathlib import Path

from service import config
from service.core.plain_files import CannotRead
from service.decide import Finding, Inlined, Kind, Place, Severity
from service.escalate import policy_file
from service.intake import known_beside
from service.intake.events import file as events_file
from service.messages import read_templates
from service.replies import file_tests, read_languages, vocabulary_file
from service.rosters import roster_file
from service.rulesets import RuleFile, gate, rule_file
from service.wiring import SHIPPED_WORDS

_POLICY = re.compile(rb"^escalation[ \t]*:", re.MULTILINE)
"""The key by which an escalation policy tells its name; no rule file has it."""

_EVENTS = re.compile(rb"^events[ \t]*:", re.MULTILINE)
"""The key under which a file says what events ask for."""

_ROSTER = re.compile(rb"^roster[ \t]*:", re.MULTILINE)
"""The key by which a roster tells its name."""

_REPLIES = re.compile(rb"^replies[ \t]*:", re.MULTILINE)
"""The key by which a vocabulary of replies tells its language."""


def look(path: Path) -> tuple[RuleFile, Sequence[Finding]]:
    """A file and its findings; that it cannot be read is one."""
    try:
        file = rule_file.read(path)
    except CannotRead as error:
        unread = RuleFile(path, "", b"", Inlined(""))
        return unread, [Finding(Severity.ERROR, Kind.NOT_TRIED, Place(1, 1), str(error))]
    return file, findings(file)


def findings(file: RuleFile) -> Sequence[Finding]:
    """The findings of a rule file, a policy, a roster, the mappings of events or a vocabulary, whichever it is."""
    if _POLICY.search(file.content):
        return policy_file.parse(file.content, _templates()).findings
    if _EVENTS.search(file.content):
        return events_file.parse(file.content, known_beside(file.path, _templates())).findings
    if _ROSTER.search(file.content):
        return roster_file.parse(file.content).findings
    if _REPLIES.search(file.content):
        return _of_vocabulary(file)
    return gate.check(file.content).findings


def _of_vocabulary(file: RuleFile) -> Sequence[Finding]:
    """What is wrong with a vocabulary, then which of its tests fail; other languages come from the same folder."""
    parsed = vocabulary_file.parse(file.content)
    if parsed.vocabulary is None:
        return parsed.findings
    languages = read_languages(file.path.parent, instead=SHIPPED_WORDS)
    return (*parsed.findings, *file_tests.failures(parsed.tests, parsed.vocabulary.language, languages))


def _templates() -> Collection[str]:
    return read_templates(config.load().templates_dir).names
