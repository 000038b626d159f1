"""Writing a published version back to its file in the rules folder, a table of its own included."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from service.core import CannotRead, plain_files
from service.rulesets.errors import RulesetError
from service.rulesets.library import Library, fingerprint
from service.rulesets.versions import Version
from service.rulesets.working_copies import RULE_FILES, WorkingCopies
from service.rulesets.working_files import WorkingFiles


class SeveralFiles(RulesetError):
    """More than one file of the folder is of a ruleset."""

    def __init__(self, ruleset: str, files: Sequence[str]) -> None:
        super().__init__(
            f"several files are of ruleset {ruleset!r}: {', '.join(files)}. Remove all but one, and repeat"
        )


@dataclass(frozen=True, slots=True)
class PullResult:
    """The files that were written, and what they held before where that was published nowhere."""

    version: Version
    written: Sequence[Path]
    kept: Sequence[Path]


def pull(
    folder: Path, library: Library, copies: WorkingCopies, version: Version, files: WorkingFiles = RULE_FILES
) -> PullResult:
    """Write the text of `version` to the ruleset's file; an edit that was never published is kept beside it."""
    path = _file_of(folder, version.ruleset, files)
    source = library.source(version)
    kept = _kept(path, library, version.ruleset, files)
    written = [_write(file, content) for file, content in files.parts(path, source)]
    for surplus in files.surplus(path, source):
        surplus.unlink()
    copies.record(path, version)
    return PullResult(version, [path_written for path_written in written if path_written is not None], kept)


def _file_of(folder: Path, ruleset: str, files: WorkingFiles) -> Path:
    """The one file of a ruleset, or where it is to be."""
    its = [path for path in files.paths(folder) if _named(path, files) == ruleset]
    if len(its) > 1:
        raise SeveralFiles(ruleset, [path.name for path in its])
    path = its[0] if its else files.place(folder, ruleset)
    if not its and path.exists():
        files.read(path)  # what cannot be read is reported, not taken for another ruleset
        raise RulesetError(f"{path} is there and says that it is of another ruleset: move it away, and repeat")
    return path


def _named(path: Path, files: WorkingFiles) -> str | None:
    try:
        return files.read(path).ruleset
    except CannotRead:
        return None


def _kept(path: Path, library: Library, ruleset: str, files: WorkingFiles) -> Sequence[Path]:
    """Copies of a file, and of its table, whose text no version has."""
    if not path.exists():
        return []
    file = files.read(path)
    if library.with_content(ruleset, fingerprint(file.content.decode("utf-8", "replace"))) is not None:
        return []
    table = file.inlined.table
    return [_copied(original) for original in (path, *([] if table is None else [path.with_name(table)]))]


def _copied(path: Path) -> Path:
    """A copy under the next free name, which the rules folder ignores."""
    number = 1
    while (copy := path.with_name(f"{path.name}.edit-{number}")).exists():
        number += 1
    if path.is_dir():
        copy = path.with_name(f".{copy.name}")
        shutil.copytree(path, copy)
    else:
        shutil.copy2(path, copy)
    return copy


def _write(path: Path, content: str) -> Path | None:
    """Replace a file at once; None if it had this content already."""
    given = content.encode()
    if path.exists() and plain_files.read(path) == given:
        return None
    path.parent.mkdir(exist_ok=True)
    written = path.with_name(f".{path.name}.pulled")
    written.write_bytes(given)
    if path.exists():
        shutil.copymode(path, written)
    written.replace(path)
    return path
