"""The canonical layout of rule files: comments stay, meaning stays, only blanks and the order of sections change.

Works on lines, not on a tree, so that what people wrote for people survives. Each step is kept only if the file still
means exactly the same, which is asked of the parser.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from service.decide import language
from service.decide.tables.inline import inlined

ORDER = ("ruleset", "description", "facts", "hit", "must_cover", "should_cover", "rules", "table", "tests")
"""The sections of a file from top to bottom."""

_KEY = re.compile(r"([A-Za-z_]+):(?:\s|$)")
_DECLARATION = re.compile(r"^ +(?P<path>[A-Za-z0-9_.]+): *(?P<rest>\{.*\}\s*(?:#.*)?)$")
_WHEN = re.compile(r"^(?P<before>(?:\s*(?:- )?)when: +)(?P<condition>[^|>\s].*)$")
_TOKEN = re.compile(r"\"[^\"]*\"|'[^']*'|<=|>=|==|!=|<|>|\s+|[^\s\"'<>=!]+|.")
_COMPARED = frozenset({"<=", ">=", "==", "!=", "<", ">"})
_PLACE = re.compile(r"at=Place\(line=\d+, column=\d+\)")


def formatted(text: str, read: Callable[[str], str | None] = lambda _: None) -> str:
    """The file in canonical layout; as it is if it does not parse. `read` gives the CSV file that it may name."""
    meaning = _meaning(text, read)
    if meaning is None:
        return text
    for step in (_with_plain_ends, _in_order, _with_aligned_facts, _with_spaced_conditions, _with_single_blanks):
        tidied = step(text)
        text = tidied if _meaning(tidied, read) == meaning else text
    return text


def _meaning(text: str, read: Callable[[str], str | None]) -> str | None:
    ruleset = language.parse(inlined(text, read).text).ruleset
    return None if ruleset is None else _PLACE.sub("", repr(ruleset))


def _with_plain_ends(text: str) -> str:
    """Lines end with LF and nothing before it."""
    lines = text.removeprefix("\ufeff").replace("\r\n", "\n").split("\n")
    return "\n".join(line.rstrip() for line in lines).rstrip("\n") + "\n"


def _in_order(text: str) -> str:
    """Sections in the order of `ORDER`, each with the comments above it; what stands above the first stays there."""
    sections: list[tuple[int, list[str]]] = []
    loose: list[str] = []
    for line in text.splitlines():
        key = _KEY.match(line)
        if key:
            sections.append((ORDER.index(key[1]) if key[1] in ORDER else len(ORDER), [*loose, line]))
            loose = []
        elif not sections or not line or line.startswith("#"):
            loose.append(line)
        else:
            sections[-1][1].extend([*loose, line])
            loose = []
    if sections:
        title = sections[0][1]
        first = next(number for number, line in enumerate(title) if _KEY.match(line))
        head, title[:first] = title[:first], []
        ordered = sorted(sections, key=lambda section: section[0])
        return "\n".join([*head, *(line for _, lines in ordered for line in lines), *loose]) + "\n"
    return text


def _with_aligned_facts(text: str) -> str:
    """Declarations of one line each begin in one column."""
    lines = text.splitlines()
    declared = [number for number in _inside_facts(lines) if _DECLARATION.match(lines[number])]
    matches = {number: match for number in declared if (match := _DECLARATION.match(lines[number]))}
    width = max((len(match["path"]) for match in matches.values()), default=0) + 1
    for number, match in matches.items():
        lines[number] = f"  {match['path'] + ':':<{width}} {match['rest']}"
    return "\n".join(lines) + "\n"


def _inside_facts(lines: list[str]) -> Iterator[int]:
    inside = False
    for number, line in enumerate(lines):
        if _KEY.match(line):
            inside = line.startswith("facts:")
        elif inside:
            yield number


def _with_spaced_conditions(text: str) -> str:
    """One blank around every comparison, and one between words."""
    return "\n".join(_spaced(line) for line in text.splitlines()) + "\n"


def _spaced(line: str) -> str:
    match = _WHEN.match(line)
    if match is None or "#" in match["condition"]:
        return line
    words = [f" {token} " if token in _COMPARED else " " if token.isspace() else token for token in _tokens(match)]
    joined = "".join(words)
    return match["before"].rstrip() + " " + _single_spaced(joined)


def _tokens(match: re.Match[str]) -> list[str]:
    return _TOKEN.findall(match["condition"])


def _single_spaced(condition: str) -> str:
    """One blank for several, outside texts."""
    return "".join(" " if token.isspace() else token for token in _TOKEN.findall(condition)).strip()


def _with_single_blanks(text: str) -> str:
    """At most one blank line in a row."""
    return re.sub(r"\n{3,}", "\n\n", text)
