"""From a rule file's text to a version that decides: the gate, then the library."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from service.decide import Ruleset, RulesetHeader
from service.rulesets.errors import RuleFileRejected, WrongName
from service.rulesets.family import RULESETS, Family
from service.rulesets.gate import CheckedFile
from service.rulesets.library import Library, RulesetDraft
from service.rulesets.versions import Version


@dataclass(frozen=True, slots=True)
class PublishableFile:
    """A rule file that may be published, with the warnings that the gate had."""

    checked: CheckedFile
    declared: RulesetHeader

    def draft(self, author: str, comment: str, identity: str = "") -> RulesetDraft:
        """The file as the library takes it."""
        declared, checked = self.declared, self.checked
        source, kept = checked.source, checked.kept()
        return RulesetDraft(declared.name, source, author, comment, declared.description, kept, identity)

    def ruleset(self) -> Ruleset:
        """Its typed form; `TooMuchToCompile` for a file that takes too long to read again."""
        return self.checked.ruleset()


def passed(checked: CheckedFile, ruleset: str | None = None, family: Family = RULESETS) -> PublishableFile:
    """The file if it may be published (as `ruleset`, if that is given).

    `RuleFileRejected` with every finding, `WrongName`.
    """
    if checked.declared is None or not checked.sound:
        raise RuleFileRejected(checked.source, checked.findings, "rule file" if family is RULESETS else family.noun)
    if ruleset not in (None, checked.declared.name):
        raise WrongName(checked.declared.name, str(ruleset), family)
    return PublishableFile(checked, checked.declared)


def publish(
    library: Library,
    checked: CheckedFile,
    author: str,
    comment: str = "",
    *,
    ruleset: str | None = None,
    since: datetime | None = None,
    expected_sha256: str | None = None,
    identity: str = "",
) -> Version:
    """Make a rule file that was checked, if it is sound, the active version, now or from `since` on.

    Where versions need approval it becomes a proposal of `identity`.

    Raises `RuleFileRejected`, `WrongName`, `BeginsInThePast`, and `StaleEdit` where something else is active than
    `expected_sha256`.
    """
    draft = passed(checked, ruleset, library.family).draft(author, comment, identity)
    return library.publish(draft, since, expected_sha256)
