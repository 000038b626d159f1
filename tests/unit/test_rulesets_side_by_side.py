"""Several things are worked on at one time, and no error of the work is lost."""

from __future__ import annotations

from datetime import timedelta

import pytest

from service.rulesets.side_by_side import take_turns

EVERY = timedelta(seconds=5)


def test_everything_is_done_once() -> None:
    done: list[int] = []
    take_turns(range(20), done.append, 3, lambda: None, EVERY)
    assert sorted(done) == list(range(20))


@pytest.mark.parametrize("error", [IndexError("of the work"), ValueError("of the work")])
def test_the_first_error_ends_it_and_is_raised(error: Exception) -> None:
    done: list[int] = []

    def do(number: int) -> None:
        if number == 2:
            raise error
        done.append(number)

    with pytest.raises(type(error), match="of the work"):
        take_turns(range(20), do, 1, lambda: None, EVERY)
    assert done == [0, 1]
