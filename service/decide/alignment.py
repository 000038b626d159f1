"""Where each character of a YAML scalar's value stands in the file, however the scalar is written.

Folding and indentation change blanks alone, so the n-th character that is no blank is the same in the value and in
the file once quotes, escapes and a block's header are accounted for. A blank is taken to follow what stands before it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

_LINE_END = re.compile(r"\r\n|\r|\n")
_BLANK = frozenset(" \t\r\n\x85\u2028\u2029")
_ESCAPED = {
    "0": "\0", "a": "\a", "b": "\b", "t": "\t", "\t": "\t", "n": "\n", "v": "\v", "f": "\f", "r": "\r", "e": "\x1b",
    " ": " ", '"': '"', "/": "/", "\\": "\\", "N": "\x85", "_": "\xa0", "L": "\u2028", "P": "\u2029",
}  # fmt: skip
_ESCAPE_LENGTHS = {"x": 4, "u": 6, "U": 10}


def origins(text: str, style: str, written: str, start: int) -> Sequence[int]:
    """The offset in the file of each character of `text`, and of its end.

    `written` is how the file has it from the offset `start` on, in the YAML style `style` ("", a quote, "|" or ">").
    """
    solid = iter([*_solid(style, written), len(written)])
    lines: list[int] = []
    last = -1
    for character in text:
        last = last + 1 if character in _BLANK else next(solid, len(written))
        lines.append(start + min(max(last, 0), len(written)))
    return [*lines, start + min(last + 1, len(written))]


def _solid(style: str, written: str) -> Iterable[int]:
    """Offsets in `written` of each character of the value that is no blank."""
    if style in ("|", ">"):
        header = _LINE_END.search(written)
        start = header.end() if header else len(written)
        return (start + at for at, character in enumerate(written[start:]) if character not in _BLANK)
    if style == "'":
        return _solid_single(written)
    if style == '"':
        return _solid_double(written)
    return (at for at, character in enumerate(written) if character not in _BLANK)


def _solid_single(written: str) -> Iterable[int]:
    at = 1
    while at < len(written) - 1:
        if written[at] not in _BLANK:
            yield at
        at += 2 if written[at] == "'" else 1


def _solid_double(written: str) -> Iterable[int]:
    at = 1
    while at < len(written) - 1:
        length = 1
        meant = written[at]
        if meant == "\\":
            letter = written[at + 1]
            length = _ESCAPE_LENGTHS.get(letter, 2)
            coded = written[at + 2 : at + length]
            meant = chr(int(coded, 16)) if coded else _ESCAPED.get(letter, " ")
        if meant not in _BLANK:
            yield at
        at += length
