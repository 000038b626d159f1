"""Reading the entries of a mapping by key: unknown and repeated keys, missing ones, texts and lists."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TypeVar

from service.decide.errors import RuleFaults
from service.decide.findings import Flaw
from service.decide.positions import AlreadyReported, Entries, Items, Node, Scalar
from service.decide.ruleset import Place

T = TypeVar("T")

_LOOKED_AHEAD = 80
"""Characters behind a text in which a comment is looked for."""


class EntryKeys:
    """The values of a mapping by key. A repeated key keeps all its values, so that each of them is checked."""

    def __init__(self, at: Place, values: Mapping[str, Sequence[tuple[Scalar, Node]]]) -> None:
        self.at = at
        self._values = values

    def __contains__(self, key: str) -> bool:
        return key in self._values

    def read(self, key: str, reader: Callable[[Node], T]) -> T | None:
        """Apply `reader` to every value of `key` and answer what it made of the first; None without one."""
        results = [reader(node) for _, node in self._values.get(key, ())]
        return results[0] if results else None

    def demand(self, key: str, example: str, faults: RuleFaults) -> None:
        """Report that `key` is missing, if it is; `example` is what to add."""
        if key not in self:
            faults.error(Flaw.SYNTAX, self.at, f'the key "{key}" is missing', f"add {example}")


def keyed(node: Node, known: Collection[str], what: str, faults: RuleFaults) -> EntryKeys | None:
    """The entries of `node`, each key one of `known`; None (reported) if it is no mapping. `what` names it."""
    if not isinstance(node, Entries):
        mismatch(node, f"{what} must be a mapping of keys to values", faults, _without_blank(node))
        return None
    values: dict[str, list[tuple[Scalar, Node]]] = {}
    for key, value in node.pairs:
        if key.text not in known:
            message = f'unknown key "{key.text}" in {what}'
            hint = faults.did_you_mean(key.text, known) or f"known: {', '.join(known)}"
            if key.text.removesuffix("%").strip().isdecimal():  # {increase: fee, by: 20,5%}
                hint = "a comma parts entries: write a point before decimals, 20.5, and no sign between thousands, 1000"
            faults.error(Flaw.SYNTAX, key.at, message, hint)
        elif key.text in values:
            duplicate(key, faults)
        values.setdefault(key.text, []).append((key, value))
    return EntryKeys(node.at, values)


def _without_blank(node: Node) -> str | None:
    """For `name:High Risk`, which YAML takes for one text."""
    key, colon, value = node.text.partition(":") if isinstance(node, Scalar) else ("", "", "")
    if not colon or not key.replace(" ", "").isalnum() or not value or value[0] in " /":
        return None
    return f"write a blank after the colon: {key}: {value}"


def duplicate(key: Scalar, faults: RuleFaults) -> None:
    """Report the second place of a key that stands twice."""
    faults.error(Flaw.DUPLICATE_KEY, key.at, f'the key "{key.text}" stands here a second time', "keep one of them")


def mismatch(node: Node, message: str, faults: RuleFaults, hint: str | None = None) -> None:
    """Report a node of the wrong shape, unless what stands there has been reported already."""
    if not isinstance(node, AlreadyReported):
        faults.error(Flaw.SYNTAX, node.at, message, hint)


def text(node: Node, what: str, faults: RuleFaults) -> Scalar | None:
    """A scalar that says something; None (reported) otherwise."""
    if isinstance(node, Scalar) and (node.style or node.value is not None) and node.text.strip():
        return node
    mismatch(node, f"{what} must be a text and not empty", faults)
    return None


def sentence(node: Node, what: str, faults: RuleFaults) -> Scalar | None:
    """`text`, with a warning where it ends at a `#` that was hardly meant as a comment: `rule #1 of drivers`."""
    written = text(node, what, faults)
    if written is not None and not written.style:
        line = written.source.text[written.end : written.end + _LOOKED_AHEAD].partition("\n")[0]
        if line[:1] in (" ", "\t") and line.lstrip()[:1] == "#" and line.lstrip()[1:2] not in ("", " ", "#"):
            message = f'{what} ends here: "{written.text}"; what follows the # is a comment'
            faults.warning(Flaw.SYNTAX, written.at, message, "quote all of it, or write a blank behind the #")
    return written


def items(node: Node, what: str, faults: RuleFaults) -> tuple[Node, ...]:
    """The nodes of a list; none (reported) if it is not one."""
    if isinstance(node, Items):
        return node.nodes
    mismatch(node, f"{what} must be a list", faults, "write it as [..] or one - a line")
    return ()


def one_or_more(node: Node) -> tuple[Node, ...]:
    """The nodes of a list, or the single node that stands for a list of one."""
    return node.nodes if isinstance(node, Items) else (node,)
