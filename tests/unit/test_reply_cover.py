"""The cover of a text leaves the least unknown: compared with trying every way to cut it."""

from collections.abc import Iterator, Sequence

from hypothesis import given
from hypothesis import strategies as st

from service.decide.ruleset import Place
from service.replies import patterns
from service.replies.atoms import Atom, atoms_of
from service.replies.cover import Piece, cover
from service.replies.graph import Graph, Node, Phrase
from service.replies.kinds import PhraseKind

PHRASES = {
    "an": PhraseKind.YES,
    "an be": PhraseKind.NO,
    "be co an": PhraseKind.COMMIT,
    "co": PhraseKind.POLITE,
    "co co": PhraseKind.OK,
    "do be": PhraseKind.FILLER,
}


def root() -> Node:
    graph = Graph()
    for text, kind in PHRASES.items():
        graph.add(patterns.parse(text), Phrase(kind, Place(1, 1)), str.split)
    graph.add(patterns.parse("do"), Phrase(PhraseKind.EXCUSE, Place(1, 1), open=True), str.split)
    return graph.root(lambda first, _second: first)


ROOT = root()


def cost(pieces: Sequence[Piece]) -> tuple[int, int, int]:
    unknown = sum(piece.unknown for piece in pieces)
    loose = sum(len(piece.atoms) - 1 for piece in pieces if piece.phrase is not None and piece.phrase.open)
    return unknown, loose, len(pieces)


def every_cover(atoms: tuple[Atom, ...]) -> Iterator[tuple[Piece, ...]]:
    if not atoms:
        yield ()
        return
    for length in range(1, len(atoms) + 1):
        kind = PHRASES.get(" ".join(atom.text for atom in atoms[:length]))
        options = [Phrase(kind, Place(1, 1))] if kind is not None else []
        if atoms[0].text == "do" and length == len(atoms) > 1:
            options.append(Phrase(PhraseKind.EXCUSE, Place(1, 1), open=True))
        pieces = [Piece(atoms[:length], phrase) for phrase in options]
        if length == 1:
            pieces.append(Piece(atoms[:1]))
        for piece in pieces:
            for rest in every_cover(atoms[length:]):
                yield (piece, *rest)


@given(st.lists(st.sampled_from(["an", "be", "co", "do", "xx"]), max_size=8).map(" ".join))
def test_no_other_cover_leaves_less_unknown(text: str) -> None:
    atoms = atoms_of(text)
    assert cost(cover(atoms, ROOT)) == min(map(cost, every_cover(atoms)))


def test_what_is_known_word_by_word_counts_before_an_open_end() -> None:
    pieces = cover(atoms_of("do be co"), ROOT)
    assert [piece.kind for piece in pieces] == [PhraseKind.FILLER, PhraseKind.POLITE]


def test_an_open_end_stops_at_the_end_of_its_clause() -> None:
    pieces = cover(atoms_of("do xx xx, an"), ROOT)
    assert [piece.kind for piece in pieces] == [PhraseKind.EXCUSE, None, PhraseKind.YES]
