"""Everything there is to say about a rule file: parse → types → lengths → proofs → compile → its own tests.

A file that does not parse gets no further; everything else is asked of every file, so that all findings are shown at
once. Nothing here has a limit of its own: `canary` runs it in a process that has.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from service.decide import language, lengths, rule_tests
from service.decide.cells import TooManyAlternatives
from service.decide.chunks import TooManyConditions
from service.decide.decision import Compiled, EngineFault
from service.decide.findings import Finding, Flaw, Severity
from service.decide.ruleset import Place, Ruleset


@dataclass(frozen=True, slots=True)
class ProofReport:
    """A rule file and what was found; `ruleset` is None if it does not parse.

    `seconds` are those of the processor that it took to read and to compile it: whoever does that again needs as many.
    """

    ruleset: Ruleset | None
    findings: tuple[Finding, ...]
    seconds: float


def prove(content: bytes, tick: Callable[[], float] = time.process_time) -> ProofReport:
    """Everything there is to say about the content of a rule file; raises for nothing that a file may hold."""
    begun = tick()
    parsed = language.parse(content)
    read = tick() - begun
    if parsed.ruleset is None:
        return ProofReport(None, parsed.findings, read)
    from service.decide.verify import (
        verify_ruleset,  # numpy takes half of what a small file takes: not for one with a mistake
    )

    proven = [*lengths.check(parsed.ruleset), *verify_ruleset(parsed.ruleset)]
    begun = tick()
    compiled = _compiled(parsed.ruleset)
    seconds = read + tick() - begun
    proven += (compiled,) if isinstance(compiled, Finding) else _tested(compiled)
    reported = {(known.kind, known.rule) for known in parsed.findings if known.rule is not None}
    news = (proof for proof in proven if (proof.kind, proof.rule) not in reported)
    findings = sorted((*parsed.findings, *news), key=lambda finding: finding.at)
    return ProofReport(parsed.ruleset, tuple(findings), seconds)


def refused(message: str) -> Finding:
    """The finding of a file that the engine does not take."""
    return Finding(Severity.ERROR, Flaw.TEST_FAILED, Place(1, 1), message, hint="split its largest rules and try again")


def _compiled(ruleset: Ruleset) -> Compiled | Finding:
    try:
        compiled = Compiled(ruleset)
        compiled.build_all()
    except TooManyAlternatives as error:
        return Finding(Severity.ERROR, Flaw.SYNTAX, error.at, str(error))
    except (TooManyConditions, EngineFault) as error:
        return refused(str(error))
    return compiled


def _tested(compiled: Compiled) -> Iterator[Finding]:
    try:
        tested = rule_tests.run(compiled)
    except EngineFault as error:
        yield refused(str(error))
        return
    yield from tested.findings or rule_tests.untested(compiled.ruleset, tested)
