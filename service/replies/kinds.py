"""The kinds of phrases that a vocabulary file lists."""

from __future__ import annotations

from enum import StrEnum


class Kind(StrEnum):
    """What a phrase means. `docs/replies.md` explains each kind to the people who write the files."""

    YES = "yes"
    OK = "ok"  # received or understood
    COMMIT = "commit"  # the writer acts
    APPROVE = "approve"
    TAKEN = "taken"  # the medicine is taken, the work is handed in
    DONE = "done"  # it is over
    FIRST = "first"  # a particle that agrees as the first word and is polite elsewhere
    NO = "no"
    CANNOT = "cannot"
    EXCUSE = "excuse"  # why somebody cannot; never beside a YES
    ETA = "eta"
    POLITE = "polite"
    REQUEST = "request"  # "please": polite, but beside anything but a plain YES it asks somebody else to act
    FILLER = "filler"
    JUST = "just"  # a filler that says "a moment ago"
    REASSURE = "reassure"
    ALL = "all"
    BOTH = "both"
    AND = "and"
    CODE = "code"  # a word before a code: "incident 41"
    BUT = "but"  # what stands before it does not count: "saw it, but I can't"
    UNDO = "undo"
    LATER = "later"
    WHO = "who"
    STOP = "stop"  # no more messages, wherever it stands
    STOP_ALONE = "stop-alone"  # no more messages, where nothing else is said
    START = "start"  # messages again, where nothing else is said
    HELP = "help"
    UNCLEAR = "unclear"
    NOT_NOW = "not-now"
    HANDOVER = "handover"
    QUESTION = "question"
    MACHINE = "machine"  # an automatic answer
    DOUBT = "doubt"


AFFIRMING = frozenset({Kind.YES, Kind.OK, Kind.COMMIT, Kind.APPROVE, Kind.TAKEN, Kind.DONE})
"""Kinds that can make a YES, where the policy accepts them."""

REFUSING = frozenset({Kind.NO, Kind.CANNOT})
"""Kinds that make a NO."""

UNDECIDED = frozenset({Kind.UNCLEAR, Kind.NOT_NOW, Kind.HANDOVER, Kind.QUESTION, Kind.MACHINE, Kind.DOUBT})
"""Kinds that decide nothing: they choose what is asked back."""

OPEN_ENDED = REFUSING | UNDECIDED | {Kind.EXCUSE, Kind.STOP}
"""Kinds whose phrases may end with `…`, which takes in the rest of the clause. None of them can make a YES."""

ALIKE = (
    REFUSING | UNDECIDED | {Kind.EXCUSE, Kind.WHO},
    frozenset({Kind.OK, Kind.COMMIT, Kind.ETA}),
    frozenset({Kind.STOP, Kind.STOP_ALONE}),
    frozenset({Kind.POLITE, Kind.REQUEST, Kind.FILLER, Kind.JUST, Kind.REASSURE}),
)
"""Kinds of which a phrase may have two: the one that stands first in the file counts."""

DRAWN_OUT = frozenset({Kind.YES, Kind.OK, Kind.NO, Kind.POLITE, Kind.REQUEST})
"""Kinds whose single words are also known drawn out: "yesss"."""
