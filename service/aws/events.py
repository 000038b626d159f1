"""Events for other systems, put on an EventBridge bus.

https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from service.aws.clients import Clients
from service.aws.limits import OverLimit, check_limits
from service.core import AwsErrorKind, aws_errors, exact_json
from service.work import Permanent, RetryLater, asked_wait

if TYPE_CHECKING:
    from mypy_boto3_events.type_defs import PutEventsRequestTypeDef, PutEventsResultEntryTypeDef

SOURCE = "tocsin"
"""`source` of every event, for the patterns of EventBridge rules."""

FOR_GOOD = frozenset({"NotAuthorizedForSource", "NotAuthorizedForDetailType"})
"""Codes of one entry by which a bus refuses what it is sent, whoever sends it."""

MENDED_HERE = frozenset({AwsErrorKind.MISSING, AwsErrorKind.REQUEST})
"""What no later attempt changes: there is no such bus, or the event is none."""


class EventBridge:
    """Puts one event at a time on one bus. A lost answer is tried again: receivers drop repetitions by `detail.id`."""

    def __init__(self, clients: Clients, bus: str) -> None:
        self._client = clients.get("events")
        self._bus = bus

    @property
    def host(self) -> None:
        """EventBridge throttles by itself."""
        return

    def emit(self, event_id: str, name: str, detail: Mapping[str, object]) -> None:
        """Put one event; `RetryLater` where another attempt may succeed, else `Permanent`."""
        document = exact_json.dumps({**detail, "id": event_id})
        request: PutEventsRequestTypeDef = {
            "Entries": [{"Source": SOURCE, "DetailType": name, "Detail": document, "EventBusName": self._bus}]
        }
        try:
            check_limits(self._client, "PutEvents", request)
            entries = self._client.put_events(**request).get("Entries", [])
        except OverLimit as error:
            raise Permanent(f"EventBridge would refuse the event: {error}") from error
        except aws_errors.AWS_RAISED as error:
            raise _meaning(error) from error
        _require_taken(entries)


def _require_taken(entries: list[PutEventsResultEntryTypeDef]) -> None:
    if not entries:
        raise RetryLater("EventBridge answered something else than its model says")
    code = entries[0].get("ErrorCode")
    if code is None:
        return
    if code in FOR_GOOD or aws_errors.aws_kind_of_code(code) in MENDED_HERE:
        raise _refused(code)
    raise RetryLater(f"EventBridge did not take the event ({code})")


def _meaning(error: Exception) -> RetryLater | Permanent:
    name = aws_errors.short(error)
    if aws_errors.aws_error_kind(error) in MENDED_HERE:
        return _refused(name)
    wait = asked_wait(aws_errors.headers(error)) if isinstance(error, ClientError) else timedelta(0)
    return RetryLater(f"EventBridge did not take the event ({name}, see `tocsin doctor`)", wait)


def _refused(name: str) -> Permanent:
    return Permanent(f"EventBridge refuses the event ({name}): check TOCSIN_EVENT_BUS with `tocsin doctor`")
