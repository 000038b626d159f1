"""YAML as mappings, lists and texts, for settings that are read like rule files: each fault with its place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from service.decide import Entries, Finding, Items, Node, RuleFaults, Scalar, duplicate, positions


def read_yaml(text: str) -> tuple[object, Sequence[Finding]]:
    """The document, every scalar as the text that stands there, and its faults in the order of the file."""
    faults = RuleFaults()
    root, _ = positions.read(text, faults)
    document = None if root is None else _plain(root, faults)
    return document, faults.in_order()


def _plain(node: Node, faults: RuleFaults) -> object:
    match node:
        case Scalar(text=text):
            return text
        case Items(nodes=nodes):
            return [_plain(each, faults) for each in nodes]
        case Entries(pairs=pairs):
            return _mapping(pairs, faults)
        case positions.AlreadyReported():
            return None


def _mapping(pairs: Sequence[tuple[Scalar, Node]], faults: RuleFaults) -> Mapping[str, object]:
    entries: dict[str, object] = {}
    for key, node in pairs:
        if key.text in entries:
            duplicate(key, faults)
        entries[key.text] = _plain(node, faults)
    return entries
