"""Events for other systems, put on an EventBridge bus.

https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from service import exact_json
from service.aws import faults
from service.aws.clients import Clients
from service.aws.limits import OverLimit, check
from service.work import Permanent, RetryLater

if TYPE_CHECKING:
    from mypy_boto3_events.type_defs import PutEventsRequestTypeDef, PutEventsResultEntryTypeDef

SOURCE = "tocsin"
"""`source` of every event, for the patterns of EventBridge rules."""

PASSING = frozenset({"InternalFailure", "InternalException", "ThrottlingException"})
"""Codes of one entry after which the same event may be taken."""


class EventBridge:
    """Puts one event at a time on one bus. A lost answer is tried again: receivers drop repetitions by `detail.id`."""

    def __init__(self, clients: Clients, bus: str) -> None:
        self._client = clients.get("events")
        self._bus = bus

    def emit(self, event_id: str, name: str, detail: Mapping[str, object]) -> None:
        """Put one event; `RetryLater` where another attempt may succeed, else `Permanent`."""
        document = exact_json.dumps({**detail, "id": event_id})
        request: PutEventsRequestTypeDef = {
            "Entries": [{"Source": SOURCE, "DetailType": name, "Detail": document, "EventBusName": self._bus}]
        }
        try:
            check(self._client, "PutEvents", request)
            entries = self._client.put_events(**request).get("Entries", [])
        except OverLimit as error:
            raise Permanent(f"EventBridge would refuse the event: {error}") from error
        except ClientError as error:
            raise _meaning(error) from error
        except (*faults.NEVER_ARRIVED, *faults.PERHAPS_ARRIVED, *faults.NO_CREDENTIALS) as error:
            raise RetryLater(f"EventBridge cannot be asked: {type(error).__name__} (see `tocsin doctor`)") from error
        except BotoCoreError as error:
            raise Permanent(f"the event cannot be put: {type(error).__name__}") from error
        _require_taken(entries)


def _require_taken(entries: list[PutEventsResultEntryTypeDef]) -> None:
    if not entries:
        raise RetryLater("EventBridge answered something else than its model says")
    code = entries[0].get("ErrorCode")
    if code in PASSING:
        raise RetryLater(f"EventBridge did not take the event ({code})")
    if code is not None:
        raise Permanent(f"EventBridge refuses the event ({code}): check TOCSIN_EVENT_BUS with `tocsin doctor`")


def _meaning(error: ClientError) -> RetryLater | Permanent:
    name = faults.code(error)
    if name in faults.THROTTLES or name in faults.CREDENTIALS or faults.is_of_the_service(error):
        return RetryLater(f"EventBridge did not take the event ({name})", faults.retry_after(error))
    return Permanent(f"EventBridge refuses the event ({name}): check TOCSIN_EVENT_BUS with `tocsin doctor`")
