"""A vocabulary from its file, `rules/replies/<language>.yaml`, with every finding at once and at its place."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import product

from service.core import caseless, fold
from service.decide import Entries, EntryKeys, Finding, Flaw, Node, Place, RuleFaults, entries, positions
from service.replies import patterns
from service.replies.atoms import NUMBER_KEY, AtomType, atoms_of, folded_word, is_single
from service.replies.graph import Graph, Phrase, TooManyNodes, every_place
from service.replies.graph import Node as GraphNode
from service.replies.kinds import ALIKE, OPEN_ENDED, PhraseKind
from service.replies.patterns import BadPattern, with_parts
from service.replies.vocabulary import Vocabulary

_UNITS = {"minute": 1, "hour": 60, "day": 1440}
REACTIONS = ("yes", "no", "ask", "emoji")
_FRAME = (
    "replies",
    "parts",
    "spelled",
    "accents",
    "units",
    "reactions",
    "signature",
    "elsewhere",
    "me",
    "plain-no",
    "tests",
)
_KEYS = (*_FRAME, *(kind.value for kind in PhraseKind))
_TEST = ("text", "is", "policy", "codes")
_LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*|emoji")
_APOSTROPHES = re.compile("['’]")
_LONGER_THAN_A_LETTER = frozenset(
    {PhraseKind.COMMIT, PhraseKind.APPROVE, PhraseKind.TAKEN, PhraseKind.DONE, PhraseKind.FILLER, PhraseKind.ETA}
)


@dataclass(frozen=True, slots=True)
class ReplyTest:
    """A test of a vocabulary file: what a text is for a policy of this kind."""

    text: str
    outcome: str
    policy: str
    at: Place


@dataclass(frozen=True, slots=True)
class ParsedVocabulary:
    """What a file says and what is wrong with it; `vocabulary` is None exactly if one of the findings is an error."""

    vocabulary: Vocabulary | None
    tests: tuple[ReplyTest, ...]
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class Frames:
    """What stands around a reply: the words before a quoted message ("Liked") with what they answer, both folded, and
    how signatures begin."""

    reactions: Mapping[str, str]
    signatures: tuple[str, ...]


@dataclass(slots=True)
class _Phrases:
    """The phrases of a file as they are read."""

    faults: RuleFaults
    units: Mapping[str, Sequence[str]]
    parts: Mapping[str, str]
    spelled: Mapping[str, str]
    greek: bool
    accents: bool
    written: Graph = field(default_factory=Graph)
    forgiven: Graph = field(default_factory=Graph)
    words: set[str] = field(default_factory=set)
    spelled_words: set[str] = field(default_factory=set)
    cut: dict[str, Sequence[str]] = field(default_factory=dict)
    clashes: set[tuple[Place, Place]] = field(default_factory=set)

    def add(self, node: Node, kind: PhraseKind) -> None:
        """Add a pattern, or report why it stands for nothing."""
        scalar = entries.text(node, "a phrase", self.faults)
        if scalar is None:
            return
        pattern, ends = _without_end(scalar.text)
        if True in ends and kind not in OPEN_ENDED:
            hint = "write out what may follow"
            self.faults.error(Flaw.SYNTAX, scalar.at, f'a phrase of "{kind}" cannot end with …', hint)
            return
        try:
            filled = with_parts(pattern, self.parts)
            for (timed, minutes), is_open in product(_timed(filled, self.units), ends):
                self._enter(timed, Phrase(kind, scalar.at, is_open, minutes, complete=False in ends))
        except BadPattern as problem:
            self.faults.error(Flaw.SYNTAX, scalar.at, str(problem))

    def roots(self) -> tuple[GraphNode, GraphNode]:
        """The graphs of what is written and of what is forgiven."""
        return self.written.root(_first_of_alike), self.forgiven.root(_none_of_two)

    def prove(self) -> None:
        """Go to every place of both graphs, and report a phrase of two kinds, and too many places."""
        written, forgiven = self.roots()
        for words, place in every_place(written):
            for first, second in place.clashes():
                self._report(words, first, second)
        for _ in every_place(forgiven):
            pass
        self._report_short(written)

    def _enter(self, pattern: str, phrase: Phrase) -> None:
        for n, spelling in enumerate(_spellings(pattern, self.spelled)):
            alternatives = patterns.parse(spelling)
            if n == 0:
                self.written.add(alternatives, phrase, self._keys)
                if self.accents:
                    self.forgiven.add(alternatives, phrase, self._forgiving_keys)
            else:
                self.forgiven.add(alternatives, phrase, self._keys)

    def _keys(self, text: str) -> Sequence[str]:
        if text not in self.cut:
            self.cut[text] = keys = self._word(text) or self._cut(text)
            self.words.update(keys)
        return self.cut[text]

    def _word(self, text: str) -> Sequence[str]:
        """The key of a plain word; nothing for anything else."""
        word = folded_word(text, accents=self.accents)
        if word is None:
            return ()
        self._note_accents(text, (word,))
        return (word,)

    def _note_accents(self, text: str, keys: Sequence[str]) -> None:
        """Keep the words of a text that have accents, with them."""
        if not text.isascii() and not self.accents:
            kept = fold(text, accents=True).split()
            self.spelled_words.update(word for word in kept if word not in keys)

    def _cut(self, text: str) -> Sequence[str]:
        if any(character.isdigit() for character in text.replace(NUMBER_KEY, "")):
            raise BadPattern(
                f'a number in "{text}" would stand for every number: write {NUMBER_KEY}, or the word for it'
            )
        atoms = atoms_of(text.replace(NUMBER_KEY, " 0 "), greek=self.greek, accents=self.accents)
        if any(atom.sort is AtomType.QUESTION for atom in atoms) or "…" in text:
            raise BadPattern("a question mark, or … before the end, is no part of a phrase")
        keys = [atom.key for atom in atoms if atom.sort is not AtomType.BREAK]
        self._note_accents(text, keys)
        return keys

    def _forgiving_keys(self, text: str) -> list[str]:
        """Each word with its accents or without any."""
        plain = [(key, key if key == NUMBER_KEY else fold(key)) for key in self._keys(text)]
        self.words.update(without for _, without in plain)
        return [key if key == without else f"{key}|{without}" for key, without in plain]

    def _report(self, words: Sequence[str], first: Phrase, second: Phrase) -> None:
        """Report the first words that two patterns give different kinds."""
        pair = (first.at, second.at)
        if pair not in self.clashes and not _are_alike(first, second):
            self.clashes.add(pair)
            message = f'"{" ".join(words)}" is "{first.kind}" in line {first.at.line} and "{second.kind}" here'
            self.faults.error(Flaw.DUPLICATE_KEY, second.at, message, "keep it under one of them")

    def _report_short(self, root: GraphNode) -> None:
        """A YES must not rest on nothing, and hardly on a letter."""
        if root.phrase is not None:
            self.faults.error(Flaw.SYNTAX, root.phrase.at, "one form of this phrase is empty")
        for word, node in root.next.items():
            is_letter = len(word) == 1 and word.isascii() and word.isalpha()
            if is_letter and node.phrase is not None and node.phrase.kind in _LONGER_THAN_A_LETTER:
                message = f'the single letter "{word}" is too short for "{node.phrase.kind}"'
                self.faults.error(Flaw.SYNTAX, node.phrase.at, message)


def _are_alike(first: Phrase, second: Phrase) -> bool:
    return any({first.kind, second.kind} <= alike for alike in ALIKE)


def _first_of_alike(first: Phrase, second: Phrase) -> Phrase | None:
    """Of kinds of which a phrase may have two the first counts; any other phrase of two kinds is not known at all."""
    return first if _are_alike(first, second) else None


def _none_of_two(_first: Phrase, _second: Phrase) -> None:
    """A spelling that two kinds would forgive is not known at all."""


def parse(source: str | bytes, *, proved: bool = False) -> ParsedVocabulary:
    """Parse a vocabulary file; never raises.

    Of a file that was `proved` before it is not asked again whether phrases clash: that costs as much as all the rest.
    """
    faults = RuleFaults()
    root, _ = positions.read(source, faults)
    keys = None if root is None else entries.keyed(root, _KEYS, "a vocabulary", faults)
    if keys is None:
        return ParsedVocabulary(None, (), faults.in_order())
    vocabulary, tests = _vocabulary(keys, faults, proved=proved), _tests(keys, faults)
    return ParsedVocabulary(None if faults.refused else vocabulary, tests, faults.in_order())


def frames_of(source: bytes) -> Frames:
    """What the file knows of texts around a reply, without its phrases; nothing of a file that cannot be read."""
    faults = RuleFaults()
    root, _ = positions.read(source, faults)
    keys = None if root is None else entries.keyed(root, _KEYS, "a vocabulary", faults)
    return Frames({}, ()) if keys is None else _frames(keys, faults)


def _frames(keys: EntryKeys, faults: RuleFaults) -> Frames:
    reactions = keys.read("reactions", lambda node: _reactions(node, faults)) or {}
    signatures = keys.read("signature", lambda node: _texts(node, "signature", faults)) or ()
    return Frames(reactions, tuple(map(fold, signatures)))


def _vocabulary(keys: EntryKeys, faults: RuleFaults, *, proved: bool) -> Vocabulary:
    language = keys.read("replies", lambda node: _language(node, faults)) or ""
    keys.demand("replies", "replies: and the language, as de", faults)
    accents = keys.read("accents", lambda node: _is_kept(node, faults)) or False
    phrases = _Phrases(
        faults=faults,
        units=keys.read("units", lambda node: _units(node, faults)) or {},
        parts=keys.read("parts", lambda node: _parts(node, faults)) or {},
        spelled=keys.read("spelled", lambda node: _mapping(node, "spelled", faults)) or {},
        greek=language.split("-")[0] == "el",
        accents=accents,
    )
    _frames(keys, faults)  # reports their faults
    for kind in PhraseKind:
        for node in keys.read(kind.value, partial(entries.items, what=kind.value, faults=faults)) or ():
            phrases.add(node, kind)
    try:
        if not proved:
            phrases.prove()
    except TooManyNodes as problem:
        faults.error(Flaw.OUT_OF_RANGE, keys.at, str(problem), "write fewer optional parts")
    root, forgiven = phrases.roots()
    return Vocabulary(
        language=language,
        root=root,
        forgiven=forgiven,
        words=frozenset(phrases.words),
        spelled=frozenset(phrases.words if accents else phrases.spelled_words),
        elsewhere=frozenset(keys.read("elsewhere", lambda node: _texts(node, "elsewhere", faults)) or ()),
        me=_words_of(keys.read("me", lambda node: _texts(node, "me", faults)) or (), accents),
        plain_no=_words_of(keys.read("plain-no", lambda node: _texts(node, "plain-no", faults)) or (), accents),
        greek=phrases.greek,
        accents=accents,
    )


def _words_of(texts: Sequence[str], accents: bool) -> frozenset[str]:
    """The words of texts, folded; with their accents also where these are kept.

    A text of a script without blanks is one word.
    """
    folded = [fold(text, accents=way) for text in texts for way in (accents, False)]
    whole = [text for text in folded if text and is_single(text[0])]
    return frozenset(whole) | {
        atom.text for text in folded if text not in whole for atom in atoms_of(text, accents=True)
    }


def _without_end(pattern: str) -> tuple[str, tuple[bool, ...]]:
    """The pattern without its open end, and whether its phrases are open: always, never, or both for `[…]`."""
    stripped = pattern.rstrip()
    if stripped.endswith("[…]"):
        return stripped.removesuffix("[…]"), (False, True)
    if stripped.endswith("…"):
        return stripped.removesuffix("…"), (True,)
    return pattern, (False,)


def _timed(pattern: str, units: Mapping[str, Sequence[str]]) -> Iterator[tuple[str, int | None]]:
    """The pattern for each unit of time, and the minutes of one such unit; without a unit a number means minutes."""
    without = pattern.replace("[{unit}]", "")
    if "{unit}" not in without:
        yield without, 1 if NUMBER_KEY in pattern else None
    for unit, words in units.items() if "{unit}" in pattern else ():
        if words:
            named = f"({'|'.join(words)})"
            yield pattern.replace("[{unit}]", named).replace("{unit}", named), _UNITS[unit]


def _spellings(text: str, spelled: Mapping[str, str]) -> list[str]:
    """The text as written, with its apostrophes as blanks, and in the file's other spelling."""
    other = caseless(text)
    for letter, letters in spelled.items():
        other = other.replace(letter, letters)
    return list(
        dict.fromkeys(each for spelling in (text, other) for each in (spelling, _APOSTROPHES.sub(" ", spelling)))
    )


def _language(node: Node, faults: RuleFaults) -> str | None:
    scalar = entries.text(node, "the language", faults)
    if scalar is not None and not _LANGUAGE.fullmatch(scalar.text):
        faults.error(Flaw.SYNTAX, scalar.at, f'"{scalar.text}" is not a language', "write de, pt-BR or zh-Hant")
    return None if scalar is None else scalar.text


def _is_kept(node: Node, faults: RuleFaults) -> bool:
    scalar = entries.text(node, "accents", faults)
    if scalar is not None and scalar.text != "kept":
        faults.error(Flaw.UNKNOWN_VALUE, scalar.at, f'"{scalar.text}" is no value of accents', "write kept")
    return scalar is not None


def _mapping(node: Node, what: str, faults: RuleFaults) -> dict[str, str]:
    if not isinstance(node, Entries):
        entries.mismatch(node, f"{what} must be a mapping of texts to texts", faults)
        return {}
    values = ((key.text, entries.text(value, what, faults)) for key, value in node.pairs)
    return {key: value.text for key, value in values if value is not None}


def _parts(node: Node, faults: RuleFaults) -> dict[str, str]:
    """Parts with the parts they name filled in."""
    parts: dict[str, str] = {}
    for name, pattern in _mapping(node, "parts", faults).items():
        try:
            parts[name] = with_parts(pattern, parts)
        except BadPattern as problem:
            faults.error(Flaw.SYNTAX, node.at, f'part "{name}": {problem}')
    return parts


def _units(node: Node, faults: RuleFaults) -> dict[str, list[str]]:
    keys = entries.keyed(node, tuple(_UNITS), "units", faults)
    if keys is None:
        return {}
    return {unit: keys.read(unit, partial(_texts, what=unit, faults=faults)) or [] for unit in _UNITS}


def _reactions(node: Node, faults: RuleFaults) -> dict[str, str]:
    """The words before the quoted message, folded, and what they answer."""
    keys = entries.keyed(node, REACTIONS, "reactions", faults)
    if keys is None:
        return {}
    named = {answer: keys.read(answer, partial(_texts, what=answer, faults=faults)) or [] for answer in REACTIONS}
    return {fold(text).strip(): answer for answer, texts in named.items() for text in texts}


def _texts(node: Node, what: str, faults: RuleFaults) -> list[str]:
    scalars = (entries.text(each, what, faults) for each in entries.items(node, what, faults))
    return [scalar.text for scalar in scalars if scalar is not None]


def _tests(keys: EntryKeys, faults: RuleFaults) -> tuple[ReplyTest, ...]:
    read = keys.read("tests", lambda node: [_test(each, faults) for each in entries.items(node, "tests", faults)])
    return tuple(test for test in read or () if test is not None)


def _test(node: Node, faults: RuleFaults) -> ReplyTest | None:
    keys = entries.keyed(node, _TEST, "a test", faults)
    if keys is None:
        return None
    text = keys.read("text", lambda value: entries.text(value, "text", faults))
    outcome = keys.read("is", lambda value: entries.text(value, "is", faults))
    policy = keys.read("policy", lambda value: entries.text(value, "policy", faults))
    if text is None or outcome is None:
        faults.error(Flaw.SYNTAX, keys.at, "a test needs text and is", 'write {text: "ja", is: yes}')
        return None
    return ReplyTest(text.text, outcome.text, "page" if policy is None else policy.text, keys.at)
