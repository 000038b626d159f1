"""Writing a published version back to its file in the rules folder, a table of its own included."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from service.core import plain_files
from service.decide import inlined, taken_apart
from service.rulesets import rule_file
from service.rulesets.errors import RulesetError
from service.rulesets.library import Library, fingerprint
from service.rulesets.versions import Version
from service.rulesets.working_copies import WorkingCopies

_BOM = "\ufeff"


class SeveralFiles(RulesetError):
    """More than one file of the folder is of a ruleset."""

    def __init__(self, ruleset: str, files: Sequence[str]) -> None:
        super().__init__(
            f"several files are of ruleset {ruleset!r}: {', '.join(files)}. Remove all but one, and repeat"
        )


@dataclass(frozen=True, slots=True)
class Pulled:
    """The files that were written, and what they held before where that was published nowhere."""

    version: Version
    written: Sequence[Path]
    kept: Sequence[Path]


def pull(folder: Path, library: Library, copies: WorkingCopies, version: Version) -> Pulled:
    """Let the ruleset's file hold the text of `version`; an edit that was never published is kept beside it."""
    path = _file_of(folder, version.ruleset)
    source = library.source(version)
    kept = _kept(path, library, version.ruleset)
    written = [_write(file, content) for file, content in _files(path, source)]
    copies.record(path, version)
    return Pulled(version, [one for one in written if one is not None], kept)


def _file_of(folder: Path, ruleset: str) -> Path:
    """The one file of a ruleset, or where it is to be."""
    files = [path for path in plain_files.named(folder) if path.name != rule_file.EVENTS]
    its = [path for path in files if rule_file.ruleset_of(path) == ruleset]
    if len(its) > 1:
        raise SeveralFiles(ruleset, [path.name for path in its])
    path = its[0] if its else folder / f"{ruleset}.yaml"
    if not its and path.exists():
        plain_files.read(path)  # what cannot be read is not of another ruleset: it says so
        raise RulesetError(f"{path} is there and says that it is of another ruleset: move it away, and repeat")
    return path


def _kept(path: Path, library: Library, ruleset: str) -> Sequence[Path]:
    """Copies of a file, and of its table, whose text no version has."""
    if not path.exists():
        return []
    file = rule_file.read(path)
    if library.with_content(ruleset, fingerprint(file.content.decode("utf-8", "replace"))) is not None:
        return []
    table = file.inlined.table
    return [_copied(one) for one in (path, *([] if table is None else [path.with_name(table)]))]


def _copied(path: Path) -> Path:
    """A copy under the next free name; the rules folder takes no notice of it."""
    number = 1
    while (copy := path.with_name(f"{path.name}.edit-{number}")).exists():
        number += 1
    shutil.copy2(path, copy)
    return copy


def _files(path: Path, source: str) -> Sequence[tuple[Path, str]]:
    """What to write: one self-contained file, or a file and its table where the file names one now."""
    table = rule_file.read(path).inlined.table if path.exists() else None
    apart = None if table is None else taken_apart(source, table)
    if table is None or apart is None:
        return [(path, source)]
    frame, rows = apart
    if inlined(frame, lambda _: rows).text != source:
        return [(path, source)]
    return [(path.with_name(table), _as_spreadsheets_wrote_it(path.with_name(table), rows)), (path, frame)]


def _as_spreadsheets_wrote_it(path: Path, rows: str) -> str:
    """Rows with the byte order mark and the line ends of the file that is there: Excel needs the former."""
    before = plain_files.read(path)[: 1 << 16].decode("utf-8", "replace")
    lines = f"{rows}\n".replace("\n", "\r\n") if "\r\n" in before else f"{rows}\n"
    return f"{_BOM}{lines}" if before.startswith(_BOM) else lines


def _write(path: Path, content: str) -> Path | None:
    """Put a file in the place of another at once; None if it was like that already."""
    given = content.encode()
    if path.exists() and plain_files.read(path) == given:
        return None
    written = path.with_name(f".{path.name}.pulled")
    written.write_bytes(given)
    if path.exists():
        shutil.copymode(path, written)
    written.replace(path)
    return path
