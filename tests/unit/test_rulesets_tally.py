"""Counting differences page by page, and keeping the counts in one item."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from service.core import exact_json
from service.rulesets.comparing import Answer, Decided, NotDecided
from service.rulesets.tally import Tally, tally_of
from service.storage import MAX_ITEM_BYTES

NAMES = ("A", "B", "C")


def decided(fired: tuple[str, ...], fee: Decimal, place: str) -> Answer:
    return Decided(fired, {"fee": fee, "place": place}, (), ("fee", "place"))


answers = st.one_of(
    st.builds(
        decided,
        st.lists(st.sampled_from(NAMES), unique=True).map(tuple),
        st.decimals(0, 99, places=2),
        st.sampled_from(["Oslo", "Rome"]),
    ),
    st.builds(NotDecided, st.just("fee: is missing")),
)
asked = st.lists(st.tuples(answers, answers), max_size=30)


def tally(pairs: list[tuple[Answer, Answer]], first: int = 0) -> Tally:
    counted = Tally()
    for number, (old, new) in enumerate(pairs, start=first):
        counted.count(f"r-{number}", old, new)
    return counted


@given(asked, st.integers(0, 30))
def test_pages_that_are_counted_kept_and_added_up_come_to_the_same_as_one(
    pairs: list[tuple[Answer, Answer]], cut: int
) -> None:
    kept = tally_of(exact_json.stored(exact_json.dumps(tally(pairs[:cut]).as_state())))
    kept.add(tally(pairs[cut:], first=min(cut, len(pairs))))
    assert kept.as_json() == tally(pairs).as_json()


@given(asked)
def test_the_counts_are_those_of_a_list(pairs: list[tuple[Answer, Answer]]) -> None:
    both = [(old, new) for old, new in pairs if isinstance(old, Decided) and isinstance(new, Decided)]
    deltas = [Decimal(str(new.facts["fee"])) - Decimal(str(old.facts["fee"])) for old, new in both]
    found = tally(pairs)
    lost = sum(isinstance(old, Decided) and isinstance(new, NotDecided) for old, new in pairs)
    assert found.requests == len(pairs)
    assert found.changed == lost + sum(old != new for old, new in both)
    assert found.refused.count == lost
    assert found.newly_uncovered.count == sum(bool(old.fired) and not new.fired for old, new in both)
    assert sum(one.count for one in found.changes) == sum(old != new for old, new in both)
    assert (found.amounts["fee"].total if "fee" in found.amounts else 0) == sum(deltas)
    assert (found.amounts["fee"].changed if "fee" in found.amounts else 0) == sum(map(bool, deltas))


def test_whatever_is_counted_fits_an_item() -> None:
    found = Tally()
    for number in range(5_000):
        rules = tuple(f"{'Ünïcödé rule ' * 5}{number % 250}-{one}" for one in range(20))
        request_id = f"{number:0128d}"
        found.count(request_id, decided(rules, Decimal(1), "Oslo"), decided((), Decimal(2), "Oslo"))
        found.count(request_id, decided((), Decimal(1), "Oslo"), NotDecided("é" * 1_000))
        found.count(request_id, NotDecided("é" * 1_000), decided((), Decimal(1), "Oslo"))
    assert len(exact_json.dumps(found.as_state())) < MAX_ITEM_BYTES / 2
    assert found.other_changes + sum(one.count for one in found.changes) == 5_000
    assert found.other_changes > 0
