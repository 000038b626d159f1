"""What a text is made of, before anybody asks what it means for a page."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass

from service.core import fold
from service.replies.atoms import MAX_ATOMS, NUMBER_KEY, Atom, AtomType, atoms_of, is_single, spelled_out
from service.replies.cover import Piece, cover
from service.replies.graph import Node
from service.replies.kinds import AFFIRMING, DRAWN_OUT, FIRM, REFUSING, SERIOUS, PhraseKind
from service.replies.vocabulary import Vocabulary

MAX_CHARACTERS = 320
"""Characters but digits and blanks: a longer text is never a YES. Whoever takes a page does not write an essay, but may
list many codes."""

MAX_READ = 1600
"""A text is read up to here: the longest text of one SMS (SendTextMessage)."""

MAX_CODES = 50
"""Codes that one range may name."""


@dataclass(frozen=True, slots=True)
class Span:
    """A part of the text as it is shown to people: its words, and their kind or what else they are."""

    text: str
    kind: PhraseKind | None
    label: str


@dataclass(frozen=True, slots=True)
class Reading:
    """A text by its pieces, read with the vocabulary of `language` and English.

    `quote` is the message that a reaction ("Liked …") quotes; the reading is of the reaction alone. `me` are the words
    that show a STOP to be about the writer, by vocabulary; `plain_no` those that are always a NO.
    """

    language: str
    pieces: tuple[Piece, ...]
    cut_short: bool = False
    quote: str | None = None
    me: tuple[frozenset[str], ...] = ()
    plain_no: tuple[frozenset[str], ...] = ()

    @property
    def whole(self) -> bool:
        """Whether every part of the text is known, every "incident" names a number, and nothing ends with "and"."""
        if self.cut_short or any(piece.unknown for piece in self.pieces):
            return False
        after, before = (*self.pieces[1:], None), (None, *self.pieces[:-1])
        dangles = any(map(_joins_nothing, before, self.pieces, after))
        return not dangles and not any(map(_names_nothing, self.pieces, after))

    @property
    def open(self) -> bool:
        """Whether a phrase took in words that it does not know."""
        return any(piece.phrase is not None and piece.phrase.open for piece in self.pieces)

    @property
    def says_nothing(self) -> bool:
        """Whether only words stand in it that mean nothing alone: "it 41"."""
        return not self.asks and {PhraseKind.FILLER, PhraseKind.JUST, PhraseKind.AND, PhraseKind.CODE, None}.issuperset(
            self.kinds
        )

    @property
    def requests(self) -> bool:
        """Whether a "please" stands in a clause with more than a plain YES: "please confirm"."""
        more = AFFIRMING - {PhraseKind.YES}
        clauses = (set(clause.kinds) for clause in self.clauses) if PhraseKind.REQUEST in self.kinds else ()
        return any(PhraseKind.REQUEST in kinds and kinds & more for kinds in clauses)

    @property
    def stops(self) -> bool:
        """Whether it wants no more messages, and not that somebody else gets none: "don't call Ben"."""
        return any(PhraseKind.STOP in clause.kinds and self._is_about_me(clause) for clause in self.clauses)

    def _is_about_me(self, clause: Reading) -> bool:
        doubtful = clause.open or PhraseKind.HANDOVER in clause.kinds or bool(clause.unknown)
        words = [atom.text for piece in clause.pieces for atom in piece.atoms]
        return not doubtful or any(stands_in(me, words) for known in self.me for me in known)

    @property
    def begins_with_plain_no(self) -> bool:
        """Whether its first word, politeness aside, is always a NO: "nej", but never "no", which negates too."""
        spoken = (piece for piece in self.pieces if piece.kind is not PhraseKind.POLITE and not _is_break(piece))
        first = next(spoken, None)
        if first is None or first.kind is not PhraseKind.NO or len(first.atoms) > 1:
            return False
        return any(first.atoms[0].text in words for words in self.plain_no)

    @property
    def ago(self) -> bool:
        """Whether it tells a time that is past: "41 minutes ago"."""
        return any(piece.kind is PhraseKind.JUST and _minutes(piece) is not None for piece in self.pieces)

    @property
    def asks(self) -> bool:
        """Whether a question mark stands in it."""
        return any(piece.atoms[0].sort is AtomType.QUESTION for piece in self.pieces)

    @property
    def kinds(self) -> tuple[PhraseKind | None, ...]:
        """The kind of each piece but breaks; None for what is unknown or a bare number."""
        named = zip(self.pieces, self._all_kinds(), strict=True)
        return tuple(kind for piece, kind in named if not _is_break(piece))

    @property
    def first_clause(self) -> Reading:
        """The part up to the first break."""
        ends = [n for n, piece in enumerate(self.pieces) if _is_break(piece)]
        return Reading(self.language, self.pieces[: ends[0]] if ends else self.pieces)

    @property
    def clauses(self) -> Iterator[Reading]:
        """The parts between breaks, each with the question mark that ends it."""
        start = 0
        for n, piece in enumerate(self.pieces):
            if _is_break(piece) or piece.atoms[0].sort is AtomType.QUESTION:
                yield Reading(self.language, self.pieces[start : n + 1])
                start = n + 1
        yield Reading(self.language, self.pieces[start:])

    def around(self, kind: PhraseKind) -> tuple[Reading, Reading | None]:
        """What stands before the last phrase of a kind and what behind it; None if there is no such phrase."""
        last = max((n for n, piece in enumerate(self.pieces) if piece.kind is kind), default=None)
        if last is None:
            return self, None
        return Reading(self.language, self.pieces[:last]), Reading(self.language, self.pieces[last + 1 :])

    @property
    def codes(self) -> tuple[int, ...]:
        """The numbers that may name pages, in order, each once; those of a range, too."""
        atoms = [atom for piece in self.pieces if piece.kind in (None, PhraseKind.CODE) for atom in piece.atoms]
        return tuple(dict.fromkeys(code for atom in atoms for code in codes_of_atom(atom)))

    @property
    def minutes(self) -> int | None:
        """The longest time that the text names, in minutes; None if it names none."""
        return max((time for piece in self.pieces if (time := _minutes(piece)) is not None), default=None)

    @property
    def spans(self) -> tuple[Span, ...]:
        """The pieces as they are shown to people."""
        return tuple(_span(piece, kind) for piece, kind in zip(self.pieces, self._all_kinds(), strict=True))

    @property
    def unknown(self) -> tuple[str, ...]:
        """The words that nobody knows."""
        return tuple(piece.atoms[0].text for piece in self.pieces if piece.unknown)

    def _all_kinds(self) -> Iterator[PhraseKind | None]:
        present = {piece.kind for piece in self.pieces}
        refused = not REFUSING.isdisjoint(present)
        serious = PhraseKind.IRONIC in present and self._is_serious(present)
        firm = PhraseKind.VAGUE in present and self._is_firm(present)
        return (_kind(piece, n == 0 and not refused, serious, firm) for n, piece in enumerate(self.pieces))

    def _is_serious(self, present: Set[PhraseKind | None]) -> bool:
        return not SERIOUS.isdisjoint(present) or any(piece.atoms[0].sort in _NUMBERS for piece in self.pieces)

    def _is_firm(self, present: Set[PhraseKind | None]) -> bool:
        """Whether something agrees beside words that are vague alone."""
        names_a_code = any(piece.phrase is None and piece.atoms[0].sort in _NUMBERS for piece in self.pieces)
        return names_a_code or not FIRM.isdisjoint(present) or self.pieces[0].kind is PhraseKind.FIRST


def read(text: str, own: Vocabulary, *others: Vocabulary) -> Reading:
    """Read a text with a language's `own` vocabulary and `others`; where they differ on a phrase, `own` counts."""
    return read_atoms(atoms_in(text, own), is_long(text), own, *others)


def atoms_in(text: str, own: Vocabulary) -> tuple[Atom, ...]:
    """The atoms of a text as a language cuts them: at most one more than count."""
    atoms = atoms_of(text[:MAX_READ], greek=own.greek, accents=own.accents, most=MAX_ATOMS + 1)
    return spelled_out(atoms[: MAX_ATOMS + 1])


def read_atoms(atoms: Sequence[Atom], cut_short: bool, own: Vocabulary, *others: Vocabulary) -> Reading:
    """Read the atoms of a text, which may have been `cut_short`."""
    known = (own, *others)
    pieces = cover([_without_drawl(atom, known) for atom in atoms[:MAX_ATOMS]], *_roots(known))
    me = tuple(vocabulary.me for vocabulary in known)
    plain_no = tuple(vocabulary.plain_no for vocabulary in known)
    return Reading(own.language, pieces, cut_short or len(atoms) > MAX_ATOMS, me=me, plain_no=plain_no)


def stands_in(word: str, atoms: Sequence[str]) -> bool:
    """Whether a word stands among atoms; in a script without blanks it is several of them."""
    return word in "".join(atoms) if is_single(word[0]) else word in atoms


def is_long(text: str) -> bool:
    """Whether a text is longer than a YES can be."""
    written = sum(not (character.isdigit() or character.isspace()) for character in text[:MAX_READ])
    return len(text) > MAX_READ or written > MAX_CHARACTERS


def _roots(known: Sequence[Vocabulary]) -> Iterator[Node]:
    for vocabulary in known:
        yield vocabulary.root
        yield vocabulary.forgiven


def _is_break(piece: Piece) -> bool:
    return piece.atoms[0].sort is AtomType.BREAK


_NUMBERS = frozenset({AtomType.NUMBER, AtomType.RANGE})


def _names_nothing(piece: Piece, following: Piece | None) -> bool:
    """Whether a word that stands before codes stands before none: "ok for now", "for 10 minutes"."""
    if piece.kind is not PhraseKind.CODE:
        return False
    return following is None or following.phrase is not None or following.atoms[0].sort not in _NUMBERS


def _joins_nothing(before: Piece | None, piece: Piece, after: Piece | None) -> bool:
    """Whether a text or a clause ends with "and": "yes and". Behind a number it may mean "too": "42 también"."""
    if piece.kind is not PhraseKind.AND or (before is not None and before.atoms[-1].sort in _NUMBERS):
        return False
    return after is None or after.atoms[0].sort in (AtomType.BREAK, AtomType.QUESTION)


def _kind(piece: Piece, agrees: bool, serious: bool, firm: bool) -> PhraseKind | None:
    """The kind of a piece where it stands: a particle that agrees as the first word is polite elsewhere, and before a
    refusal; words that mock alone agree beside something serious, vague ones commit beside something firm."""
    if piece.kind is PhraseKind.FIRST:
        return PhraseKind.YES if agrees else PhraseKind.POLITE
    if piece.kind is PhraseKind.IRONIC and serious:
        return PhraseKind.YES
    if piece.kind is PhraseKind.VAGUE and firm:
        return PhraseKind.COMMIT
    return piece.kind


def codes_of_atom(atom: Atom) -> Iterator[int]:
    """The codes that a number or a range may name."""
    if atom.sort is AtomType.NUMBER:
        yield int(atom.text)
    if atom.sort is AtomType.RANGE:
        low, high = map(int, atom.text.split("-"))
        yield from range(low, min(high, low + MAX_CODES - 1) + 1)


def _minutes(piece: Piece) -> int | None:
    """The time that an ETA or a delay names, by the upper end of a range; None without a number and its unit."""
    if piece.phrase is None or piece.phrase.minutes is None:
        return None
    numbers = [atom.text.split("-")[-1] for atom in piece.atoms if atom.key == NUMBER_KEY]
    return max((int(number) * piece.phrase.minutes for number in numbers), default=None)


def _span(piece: Piece, kind: PhraseKind | None) -> Span:
    text = " ".join(atom.text for atom in piece.atoms)
    if kind is not None:
        return Span(text, kind, kind.value)
    sort = piece.atoms[0].sort
    labels = {
        AtomType.BREAK: "break",
        AtomType.QUESTION: "question mark",
        AtomType.NUMBER: "code",
        AtomType.RANGE: "codes",
    }
    return Span(text, None, labels.get(sort, "unknown"))


_DRAWL = re.compile(r"(.)\1\1|(.)\2$")
_INNER_RUN = re.compile(r"(.)\1\1+(?!$)")


def _without_drawl(atom: Atom, vocabularies: Sequence[Vocabulary]) -> Atom:
    """ "yesss" is "yes": a word nobody knows, cut to one that is known for what drawls mean."""
    if atom.sort is not AtomType.WORD or not _DRAWL.search(atom.text):
        return atom
    if any(atom.text in vocabulary.words for vocabulary in vocabularies):
        return atom
    inner = _INNER_RUN.sub(r"\1", atom.text)
    last = inner[-1]
    stem = inner.rstrip(last)
    accented = (stem,) if stem and fold(stem[-1]) == last else ()  # "síii"
    for word in (stem + last * 2, stem + last, *accented):
        if any(vocabulary.kind((word,)) in DRAWN_OUT for vocabulary in vocabularies):
            return Atom(word)
    return atom
