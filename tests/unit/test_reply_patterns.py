"""Patterns of vocabulary files stand for the phrases that a regular expression of them matches."""

import re
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.decide.ruleset import Place
from service.replies import patterns
from service.replies.graph import Graph, Node, Phrase, phrases_below
from service.replies.kinds import PhraseKind
from service.replies.patterns import BadPattern


def graph_of(*texts: str) -> Node:
    graph = Graph()
    for text in texts:
        graph.add(patterns.parse(text), Phrase(PhraseKind.YES, Place(1, 1)), str.split)
    return graph.root(lambda first, _second: first)


def phrases_of(*texts: str) -> set[str]:
    return {" ".join(words) for words, _ in phrases_below(graph_of(*texts))}


@pytest.mark.parametrize(
    ("pattern", "phrases"),
    [
        ("on my way", {"on my way"}),
        ("(on|at) it", {"on it", "at it"}),
        ("[i am] on it", {"on it", "i am on it"}),
        ("gern[e]", {"gern", "gerne"}),
        ("(mach|übernehm)[e] ich", {"mach ich", "mache ich", "übernehm ich", "übernehme ich"}),
        ("a [b [c]] d", {"a d", "a b d", "a b c d"}),
        ("in {n} (min|minutes)", {"in {n} min", "in {n} minutes"}),
        ("[a] [b]", {"", "a", "b", "a b"}),
    ],
)
def test_a_pattern_stands_for_phrases(pattern: str, phrases: set[str]) -> None:
    assert phrases_of(pattern) == phrases


@pytest.mark.parametrize("pattern", ["(a", "a)", "[a", "a]", "(a]", "[a|b)", "<name> a", "(" * 20 + ")" * 20])
def test_a_pattern_that_cannot_be_read_is_refused(pattern: str) -> None:
    with pytest.raises(BadPattern):
        patterns.parse(patterns.with_parts(pattern, {}))


def test_a_pattern_may_stand_for_more_phrases_than_anybody_could_write_out() -> None:
    root = graph_of(" ".join(f"[{letter}]" for letter in "abcdefghijklmnopqrstuvwxyz"))
    node = root
    for letter in "acegikmoqsuwy":
        node = node.next[letter]
    assert node.phrase is not None


words = st.sampled_from(["a", "b", "c"])
pattern_texts = st.recursive(
    words,
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map(" ".join),
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: "(" + "|".join(parts) + ")"),
        inner.map(lambda part: f"[{part}]"),
    ),
    max_leaves=6,
)


def as_regex(pattern: str) -> re.Pattern[str]:
    """The pattern as a regular expression over words that each end with a blank."""
    spaced = re.sub(r"[abc]", lambda match: f"(?:{match.group()} )", pattern.replace(" ", ""))
    return re.compile(spaced.replace("(", "(?:").replace("(?:?:", "(?:").replace("[", "(?:").replace("]", ")?"))


@given(pattern_texts)
def test_patterns_agree_with_regular_expressions(pattern: str) -> None:
    accepted = phrases_of(pattern)
    expected = as_regex(pattern)
    for length in range(4):
        for text in product("abc", repeat=length):
            assert (" ".join(text) in accepted) == bool(expected.fullmatch("".join(f"{word} " for word in text)))
