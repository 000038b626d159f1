"""The files of a folder that are published, one text each: how they are listed, read, named and written."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Protocol

from service.core import plain_files
from service.decide import InlinedText, inlined, taken_apart
from service.rulesets import rule_file
from service.rulesets.family import Family
from service.rulesets.rule_file import RuleFile

_BOM = "\ufeff"


class WorkingFiles(Protocol):
    """What a folder holds of one family. A path may be a folder, where one text is several files."""

    def paths(self, folder: Path, /) -> Iterable[Path]:
        """What is published; `CannotRead` for a folder that cannot be listed."""

    def misnamed(self, folder: Path, /) -> Iterable[Path]:
        """What looks as if it should be, and is not read."""

    def read(self, path: Path, /) -> RuleFile:
        """One of them as one text; `CannotRead`."""

    def place(self, folder: Path, name: str, /) -> Path:
        """Where one of this name is to be written that the folder does not hold."""

    def parts(self, path: Path, source: str, /) -> Sequence[tuple[Path, str]]:
        """The files to write, and their texts, so that `read` of the path answers `source`."""

    def surplus(self, path: Path, source: str, /) -> Sequence[Path]:
        """The files that are to go, for the same end."""


class RuleFiles:
    """The rule files of a rules folder, tables of their own put inside."""

    def paths(self, folder: Path) -> Iterable[Path]:
        """Every `*.yaml` but that of events."""
        return (path for path in plain_files.named(folder) if path.name != rule_file.EVENTS)

    def misnamed(self, folder: Path) -> Iterable[Path]:
        """Those that end in `.yml`."""
        return plain_files.misnamed(folder)

    def read(self, path: Path) -> RuleFile:
        """The file and its table."""
        return rule_file.read(path)

    def place(self, folder: Path, name: str) -> Path:
        """`fees.yaml`."""
        return folder / f"{name}.yaml"

    def parts(self, path: Path, source: str) -> Sequence[tuple[Path, str]]:
        """One self-contained file, or a file and its table where the file names one now."""
        table = rule_file.read(path).inlined.table if path.exists() else None
        apart = None if table is None else taken_apart(source, table)
        if table is None or apart is None:
            return [(path, source)]
        frame, rows = apart
        if inlined(frame, lambda _: rows).text != source:
            return [(path, source)]
        beside = path.with_name(table)
        return [(beside, _as_spreadsheets_wrote_it(beside, rows)), (path, frame)]

    def surplus(self, _path: Path, _source: str) -> Sequence[Path]:
        """None."""
        return ()


class OneFileEach:
    """Files directly in a folder that are texts as they stand: policies, catalogues."""

    def __init__(self, family: Family, suffix: str = ".yaml") -> None:
        self._family = family
        self._suffix = suffix

    def paths(self, folder: Path) -> Iterable[Path]:
        """All with the suffix."""
        return plain_files.named(folder, self._suffix)

    def misnamed(self, folder: Path) -> Iterable[Path]:
        """Those that end in `.yml`, where YAML is read."""
        return plain_files.misnamed(folder) if self._suffix == ".yaml" else ()

    def read(self, path: Path) -> RuleFile:
        """The file."""
        written = plain_files.read(path).decode("utf-8", "surrogateescape")
        return RuleFile(
            path, written, written.encode("utf-8", "surrogateescape"), InlinedText(written), self._family.names
        )

    def place(self, folder: Path, name: str) -> Path:
        """By the name."""
        return folder / f"{name}{self._suffix}"

    def parts(self, path: Path, source: str) -> Sequence[tuple[Path, str]]:
        """The file."""
        return [(path, source)]

    def surplus(self, _path: Path, _source: str) -> Sequence[Path]:
        """None."""
        return ()


def _as_spreadsheets_wrote_it(path: Path, rows: str) -> str:
    """Rows with the byte order mark and the line ends of the file that is there: Excel needs the former."""
    before = plain_files.read(path)[: 1 << 16].decode("utf-8", "replace")
    lines = f"{rows}\n".replace("\n", "\r\n") if "\r\n" in before else f"{rows}\n"
    return f"{_BOM}{lines}" if before.startswith(_BOM) else lines
