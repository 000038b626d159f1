"""Which text is a command: STOP, HELP or START, in any language that people write."""

from __future__ import annotations

from service.escalate.replies import UnderstoodReply
from service.messages import Keyword, keyword
from service.replies import AskReason, Outcome

_COMMANDS = {Outcome.STOP: Keyword.STOP, Outcome.HELP: Keyword.HELP, Outcome.START: Keyword.START}


def command_of(
    text: str, by_provider: Keyword | None, understood: UnderstoodReply, language: str | None
) -> Keyword | None:
    """The command that a text is. STOP or HELP beside an answer is asked about; a few forms only `keyword` knows.

    What the provider calls a command is one, but "yes", which is a START to Twilio, is an answer to us.
    """
    decision = understood.decision
    if by_provider is not None and not (by_provider is Keyword.START and understood.affirms):
        return by_provider
    if decision.outcome in _COMMANDS:
        return _COMMANDS[decision.outcome]
    beside_an_answer = decision.outcome is not Outcome.ASK or decision.reason in (AskReason.STOP, AskReason.HELP)
    if beside_an_answer and understood.affirms:
        return None
    return keyword(text, in_any_language=language is None)
