"""Whether the rosters that a file names as contacts exist: one that does not pages nobody."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from service.decide import Entries, Finding, Flaw, Items, Node, RuleFaults, Scalar, did_you_mean, positions

_CONTACTS, _ROSTER = "contacts", "roster"


def unknown(source: str | bytes, known: Collection[str]) -> tuple[Finding, ...]:
    """A warning for each contact of a policy, rule file or file of events that names a roster there is none of.

    A name that reads facts (`{{ … }}`) is known only when they are.
    """
    root, _ = positions.read(source, RuleFaults())
    faults = RuleFaults()
    for name in () if root is None else _named(root):
        if name.text not in known and "{{" not in name.text:
            there_are = f"there are: {', '.join(sorted(known))}" if known else "there is no file in rosters/"
            hint = did_you_mean(name.text, known) or there_are
            message = f'there is no roster "{name.text}": nobody would be paged by it'
            faults.warning(Flaw.UNKNOWN_VALUE, name.at, message, hint)
    return faults.in_order()


def _named(node: Node) -> Iterator[Scalar]:
    """The names of rosters among the contacts below a node."""
    if isinstance(node, Items):
        for each in node.nodes:
            yield from _named(each)
    if isinstance(node, Entries):
        for key, value in node.pairs:
            yield from _rosters(value) if key.text == _CONTACTS else _named(value)


def _rosters(contacts: Node) -> Iterator[Scalar]:
    """The roster of one contact, or of each of a list."""
    for each in contacts.nodes if isinstance(contacts, Items) else (contacts,):
        if isinstance(each, Entries):
            yield from (value for key, value in each.pairs if key.text == _ROSTER and isinstance(value, Scalar))
