from service.aws.clients import Clients
from service.aws.events import EventBridge
from service.aws.inbox import SqsInbox
from service.aws.limits import OverLimit, check_limits, choices_of
from service.aws.parameters import KeptValues
from service.aws.references import CannotFetch, Fetch, ValueReference, parse_reference
from service.aws.s3_files import S3Files

__all__ = [
    "CannotFetch",
    "Clients",
    "EventBridge",
    "Fetch",
    "KeptValues",
    "OverLimit",
    "S3Files",
    "SqsInbox",
    "ValueReference",
    "check_limits",
    "choices_of",
    "parse_reference",
]
