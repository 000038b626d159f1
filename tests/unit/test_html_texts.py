"""A sentence of an email is one text for translators, whatever words of it are marked or linked."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.messages.html_texts import texts, with_texts

LETTER = '<p>Your order <b>{{ id }}</b> is <a href="{{ url }}">on its way</a> &amp; safe.</p>'
TEXT = "Your order <1>{{ id }}</1> is <2>on its way</2> & safe."


@pytest.mark.parametrize(
    ("document", "found"),
    [
        (LETTER, (TEXT,)),
        ("<p><b>Important</b></p><p>Read on.</p>", ("Important", "Read on.")),
        ("<p><span><b>All</b> of it</span></p>", ("<1>All</1> of it",)),
        ("<p><b>It is <i>very</i> late</b></p>", ("It is <1>very</1> late",)),
        ("<p><a href=x>Open</a> <a href=y>Close</a></p>", ("Open", "Close")),
        ("<p>One<br>two <b>three</b></p>", ("One", "two <1>three</1>")),
        ("<p>One <b>two<br>three</b> four</p>", ("One", "two", "three", "four")),
        ("<p>One <b>two</i> three</p>", ("One", "two", "three")),
        ("<p>Press &lt;1> or <b>wait</b></p>", ("Press <1> or", "wait")),
        ("<p>See <img src=x> the <b>map</b></p>", ("See", "the <1>map</1>")),
        ("<style>b <b>x</b> y</style><p>a</p>", ("a",)),
    ],
)
def test_a_text_is_what_stands_between_two_blocks(document: str, found: tuple[str, ...]) -> None:
    assert texts(document) == found
    assert with_texts(document, {}).replace("&gt;", ">") == document


def test_a_translation_moves_what_is_marked() -> None:
    said = "<2>Unterwegs</2> & sicher: Ihre Bestellung <1>{{ id }}</1>."
    assert with_texts(LETTER, {TEXT: said}) == (
        '<p><a href="{{ url }}">Unterwegs</a> &amp; sicher: Ihre Bestellung <b>{{ id }}</b>.</p>'
    )


@pytest.mark.parametrize(
    "said", ["<1>Ihre</2> Bestellung", "Ihre Bestellung", "</1><1><2></2>", "<1></1><2></2><3></3>"]
)
def test_a_translation_that_loses_a_tag_breaks_no_letter(said: str) -> None:
    assert with_texts(LETTER, {TEXT: said}) == LETTER


def test_texts_between_two_tags_are_said_as_earlier_versions_kept_them() -> None:
    kept = {"Your order": "Ihre Bestellung", "is": "ist", "on its way": "unterwegs", "& safe.": "& sicher."}
    assert with_texts(LETTER, kept) == (
        '<p>Ihre Bestellung <b>{{ id }}</b> ist <a href="{{ url }}">unterwegs</a> &amp; sicher.</p>'
    )


@given(
    st.lists(
        st.sampled_from(["<b>", "</b>", "<a href=x>", "</a>", "<p>", "</p>", "<br>", "word", " ", "&amp;", "{{ x }}"])
    )
)
def test_nothing_of_a_document_is_lost(parts: list[str]) -> None:
    document = "".join(parts)
    assert with_texts(document, {}) == document
    assert with_texts(document, {text: text for text in texts(document)}) == document
