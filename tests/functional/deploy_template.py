"""`deploy/template.yaml`, read as CloudFormation reads it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import cast

import yaml

from tests.functional.client import ROOT

Tree = Mapping[str, object]
TEMPLATE = ROOT / "deploy" / "template.yaml"


class _Template(yaml.SafeLoader):
    """Reads `!Ref x` as `{"Ref": "x"}`."""


def _short(loader: _Template, suffix: str, node: yaml.Node) -> object:
    if isinstance(node, yaml.ScalarNode):
        return {suffix: loader.construct_scalar(node)}
    assert isinstance(node, yaml.SequenceNode)
    return {suffix: loader.construct_sequence(node, deep=True)}


_Template.add_multi_constructor("!", _short)


@cache
def resources_of_the_template() -> Mapping[str, Tree]:
    """What the template makes, by logical id."""
    return cast("Mapping[str, Tree]", yaml.load(TEMPLATE.read_text(), _Template)["Resources"])


def properties(resource: str) -> Tree:
    """How one of them is made."""
    return cast("Tree", resources_of_the_template()[resource]["Properties"])
