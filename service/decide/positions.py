"""YAML as a tree in which every node knows its place, and every character of a text where it stands in the file.

Scalars are resolved by YAML 1.2's core schema (https://yaml.org/spec/1.2.2/#103-core-schema) without its octal and
hexadecimal forms: `no`, `on`, `012` and `1:30` are text, and numbers stay exact. Anchors, aliases, tags and further
documents are refused: nobody needs them to state a rule, and each can make a file say what it does not show.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol

import yaml

from service.decide import alignment, values
from service.decide.errors import RuleFaults
from service.decide.findings import Flaw
from service.decide.ruleset import Place

MAX_BYTES = 4 * 1024 * 1024
"""Size of one file."""

MAX_DEPTH = 40
"""Nesting of lists and mappings in one file."""

Plain = bool | int | Decimal | str | None
"""What a scalar means: never a float, never a date."""

_NULL = frozenset({"", "~", "null", "Null", "NULL"})
_TRUE = frozenset({"true", "True", "TRUE"})
_FALSE = frozenset({"false", "False", "FALSE"})
_UNPRINTABLE = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_LINE_END = re.compile(r"\r\n|\r|\n")


class _Mark(Protocol):
    """What the marks of libyaml and of PyYAML have in common: characters counted from the beginning."""

    @property
    def index(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Source:
    """The text of a file and where its lines begin."""

    text: str
    starts: tuple[int, ...]

    def place(self, offset: int) -> Place:
        """Line and column, from 1, of the character at `offset`."""
        line = bisect_right(self.starts, offset)
        return Place(line, offset - self.starts[line - 1] + 1)

    def line(self, number: int) -> str:
        """One line without its end; empty beyond the last."""
        if not 1 <= number <= len(self.starts):
            return ""
        start = self.starts[number - 1]
        end = self.starts[number] if number < len(self.starts) else len(self.text)
        return self.text[start:end].rstrip("\r\n")


@dataclass(frozen=True, slots=True)
class Scalar:
    """One value as text; `style` is the quote or block character it was written with, "" for none."""

    text: str
    style: str
    at: Place
    start: int
    end: int
    source: Source

    @property
    def value(self) -> Plain:
        """The value by YAML 1.2; anything quoted or in a block is text."""
        return self.text if self.style else _resolve(self.text)

    def origins(self) -> Sequence[int]:
        """The offset in the file of each character of `text`, and of its end."""
        written = self.source.text[self.start : self.end]
        if written == self.text:
            return range(self.start, self.end + 1)
        if self.style in ("'", '"') and written[1:-1] == self.text:
            return range(self.start + 1, self.end)
        return alignment.origins(self.text, self.style, written, self.start)

    def place(self, offset: int) -> Place:
        """Where the character `offset` of `text` stands in the file."""
        return self.places()(offset)

    def places(self) -> Callable[[int], Place]:
        """`place`, for who asks it of many characters: where they stand is found out once."""
        origins = self.origins()
        return lambda offset: self.source.place(origins[offset])


@dataclass(frozen=True, slots=True)
class Items:
    """A list."""

    nodes: tuple[Node, ...]
    at: Place


@dataclass(frozen=True, slots=True)
class Entries:
    """A mapping in file order; a repeated key is still there."""

    pairs: tuple[tuple[Scalar, Node], ...]
    at: Place


@dataclass(frozen=True, slots=True)
class AlreadyReported:
    """What stood here has been reported already."""

    at: Place


Node = Scalar | Items | Entries | AlreadyReported


def read(content: str | bytes, faults: RuleFaults) -> tuple[Node | None, Source]:
    """The file's one document as a tree; None, with the reason among the findings, if there is none to speak of."""
    root, source, whole = read_partly(content, faults)
    return (root if whole else None), source


def read_partly(content: str | bytes, faults: RuleFaults) -> tuple[Node | None, Source, bool]:
    """`read`, but a file that stops being YAML somewhere still gives what stood complete above that place.

    The third part of the answer says whether the tree is the whole file.
    """
    text = _decode(content, faults)
    source = _lined(text)
    if faults.refused or _reports_unprintable(source, faults):
        return None, source, False
    tree = _Tree(source, faults)
    try:
        return tree.grow(yaml.parse(text, Loader=yaml.CSafeLoader)), source, True
    except yaml.MarkedYAMLError as error:
        at = _place_of(error, source)
        faults.error(Flaw.SYNTAX, _blamed(error, source), *_explained(error, source))
    return tree.salvaged(at.line), source, False


def _lined(text: str) -> Source:
    return Source(text, (0, *(end.end() for end in _LINE_END.finditer(text))))


def _decode(content: str | bytes, faults: RuleFaults) -> str:
    size = len(content) if isinstance(content, bytes) else len(content.encode("utf-8", "surrogatepass"))
    if size > MAX_BYTES:
        faults.error(Flaw.SYNTAX, Place(1, 1), f"the file has {size:,} bytes; {MAX_BYTES:,} are allowed")
        return ""
    if isinstance(content, str):
        return content.removeprefix("\ufeff")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = content[: error.start].decode("utf-8-sig")
        faults.error(Flaw.SYNTAX, _lined(before).place(len(before)), *_no_text(content))
    return ""


def _no_text(content: bytes) -> tuple[str, str]:
    """What a file is instead of text in UTF-8, and what to do."""
    if content.startswith(b"PK\x03\x04"):
        return (
            "this is a document of Word or Excel, not a text file",
            "write rules in a text editor; rules import reads .xlsx",
        )
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "this file is UTF-16, not UTF-8", "save it as UTF-8 (in Notepad: Encoding: UTF-8)"
    return "this byte is not UTF-8", "save the file as UTF-8 (Excel: CSV UTF-8, comma delimited)"


def _reports_unprintable(source: Source, faults: RuleFaults) -> bool:
    match = _UNPRINTABLE.search(source.text)
    if match:
        message = f"the character U+{ord(match.group()):04X} may not stand in a YAML file"
        faults.error(Flaw.SYNTAX, source.place(match.start()), message, "remove it")
    return match is not None


def _place_of(error: yaml.MarkedYAMLError, source: Source) -> Place:
    mark = error.problem_mark or error.context_mark
    return source.place(min(mark.index, len(source.text))) if mark else Place(1, 1)


_BEGAN_THERE = frozenset({"while scanning a simple key", "while scanning a quoted scalar"})
"""Where the parser goes on for lines after the mistake, which is where it began."""


def _blamed(error: yaml.MarkedYAMLError, source: Source) -> Place:
    """Where the mistake stands, as far as it can be told: not where the parser gave up."""
    began = error.context_mark
    cut_off = began is not None and _is_cut_off(source.line(began.line + 1))
    if began is not None and (error.context in _BEGAN_THERE or cut_off):
        return source.place(min(began.index, len(source.text)))
    return _place_of(error, source)


def _explained(error: yaml.MarkedYAMLError, source: Source) -> tuple[str, str | None]:
    problem = error.problem or "not YAML"
    number = _blamed(error, source).line
    line, above = source.line(number), source.line(number - 1)
    hints = {
        "mapping values are not allowed in this context": "quote a text that contains a colon",
        "found a tab character that violates indentation": "indent with spaces, never tabs",
        "found character that cannot start any token": "indent with spaces, never tabs, and quote a text that begins "
        "with a sign such as @, ` or %",
        "did not find expected key": "check the indentation and the quotes of this line and the one before",
        "could not find expected ':'": "this line lacks a colon; a comment begins with #",
        "found unexpected end of stream": "the quote that begins here is never closed",
        "did not find expected ',' or '}'": "put a comma between two entries, and the closing brace at the end",
        "did not find expected ',' or ']'": "put a comma between two entries, and the closing bracket at the end",
    }
    began = error.context_mark
    context = f"it came {error.context}, begun on line {began.line + 1}" if error.context and began else None
    return f"not YAML: {problem}", _in_line(line) or _of_bullets(line, above) or hints.get(problem) or context


def _in_line(line: str) -> str | None:
    """What a line that cannot be read shows by itself."""
    bare = line.strip()
    if bare.startswith("//"):
        return "a comment begins with #"
    if _is_cut_off(bare):
        return "a # after a blank begins a comment: quote the text that holds it"
    key, colon, value = bare.partition(": ")
    quote = value.strip()[:1]
    if colon and quote in ("'", '"') and not value.strip().endswith(quote) and value.count(quote) % 2 == 0:
        other = "'" if quote == '"' else '"'
        return f"quote all of it: {key}: {other}{value.strip()}{other}, or name the fact first"
    return None


def _of_bullets(*lines: str) -> str | None:
    """What to write for the bullet or the long dash that a line begins with; the parser stumbles a line later."""
    bullets = (line.strip()[:1] for line in lines)
    bullet_found = next((bullet for bullet in bullets if bullet and bullet in _BULLETS), None)
    return f"an entry of a list begins with - and a blank, not with {bullet_found}" if bullet_found else None


def _is_cut_off(line: str) -> bool:
    """Whether a `#` that is hardly meant as a comment cuts off what stands in brackets."""
    return any(sign in line for sign in ("{", "[")) and _COMMENT.search(line) is not None


_COMMENT = re.compile(r"[ \t]#[^ ]")
_BULLETS = "•–—·●▪◦‣−"
"""What a word processor makes of a hyphen that begins a line."""


class _Tree:
    """Builds nodes from libyaml's events with a stack of its own, so that no nesting exhausts Python's."""

    def __init__(self, source: Source, faults: RuleFaults) -> None:
        self._source = source
        self._faults = faults
        self._open: list[tuple[yaml.Event, list[Node]]] = []
        self._root: Node | None = None
        self._documents = 0

    def grow(self, events: Iterable[yaml.Event]) -> Node | None:
        """The root, or None when the file is empty or too deep."""
        for event in events:
            if isinstance(event, yaml.DocumentStartEvent) and self._is_another_document(event):
                break
            if len(self._open) >= MAX_DEPTH:
                self._report(event, f"nested deeper than {MAX_DEPTH} levels")
                return None
            self._take(event)
        if self._root is None:
            self._faults.error(Flaw.SYNTAX, Place(1, 1), "the file is empty")
        return self._root

    def salvaged(self, line: int) -> Node | None:
        """The root with what stood complete above `line`, where the file stops being YAML."""
        if not self._open:
            return self._root
        del self._open[2:]
        while self._open:
            start, read = self._open.pop()
            nodes = [node for node in read if node.at.line < line]
            if isinstance(start, yaml.SequenceStartEvent) and nodes:
                self._put(Items(tuple(nodes), self._place(start)))
            elif isinstance(start, yaml.MappingStartEvent) and len(nodes) > 1:
                del nodes[len(nodes) // 2 * 2 :]
                self._put(Entries(tuple(self._pairs(nodes)), self._place(start)))
        return self._root

    def _is_another_document(self, event: yaml.Event) -> bool:
        self._documents += 1
        if self._documents > 1:
            self._report(event, "a second document begins here; a file holds one", "remove the line ---")
        return self._documents > 1

    def _take(self, event: yaml.Event) -> None:
        match event:
            case yaml.ScalarEvent():
                self._refuse_extras(event)
                self._put(self._scalar(event))
            case yaml.AliasEvent():
                self._report(event, f"the alias *{event.anchor} is not supported", "write the value out")
                self._put(AlreadyReported(self._place(event)))
            case yaml.SequenceStartEvent() | yaml.MappingStartEvent():
                self._refuse_extras(event)
                self._open.append((event, []))
            case yaml.SequenceEndEvent():
                start, nodes = self._open.pop()
                self._put(Items(tuple(nodes), self._place(start)))
            case yaml.MappingEndEvent():
                start, nodes = self._open.pop()
                self._put(Entries(tuple(self._pairs(nodes)), self._place(start)))

    def _put(self, node: Node) -> None:
        if self._open:
            self._open[-1][1].append(node)
        else:
            self._root = node

    def _pairs(self, nodes: Sequence[Node]) -> Iterable[tuple[Scalar, Node]]:
        for key, value in zip(nodes[::2], nodes[1::2], strict=True):
            if isinstance(key, Scalar):
                yield key, value
            elif not isinstance(key, AlreadyReported):
                self._faults.error(
                    Flaw.SYNTAX,
                    key.at,
                    "a key must be a text",
                    'quote what begins with [ or {, as in "{{ driver.name }}"',
                )

    def _scalar(self, event: yaml.ScalarEvent) -> Scalar:
        start, end = _offset(event.start_mark), _offset(event.end_mark)
        return Scalar(event.value, event.style or "", self._source.place(start), start, end, self._source)

    def _refuse_extras(self, event: yaml.NodeEvent) -> None:
        if event.anchor is not None:
            self._report(event, f"the anchor &{event.anchor} is not supported", "write the value out where it is used")
        tag = getattr(event, "tag", None)
        if tag is not None:
            self._report(event, f"the tag {tag} is not supported", "leave it out; quote the value if it is a text")

    def _report(self, event: yaml.Event, message: str, hint: str | None = None) -> None:
        self._faults.error(Flaw.SYNTAX, self._place(event), message, hint)

    def _place(self, event: yaml.Event) -> Place:
        return self._source.place(_offset(event.start_mark))


def _offset(mark: _Mark | None) -> int:
    return mark.index if mark else 0


def _resolve(text: str) -> Plain:
    if text in _NULL:
        return None
    if text in _TRUE or text in _FALSE:
        return text in _TRUE
    number = values.number(text)
    return text if number is None else number
