"""What a reading means for a page: YES, NO, or a question back. Pure and total."""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import dataclass
from enum import StrEnum

from service.replies.kinds import AFFIRMING, REFUSING, PhraseKind
from service.replies.reading import Reading

MAX_ETA = 60
"""Minutes until which "yes, in 40 min" takes a page now. Later than that, the writer is asked."""


class Outcome(StrEnum):
    """What a reply does."""

    YES = "yes"
    NO = "no"
    DONE = "done"  # the writer has it, and it is over
    UNDO = "undo"
    LATER = "later"
    WHO = "who"
    STOP = "stop"
    HELP = "help"
    START = "start"
    ASK = "ask"


class AskReason(StrEnum):
    """Why a reply is asked about."""

    UNCLEAR = "unclear"
    BOTH = "both"  # YES and NO
    ETA = "eta"  # later than an hour
    NOT_NOW = "not-now"
    HANDOVER = "handover"
    QUESTION = "question"
    STOP = "stop"  # STOP beside an answer
    HELP = "help"  # HELP beside an answer
    WEAK = "weak"  # "got it", where only an approval counts
    MACHINE = "machine"  # an automatic answer: nobody is asked
    LONG = "long"


@dataclass(frozen=True, slots=True)
class Accepts:
    """The kinds that a policy takes for a YES. A policy that takes no receipts ("got it") is strict.

    With `final_no`, a NO ends the matter instead of waking the next person, so it must be as clear as a YES.
    """

    kinds: frozenset[PhraseKind]
    final_no: bool = False

    @property
    def strict(self) -> bool:
        """Whether receipts and emoji do not count."""
        return PhraseKind.OK not in self.kinds

    @property
    def beside(self) -> frozenset[PhraseKind]:
        """The kinds that may stand beside a YES."""
        if not self.strict:
            return _BESIDE_PAGE
        return _BESIDE_TAKEN if PhraseKind.TAKEN in self.kinds else _BESIDE_APPROVAL


_BESIDE_APPROVAL = frozenset({PhraseKind.POLITE, PhraseKind.REQUEST, PhraseKind.CODE, PhraseKind.AND})
_BESIDE_ANY = _BESIDE_APPROVAL | {PhraseKind.JUST, PhraseKind.ALL, PhraseKind.BOTH}
_BESIDE_TAKEN = _BESIDE_ANY | {PhraseKind.WHEN_TAKEN}
_BESIDE_PAGE = _BESIDE_ANY | {PhraseKind.FILLER, PhraseKind.REASSURE, PhraseKind.ETA}
_BESIDE_COMMAND = _BESIDE_APPROVAL | {PhraseKind.FILLER, PhraseKind.JUST, PhraseKind.REASSURE}
_BESIDE_NO = _BESIDE_APPROVAL | {
    PhraseKind.EXCUSE,
    PhraseKind.FILLER,
    PhraseKind.JUST,
    PhraseKind.ALL,
    PhraseKind.BOTH,
    PhraseKind.HANDOVER,
    PhraseKind.NOT_NOW,
    PhraseKind.WHEN_TAKEN,
}

FOR_PAGES = Accepts(frozenset({PhraseKind.YES, PhraseKind.OK, PhraseKind.COMMIT}))
FOR_APPROVALS = Accepts(frozenset({PhraseKind.YES, PhraseKind.APPROVE}), final_no=True)
FOR_TASKS = Accepts(frozenset({PhraseKind.YES, PhraseKind.TAKEN, PhraseKind.DONE}))


@dataclass(frozen=True, slots=True)
class ReplyDecision:
    """What a reply does, and, where it is asked about, why.

    `every` says that it is about all pages of the phone, `both` about its two. `minutes` is the time that a LATER, a
    YES or the question is about. `leans_yes` says that a reply which is asked about holds a YES or an ETA. `quote` is
    the message that a reaction quotes: the answer counts for the page with this text alone.
    """

    outcome: Outcome
    reason: AskReason | None = None
    codes: tuple[int, ...] = ()
    every: bool = False
    both: bool = False
    minutes: int | None = None
    leans_yes: bool = False
    quote: str | None = None


def decide(readings: Sequence[Reading], accepts: Accepts) -> ReplyDecision:
    """What the readings of one text say: one reading, or one for each language it may be in, English first."""
    if len(readings) == 1:
        return decide_one(readings[0], accepts)
    english = decide_one(readings[0], accepts)
    if _is_keyword(readings[0]):
        return english
    whole = [decide_one(reading, accepts) for reading in _understood(readings)]
    outcomes = {decision.outcome for decision in whole}
    if english.outcome in (Outcome.NO, Outcome.STOP) and outcomes <= {english.outcome, Outcome.ASK}:
        return english
    return whole[0] if len(outcomes) == 1 else _asking(whole[0] if whole else english)


def _understood(readings: Sequence[Reading]) -> Sequence[Reading]:
    """The readings in the languages that know the whole text; where some know every word of it, these alone."""
    whole = [reading for reading in readings if reading.whole and not reading.says_nothing]
    return [reading for reading in whole if not reading.open] or whole


def decide_one(reading: Reading, accepts: Accepts) -> ReplyDecision:
    """What one reading says."""
    outcome = _outcome(reading, accepts)
    kinds = set(reading.kinds)
    return ReplyDecision(
        outcome=outcome,
        reason=_reason(reading, accepts) if outcome is Outcome.ASK else None,
        codes=reading.codes,
        every=PhraseKind.ALL in kinds,
        both=PhraseKind.BOTH in kinds,
        minutes=reading.minutes,
        leans_yes=outcome is Outcome.ASK and _leans_yes(kinds, accepts),
        quote=reading.quote,
    )


def _leans_yes(kinds: set[PhraseKind | None], accepts: Accepts) -> bool:
    return bool(kinds & (accepts.kinds | {PhraseKind.ETA})) and not kinds & _LEANS_ELSEWHERE


def _asking(decision: ReplyDecision) -> ReplyDecision:
    return ReplyDecision(Outcome.ASK, decision.reason or AskReason.UNCLEAR, decision.codes)


def _is_keyword(reading: Reading) -> bool:
    """Whether the text is the very YES or NO that our English texts ask for."""
    answers = {span.text for span in reading.spans if span.kind in (PhraseKind.YES, PhraseKind.NO)}
    around = {
        PhraseKind.YES,
        PhraseKind.NO,
        PhraseKind.POLITE,
        PhraseKind.REQUEST,
        PhraseKind.CODE,
        PhraseKind.AND,
        PhraseKind.ALL,
        None,
    }
    return reading.whole and len(answers) == 1 and answers <= {"yes", "no"} and around.issuperset(reading.kinds)


def _outcome(reading: Reading, accepts: Accepts) -> Outcome:
    kinds = set(reading.kinds)
    if PhraseKind.STOP in kinds and reading.stops and not kinds & (AFFIRMING - {PhraseKind.YES, PhraseKind.OK}):
        return Outcome.STOP
    known = {kind for kind in kinds if kind is not None}
    command = _command(known) if reading.whole else None
    if PhraseKind.UNDO in kinds and command is None and _takes_back(reading, accepts):
        return Outcome.UNDO
    if not reading.whole or (reading.asks and command not in _MAY_ASK):
        return Outcome.NO if _refuses_somewhere(reading, accepts) else Outcome.ASK
    return command or _answer(reading, known, accepts)


def _takes_back(reading: Reading, accepts: Accepts) -> bool:
    """Whether a clause takes an answer back, no other says more ("wrong button"); never where a NO is final."""
    if accepts.final_no or reading.asks or reading.cut_short or set(reading.kinds) & _KEEPS_AN_ANSWER:
        return False
    allowed = _BESIDE_COMMAND | {PhraseKind.UNDO, PhraseKind.STOP_ALONE}  # "wrong button, cancel"
    return any({PhraseKind.UNDO} <= set(clause.kinds) <= allowed for clause in reading.clauses)


_KEEPS_AN_ANSWER = AFFIRMING | {
    PhraseKind.QUESTION,
    PhraseKind.STOP,
    PhraseKind.MACHINE,
    PhraseKind.LATER,
    PhraseKind.HANDOVER,
}


_MAY_ASK = (Outcome.WHO, Outcome.HELP)
"""Commands that are questions themselves: "who has it?"."""


def _command(kinds: set[PhraseKind]) -> Outcome | None:
    """The command that the whole text is, with only politeness beside it."""
    commands = {
        Outcome.STOP: {PhraseKind.STOP_ALONE},
        Outcome.START: {PhraseKind.START},
        Outcome.HELP: {PhraseKind.HELP},
        Outcome.WHO: {PhraseKind.WHO},
    }
    for outcome, wanted in commands.items():
        if wanted <= kinds <= wanted | {PhraseKind.POLITE, PhraseKind.REQUEST}:
            return outcome
    if PhraseKind.UNDO in kinds and kinds <= _BESIDE_COMMAND | {PhraseKind.UNDO}:
        return Outcome.UNDO
    delays = (PhraseKind.LATER in kinds or {PhraseKind.NOT_NOW, PhraseKind.ETA} <= kinds) and not kinds & AFFIRMING
    if delays and kinds <= _BESIDE_COMMAND | {PhraseKind.LATER, PhraseKind.NOT_NOW, PhraseKind.ETA}:
        return Outcome.LATER
    return None


def _answer(reading: Reading, kinds: set[PhraseKind], accepts: Accepts) -> Outcome:
    late = reading.minutes is not None and reading.minutes > MAX_ETA
    elsewhen = late or (reading.ago and PhraseKind.TAKEN not in accepts.kinds)
    if kinds & accepts.kinds and kinds <= accepts.kinds | accepts.beside and not elsewhen and not reading.requests:
        return Outcome.YES
    over = {PhraseKind.DONE, PhraseKind.YES, PhraseKind.OK, PhraseKind.ALL, PhraseKind.BOTH, PhraseKind.WHEN_TAKEN}
    if not accepts.strict and not reading.requests and PhraseKind.DONE in kinds and kinds <= _BESIDE_COMMAND | over:
        return Outcome.DONE
    return Outcome.NO if _refuses(reading, kinds, accepts) else Outcome.ASK


def _refuses(reading: Reading, kinds: set[PhraseKind], accepts: Accepts) -> bool:
    if not kinds & REFUSING:
        return (_excuses(reading, kinds) and not accepts.strict) or _refuses_somewhere(reading, accepts)
    return kinds <= REFUSING | _BESIDE_NO or _refuses_somewhere(reading, accepts)


_LEANS_ELSEWHERE = REFUSING | {
    PhraseKind.UNDO,
    PhraseKind.MACHINE,
    PhraseKind.STOP,
    PhraseKind.STOP_ALONE,
    PhraseKind.HANDOVER,
    PhraseKind.EXCUSE,
}
_TAKES_A_NO_BACK = AFFIRMING | {
    PhraseKind.QUESTION,
    PhraseKind.STOP,
    PhraseKind.STOP_ALONE,
    PhraseKind.UNDO,
    PhraseKind.MACHINE,
    PhraseKind.REASSURE,
}


def _excuses(reading: Reading, kinds: Set[PhraseKind | None]) -> bool:
    """Whether the text only says why somebody cannot, in words that say it by themselves: "I'm at a wedding in …"."""
    known = any(
        piece.phrase.kind is PhraseKind.EXCUSE and piece.phrase.complete for piece in reading.pieces if piece.phrase
    )
    return known and kinds <= _BESIDE_NO - {PhraseKind.NOT_NOW, PhraseKind.ALL, PhraseKind.BOTH}


def _refuses_somewhere(reading: Reading, accepts: Accepts) -> bool:
    """Whether a part of the text is wholly a NO that nothing else takes back; never where a NO is final."""
    if accepts.final_no:
        return False
    return _refuses_first(reading) or _refuses_plainly(reading) or _refuses_later(reading) or _turns_to_no(reading)


def _refuses_first(reading: Reading) -> bool:
    """Whether the first clause is wholly a NO: "No, I have no car"."""
    return _is_no(reading.first_clause) and not reading.asks and not set(reading.kinds) & _TAKES_A_NO_BACK


def _refuses_plainly(reading: Reading) -> bool:
    """Whether it begins with a word that is always a NO, and never only negates what follows: "nej är på landet"."""
    if not reading.begins_with_plain_no or reading.asks or reading.cut_short:
        return False
    return not set(reading.kinds) & (_TAKES_A_NO_BACK | {PhraseKind.UNCLEAR, PhraseKind.DOUBT, PhraseKind.LATER})


def _refuses_later(reading: Reading) -> bool:
    """Whether any other clause says in more than one word that the writer cannot: "Just landed in Oslo, can't come"."""
    says_no = any(_is_no(clause) and not clause.asks and _says_at_length(clause) for clause in reading.clauses)
    return says_no and not reading.cut_short and not set(reading.kinds) & _TAKES_A_NO_BACK


def _turns_to_no(reading: Reading) -> bool:
    """Whether behind the last "but" stands a NO, and nothing before it promises more than to have read the page."""
    before, behind = reading.around(PhraseKind.BUT)
    if behind is None or reading.cut_short or reading.asks:
        return False
    promised = set(before.kinds) & (_TAKES_A_NO_BACK - {PhraseKind.YES, PhraseKind.OK, PhraseKind.REASSURE})
    refuses = _is_no(behind.first_clause) or (_is_polite(before) and _excuses(behind, set(behind.kinds)))
    return not promised and refuses and not set(behind.kinds) & _TAKES_A_NO_BACK


def _is_polite(reading: Reading) -> bool:
    return reading.whole and {PhraseKind.POLITE, PhraseKind.REQUEST}.issuperset(reading.kinds)


def _is_no(clause: Reading) -> bool:
    kinds = set(clause.kinds)
    return bool(kinds & REFUSING) and kinds <= REFUSING | _BESIDE_NO


def _says_at_length(clause: Reading) -> bool:
    """Whether it is more than a "no", which may ask for consent behind another clause: "broken, no"."""
    return any(
        span.kind is PhraseKind.CANNOT or (span.kind is PhraseKind.NO and " " in span.text) for span in clause.spans
    )


def _reason(reading: Reading, accepts: Accepts) -> AskReason:
    kinds = set(reading.kinds)
    affirms = bool(kinds & AFFIRMING)
    checks = (
        (AskReason.MACHINE, PhraseKind.MACHINE in kinds),
        (AskReason.STOP, bool(kinds & {PhraseKind.STOP, PhraseKind.STOP_ALONE})),
        (AskReason.HELP, PhraseKind.HELP in kinds),
        (AskReason.LONG, reading.cut_short),
        (AskReason.BOTH, affirms and bool(kinds & REFUSING)),
        (AskReason.HANDOVER, PhraseKind.HANDOVER in kinds),
        (AskReason.QUESTION, reading.asks or PhraseKind.QUESTION in kinds),
        (AskReason.ETA, reading.minutes is not None and reading.minutes > MAX_ETA),
        (AskReason.NOT_NOW, PhraseKind.NOT_NOW in kinds),
        (AskReason.WEAK, reading.whole and affirms and not kinds & accepts.kinds),
    )
    return next((reason for reason, holds in checks if holds), AskReason.UNCLEAR)
