"""What a file of administrators is, and everything there is to say about it."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from itertools import chain
from pathlib import Path

from service import config
from service.core import CannotRead, parse_tag, plain_files
from service.decide import Finding, Flaw, InlinedText, Place, Severity
from service.escalate import answer_ways, policy_file, typed_words
from service.intake import known_beside
from service.intake.events import file as events_file
from service.language.embedded import read_catalogues
from service.messages import read_templates
from service.replies import EMOJI, file_tests, pairs, read_languages, vocabulary_file
from service.rosters import roster_file, roster_names
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
        unread = RuleFile(path, "", b"", InlinedText(""))
        return unread, [Finding(Severity.ERROR, Flaw.NOT_TRIED, Place(1, 1), str(error))]
    return file, findings(file)


def findings(file: RuleFile) -> Sequence[Finding]:
    """The findings of a rule file, a policy, a roster, the mappings of events or a vocabulary, whichever it is."""
    if _POLICY.search(file.content):
        return (*_of_policy(file), *_unknown_rosters(file))
    if _EVENTS.search(file.content):
        mappings = events_file.parse(file.content, known_beside(file.path, _templates()))
        return (*mappings.findings, *_unknown_rosters(file))
    if _ROSTER.search(file.content):
        return roster_file.parse(file.content).findings
    if _REPLIES.search(file.content):
        return _of_vocabulary(file)
    return (*gate.check(file.content).findings, *_unknown_rosters(file))


def _of_policy(file: RuleFile) -> Sequence[Finding]:
    """What is wrong with a policy, and which of its levels cannot be answered under the settings."""
    parsed, settings = policy_file.parse(file.content, _templates()), config.load()
    if parsed.policy is None:
        return parsed.findings
    ways = answer_ways.AnswerWays(links=settings.public_url is not None, mailbox=settings.reply_to is not None)
    return (*parsed.findings, *answer_ways.unanswerable(file.content, parsed.policy, ways))


def _unknown_rosters(file: RuleFile) -> Sequence[Finding]:
    """The contacts that name a roster which neither the folder of the file nor the installation has."""
    folders = {file.path.parent, file.path.parent.parent, config.load().rules_dir}
    return roster_names.unknown(file.content, frozenset(chain(*map(_rosters_in, folders))))


def _rosters_in(rules: Path) -> Iterator[str]:
    """The names of the rosters of a rules folder; a file with faults still has its name."""
    with suppress(CannotRead):
        for path in plain_files.named(rules / "rosters"):
            roster = roster_file.parse(plain_files.read(path)).roster
            yield path.stem if roster is None else roster.name


def _of_vocabulary(file: RuleFile) -> Sequence[Finding]:
    """What is wrong with a vocabulary, which of its tests fail, and what people could not answer with it; other
    languages come from the same folder."""
    parsed = vocabulary_file.parse(file.content)
    vocabulary = parsed.vocabulary
    if vocabulary is None:
        return parsed.findings
    languages = read_languages(file.path.parent, instead=SHIPPED_WORDS)
    tests = file_tests.failures(parsed.tests, vocabulary.language, languages)
    typed = typed_words.misread(
        _texts_in(vocabulary.language), vocabulary.language, languages, read_languages(SHIPPED_WORDS)
    )
    return (*parsed.findings, *tests, *typed, *pairs.swallowed(vocabulary, languages))


def _texts_in(language: str) -> Iterator[tuple[str, str]]:
    """What we say in a language, each text with its English source."""
    if language == EMOJI:
        return
    folder = config.load().templates_dir
    templates, catalogues = read_templates(folder), read_catalogues(folder / "catalogues")
    for template in map(templates.get, templates.names):
        own = template.translations.get(language, {})
        texts = {text: text for text in template.texts} if str(template.language) == language else own
        yield from texts.items()
    yield from catalogues.by_language.get(parse_tag(language), {}).items()


def _templates() -> Collection[str]:
    return read_templates(config.load().templates_dir).names
