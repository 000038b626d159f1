"""The kinds of phrases that a vocabulary file lists."""

from __future__ import annotations

from enum import StrEnum


class PhraseKind(StrEnum):
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
    WHEN_TAKEN = "when-taken"  # when and how a medicine is taken: "this morning", "with water"; on a page it is later
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
    IRONIC = "ironic"  # agrees in words and mocks, unless something that commits stands beside it: "yeah, right"
    VAGUE = "vague"  # a COMMIT beside something that agrees, and open alone: "salgo", "vou ver"


AFFIRMING = frozenset(
    {PhraseKind.YES, PhraseKind.OK, PhraseKind.COMMIT, PhraseKind.APPROVE, PhraseKind.TAKEN, PhraseKind.DONE}
)
"""Kinds that can make a YES, where the policy accepts them."""

REFUSING = frozenset({PhraseKind.NO, PhraseKind.CANNOT})
"""Kinds that make a NO."""

UNDECIDED = frozenset(
    {
        PhraseKind.UNCLEAR,
        PhraseKind.NOT_NOW,
        PhraseKind.HANDOVER,
        PhraseKind.QUESTION,
        PhraseKind.MACHINE,
        PhraseKind.DOUBT,
    }
)
"""Kinds that decide nothing: they choose what is asked back."""

OPEN_ENDED = REFUSING | UNDECIDED | {PhraseKind.EXCUSE, PhraseKind.STOP}
"""Kinds whose phrases may end with `…`, which takes in the rest of the clause. None of them can make a YES."""

ALIKE = (
    REFUSING | UNDECIDED | {PhraseKind.EXCUSE, PhraseKind.WHO, PhraseKind.IRONIC},
    frozenset({PhraseKind.IRONIC, PhraseKind.YES}),
    frozenset({PhraseKind.IRONIC, PhraseKind.OK}),
    frozenset({PhraseKind.OK, PhraseKind.COMMIT, PhraseKind.ETA, PhraseKind.VAGUE}),
    frozenset({PhraseKind.STOP, PhraseKind.STOP_ALONE}),
    frozenset({PhraseKind.POLITE, PhraseKind.REQUEST, PhraseKind.FILLER, PhraseKind.JUST, PhraseKind.REASSURE}),
    frozenset({PhraseKind.WHEN_TAKEN, PhraseKind.JUST}),
    frozenset({PhraseKind.WHEN_TAKEN, PhraseKind.NOT_NOW}),
    frozenset({PhraseKind.WHEN_TAKEN, PhraseKind.EXCUSE}),
)
"""Kinds of which a phrase may have two: the one that stands first in the file counts."""

SERIOUS = frozenset({PhraseKind.COMMIT, PhraseKind.ETA, PhraseKind.APPROVE, PhraseKind.TAKEN, PhraseKind.DONE})
"""Kinds beside which an ironic YES is a YES: "да, щас посмотрю"."""

FIRM = AFFIRMING | {PhraseKind.ETA, PhraseKind.REASSURE, PhraseKind.ALL, PhraseKind.BOTH}
"""Kinds beside which a vague phrase commits: "ok salgo", "salgo en 10 min"."""

DRAWN_OUT = frozenset({PhraseKind.YES, PhraseKind.OK, PhraseKind.NO, PhraseKind.POLITE, PhraseKind.REQUEST})
"""Kinds whose single words are also known drawn out: "yesss"."""
