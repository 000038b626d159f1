"""Nothing that reads a text takes more than linear time, whatever it is fed: a stranger's text must not stop a process.

Functions that read are found in the source, so a new one is tried without being asked.
"""

from __future__ import annotations

import pytest

from tests.growth.cost import check_growth
from tests.growth.parsers import DOCUMENTS, GIVEN_MORE, UNITS, Reader, given_more, readers

LONGEST = 8_000
LONGEST_DOCUMENT = 32_000
READERS = tuple(readers())


def test_every_function_that_reads_a_text_is_declared() -> None:
    assert given_more() == frozenset(GIVEN_MORE)
    assert len(READERS) >= 100


@pytest.mark.parametrize("reader", READERS, ids=lambda reader: reader.where)
def test_the_time_of_a_reader_grows_no_faster_than_its_text(reader: Reader) -> None:
    for unit in UNITS:
        check_growth(reader.call, lambda length: unit * (length // len(unit)), LONGEST, reader.where)  # noqa: B023


@pytest.mark.parametrize("longest", [LONGEST_DOCUMENT, pytest.param(8 * LONGEST_DOCUMENT, marks=pytest.mark.long)])
@pytest.mark.parametrize("name", DOCUMENTS)
def test_the_time_of_a_document_grows_no_faster_than_what_it_holds(name: str, longest: int) -> None:
    read, text = DOCUMENTS[name]
    check_growth(read, text, longest, name, budget=2.0 if longest == LONGEST_DOCUMENT else 20.0)
