"""Calls to DynamoDB and SQS: one client for each process, patience with what passes, words for what does not.

The SDK's own retries are off, so that there is one place that retries and it knows when an earlier try may have
succeeded. https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.Errors.html
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar, cast

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError, ResponseStreamingError
from prometheus_client import Counter

from service.core import AwsErrorKind, aws_errors, deadline
from service.storage.aws_time import AwsTime, DateListener, listener_of
from service.storage.store import StoreUnavailable

if TYPE_CHECKING:
    from botocore.client import ClientMeta
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef

    Attributes = Mapping[str, AttributeValueTypeDef]

T = TypeVar("T")
A = TypeVar("A", bound=Mapping[str, object])

FAILED_TRIES = Counter(
    "tocsin_aws_failed_tries",
    "Tries of a call to DynamoDB or SQS that failed, by its error, and for a throttle why and on which table or index.",
    ("service", "error", "reason", "resource"),
)

TRIES = 8
FIRST_PAUSE_S = 0.05
LONGEST_PAUSE_S = 1.0

ANSWERED_WITHIN_S = 1.0
"""How long a try waits for its answer: DynamoDB takes milliseconds, so a second try is the better bet.
https://aws.amazon.com/blogs/database/tuning-aws-java-sdk-http-request-settings-for-latency-aware-amazon-dynamodb-applications/
"""

COMMITTED_WITHIN_S = 2.0
"""The same for transactions and batches, which touch up to 100 rows."""

QUIET_S = 1.0
"""How long a service that did not answer is left alone."""

PATIENCE_S = 10.0
"""How long work in the background goes on trying one call. A request has its own (`service.core.deadline`)."""

CONDITION_FAILED = "ConditionalCheckFailed"

_PASSING = frozenset({AwsErrorKind.THROTTLED, AwsErrorKind.FAILED, AwsErrorKind.UNREACHED, AwsErrorKind.IN_DOUBT})
"""What the same call may get past."""

_ADVICE = {
    "ResourceNotFoundException": "a table is missing: run `tocsin aws init`",
    "NonExistentQueue": "a queue is missing: run `tocsin aws init`",
    "QueueDoesNotExist": "a queue is missing: run `tocsin aws init`",
    "AccessDeniedException": "these credentials may not use it: check the role's policy (`tocsin doctor`)",
    "UnrecognizedClientException": "it does not know these credentials: check AWS_ACCESS_KEY_ID or the role",
    "ExpiredTokenException": "the credentials have expired: renew them",
}

USER_AGENT = f"tocsin Boto3/{boto3.__version__}"
"""Who calls, said once: botocore puts its own together anew for each request, which takes a tenth of a call's time."""

CONNECTIONS = 64
"""Pooled connections of a client, where nobody says how many threads use it."""

CONFIG = Config(
    user_agent=USER_AGENT,
    connect_timeout=1,
    read_timeout=ANSWERED_WITHIN_S,
    max_pool_connections=CONNECTIONS,
    parameter_validation=False,  # a tenth of a call's time; types check our requests, and AWS checks them again
    retries={"mode": "standard", "total_max_attempts": 1},
)
"""How clients are to be made: with timeouts, a connection for each thread, and no retries of their own."""


def config(within: float, connections: int) -> Config:
    """The same for calls whose answers take longer, or where another number of threads makes them."""
    return CONFIG.merge(Config(read_timeout=within, max_pool_connections=connections))


class Closing(Protocol):
    """A boto3 client."""

    @property
    def meta(self) -> ClientMeta: ...

    def close(self) -> None: ...


C = TypeVar("C", bound=Closing)


@dataclass(frozen=True, slots=True)
class RejectedWrite:
    """One write whose condition did not hold; `stored` is what is there instead, if anything."""

    position: int
    stored: Attributes | None


class ConditionFailed(Exception):
    """A conditional write was not made: `failures` name the writes whose conditions did not hold.

    `uncertain`: an earlier try of the same call was not answered, so that it may itself be what stands in the way.
    """

    def __init__(self, failures: Sequence[RejectedWrite], uncertain: bool) -> None:
        super().__init__("a condition did not hold")
        self.failures = failures
        self.uncertain = uncertain


class AwsCalls(Generic[C]):
    """Makes calls, trying again after a jittered pause; `StoreUnavailable` when that does not help.

    A request waits no longer than its deadline allows, anybody else no longer than `PATIENCE_S`. A service that did not
    answer is then left alone for moments (`quiet`), in which requests are refused at once.
    """

    def __init__(
        self,
        service: str,
        connect: Callable[[], C],
        pause: Callable[[float], None],
        chance: Callable[[], float],
        tries: int = TRIES,
        *,
        answered_within: float = ANSWERED_WITHIN_S,
        quiet: QuietPeriod | None = None,
        server_time: AwsTime | None = None,
        elapsed: Callable[[], float] = time.monotonic,
    ) -> None:
        self._service = service
        self._connect = connect
        self._pause = pause
        self._chance = chance
        self._tries = tries
        self._answered_within = answered_within
        self._quiet = quiet or QuietPeriod(elapsed)
        self._elapsed = elapsed
        self._time = server_time
        self._client: tuple[int, C] | None = None
        self._listener: DateListener | None = None

    def __call__(self, call: Callable[[C], T]) -> T:
        """The answer of `call`; `ConditionFailed` if a condition did not hold."""
        uncertain, last, tries, ends_at = False, None, 0, self._elapsed() + PATIENCE_S
        while tries < self._tries and self._may_ask(ends_at):
            tries += 1
            try:
                answer = call(self._here())
            except aws_errors.AWS_RAISED as error:
                if isinstance(error, ClientError) and (failures := _failures(error)):
                    self._quiet.answered()
                    raise ConditionFailed(failures, uncertain) from error
                self._count(error)
                if not _passes(error):
                    self._note(error)
                    raise self._unavailable(error) from error
                uncertain, last = uncertain or _may_be_done(error), error
                if self._time_left(ends_at) < self._answered_within:
                    break
                self.pause(tries - 1)
            else:
                self._quiet.answered()
                return answer
            finally:
                if self._time is not None and self._listener is not None:
                    self._time.update(self._listener.last)
        if last is not None:
            self._note(last)
        raise self._given_up(tries, last) from last

    def _may_ask(self, ends_at: float) -> bool:
        """Whether the service may be asked now. While it is left alone, a request is told no and others wait for it."""
        if (wait := self._quiet.wait()) <= 0:
            return True
        if deadline.left() is not None or self._time_left(ends_at) < wait:
            return False
        self._pause(wait)
        return True

    def _time_left(self, ends_at: float) -> float:
        left = deadline.left()
        return ends_at - self._elapsed() if left is None else left

    def _note(self, error: Exception) -> None:
        """Leave the service alone for a moment if it did not answer, or if nobody said in time as whom to ask it."""
        if isinstance(error, aws_errors.TIMED_OUT):
            self._quiet.begin()

    def _count(self, error: Exception) -> None:
        FAILED_TRIES.labels(self._service, aws_errors.short(error), *aws_errors.throttled_by(error)).inc()

    def _given_up(self, tries: int, last: Exception | None) -> StoreUnavailable:
        if last is None:
            return StoreUnavailable(f"{self._service} did not answer a moment ago and is left alone for a second")
        return StoreUnavailable(f"{self._service} did not serve a call in {tries} tries: {_said(last)}")

    def _unavailable(self, error: Exception) -> StoreUnavailable:
        if not isinstance(error, ClientError):
            return StoreUnavailable(f"{self._service} cannot be called: {error} (see `tocsin doctor`)")
        name = aws_errors.aws_error_code(error)
        advice = _ADVICE.get(name, error.response["Error"].get("Message", ""))
        return StoreUnavailable(f"{self._service} refused a call ({name}): {advice}")

    def pause(self, attempt: int) -> None:
        """Wait before the next try, longer each time, never as long as the others that failed at the same moment."""
        self._pause(self._chance() * min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2**attempt))

    def close(self) -> None:
        """Let go of the connections; the next call makes new ones."""
        if self._client is not None:
            self._client[1].close()
            self._client = None

    def _here(self) -> C:
        """This process's client: sockets must not be shared with the process that forked it."""
        if self._client is None or self._client[0] != os.getpid():
            client = self._connect()
            self._listener = listener_of(client.meta.events) if self._time is not None else None
            self._client = (os.getpid(), client)
        return self._client[1]


def checked_whole(answer: A, *members: str) -> A:
    """The answer, if it holds what every whole one does: one of these at least.

    botocore makes an empty success of a 200 answer that was cut off, or that is some proxy's page. As a read it would
    mean "no such row", and as a write "done": so each call asks for something to be told, and one that was told
    nothing is made again.
    """
    if not any(member in answer for member in members):
        raise ResponseStreamingError(error="the answer was cut off")
    return answer


class QuietPeriod:
    """Leaves a service alone that did not answer: for a second nobody asks, then one call finds out for all.

    Of one process, shared by its threads; every answer ends it, a refusal too.
    """

    def __init__(self, elapsed: Callable[[], float] = time.monotonic) -> None:
        self._elapsed = elapsed
        self._lock = threading.Lock()
        self._until: float | None = None

    def wait(self) -> float:
        """The seconds until the service may be asked; nothing for whoever may ask now."""
        with self._lock:
            until, now = self._until, self._elapsed()
            if until is None:
                return 0.0
            if now < until:
                return until - now
            self._until = now + QUIET_S + ANSWERED_WITHIN_S  # this one asks; the others hear what becomes of it
            return 0.0

    def begin(self) -> None:
        """Nobody asks for a second."""
        with self._lock:
            self._until = self._elapsed() + QUIET_S

    def answered(self) -> None:
        """The service answers."""
        self._until = None


def _failures(error: ClientError) -> Sequence[RejectedWrite]:
    response = cast("Mapping[str, object]", error.response)
    if aws_errors.aws_error_code(error) == "ConditionalCheckFailedException":
        return [RejectedWrite(0, cast("Attributes | None", response.get("Item")))]
    return [
        RejectedWrite(position, cast("Attributes | None", reason.get("Item")))
        for position, reason in enumerate(_reasons(error))
        if reason.get("Code") == CONDITION_FAILED
    ]


def _passes(error: Exception) -> bool:
    if isinstance(error, ClientError) and aws_errors.aws_error_code(error) == "TransactionCanceledException":
        return any(aws_errors.aws_kind_of_code(str(reason.get("Code"))) in _PASSING for reason in _told(error))
    return aws_errors.aws_error_kind(error) in _PASSING


def _may_be_done(error: Exception) -> bool:
    """Whether the call that met this may have been carried out all the same."""
    return not isinstance(error, ClientError) or aws_errors.status(error) >= 500


def _reasons(error: ClientError) -> Sequence[Mapping[str, object]]:
    return cast("Sequence[Mapping[str, object]]", error.response.get("CancellationReasons", ()))


def _told(error: ClientError) -> Sequence[Mapping[str, object]]:
    """Why a transaction was cancelled, without the writes that had no part in it."""
    return [reason for reason in _reasons(error) if reason.get("Code") not in (None, "None")]


def _said(error: Exception) -> str:
    """An error with why and where DynamoDB throttles, if it says so."""
    reason, resource = aws_errors.throttled_by(error)
    return aws_errors.short(error) + (f" ({reason} of {resource})" if reason else "")
