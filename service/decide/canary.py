"""Reading, proving and testing a rule file in a process of its own, which may crash or hang instead of ours.

`check` starts `python -m service.decide.canary`, gives it the file on its standard input and reads what it found as
JSON: the process that asks parses no content of a file. The C library holds Python's lock while it works, and so
does a regular expression, so a hang inside them could not be ended from within.

What ends the process decides what its end says. A crash of the engine, or a limit that we set, is the file's fault: a
finding. Anything else (a signal from outside, the machine's own memory, a machine that is too busy) says nothing about
the file: `CanaryFailed`, try again.
"""

from __future__ import annotations

import gc
import logging
import os
import resource
import signal
import subprocess
import sys
import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from service.core import Unavailable, exact_json
from service.decide import language, proofs, report
from service.decide.findings import Finding, Flaw, Severity
from service.decide.proofs import ProofReport
from service.decide.ruleset import Place

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Limits:
    """What a file may take; one of 20,000 rows in 4 MiB needs 9 s and 400 MB, compared with another."""

    cpu: int = 50
    """Seconds of processor time: a busy machine is no fault of a file."""
    memory: int = 1 << 30
    """Bytes of address space."""
    wait: float = 120.0
    """Seconds after which the machine, not the file, is taken to be too slow."""


@dataclass(frozen=True, slots=True)
class RulesetHeader:
    """How a rule file names and describes its ruleset."""

    name: str
    description: str


@dataclass(frozen=True, slots=True)
class TrialResult:
    """What a trial found. `declared` is None if the file does not parse.

    `changes` is what the file decides otherwise than the one it was compared with, as JSON; None without one. `seconds`
    of the processor are needed to read and compile it again. `limit` is what it needs more of than a file may have.
    """

    declared: RulesetHeader | None
    findings: tuple[Finding, ...]
    changes: Mapping[str, object] | None = None
    seconds: float = 0.0
    limit: str | None = None


LIMITS = Limits()

_CRASHES = frozenset({signal.SIGSEGV, signal.SIGFPE, signal.SIGABRT, signal.SIGILL})
"""Signals that a fault of the engine's own code raises; others come from outside (SIGBUS: of a disk or a file)."""

_OUT_OF_MEMORY = 77
"""How the process ends when it met `Limits.memory`."""

_CHILD_ENVIRONMENT = ("PATH", "LANG", "LC_ALL", "SYSTEMROOT")
_CHILD_SETTINGS = {"PYTHONUTF8": "1", "OPENBLAS_NUM_THREADS": "1"}
"""Numpy would begin a thread for each processor, which a process of a moment has no use for."""


class CanaryFailed(Unavailable):
    """The canary process could not be started or ended in a way that says nothing about the file."""


def check(source: str | bytes, against: str | None = None, limits: Limits | None = None) -> TrialResult:
    """What there is to say about a file, a crash or a limit that is met too; and what differs from another file.

    Raises `CanaryFailed` when the process says neither yes nor no.
    """
    limits = limits or LIMITS
    given = source.encode(errors="surrogatepass") if isinstance(source, str) else source
    compared = b"" if against is None else against.encode()
    try:
        child = subprocess.run(  # noqa: S603  (our own interpreter and module)
            [sys.executable, "-m", __name__, str(limits.cpu), str(limits.memory), str(len(given))],
            input=given + compared,
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
    return _read(child.stdout) if child.returncode == 0 else _ended(child.returncode, limits)


def _ended(ended: int, limits: Limits) -> TrialResult:
    """What the end of the process says about the file; `CanaryFailed` if it says nothing."""
    limit = None
    if ended == -signal.SIGXCPU:
        limit = f"{limits.cpu} s of processor time"
    if ended == _OUT_OF_MEMORY:
        limit = f"{_size(limits.memory)} of memory"
    if limit is not None:
        message = f"to read, compile and test this file takes more than {limit}"
        return TrialResult(None, (proofs.refused(message),), limit=limit)
    if -ended in _CRASHES:
        return TrialResult(None, (proofs.refused(f"the rule engine crashes on this file ({signal_name(-ended)})"),))
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


def main(given: BinaryIO, answer: BinaryIO, size: int) -> None:
    """The child's work: `size` bytes are the file, the rest is the one to compare it with."""
    source, against = given.read(size), given.read()
    try:
        document = _document(proofs.prove(source), against)
    except MemoryError:
        raise
    except Exception as error:  # noqa: BLE001  (a fault of ours: the caller is told where it is)
        document = {"fault": f"{type(error).__name__} at {_place(error)}"}
    answer.write(exact_json.dumps(document).encode())


def _document(proven: ProofReport, against: bytes) -> Mapping[str, object]:
    return {
        "declared": _declared(proven),
        "findings": [report.finding_as_json(finding) for finding in proven.findings],
        "changes": _changes(proven, against),
        "microseconds": round(proven.seconds * 1_000_000),
    }


def _place(error: Exception) -> str:
    """Where an error was raised: never what it says, which may quote the file."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    return f"{Path(last.filename).name}, line {last.lineno}"


def _declared(proven: ProofReport) -> Mapping[str, object] | None:
    ruleset = proven.ruleset
    return None if ruleset is None else {"name": ruleset.name, "description": ruleset.description}


def _changes(proven: ProofReport, against: bytes) -> Mapping[str, object] | None:
    """What the file decides otherwise than a version of the same ruleset."""
    old = language.parse(against).ruleset if against and proven.ruleset else None
    if old is None or proven.ruleset is None or old.name != proven.ruleset.name:
        return None
    from service.decide.diff import diff_rulesets  # numpy, as in `proofs`

    return diff_rulesets(old, proven.ruleset).as_json()


def _environment() -> Mapping[str, str]:
    """No secrets; and the modules that this process sees, wherever it was started."""
    kept = {name: os.environ[name] for name in _CHILD_ENVIRONMENT if name in os.environ}
    return {**kept, **_CHILD_SETTINGS, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}


def _read(answer: bytes) -> TrialResult:
    match exact_json.stored(answer.decode()):
        case {"declared": declared, "findings": list(found), "changes": changes, "microseconds": int(microseconds)}:
            return TrialResult(
                RulesetHeader(str(declared["name"]), str(declared["description"])) if declared else None,
                tuple(map(_finding, found)),
                changes,
                microseconds / 1_000_000,
            )
        case {"fault": str(fault)}:
            logger.error("A rule file cannot be tried because of a fault of Tocsin: %s", fault)
            message = f"Tocsin fails on this file ({fault}), which is a fault of its own: please report it"
            return TrialResult(None, (proofs.refused(message),))
        case _:
            raise CanaryFailed("the process that tries a rule file first answered no findings: try again")


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
                Flaw(kind),
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
        main(sys.stdin.buffer, sys.stdout.buffer, int(sys.argv[3]))
    except MemoryError:
        os._exit(_OUT_OF_MEMORY)  # at once: there may be no room for anything else
