"""`Idempotency-Key`: a creating call that is repeated is carried out once and answered alike.

A record per app and key lives in the store. It is taken by an insert or a compare-and-set, never by a lock: whoever
loses looks again. An attempt that dies keeps the record for `LEASE`; whoever then repeats the request gets the same
`resource_id`, so that the flow behind it recognises what the dead attempt had already made.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import sha256
from http import HTTPStatus
from math import ceil

from flask import Response
from msgspec import structs

from service.core import Clock, from_state, ids, to_state
from service.http import request_ids
from service.http.catalogue import ProblemType
from service.http.problems import Problem
from service.storage import Conflict, Item, Store, StoreUnavailable, TooLarge

HEADER = "Idempotency-Key"
REPLAYED = "Idempotency-Replayed"
KEPT_FOR = timedelta(hours=24)
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


def attempt(app: str, key: str, parts: Sequence[bytes]) -> Attempt:
    """The attempt that this key stands for, or 400 if the key is malformed."""
    if not SHAPE.fullmatch(key):
        raise Problem(ProblemType.BAD_REQUEST, f"{HEADER} must be 1 to 255 visible ASCII characters, without spaces.")
    digest = sha256()
    for part in parts:
        digest.update(len(part).to_bytes(8, "big") + part)
    return Attempt(app, key, digest.hexdigest())


@dataclass(frozen=True, slots=True)
class StoredAnswer:
    """The first answer to a call, which its repetitions get too."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: str


@dataclass(frozen=True, slots=True)
class AttemptRecord:
    """An attempt: until when it is leased, and how it was answered."""

    fingerprint: str
    resource_id: str
    until: datetime
    answer: StoredAnswer | None = None


@dataclass(frozen=True, slots=True)
class TakenAttempt:
    """A record that is ours to answer."""

    item: Item
    record: AttemptRecord


class Idempotency:
    """The records of creating calls."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def once(self, attempt: Attempt, respond: Callable[[str], Response]) -> Response:
        """The first answer of this attempt, replayed if it was given before.

        `respond` is called with the resource id. Answers of 2xx are kept for `KEPT_FOR`; a 4xx frees the key; anything
        else frees it too but keeps the resource id, since something may have been made. 409 while another one is in
        progress, 422 if the key belongs to another request.
        """
        taken = self._take(attempt)
        if isinstance(taken, StoredAnswer):
            return _replay(taken)
        refused = False
        response: Response | None = None
        try:
            response = respond(taken.record.resource_id)
        except Problem as problem:
            refused = problem.type.status < HTTPStatus.INTERNAL_SERVER_ERROR
            raise
        finally:
            self._settle(taken, response, refused)
        return response

    def _take(self, attempt: Attempt) -> TakenAttempt | StoredAnswer:
        for _ in range(_TRIES):
            try:
                return self._look(attempt)
            except Conflict:
                continue  # somebody else moved the record between our read and our write: look again
        raise _in_progress(timedelta(seconds=1))

    def _look(self, attempt: Attempt) -> TakenAttempt | StoredAnswer:
        now = self._clock.now()
        item = self._store.get(_record_id(attempt))
        if item is None:
            new = Item(_record_id(attempt), "idempotency", {}, expires_at=now + KEPT_FOR)
            return self._save(new, AttemptRecord(attempt.fingerprint, ids.fresh(now), now + LEASE))
        record = from_state(AttemptRecord, item.state)
        if record.fingerprint != attempt.fingerprint:
            raise Problem(ProblemType.KEY_REUSED, f"This {HEADER} came with another path, query or body before.")
        if record.answer is not None:
            return record.answer
        if now < record.until:
            raise _in_progress(record.until - now)
        return self._save(item, replace(record, until=now + LEASE))

    def _settle(self, taken: TakenAttempt, response: Response | None, refused: bool) -> None:
        """Keep the answer, or free the key; if the store does not take it, the lease frees it."""
        status = HTTPStatus.INTERNAL_SERVER_ERROR if response is None else response.status_code
        try:
            if response is not None and status < HTTPStatus.MULTIPLE_CHOICES:
                self._save(taken.item, replace(taken.record, answer=_kept(response)))
            elif refused or status < HTTPStatus.INTERNAL_SERVER_ERROR:
                self._store.remove(taken.item)
            else:
                self._save(taken.item, replace(taken.record, until=self._clock.now()))
        except (Conflict, StoreUnavailable, TooLarge) as error:
            logger.warning("The answer of a request with an Idempotency-Key could not be kept: %s", error)

    def _save(self, item: Item, record: AttemptRecord) -> TakenAttempt:
        return TakenAttempt(self._store.save(structs.replace(item, state=to_state(record))), record)


def _record_id(attempt: Attempt) -> str:
    name = sha256(f"{attempt.app}\0{attempt.key}".encode()).hexdigest()
    return f"idempotency-{name}"


def _kept(response: Response) -> StoredAnswer:
    headers = [(name, value) for name, value in response.headers if name != "Content-Length"]
    if (request_id := request_ids.adopted()) is not None:
        headers.append((request_ids.HEADER, request_id))
    return StoredAnswer(response.status_code, tuple(headers), response.get_data(as_text=True))


def _replay(answer: StoredAnswer) -> Response:
    response = Response(answer.body, answer.status)
    response.headers.clear()
    response.headers.extend([*answer.headers, (REPLAYED, "true")])
    return response


def _in_progress(left: timedelta) -> Problem:
    detail = f"A request with this {HEADER} is being answered right now."
    seconds = str(max(1, ceil(left.total_seconds())))
    return Problem(ProblemType.IN_PROGRESS, detail, headers={"Retry-After": seconds})
