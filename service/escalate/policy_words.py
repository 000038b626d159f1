"""Whether a policy says everything in its own words: if it words the page, it must word every message.

A message that a policy does not name is `incident-…`: a patient would read of an incident, a director whether
they can take it.
"""

from __future__ import annotations

from collections.abc import Mapping

from service.decide import Entries, EntryKeys, Flaw, Items, Node, RuleFaults
from service.escalate.policy import EscalationPolicy, Role

_OF_INCIDENTS = "incident-page"

IN_ANY_WORDS = frozenset(
    {
        Role.YOURS,
        Role.STILL_ON_IT,
        Role.GIVEN_BACK,
        Role.WITHDRAWN,
        Role.NOTHING_TO_UNDO,
        Role.TOO_LATE,
        Role.LATER,
        Role.CLOSED,
        Role.RESOLVED,
        Role.SAYS_DONE,
        Role.DONE_NOTED,
        Role.STATUS,
        Role.PASSED_ON,
        Role.UNCLEAR,
    }
)
"""Messages whose shipped words suit whatever is asked: "You gave this back: ..."."""


def warn(keys: EntryKeys, policy: EscalationPolicy, faults: RuleFaults) -> None:
    """Warn of every message that would come in other words than the page, for the policy and for each level."""
    keys.read("messages", lambda node: _warn_of_missing(node, policy, policy.messages, "an incident", faults))
    keys.read("levels", lambda node: _warn_of_levels(node, policy, faults))


def _warn_of_levels(node: Node, policy: EscalationPolicy, faults: RuleFaults) -> None:
    if not isinstance(node, Items) or len(node.nodes) != len(policy.levels):
        return
    others = "the policy" if policy.messages else "an incident"
    for each, level in zip(node.nodes, policy.levels, strict=True):
        if isinstance(each, Entries):
            for key, value in each.pairs:
                if key.text == "messages":
                    _warn_of_missing(value, policy, level.messages, others, faults)


def _warn_of_missing(
    node: Node, policy: EscalationPolicy, named: Mapping[Role, str], others: str, faults: RuleFaults
) -> None:
    missing = [role.value for role in Role if role in policy.roles - IN_ANY_WORDS and role not in named]
    if named.get(Role.PAGE, _OF_INCIDENTS) == _OF_INCIDENTS or not missing:
        return
    message = f"the page has words of its own, but {', '.join(missing)} would come in the words of {others}"
    faults.warning(Flaw.GAP, node.at, message, f"name a template for each: {missing[0]}: …")
