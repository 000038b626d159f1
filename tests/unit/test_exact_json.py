from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.core import exact_json
from service.core.exact_json import NotJson


@pytest.mark.parametrize(
    "text",
    [
        '{"a":1,"a":2}',
        "NaN",
        "[Infinity]",
        "-Infinity",
        "{",
        "",
        "[" * 101 + "]" * 101,
        "[" * 100_000,
        "9" * 5_000,
        b"\xff",
        b"\xef\xbb\xbf{}",
        "\ufeff{}",
        "1e400000000000000000000",
        "-1E-400000000000000000000",
        '"\\ud800"',
        '{"\\uDfFf": 1}',
        '["\\udc00\\ud800"]',
        '"\ud800"',
    ],
)
def test_what_two_readers_could_read_differently_is_refused(text: str | bytes) -> None:
    with pytest.raises(NotJson):
        exact_json.loads(text)


def test_the_first_name_that_stands_twice_is_named() -> None:
    with pytest.raises(NotJson, match="the name 'b' stands twice in one object"):
        exact_json.loads('{"a":1,"b":2,"c":3,"c":4,"b":5}')


def test_numbers_are_exact() -> None:
    assert exact_json.loads("[0.1, 1e-05, 300, 9007199254740993]") == [
        Decimal("0.1"),
        Decimal("0.00001"),
        300,
        9007199254740993,
    ]
    assert exact_json.dumps({"premium": Decimal("360.00")}) == '{"premium":360.00}'


documents = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.decimals(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(documents)
def test_what_is_written_is_read_back(document: object) -> None:
    assert exact_json.loads(exact_json.dumps(document)) == document
