"""The texts of an HTML document for translators, and the document with other texts.

A text is what stands between two blocks. Tags that mark words within it, such as `<b>` or `<a>`, are numbers in it:
`Your order <1>{{ number }}</1> is ready.` Where such tags do not pair, each text between two tags is one by itself.
"""

from __future__ import annotations

import html
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from html.parser import HTMLParser

from typing_extensions import override

from service.core import tagged_texts as tagged

_SILENT = frozenset({"style", "script", "title", "head"})
_WITHIN_A_SENTENCE = frozenset(
    {
        *("a", "abbr", "acronym", "b", "bdi", "bdo", "big", "cite", "code", "del", "dfn", "em", "font", "i", "ins"),
        *("kbd", "mark", "q", "s", "samp", "small", "span", "strike", "strong", "sub", "sup", "time", "tt", "u", "var"),
    }
)
"""Tags that mark words of a sentence: what HTML calls phrasing content, without what stands for itself."""


class _Kind(Enum):
    TEXT = auto()
    OPENS = auto()
    CLOSES = auto()
    OTHER = auto()


@dataclass(frozen=True, slots=True)
class _Piece:
    """A text, its entities decoded, or a piece of markup as it is written; `name` of a tag within a sentence."""

    kind: _Kind
    raw: str
    name: str = ""

    @property
    def is_blank(self) -> bool:
        return self.kind is _Kind.TEXT and not self.raw.strip()

    @property
    def has_words(self) -> bool:
        return self.kind is _Kind.TEXT and any(map(str.isalpha, self.raw))


@dataclass(frozen=True, slots=True)
class _Segment:
    """A text with the tags in it, in the order of their numbers; without any, one text or piece of markup."""

    text: str | None
    pieces: Sequence[_Piece]
    tags: Mapping[str, str]


def texts(document: str) -> tuple[str, ...]:
    """The texts of the document in order, entities decoded: what a translator is given."""
    return tuple(
        segment.text.strip() for segment in _segments(document) if segment.text is not None and segment.text.strip()
    )


def with_texts(document: str, translated: Mapping[str, str]) -> str:
    """The document with its texts replaced; one that `translated` lacks stays as it is.

    Of a text with tags in it, those between the tags are replaced by themselves where the whole is not known.
    """
    return "".join(_written(segment, translated) for segment in _segments(document))


def _written(segment: _Segment, translated: Mapping[str, str]) -> str:
    if segment.text is None:
        return "".join(piece.raw for piece in segment.pieces)
    translation = translated.get(segment.text.strip())
    if segment.tags and (translation is None or not _has_all(translation, segment)):
        return "".join(_alone(piece, translated) for piece in segment.pieces)
    if translation is None:
        return _escaped(segment.text)
    before, _, after = segment.text.partition(segment.text.strip())
    written = (
        segment.tags[piece] if piece in segment.tags else _escaped(piece) for piece in tagged.pieces(translation)
    )
    return before + "".join(written) + after if segment.tags else before + _escaped(translation) + after


def _has_all(translation: str, segment: _Segment) -> bool:
    return tagged.is_tagged(translation) and sorted(tagged.pieces(translation)[1::2]) == sorted(segment.tags)


def _alone(piece: _Piece, translated: Mapping[str, str]) -> str:
    if piece.kind is not _Kind.TEXT or piece.is_blank:
        return _escaped(piece.raw) if piece.kind is _Kind.TEXT else piece.raw
    text = piece.raw.strip()
    before, _, after = piece.raw.partition(text)
    return before + _escaped(translated.get(text, text)) + after


def _escaped(text: str) -> str:
    return html.escape(text, quote=False)


def _segments(document: str) -> Iterator[_Segment]:
    run: list[_Piece] = []
    for piece in _pieces(document):
        if piece.kind is not _Kind.OTHER:
            run.append(piece)
            continue
        yield from _of_run(run)
        yield _Segment(None, [piece], {})
        run = []
    yield from _of_run(run)


def _of_run(run: Sequence[_Piece]) -> Iterator[_Segment]:
    """The segments of texts and tags that no other markup parts."""
    pairs = _pairs(run)
    if pairs is None:
        yield from map(_single, run)
        return
    first, last = _within(run, pairs)
    core = run[first:last]
    yield from map(_single, run[:first])
    if _is_one_text(core):
        yield _together(core)
    else:
        yield from map(_single, core)
    yield from map(_single, run[last:])


def _single(piece: _Piece) -> _Segment:
    return _Segment(piece.raw if piece.kind is _Kind.TEXT else None, [piece], {})


def _pairs(run: Sequence[_Piece]) -> Mapping[int, int] | None:
    """Where the tag closes that opens at a place; None where they do not pair."""
    pairs: dict[int, int] = {}
    open_ones: list[int] = []
    for place, piece in enumerate(run):
        if piece.kind is _Kind.OPENS:
            open_ones.append(place)
        elif piece.kind is _Kind.CLOSES:
            if not open_ones or run[open_ones[-1]].name != piece.name:
                return None
            pairs[open_ones.pop()] = place
    return None if open_ones else pairs


def _within(run: Sequence[_Piece], pairs: Mapping[int, int]) -> tuple[int, int]:
    """The part of a run that is not blank, without tags that go around all of it."""
    first, last = 0, len(run)
    while first < last:
        if run[first].is_blank:
            first += 1
        elif run[last - 1].is_blank:
            last -= 1
        elif pairs.get(first) == last - 1:
            first, last = first + 1, last - 1
        else:
            break
    return first, last


def _is_one_text(core: Sequence[_Piece]) -> bool:
    """Whether words stand beside those that are marked: links side by side are texts of their own."""
    depth, beside = 0, False
    for piece in core:
        depth += (piece.kind is _Kind.OPENS) - (piece.kind is _Kind.CLOSES)
        beside = beside or (depth == 0 and piece.has_words)
    spoken = [piece for piece in core if piece.kind is _Kind.TEXT and not piece.is_blank]
    tags = sum(piece.kind is _Kind.OPENS for piece in core)
    is_clear = tags <= tagged.MAX_TAGS and not any(tagged.has_marks(piece.raw) for piece in spoken)
    return beside and len(spoken) > 1 and is_clear


def _together(core: Sequence[_Piece]) -> _Segment:
    text: list[str] = []
    tags: dict[str, str] = {}
    open_ones: list[int] = []
    number = 0
    for piece in core:
        match piece.kind:
            case _Kind.OPENS:
                number += 1
                open_ones.append(number)
                mark = tagged.opening(number)
            case _Kind.CLOSES:
                mark = tagged.closing(open_ones.pop())
            case _:
                text.append(piece.raw)
                continue
        text.append(mark)
        tags[mark] = piece.raw
    return _Segment("".join(text), core, tags)


def _pieces(document: str) -> Sequence[_Piece]:
    reader = _Reader()
    reader.feed(document)
    reader.close()
    return reader.pieces


class _Reader(HTMLParser):
    """Cuts a document into texts and everything else, losing nothing."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=False)
        self.pieces: list[_Piece] = []
        self._silent = 0

    def _markup(self, raw: str, kind: _Kind = _Kind.OTHER, name: str = "") -> None:
        is_inside = name in _WITHIN_A_SENTENCE and not self._silent
        self.pieces.append(_Piece(kind, raw, name) if is_inside else _Piece(_Kind.OTHER, raw))

    def _text(self, raw: str) -> None:
        if self._silent:
            self._markup(raw)
            return
        text = html.unescape(raw)
        if self.pieces and self.pieces[-1].kind is _Kind.TEXT:
            text = self.pieces.pop().raw + text
        self.pieces.append(_Piece(_Kind.TEXT, text))

    @override
    def handle_starttag(self, tag: str, attrs: object) -> None:
        self._markup(self.get_starttag_text() or "", _Kind.OPENS, tag)
        self._silent += tag in _SILENT

    @override
    def handle_startendtag(self, tag: str, attrs: object) -> None:
        self._markup(self.get_starttag_text() or "")

    @override
    def handle_endtag(self, tag: str) -> None:
        self._markup(f"</{tag}>", _Kind.CLOSES, tag)
        self._silent = max(0, self._silent - (tag in _SILENT))

    @override
    def handle_data(self, data: str) -> None:
        self._text(data)

    @override
    def handle_entityref(self, name: str) -> None:
        self._text(f"&{name};")

    @override
    def handle_charref(self, name: str) -> None:
        self._text(f"&#{name};")

    @override
    def handle_comment(self, data: str) -> None:
        self._markup(f"<!--{data}-->")

    @override
    def handle_decl(self, decl: str) -> None:
        self._markup(f"<!{decl}>")
