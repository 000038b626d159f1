"""A catalogue as one text that can be published: a .po whose header names its language."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from service.core import plain_files
from service.decide import Finding, Flaw, InlinedText, Place, RulesetHeader, Severity
from service.language.embedded import catalogue_files
from service.rulesets import CATALOGUES, CheckedFile, OneFileEach, RuleFile

MAX_BYTES = catalogue_files.MAX_BYTES

_HEADER = 'msgid ""\nmsgstr ""\n'


class CatalogueFiles(OneFileEach):
    """The `*.po` of a folder; one whose header names no language is of the language that its file is named by."""

    def __init__(self) -> None:
        super().__init__(CATALOGUES, ".po")

    def read(self, path: Path) -> RuleFile:
        """The file, with a header."""
        written = plain_files.read(path).decode("utf-8", "surrogateescape")
        if CATALOGUES.names.search(written) is None:
            header = f'"Language: {path.stem}\\n"\n'
            written = (
                written.replace(_HEADER, _HEADER + header, 1) if _HEADER in written else f"{_HEADER}{header}\n{written}"
            )
        return RuleFile(
            path, written, written.encode("utf-8", "surrogateescape"), InlinedText(written), CATALOGUES.names
        )


def checked(content: bytes) -> CheckedFile:
    """Everything there is to say about a catalogue before it is published."""
    source = content.decode("utf-8", "replace")
    language = language_of(source)
    if language is None:
        return CheckedFile(
            source, None, (_finding(1, 'the header names no language: write "Language: de\\n" into it'),)
        )
    findings = [_finding(fault.line, fault.message) for fault in catalogue_files.faults(source, language)]
    return CheckedFile(source, None if findings else RulesetHeader(language, ""), tuple(findings))


def parsed(source: str) -> Mapping[str, str]:
    """The sentences of a published catalogue; `CatalogueRefused`."""
    return catalogue_files.sentences(source, language_of(source) or "")


def language_of(source: str) -> str | None:
    """The language that the header names."""
    match = CATALOGUES.names.search(source)
    return None if match is None else match[1]


def _finding(line: int, message: str) -> Finding:
    return Finding(Severity.ERROR, Flaw.SYNTAX, Place(line, 1), message)
