"""`Idempotency-Key`: a creating call that is repeated is carried out once and answered alike.

A record per app and key lives in the store. It is taken by an insert or a compare-and-set, never by a lock: whoever
loses looks again. An attempt that dies keeps the record for `LEASE`; whoever then repeats the request gets the same
`resource_id`, so that the flow behind it recognises what the dead attempt had already made.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import sha256

from flask import Response

from service import ids
from service.clock import Clock, parse_timestamp, timestamp
from service.http.catalogue import ProblemType
from service.http.problems import Problem
from service.storage import Conflict, Item, Store, StoreUnavailable, TooLarge

HEADER = "Idempotency-Key"
REPLAYED = "Idempotency-Replayed"
KEPT = timedelta(hours=24)
LEASE = timedelta(seconds=60)
"""How long a request may be in progress before its record is free to be taken over."""

SHAPE = re.compile(r"[\x21-\x7e]{1,255}")
_TRIES = 10

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Attempt:
    """What identifies a repeated request: the app, its key, and the digest of all that the request says."""

    app: str
    key: str
    fingerprint: str


def attempt(app: str, key: str, said: Sequence[bytes]) -> Attempt:
    """The attempt that this key stands for, or 400 if the key is malformed."""
    if not SHAPE.fullmatch(key):
        raise Problem(ProblemType.BAD_REQUEST, f"{HEADER} must be 1 to 255 visible ASCII characters, without spaces.")
    digest = sha256()
    for part in said:
        digest.update(len(part).to_bytes(8, "big") + part)
    return Attempt(app, key, digest.hexdigest())


class Idempotency:
    """The records of creating calls."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def once(self, attempt: Attempt, respond: Callable[[str], Response]) -> Response:
        """The first answer of this attempt, replayed if it was given before.

        `respond` is called with the resource id. Answers of 2xx are kept for `KEPT`; a 4xx frees the key; anything else
        frees it too but keeps the resource id, since something may have been made. 409 while another one is in
        progress, 422 if the key belongs to another request.
        """
        taken = self._take(attempt)
        if isinstance(taken, Response):
            return taken
        refused = False
        response: Response | None = None
        try:
            response = respond(str(taken.state["resource_id"]))
        except Problem as problem:
            refused = problem.type.status < 500
            raise
        finally:
            self._settle(taken, response, refused)
        return response

    def _take(self, attempt: Attempt) -> Item | Response:
        for _ in range(_TRIES):
            now = self._clock.now()
            found = self._store.get(_record_id(attempt))
            try:
                if found is None:
                    return self._add(attempt, now)
                if found.state["fingerprint"] != attempt.fingerprint:
                    raise _other_request()
                if found.state["answer"] is not None:
                    return _replay(found)
                return self._take_over(found, now)
            except Conflict:
                continue  # somebody else moved the record between our read and our write: look again
        raise _in_progress(timedelta(seconds=1))

    def _add(self, attempt: Attempt, now: datetime) -> Item:
        state = {
            "fingerprint": attempt.fingerprint,
            "resource_id": ids.fresh(now),
            "until": timestamp(now + LEASE),
            "answer": None,
        }
        record = Item(_record_id(attempt), "idempotency", state, expires_at=now + KEPT)
        return self._store.save(record)

    def _take_over(self, found: Item, now: datetime) -> Item:
        until = parse_timestamp(str(found.state["until"]))
        if now < until:
            raise _in_progress(until - now)
        return self._store.save(_changed(found, until=timestamp(now + LEASE)))

    def _settle(self, record: Item, response: Response | None, refused: bool) -> None:
        """Keep the answer, or free the key; if the store does not take it, the lease frees it."""
        try:
            if response is not None and response.status_code < 300:
                self._store.save(_changed(record, answer=_kept(response)))
            elif refused or (response is not None and response.status_code < 500):
                self._store.remove(record)
            else:
                self._store.save(_changed(record, until=timestamp(self._clock.now())))
        except (Conflict, StoreUnavailable, TooLarge) as error:
            logger.warning("The answer of a request with an Idempotency-Key could not be kept: %s", error)


def _record_id(attempt: Attempt) -> str:
    name = sha256(f"{attempt.app}\0{attempt.key}".encode()).hexdigest()
    return f"idempotency-{name}"


def _changed(record: Item, **changes: object) -> Item:
    return replace(record, state={**record.state, **changes})


def _kept(response: Response) -> Mapping[str, object]:
    headers = [[name, value] for name, value in response.headers if name != "Content-Length"]
    return {"status": response.status_code, "headers": headers, "body": response.get_data(as_text=True)}


def _replay(record: Item) -> Response:
    answer = record.state["answer"]
    assert isinstance(answer, Mapping)
    response = Response(str(answer["body"]), int(answer["status"]))
    response.headers.clear()
    for name, value in answer["headers"]:
        response.headers[str(name)] = str(value)
    response.headers[REPLAYED] = "true"
    return response


def _other_request() -> Problem:
    detail = f"This {HEADER} was used for a request with another path, query or body."
    return Problem(ProblemType.KEY_REUSED, detail)


def _in_progress(left: timedelta) -> Problem:
    detail = f"A request with this {HEADER} is being answered right now."
    seconds = str(max(1, round(left.total_seconds())))
    return Problem(ProblemType.IN_PROGRESS, detail, headers={"Retry-After": seconds})
