"""Values written as YAML are read back as they were."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from service.decide import positions, yaml_text
from service.decide.errors import RuleFaults
from service.decide.positions import Scalar


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_any_text_is_read_back(text: str) -> None:
    faults = RuleFaults()
    node, _ = positions.read(yaml_text.text(text), faults)
    assert isinstance(node, Scalar), faults.in_order()
    assert node.value == text
