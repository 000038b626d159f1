"""Whether those whom a level pages can answer: by the phone, by a link, or by a mail that somebody reads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from service.channels import CHANNELS
from service.core import Channel
from service.decide import Entries, Finding, Flaw, Items, Node, RuleFaults, positions
from service.escalate.policy import EscalationPolicy, Level


@dataclass(frozen=True, slots=True)
class AnswerWays:
    """What an installation offers beside the phone: signed links, and a mailbox that is read."""

    links: bool
    mailbox: bool

    def leave_out(self, channel: Channel) -> bool:
        """Whether nobody can answer what comes by a channel."""
        field = CHANNELS[channel].field
        return field != "phone" and not (self.links or (self.mailbox and field == "email"))


def unanswerable(source: str | bytes, policy: EscalationPolicy, ways: AnswerWays) -> tuple[Finding, ...]:
    """A warning for each level that some or all of its contacts cannot answer, at its place in the policy's file."""
    root, _ = positions.read(source, RuleFaults())
    faults = RuleFaults()
    nodes = _levels(root)
    for number, (level, node) in enumerate(zip(policy.levels, nodes, strict=False), start=1):
        if channels := [channel for channel in level.channels if ways.leave_out(channel)]:
            faults.warning(Flaw.GAP, node.at, _sentence(number, level, channels), _hint(channels))
    return faults.in_order()


def _sentence(number: int, level: Level, channels: Sequence[Channel]) -> str:
    named = " or ".join(channels)
    if len(channels) == len(level.channels):
        return f"nobody can answer level {number}: what comes by {named} has no link, and no mailbox is read"
    return f"whoever level {number} reaches by {named} alone cannot answer: there is no link, and no mailbox is read"


def _hint(channels: Sequence[Channel]) -> str:
    by_mail = ", or TOCSIN_REPLY_TO and TOCSIN_MAILBOX_URL for answers by mail" if Channel.EMAIL in channels else ""
    return f"set TOCSIN_PUBLIC_URL for links{by_mail}"


def _levels(root: Node | None) -> Sequence[Node]:
    pairs = root.pairs if isinstance(root, Entries) else ()
    levels = next((value for key, value in pairs if key.text == "levels"), None)
    return levels.nodes if isinstance(levels, Items) else ()
