"""Calls to DynamoDB and SQS: one client for each process, patience with what passes, words for what does not.

The SDK's own retries are off, so that there is one place that retries and it knows when an earlier try may have
succeeded. https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.Errors.html
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar, cast

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError, ResponseStreamingError
from botocore.exceptions import ConnectionError as NotConnected
from botocore.parsers import ResponseParserError
from prometheus_client import Counter

from service.storage import StoreUnavailable

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef

    Attributes = Mapping[str, AttributeValueTypeDef]

T = TypeVar("T")
A = TypeVar("A", bound=Mapping[str, object])

FAILED_TRIES = Counter(
    "tocsin_aws_failed_tries",
    "Tries of a call to DynamoDB or SQS that failed, by its error; most calls succeed in a later one.",
    ("service", "error"),
)

TRIES = 8
FIRST_PAUSE_S = 0.05
LONGEST_PAUSE_S = 1.0

CONDITION_FAILED = "ConditionalCheckFailed"

_PASSING = {
    "InternalServerError",
    "LimitExceededException",
    "OverLimit",
    "ProvisionedThroughputExceeded",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "RequestThrottled",
    "ServiceUnavailable",
    "ThrottlingError",
    "ThrottlingException",
    "TransactionConflict",
    "TransactionConflictException",
    "TransactionInProgressException",
}
"""Error and cancellation codes after which the same call may succeed."""

_ADVICE = {
    "ResourceNotFoundException": "a table is missing: run `tocsin aws init`",
    "NonExistentQueue": "a queue is missing: run `tocsin aws init`",
    "QueueDoesNotExist": "a queue is missing: run `tocsin aws init`",
    "AccessDeniedException": "these credentials may not use it: check the role's policy (`tocsin doctor`)",
    "UnrecognizedClientException": "it does not know these credentials: check AWS_ACCESS_KEY_ID or the role",
    "ExpiredTokenException": "the credentials have expired: renew them",
}

_SQS = "AWS.SimpleQueueService."
"""What error codes of SQS begin with, sometimes: its JSON answers carry those of its older XML ones along."""

_UNREADABLE = (ResponseParserError, UnicodeDecodeError)
"""Answers that are none; botocore lets what its parsers meet through as it is."""

USER_AGENT = f"tocsin Boto3/{boto3.__version__}"
"""Who calls, said once: botocore puts its own together anew for each request, which takes a tenth of a call's time."""

CONFIG = Config(
    user_agent=USER_AGENT,
    connect_timeout=2,
    read_timeout=5,
    max_pool_connections=64,
    parameter_validation=False,  # a tenth of a call's time; types check our requests, and AWS checks them again
    retries={"mode": "standard", "total_max_attempts": 1},
)
"""How clients are to be made: with timeouts, a connection for each thread, and no retries of their own."""


class Closing(Protocol):
    """A boto3 client."""

    def close(self) -> None: ...


C = TypeVar("C", bound=Closing)


@dataclass(frozen=True, slots=True)
class Failed:
    """One write whose condition did not hold; `stored` is what is there instead, if anything."""

    position: int
    stored: Attributes | None


class Refused(Exception):
    """A conditional write was not made: `failures` name the writes whose conditions did not hold.

    `uncertain`: an earlier try of the same call was not answered, so that it may itself be what stands in the way.
    """

    def __init__(self, failures: Sequence[Failed], uncertain: bool) -> None:
        super().__init__("a condition did not hold")
        self.failures = failures
        self.uncertain = uncertain


class Calls(Generic[C]):
    """Makes calls, trying again after a jittered pause; `StoreUnavailable` when that does not help."""

    def __init__(
        self,
        service: str,
        connect: Callable[[], C],
        pause: Callable[[float], None],
        chance: Callable[[], float],
        tries: int = TRIES,
    ) -> None:
        self._service = service
        self._connect = connect
        self._pause = pause
        self._chance = chance
        self._tries = tries
        self._client: tuple[int, C] | None = None

    def __call__(self, call: Callable[[C], T]) -> T:
        """The answer of `call`; `Refused` if a condition did not hold."""
        uncertain, last = False, Exception()
        for attempt in range(self._tries):
            try:
                return call(self._here())
            except ClientError as error:
                failures = _failures(error)
                if failures:
                    raise Refused(failures, uncertain) from error
                if not _passes(error):
                    FAILED_TRIES.labels(self._service, _short(error)).inc()
                    raise _unavailable(self._service, error) from error
                uncertain, last = uncertain or _status(error) >= 500, error
            except (NotConnected, HTTPClientError, *_UNREADABLE) as error:
                uncertain, last = True, error
            except BotoCoreError as error:
                raise StoreUnavailable(f"{self._service} cannot be called: {error} (see `tocsin doctor`)") from error
            FAILED_TRIES.labels(self._service, _short(last)).inc()
            self.pause(attempt)
        raise StoreUnavailable(f"{self._service} did not serve a call in {self._tries} tries: {_short(last)}") from last

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
            self._client = (os.getpid(), self._connect())
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


def _failures(error: ClientError) -> Sequence[Failed]:
    response = cast("Mapping[str, object]", error.response)
    if _code(error) == "ConditionalCheckFailedException":
        return [Failed(0, cast("Attributes | None", response.get("Item")))]
    reasons = _reasons(error)
    return [
        Failed(position, cast("Attributes | None", reason.get("Item")))
        for position, reason in enumerate(reasons)
        if reason.get("Code") == CONDITION_FAILED
    ]


def _passes(error: ClientError) -> bool:
    if _code(error) == "TransactionCanceledException":
        return any(reason.get("Code") in _PASSING for reason in _reasons(error))
    cut_off = _code(error) == str(_status(error))  # what botocore calls an error whose name did not arrive
    return _code(error) in _PASSING or _status(error) >= 500 or cut_off


def _reasons(error: ClientError) -> Sequence[Mapping[str, object]]:
    return cast("Sequence[Mapping[str, object]]", error.response.get("CancellationReasons", ()))


def _unavailable(service: str, error: ClientError) -> StoreUnavailable:
    code = _code(error)
    return StoreUnavailable(
        f"{service} refused a call ({code}): {_ADVICE.get(code, error.response['Error']['Message'])}"
    )


def _short(error: Exception) -> str:
    return _code(error) if isinstance(error, ClientError) else type(error).__name__


def _status(error: ClientError) -> int:
    return error.response["ResponseMetadata"]["HTTPStatusCode"]


def _code(error: ClientError) -> str:
    return error.response["Error"]["Code"].removeprefix(_SQS)
