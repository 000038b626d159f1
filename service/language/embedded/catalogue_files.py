"""One catalogue as a text that can be published: what is wrong with it, and its sentences."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from service.core import TocsinError, UnknownTag, parse_tag
from service.language.embedded.catalogue import CatalogueError, read_catalogues

MAX_BYTES = 1024 * 1024
"""Size of a catalogue that is published."""


class CatalogueRefused(TocsinError):
    """A text that is no catalogue."""


@dataclass(frozen=True, slots=True)
class CatalogueFault:
    """What is wrong, and in which line."""

    line: int
    message: str


def faults(source: str, language: str) -> Iterator[CatalogueFault]:
    """Everything that is wrong with a catalogue."""
    try:
        sentences(source, language)
    except CatalogueRefused as error:
        for fault in str(error).splitlines():
            place, _, message = fault.partition(": ")
            yield CatalogueFault(int(place) if place.isdecimal() else 1, message or fault)


def sentences(source: str, language: str) -> Mapping[str, str]:
    """What a catalogue says, by English sentence; `CatalogueRefused` with every fault as `line: message`."""
    try:
        tag = parse_tag(language)
    except UnknownTag as error:
        raise CatalogueRefused(f"1: {error}") from error
    with tempfile.TemporaryDirectory() as place:
        file = Path(place) / f"{tag}.po"
        file.write_text(source)
        try:
            return read_catalogues(Path(place)).by_language.get(tag, {})
        except CatalogueError as error:
            raise CatalogueRefused(str(error).replace(f"{file}:", "")) from error
