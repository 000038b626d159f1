"""Compiling a rule file and running its own tests in a process of its own, which may crash or hang instead of ours.

`check` starts `python -m service.decide.canary`, gives it the file on its standard input and reads findings as JSON.
The C library holds Python's lock while it works, so a hang inside it could not be ended from within.

What ends the process decides what its end says. A crash of the engine, or a limit that we set, is the file's fault: a
finding. Anything else (a signal from outside, the machine's own memory, a machine that is too busy) says nothing about
the file: `CanaryFailed`, try again.
"""

from __future__ import annotations

import gc
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import BinaryIO

from service import exact_json
from service.decide import language, report, rule_tests
from service.decide.cells import TooManyAlternatives
from service.decide.chunks import TooManyConditions
from service.decide.decision import Compiled, EngineFault
from service.decide.findings import Finding, Kind, Severity
from service.decide.ruleset import Place
from service.errors import Unavailable


@dataclass(frozen=True, slots=True)
class Limits:
    """What a file may take; one of 20,000 rows needs 3 s and 320 MB."""

    cpu: int = 50
    """Seconds of processor time: a busy machine is no fault of a file."""
    memory: int = 1 << 30
    """Bytes of address space."""
    wait: float = 120.0
    """Seconds after which the machine, not the file, is taken to be too slow."""


LIMITS = Limits()

_CRASHES = frozenset({signal.SIGSEGV, signal.SIGFPE, signal.SIGABRT, signal.SIGILL})
"""Signals that a fault of the engine's own code raises; others come from outside (SIGBUS: of a disk or a file)."""

_OUT_OF_MEMORY = 77
"""How the process ends when it met `Limits.memory`."""

_CHILD_ENVIRONMENT = ("PATH", "LANG", "LC_ALL", "SYSTEMROOT")


class CanaryFailed(Unavailable):
    """The canary process could not be started or ended in a way that says nothing about the file."""


def check(source: str | bytes, limits: Limits = LIMITS) -> tuple[Finding, ...]:
    """What compiling the file and running its tests finds; a crash, or a limit that is met, is a finding too.

    Raises `CanaryFailed` when the process says neither yes nor no.
    """
    given = source.encode() if isinstance(source, str) else source
    try:
        child = subprocess.run(  # noqa: S603  (our own interpreter and module)
            [sys.executable, "-m", __name__, str(limits.cpu), str(limits.memory)],
            input=given,
            capture_output=True,
            timeout=limits.wait,
            env=_environment(),
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        message = f"the trial was not over after {limits.wait:g} s, the machine is too busy: try again"
        raise CanaryFailed(message) from error
    except OSError as error:
        raise CanaryFailed(f"the process that tries a rule file first cannot be started ({error})") from error
    if child.returncode == 0:
        return _read(child.stdout)
    return (_refused(_fault_of_the_file(child.returncode, limits)),)


def _fault_of_the_file(ended: int, limits: Limits) -> str:
    """What the end of the process says about the file; `CanaryFailed` if it says nothing."""
    if ended == -signal.SIGXCPU:
        return f"to compile and test this file takes more than {limits.cpu} s of processor time"
    if ended == _OUT_OF_MEMORY:
        return f"to compile and test this file takes more than {_size(limits.memory)} of memory"
    if -ended in _CRASHES:
        return f"the rule engine crashes on this file ({signal_name(-ended)})"
    if ended < 0:
        message = (
            f"the trial was ended from outside ({signal_name(-ended)}), which says nothing about the file: try again"
        )
        raise CanaryFailed(message)
    raise CanaryFailed(f"the process that tries a rule file first ended with {ended}: try again")


def signal_name(number: int) -> str:
    """`SIGTERM`; `signal 40` for one without a name."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _size(memory: int) -> str:
    return f"{memory >> 30} GiB" if memory >= 1 << 30 else f"{memory >> 20} MiB"


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


def keep_to(limits: Limits) -> None:
    """Let the kernel hold this process to its limits, or to lower ones that it has already."""
    for what, limit in ((resource.RLIMIT_CPU, limits.cpu), (resource.RLIMIT_AS, limits.memory)):
        _, hard = resource.getrlimit(what)
        resource.setrlimit(what, (limit if hard == resource.RLIM_INFINITY else min(limit, hard), hard))


if __name__ == "__main__":
    gc.disable()  # what a process of a few seconds makes it needs to its end
    keep_to(Limits(int(sys.argv[1]), int(sys.argv[2])))
    try:
        main(sys.stdin.buffer, sys.stdout.buffer)
    except MemoryError:
        os._exit(_OUT_OF_MEMORY)  # at once: there may be no room for anything else
