"""Compiling a rule file and running its own tests in a process of its own, which may crash or hang instead of ours.

`check` starts `python -m service.decide.canary`, gives it the file on its standard input and reads findings as JSON.
The C library holds Python's lock while it works, so a hang inside it could not be ended from within.
"""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from typing import BinaryIO

from service import exact_json
from service.decide import language, report, rule_tests
from service.decide.cells import TooManyAlternatives
from service.decide.chunks import TooManyConditions
from service.decide.decision import Compiled, EngineFault
from service.decide.findings import Finding, Kind, Severity
from service.decide.ruleset import Place
from service.errors import Unavailable

TIME_LIMIT = 50.0
"""Seconds that a file may take; one of 20,000 rules needs a few."""

_CHILD_ENVIRONMENT = ("PATH", "LANG", "LC_ALL", "SYSTEMROOT")


class CanaryFailed(Unavailable):
    """The canary process could not be started or ended in a way that says nothing about the file."""


def check(source: str | bytes, time_limit: float = TIME_LIMIT) -> tuple[Finding, ...]:
    """What compiling the file and running its tests finds; a crash or a hang is a finding too.

    Raises `CanaryFailed` when the process says neither yes nor no.
    """
    given = source.encode() if isinstance(source, str) else source
    try:
        child = subprocess.run(  # noqa: S603  (our own interpreter and module)
            [sys.executable, "-m", __name__],
            input=given,
            capture_output=True,
            timeout=time_limit,
            env=_environment(),
            check=False,
        )
    except subprocess.TimeoutExpired:
        return (_refused(f"the rule engine takes more than {time_limit:g} s to compile and test this file"),)
    except OSError as error:
        raise CanaryFailed(f"the process that tries a rule file first cannot be started ({error})") from error
    if child.returncode < 0:
        name = signal.Signals(-child.returncode).name
        return (_refused(f"the rule engine crashes on this file ({name})"),)
    if child.returncode != 0:
        raise CanaryFailed(f"the process that tries a rule file first ended with {child.returncode}: try again")
    return _read(child.stdout)


def findings_of(source: bytes) -> tuple[Finding, ...]:
    """What `check` answers, found in this very process."""
    ruleset = language.parse(source).ruleset
    if ruleset is None:
        return ()
    try:
        compiled = Compiled(ruleset)
        compiled.build_all()
        tested = rule_tests.run(compiled)
        return tested.findings or rule_tests.untested(ruleset, tested)
    except TooManyAlternatives as error:
        return (Finding(Severity.ERROR, Kind.SYNTAX, error.at, str(error)),)
    except (TooManyConditions, EngineFault) as error:
        return (_refused(str(error)),)


def main(source: BinaryIO, answer: BinaryIO) -> None:
    """The child's work."""
    findings = [report.finding_as_json(finding) for finding in findings_of(source.read())]
    answer.write(exact_json.dumps(findings).encode())


def _environment() -> Mapping[str, str]:
    """No secrets; and the modules that this process sees, wherever it was started."""
    kept = {name: os.environ[name] for name in _CHILD_ENVIRONMENT if name in os.environ}
    return {**kept, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path), "PYTHONUTF8": "1"}


def _refused(message: str) -> Finding:
    return Finding(Severity.ERROR, Kind.TEST_FAILED, Place(1, 1), message, hint="split its largest rules and try again")


def _read(answer: bytes) -> tuple[Finding, ...]:
    documents = exact_json.loads(answer)
    if not isinstance(documents, list):
        raise CanaryFailed("the process that tries a rule file first answered no list of findings: try again")
    return tuple(_finding(document) for document in documents)


def _finding(document: Mapping[str, object]) -> Finding:
    match document:
        case {
            "severity": str(severity),
            "kind": str(kind),
            "message": str(message),
            "line": int(line),
            "column": int(column),
        }:
            rule, hint, example = document.get("rule"), document.get("hint"), document.get("example")
            return Finding(
                Severity(severity),
                Kind(kind),
                Place(line, column),
                message,
                rule if isinstance(rule, str) else None,
                hint if isinstance(hint, str) else None,
                example if isinstance(example, dict) else None,
            )
        case _:
            raise CanaryFailed("the process that tries a rule file first answered no finding: try again")


if __name__ == "__main__":
    gc.disable()  # what a process of a few seconds makes it needs to its end
    main(sys.stdin.buffer, sys.stdout.buffer)
