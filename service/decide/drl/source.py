"""A DRL file as functions and rules in pieces, each knowing its line (docs.drools.org: "Drools rule language")."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from service.core import TocsinError

_OPAQUE = re.compile(
    r"""(?P<quote>["'])(?:(?!(?P=quote))[^\\\n]|\\.)*+(?P=quote)?|//[^\n]*|/\*.*?(?:\*/|\Z)""", re.DOTALL
)
_FUNCTION = re.compile(r"\bfunction\s+[\w.<>\[\]]+\s+(?P<name>\w+)\s*\(")
_RULE = re.compile(r"\brule\s+")
_WHEN, _THEN, _END = re.compile(r"\bwhen\b"), re.compile(r"\bthen\b"), re.compile(r"\bend\b|\Z")
_NAME = re.compile(r"""\s*(?:"(?P<quoted>(?:[^"\\\n]|\\.)*)"|'(?P<single>(?:[^'\\\n]|\\.)*)'|(?P<bare>\w+))""")
_OF_ALL_RULES = re.compile(
    r"^[ \t]*(?P<attribute>(?:agenda-group|activation-group|ruleflow-group|auto-focus|salience|enabled|date-effective|"
    r"date-expires|timer|calendars|duration)\b[^\n]*)",
    re.MULTILINE,
)
_OPENING, _CLOSING = "([{", ")]}"


@dataclass(frozen=True, slots=True)
class Untranslatable:
    """What cannot be translated, and in which line of the DRL file it stands."""

    line: int
    message: str


class DrlRefused(TocsinError):
    """A DRL file says more than rules can; `faults` has every place."""

    def __init__(self, faults: tuple[Untranslatable, ...]) -> None:
        super().__init__("\n".join(f"line {fault.line}: {fault.message}" for fault in faults))
        self.faults = faults


@dataclass(frozen=True, slots=True)
class SourcePart:
    """A part of the file. `masked` has the same length, its texts blanked, so that structure can be looked for."""

    text: str
    masked: str
    line: int

    def cut(self, start: int, end: int) -> SourcePart:
        """The part from one offset to another."""
        return SourcePart(self.text[start:end], self.masked[start:end], self.line + self.text.count("\n", 0, start))

    def stripped(self) -> SourcePart:
        """Without blanks around it."""
        start = len(self.text) - len(self.text.lstrip())
        return self.cut(start, len(self.text.rstrip()))

    def split(self, separators: re.Pattern[str]) -> Iterator[SourcePart]:
        """The parts between separators that stand outside all brackets, without blanks; empty ones are left out."""
        depth, start, offset = 0, 0, 0
        while offset < len(self.masked):
            separator = separators.match(self.masked, offset) if depth == 0 else None
            if separator and separator.end() > offset:
                yield self.cut(start, offset).stripped()
                start = offset = separator.end()
                continue
            depth += (self.masked[offset] in _OPENING) - (self.masked[offset] in _CLOSING)
            offset += 1
        yield self.cut(start, len(self.text)).stripped()

    def bracketed(self, start: int) -> SourcePart | None:
        """What stands inside the bracket that opens at `start`; None if it never closes."""
        depth = 0
        for offset in range(start, len(self.masked)):
            depth += (self.masked[offset] in _OPENING) - (self.masked[offset] in _CLOSING)
            if depth == 0:
                return self.cut(start + 1, offset)
        return None


@dataclass(frozen=True, slots=True)
class DrlRule:
    """One rule in pieces."""

    name: str
    attributes: SourcePart
    when: SourcePart
    then: SourcePart
    line: int


def whole(text: str) -> SourcePart:
    """The file, its comments blanked."""
    uncommented = _OPAQUE.sub(lambda match: match[0] if match["quote"] else _blank(match[0]), text)
    masked = _OPAQUE.sub(lambda match: f'"{" " * (len(match[0]) - 2)}"'[: len(match[0])], uncommented)
    return SourcePart(uncommented, masked, 1)


def functions(file: SourcePart) -> Iterator[tuple[str, str]]:
    """The functions of a file by name, each with its parameters and body as `parameters{body}` without blanks."""
    for match in _FUNCTION.finditer(file.masked):
        parameters = file.bracketed(match.end() - 1)
        opening = file.masked.find("{", match.end())
        body = file.bracketed(opening) if opening >= 0 else None
        if parameters is not None and body is not None:
            yield match["name"], f"{parameters.text}{{{''.join(body.text.split())}}}"


def rules(file: SourcePart) -> Iterator[DrlRule]:
    """The rules of a file in its order."""
    for head, when, then in _cut(file):
        named = _NAME.match(head.text)
        name = (named["quoted"] or named["single"] or named["bare"] or "") if named else ""
        attributes = head.cut(named.end() if named else 0, len(head.text))
        yield DrlRule(name, attributes, when, then, head.line)


def attributes_of_all(file: SourcePart) -> Iterator[Untranslatable]:
    """Attributes before the first rule, which Drools gives to every rule of the file."""
    first = _RULE.search(file.masked)
    before = file.cut(0, first.start() if first else len(file.text))
    for match in _OF_ALL_RULES.finditer(before.masked):
        piece = before.cut(*match.span("attribute")).stripped()
        yield Untranslatable(piece.line, f"an attribute of all rules cannot be translated: {piece.text}")


def _cut(file: SourcePart) -> Iterator[tuple[SourcePart, SourcePart, SourcePart]]:
    """What stands between `rule`, `when`, `then` and `end`, rule by rule."""
    after = 0
    while (
        (begun := _RULE.search(file.masked, after))
        and (when := _WHEN.search(file.masked, begun.end()))
        and (then := _THEN.search(file.masked, when.end()))
        and (end := _END.search(file.masked, then.end()))
    ):
        yield (
            file.cut(begun.end(), when.start()),
            file.cut(when.end(), then.start()),
            file.cut(then.end(), end.start()),
        )
        after = end.end()


def _blank(text: str) -> str:
    return re.sub(r"[^\n]", " ", text)
