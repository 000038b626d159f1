"""A word that nobody knows is answered with the known one that is most like it."""

from __future__ import annotations

from service.core.spelling import nearest_word


def test_the_nearest_word_is_found_whatever_its_case() -> None:
    assert nearest_word("Audiance", ["audience", "recipient"]) == "audience"


def test_a_word_like_no_other_has_none() -> None:
    assert nearest_word("zzz", ["audience"]) is None
    assert nearest_word("a" * 201, ["a" * 200]) is None
