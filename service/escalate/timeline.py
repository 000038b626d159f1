"""Each line of an incident's timeline as a sentence."""

from __future__ import annotations

from collections.abc import Mapping

from service.channels import CHANNELS
from service.escalate.effects import Entry, TimelineKind
from service.escalate.events import Via
from service.escalate.incident import Incident
from service.escalate.policy import Role

_SENT: Mapping[Role, str] = {
    Role.PAGE: "Paged {who} by {channel}",
    Role.REMINDER: "Reminded {who} by {channel}",
    Role.THANKS: "Thanked {who}",
    Role.DECLINED: "Told {who} that it will be escalated",
    Role.NOTED: "Told {who} that the answer is noted and others are still asked",
    Role.ESCALATED: "Told {who} that it is escalated",
    Role.ALREADY_ESCALATED: "Told {who} that it had been escalated already",
    Role.ALREADY_ACKNOWLEDGED: "Told {who} who had acknowledged it already",
    Role.TAKEN: "Told {who} who has it",
    Role.EXHAUSTED: "Told {who} that nobody acknowledged it",
    Role.LAST_RESORT: "Tried {who} by {channel} as a last resort",
    Role.ENDED: "Told {who} that it was declined and is closed",
    Role.CANCELLED: "Told {who} that it was called off",
    Role.YOURS: "Told {who} that they have it",
    Role.STILL_ON_IT: "Asked {who} by {channel} whether they are still on it",
    Role.GIVEN_BACK: "Told {who} that they gave it back",
    Role.WITHDRAWN: "Told {who} that the no is taken back",
    Role.NOTHING_TO_UNDO: "Told {who} that there is nothing to take back",
    Role.TOO_LATE: "Told {who} that it is too late to change the answer",
    Role.LATER: "Told {who} when they are asked again",
    Role.CLOSED: "Told {who} that it is closed",
    Role.RESOLVED: "Told {who} that it is over",
    Role.SAYS_DONE: "Asked {who} whether it is over",
    Role.DONE_NOTED: "Told {who} who has it and is asked whether it is over",
    Role.STATUS: "Told {who} that nobody has it yet",
    Role.PASSED_ON: "Told {who} that it was passed on",
    Role.ASK: "Asked {who} what was meant",
}

_WHY: Mapping[str, str] = {
    "silence": "nobody answered",
    "unclear": "it was not understood",
    "both": "it holds a yes and a no",
    "eta": "a yes for later than in an hour",
    "not-now": "not now",
    "handover": "somebody else should do it",
    "question": "it is a question",
    "stop": "stop beside an answer",
    "help": "help beside an answer",
    "weak": "it is too little for this policy",
    "machine": "an automatic answer",
    "long": "it is too long",
    "which": "it may be about several incidents",
    "declined": "everybody asked has declined",
    "unreachable": "nobody could be reached",
    "opted_out": "this contact takes no messages",
    "refused": "it is refused for good",
    "one_way": "no number of ours can receive an answer from that country",
    "undelivered": "it could not be delivered",
    "not_sent": "the page could not be sent in time",
    "no_address": "the contact has no address on the level's channels",
    "nobody_reachable": "none of its contacts can be reached",
    "nobody_on_call": "nobody is on call",
    "given_back": "it was given back",
    "passed_on": "it was passed on",
    "lapsed": "nobody said that they are still on it",
    "contacts_absent": "it names no contact of this incident",
}

_SENTENCES: Mapping[TimelineKind, str] = {
    TimelineKind.OPENED: "Opened",
    TimelineKind.LEFT_OUT: "Left out{for_whom}: {why}",
    TimelineKind.SAID_YES: "{Who} said yes{way}",
    TimelineKind.SAID_NO: "{Who} said no{way}",
    TimelineKind.SAID_DONE: "{Who} said that it is over{way}",
    TimelineKind.SAID_UNDO: "{Who} took the answer back{way}",
    TimelineKind.SAID_LATER: "{Who} wants to be asked again later{way}",
    TimelineKind.ASKED_WHO: "{Who} asked who has it{way}",
    TimelineKind.ESCALATED: "Escalated to level {level}: {why}",
    TimelineKind.ON_CALL: "{Who} is on call for {why}",
    TimelineKind.CONTACT_SKIPPED: "{Who} cannot be reached{by_channel}: {why}",
    TimelineKind.LEVEL_SKIPPED: "Level {level} skipped: {why}",
    TimelineKind.LEFT_LATE: "The page to {who} by {channel} left after all, when level {level} was over",
    TimelineKind.NOT_SENT: "No page could be sent: all levels are tried again in {why}",
    TimelineKind.BEGUN_AGAIN: "Begun again at the first level",
    TimelineKind.ACKNOWLEDGED: "Acknowledged by {owner}{said}",
    TimelineKind.UNACKNOWLEDGED: "Acknowledged by nobody: {why}",
    TimelineKind.DECLINED: "Declined by {who}, and closed",
    TimelineKind.CANCELLED: "Called off by {owner}{said}",
    TimelineKind.GIVEN_BACK: "{Who} gave it back",
    TimelineKind.WITHDRAWN: "{Who} may be asked again",
    TimelineKind.POSTPONED: "{Who} is asked again later",
    TimelineKind.RENEWED: "{Owner} is still on it{said}",
    TimelineKind.LAPSED: "{Owner} did not say that they are still on it: it begins again",
    TimelineKind.REPEATED: "The policy begins again: {why}",
    TimelineKind.RESOLVED: "Over, said {owner}{said}",
    TimelineKind.REOPENED: "Reopened by {owner}{said}",
    TimelineKind.PASSED_ON: "Passed on by {owner}{said}",
    TimelineKind.NOTE: "{Owner} noted{said}: {words}",
    TimelineKind.SAME_ALERT: "The same alert came again{said}",
    TimelineKind.UNCLEAR: "{Who} wrote what is no clear answer{way}: {why}",
    TimelineKind.WAITS: "{Who} leans to yes and has one more wait",
}


def sentence_of(entry: Entry, incident: Incident) -> str:
    """The sentence that a line of the timeline says."""
    contact = None if entry.contact is None else incident.contact(entry.contact)
    who = "somebody" if contact is None else contact.label
    channel = "" if entry.channel is None else entry.channel.value
    sentence = _SENT[entry.role] if entry.role else _SENTENCES[entry.kind]
    return sentence.format(
        who=who,
        Who=_capital(who),
        owner=entry.by or who,
        Owner=_capital(entry.by or who),
        said=_said(entry),
        way=_way(entry),
        words=entry.words or "",
        channel=channel,
        by_channel=f" by {channel}" if channel else "",
        for_whom="" if contact is None else f" for {who}",
        level=entry.level,
        why=_why(entry),
    )


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _said(entry: Entry) -> str:
    """Whose word it is that somebody did something by the API, where that is not plain."""
    app = None if entry.origin is None else entry.origin.app
    return "" if app is None or app == entry.by else f", said {app}"


_WAYS = {Via.LINK: " by the link", Via.EMAIL: " by email", Via.CALL: " on the phone"}


def _way(entry: Entry) -> str:
    return "" if entry.origin is None else _WAYS.get(entry.origin.via, "")


def _why(entry: Entry) -> str:
    if entry.why == "opted_out" and entry.channel is not None:
        return CHANNELS[entry.channel].refusal
    return _WHY.get(entry.why or "", entry.why or "")
