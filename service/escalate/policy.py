"""An escalation policy: who is paged, in which order, how, and what follows an answer or silence.

`policy_file` reads it from `rules/escalation/*.yaml`; an incident keeps a copy of the policy it was opened with, so
that a later edit of the file changes no incident that is already running.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from enum import StrEnum

from service.core import Channel
from service.escalate.waits import Wait
from service.replies import FOR_PAGES, Accepts, PhraseKind


class Role(StrEnum):
    """What a message of an incident is for; a policy names a template for each."""

    PAGE = "page"  # the incident itself, for the first time on this level
    REMINDER = "reminder"  # the incident again, to the same contact
    THANKS = "thanks"  # to who acknowledged
    DECLINED = "declined"  # to who said no, where another level follows
    NOTED = "noted"  # to who said no on the last level while others are still asked
    ESCALATED = "escalated"  # to who did not answer: the next level is paged now
    ALREADY_ESCALATED = "already_escalated"  # answer to a late no
    ALREADY_ACKNOWLEDGED = "already_acknowledged"  # answer to a yes or no that came second
    TAKEN = "taken"  # to the others paged: who has it
    EXHAUSTED = "exhausted"  # to everybody paged: nobody has taken it yet
    LAST_RESORT = "last_resort"  # the incident once more, by the channels of last resort
    ENDED = "ended"  # declined under `on_no: end`: nobody else is asked
    CANCELLED = "cancelled"  # no longer needed
    YOURS = "yours"  # to who has it, when they answer or ask again
    STILL_ON_IT = "still_on_it"  # to who has it, after the policy's `renew`: are you still on it?
    GIVEN_BACK = "given_back"  # to who took a YES back: who is asked now
    WITHDRAWN = "withdrawn"  # to who took a NO back: you may still take it
    NOTHING_TO_UNDO = "nothing_to_undo"  # answer to an UNDO of nothing
    TOO_LATE = "too_late"  # answer to an UNDO that the policy takes no more
    LATER = "later"  # to who wants to be asked later: when that is
    CLOSED = "closed"  # to who said that it is over
    RESOLVED = "resolved"  # to the owner and the others paged: it is over
    SAYS_DONE = "says_done"  # to the owner, when somebody else says that it is over: is it?
    DONE_NOTED = "done_noted"  # to that somebody: the owner is asked
    STATUS = "status"  # answer to "who has it?": nobody yet, who is asked
    PASSED_ON = "passed_on"  # to those asked so far, when the next level is asked by the API
    UNCLEAR = "unclear"  # to who mailed what could not be read as an answer
    ASK = "ask"  # ends every question about a reply that is not clear: how to answer


PAGING = frozenset({Role.PAGE, Role.REMINDER, Role.LAST_RESORT})
"""Roles that ask somebody to act; none of these may follow an acknowledgement."""


UNDO = 30 * 60
"""Seconds within which a YES may be taken back, unless the policy says otherwise."""


class OnNo(StrEnum):
    """What a NO does: hand the incident on, or end it (an approval that is declined)."""

    ESCALATE = "escalate"
    END = "end"


@dataclass(frozen=True, slots=True)
class Level:
    """Contacts that are paged together, numbered from 1 as the incident lists them.

    Each is paged on the first of `channels` on which there is an address that works. `wait` follows the page and each
    of the `reminders`. `messages` are this level's own templates: a doctor reads another text than the patient.
    `accepts` are the kinds of phrases that are a YES on this level, those of the policy if it names none. `rosters`
    are paged as well, whoever is on call when the level begins.
    """

    contacts: tuple[int, ...]
    channels: tuple[Channel, ...]
    wait: Wait
    reminders: int = 1
    messages: Mapping[Role, str] = field(default_factory=dict)
    accepts: tuple[str, ...] = ()
    rosters: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class EscalationPolicy:
    """The whole policy. `last_resort` lists channels that are all used once nobody acknowledged.

    `accepts` are the kinds of phrases that are a YES; without any, all that take a page ("got it", "on it").

    `undo` is for how many seconds a YES may be taken back, `later` how many seconds a contact may have their level wait
    in all (0: not at all), `renew` after how many seconds the owner is asked whether they are still on it (0: never),
    `repeat` how often the whole policy begins again before it is given up.
    """

    name: str
    levels: tuple[Level, ...]
    on_no: OnNo = OnNo.ESCALATE
    last_resort: tuple[Channel, ...] = ()
    messages: Mapping[Role, str] = field(default_factory=dict)
    acknowledge_link: bool = False
    description: str = ""
    accepts: tuple[str, ...] = ()
    undo: int | None = None
    later: int = 0
    renew: int = 0
    repeat: int = 0
    keep_words: bool = True
    owner: str | None = None

    @property
    def undo_within(self) -> timedelta:
        """How long a YES may be taken back: where a NO is final, a YES is too unless the policy says otherwise."""
        usual = 0 if self.on_no is OnNo.END else UNDO
        return timedelta(seconds=usual if self.undo is None else self.undo)

    def accepted(self, level: int) -> Accepts:
        """What counts as a YES from a contact of this level. A NO that ends the matter must be as clear as a YES."""
        own = self.levels[level - 1].accepts if 1 <= level <= len(self.levels) else ()
        kinds = frozenset(map(PhraseKind, own or self.accepts)) or FOR_PAGES.kinds
        return Accepts(kinds, final_no=self.on_no is OnNo.END)

    def template(self, role: Role, level: int) -> str:
        """The name of the template for a message of this role to a contact of this level (0: of none)."""
        own = self.levels[level - 1].messages if level else {}
        return own.get(role) or self.messages.get(role) or f"incident-{role.value.replace('_', '-')}"

    @property
    def roles(self) -> frozenset[Role]:
        """The roles that its messages can have: none that its `on_no`, or a lack of reminders, rules out."""
        ruled_out = {Role.DECLINED, Role.NOTED} if self.on_no is OnNo.END else {Role.ENDED}
        if not self.last_resort:
            ruled_out.add(Role.LAST_RESORT)
        if not any(level.reminders for level in self.levels):
            ruled_out.add(Role.REMINDER)
        return frozenset(Role) - ruled_out

    def covering(self, contact_count: int) -> EscalationPolicy:
        """The policy for an incident with so many contacts: contacts that no level names follow one by one at the end.

        Without this an app that lists a third contact under a two-level policy would never see that contact paged.
        They are paged on the terms of the last level.
        """
        named = {number for level in self.levels for number in level.contacts}
        unnamed = [number for number in range(1, contact_count + 1) if number not in named]
        return replace(self, levels=self.levels + tuple(_for(n, self.levels[-1]) for n in unnamed))

    def numbered(self, after: int) -> tuple[EscalationPolicy, tuple[str, ...]]:
        """The policy with its rosters as contacts, numbered on from `after`, and their names in that order."""
        names = tuple(dict.fromkeys(name for level in self.levels for name in level.rosters))
        numbers = {name: number for number, name in enumerate(names, start=after + 1)}
        levels = tuple(_with_numbers(level, [numbers[name] for name in level.rosters]) for level in self.levels)
        return replace(self, levels=levels), names


def _for(number: int, level: Level) -> Level:
    """A level on the terms of another, for one contact."""
    return replace(level, contacts=(number,), rosters=())


def _with_numbers(level: Level, rosters: Sequence[int]) -> Level:
    return replace(level, contacts=(*level.contacts, *rosters), rosters=())
