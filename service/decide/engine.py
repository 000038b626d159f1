"""durable_rules as the inference engine: a RETE network that sees only cell numbers (docs/adr/0002).

The C library is exact and memory-clean inside a narrow corridor and crashes, hangs or answers wrongly outside it. So:
integers 0..N are all it sees; `==`, `$gte` and `$lte` on one flattened fact are all it is asked (a set of cells that is
no interval becomes a property of its own, 0 or 1); one constant session; one fact, asserted and retracted; one lock;
primed, because deleting a session in which no action ever ran frees what was never set; no background threads, and the
actions are read off by this module (the library's own loop swallows their exceptions); chunks far below its limits
(64 matches of one fact, 252 properties, 511 conditions side by side). Rulesets are freed with their host.
"""

from __future__ import annotations

import os
import threading
import weakref
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from itertools import accumulate, takewhile

import durable_rules_engine as rete

from service.core import Unavailable
from service.decide.branches import Branches
from service.decide.cells import Signature
from service.decide.chunks import FACT_ID, FIRST_FACT, FIRST_RULE, SESSION, Chunk, Chunks

MAX_LIVE_RULES = 8_000
"""Branches whose networks are in memory at once: the library takes 20 to 25 KB for each.

More than any YAML file has rules. In a decision table of more rows most chunks share a network; if too few do, a
request usually needs the few chunks that hold its keys, and the others make room.
"""

_HANDLED, _NOT_HANDLED = 0, 1


class EngineFault(Unavailable):
    """The inference engine failed or behaved as it never should. It has been rebuilt: ask again."""


class EngineDisagreement(EngineFault):
    """The engine and the matcher name different rules: neither is believed and nothing is answered."""


class Engine:
    """Answers which rules fire on a signature. Safe for threads and across `fork`; frees its memory with itself."""

    def __init__(self, branches: Branches) -> None:
        self._chunks = Chunks(branches)
        self._lock = threading.Lock()
        self._host: _Host | None = _Host(self._chunks)
        _engines.add(self)

    def fired(self, signature: Signature) -> tuple[int, ...]:
        """The numbers of the rules that fire, in file order, each once; raises `EngineFault`."""
        with self._lock:
            host = self._host = self._host or _Host(self._chunks)
            try:
                return tuple(sorted(host.fired(signature)))
            except (rete.error, MemoryError, LookupError, ValueError, EngineFault) as error:
                self._drop(host)
                raise EngineFault(f"the rule engine failed and is rebuilt ({error}); ask again") from error

    def build_all(self) -> None:
        """Build every network at least once: what the library cannot take shows here; raises `EngineFault`."""
        with self._lock:
            host = self._host = self._host or _Host(self._chunks)
            for number in range(len(self._chunks.chunks)):
                host.network(number)

    def rebuild(self) -> None:
        """Throw the network away; the next question builds it anew."""
        with self._lock:
            self._drop(self._host)

    def _drop(self, host: _Host | None) -> None:
        """Forget a network that cannot be trusted, without touching its memory again."""
        if host is not None:
            host.abandon()
        self._host = None

    def after_fork(self) -> None:
        """In a child process: leave the parent's network alone (another thread may have been inside it)."""
        self._lock = threading.Lock()
        self._drop(self._host)


_engines: weakref.WeakSet[Engine] = weakref.WeakSet()


def _after_fork() -> None:
    for engine in list(_engines):
        engine.after_fork()


os.register_at_fork(after_in_child=_after_fork)


class _Host:
    """The library's networks for the chunks of one ruleset version, as many at once as memory allows.

    Chunks with one definition share one network: in a table most differ only in which cells and rules their numbers
    stand for.
    """

    def __init__(self, chunks: Chunks) -> None:
        self._facts = chunks.facts
        self._chunks = chunks.chunks
        first: dict[str, int] = {}
        self._alike = [first.setdefault(chunk.definition, number) for number, chunk in enumerate(self._chunks)]
        self._distinct = len(first)
        self._live: OrderedDict[int, int] = OrderedDict()
        self._free = weakref.finalize(self, _free_all, self._live)
        self._free.atexit = False
        rules = accumulate(len(self._chunks[number].rules) for number in first.values())
        for number, _ in takewhile(lambda pair: pair[1] <= MAX_LIVE_RULES, zip(first.values(), rules, strict=True)):
            self.network(number)

    def fired(self, signature: Signature) -> set[int]:
        fired: set[int] = set()
        for number, fact in self._facts(signature):
            names = _ask(self.network(number), fact)
            if names:
                rules = self._chunks[number].rules
                fired.update([rules[name] for name in names])
        return fired

    def network(self, number: int) -> int:
        """The handle of a chunk's network, built if it is not there; the least recently asked ones make room."""
        number = self._alike[number]
        handle = self._live.get(number)
        if handle is None:
            self._make_room(len(self._chunks[number].rules))
            handle = _network(self._chunks[number])
            self._live[number] = handle
        elif len(self._live) < self._distinct:
            self._live.move_to_end(number)
        return handle

    def _make_room(self, rules: int) -> None:
        live = sum(len(self._chunks[number].rules) for number in self._live)
        while self._live and live + rules > MAX_LIVE_RULES:
            number, handle = self._live.popitem(last=False)
            live -= len(self._chunks[number].rules)
            _free(handle)

    def abandon(self) -> None:
        """Leak the networks rather than free them."""
        self._free.detach()


def _free_all(live: Mapping[int, int]) -> None:
    for handle in live.values():
        _free(handle)


def _free(handle: int) -> None:
    rete.delete_state(handle, SESSION)
    rete.delete_ruleset(handle)


def _network(chunk: Chunk) -> int:
    """A new network that has answered its first question; raises `EngineFault`."""
    try:
        handle: int = rete.create_ruleset("rules", chunk.definition)
        answered = _ask(handle, FIRST_FACT)
    except (rete.error, MemoryError) as error:
        raise EngineFault(f"the rule engine cannot be built ({error}); try again") from error
    if answered != [FIRST_RULE]:
        raise EngineFault("the rule engine does not answer its first question; try again")
    return handle


def _ask(handle: int, fact: str) -> list[str]:
    """The names of the rules that the fact fires, and the fact forgotten again."""
    answer: tuple[int, int] = rete.assert_fact(handle, fact)
    code, state = answer
    if code == _NOT_HANDLED:
        return []
    if code != _HANDLED:
        raise EngineFault(f"it took the fact for one it knows (code {code})")
    names = list(_actions(handle, state))
    rete.retract_fact(handle, FACT_ID)
    return names


def _actions(handle: int, state: int) -> Iterator[str]:
    """The rules whose actions are pending: each message reads `{"name":{...}}`."""
    first: tuple[str, str] | None = rete.start_action_for_state(handle, state)
    if first is None:
        raise EngineFault("it matched a rule but names none")
    message: str | None = first[1]
    while message is not None:
        yield message[2 : message.index('"', 2)]
        message = rete.complete_and_start_action(handle, state)
