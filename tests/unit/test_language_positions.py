"""Every finding points at the very character in the file, however YAML lets the text be written."""

from __future__ import annotations

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from service.decide import language
from service.decide.findings import Flaw, Severity
from service.decide.ruleset import Place
from tests.unit.rule_files import HEAD, file_with

MARK = "car.stile"
"""A misspelt fact, to be found by its place alone."""


def place_of_mark(text: str) -> Place:
    """Where the mark stands, found without any YAML."""
    before = text[: text.index(MARK)].replace("\r\n", "\n")
    return Place(before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1)


def found_at(text: str | bytes) -> Place:
    (finding,) = (each for each in language.parse(text).findings if each.severity is Severity.ERROR)
    assert (finding.kind, finding.message) == (Flaw.UNKNOWN_FACT, f'unknown fact "{MARK}"')
    return finding.at


PART = st.sampled_from(
    ["driver.age < 21", "car.style == NO", "car.color == 'Grün  \"x\"'", "not driver.name is missing", "(always)"]
)
JOIN = st.sampled_from([" and ", " or ", "  or  not "])
CONDITION = st.tuples(st.lists(st.tuples(PART, JOIN), max_size=4), st.lists(st.tuples(JOIN, PART), max_size=3)).map(
    lambda halves: "".join(p + j for p, j in halves[0]) + f"{MARK} == 1" + "".join(j + p for j, p in halves[1])
)


def in_block(condition: str, header: str, indent: str) -> str:
    """A block scalar with a new line behind every `and`, blank lines where there are two blanks."""
    lines = condition.replace(" and ", " and\n").replace("  or  ", "\n\n  or ").split("\n")
    return header + "".join(f"\n{indent}{line}" if line else "\n" for line in lines)


def folded(quoted: str, indent: str) -> str:
    """A quoted or plain scalar over several lines."""
    return quoted.replace(" and ", f" and\n\n{indent}").replace(" or ", f"   \n{indent}or ")


STYLES = {
    "plain": lambda condition: folded(condition, "      "),
    "single quotes": lambda condition: folded("'" + condition.replace("'", "''") + "'", "      "),
    "double quotes": lambda condition: folded(json.dumps(condition, ensure_ascii=False), "      "),
    "double quotes, escaped": lambda condition: json.dumps(condition).replace(" ", "\\x20").replace("or", "\\\n    or"),
    "block": lambda condition: in_block(condition, "|", "      "),
    "block, trimmed, with a comment": lambda condition: in_block(condition, "|-  # car.style", "       "),
    "block, own indentation": lambda condition: in_block(condition, "|2+", "      "),
    "folded block": lambda condition: in_block(condition, ">", "      "),
}


@pytest.mark.parametrize("style", STYLES)
@given(condition=CONDITION, crlf=st.booleans(), bom=st.booleans())
@example(condition=f"{MARK} == 1", crlf=False, bom=False)
def test_a_misspelt_fact_is_found_where_it_stands(style: str, condition: str, crlf: bool, bom: bool) -> None:
    text = file_with(STYLES[style](condition))
    text = text.replace("\n", "\r\n") if crlf else text
    assert found_at("\ufeff" * bom + text) == place_of_mark(text)
    assert found_at(("\ufeff" * bom + text).encode()) == place_of_mark(text)


def test_a_fact_misspelt_in_a_text_is_found_where_it_stands() -> None:
    text = file_with(then=f'\n      - reject: "\\u00a0Caf\\xe9 {{{{ driver.age }}}}\\\n          {{{{ {MARK} }}}}"')
    assert found_at(text) == place_of_mark(text)


def test_a_fact_misspelt_in_a_flow_mapping_is_found_where_it_stands() -> None:
    text = HEAD + "rules: [{name: R, then: [accept], when: driver.age < 5_0 or " + MARK + " == 1}]\n"
    findings = language.parse(text).findings
    assert [finding.at for finding in findings] == [
        Place(13, text.splitlines()[12].index("5_0") + 1),
        place_of_mark(text),
    ]


def test_a_column_counts_characters_not_bytes() -> None:
    text = file_with(f"car.color == 'ÄÖÜ😀' and {MARK} == 1")
    assert found_at(text) == Place(15, 35)


def test_places_of_a_sound_file_are_kept_in_its_typed_form() -> None:
    parsed = language.parse(file_with("car.color == 'x' and driver.age < 21", "{increase: policy.premium, by: 5%}"))
    assert parsed.ruleset is not None
    rule = parsed.ruleset.rules[0]
    assert (rule.at, rule.when.at, rule.then[0].at) == (Place(14, 5), Place(15, 11), Place(16, 11))
    assert parsed.ruleset.facts["car.color"].at == Place(9, 3)
