"""From a rule file's text to a version that decides: the gate, then the library."""

from __future__ import annotations

from datetime import datetime

from service.rulesets import gate
from service.rulesets.errors import Refused, WrongName
from service.rulesets.gate import Checked
from service.rulesets.library import Draft, Library
from service.rulesets.versions import Version


def passed(content: str | bytes, ruleset: str | None = None) -> Checked:
    """The file if it may be published (as `ruleset`, if that is given); `Refused` with every finding, `WrongName`."""
    checked = gate.check(content)
    if checked.ruleset is not None and ruleset not in (None, checked.ruleset.name):
        raise WrongName(checked.ruleset.name, str(ruleset))
    if not checked.sound:
        raise Refused(checked.source, checked.findings)
    return checked


def publish(
    library: Library,
    content: str | bytes,
    author: str,
    comment: str = "",
    *,
    ruleset: str | None = None,
    since: datetime | None = None,
    expected_sha256: str | None = None,
) -> Version:
    """Check a rule file and, if it is sound, make it the active version, now or from `since` on.

    Raises `Refused`, `WrongName`, `StaleEdit` (something else is active than `expected_sha256`), `BeginsInThePast`.
    """
    return library.publish(drafted(passed(content, ruleset), author, comment), since, expected_sha256)


def publish_once(library: Library, content: str | bytes, author: str, comment: str) -> Version:
    """Like `publish`, but content that was published before stays as and where it is: its version is answered."""
    checked = passed(content)
    draft = drafted(checked, author, comment)
    return library.with_content(draft.ruleset, draft.sha256) or library.publish(draft)


def drafted(checked: Checked, author: str, comment: str) -> Draft:
    """A sound file as the library takes it."""
    if checked.ruleset is None:
        raise Refused(checked.source, checked.findings)
    return Draft(checked.ruleset.name, checked.source, author, comment, checked.ruleset.description, checked.kept())
