from service.aws import inbox, intake_table
from service.aws.clients import Clients
from service.aws.events import EventBridge
from service.aws.inbox import SqsInbox
from service.aws.limits import OverLimit, check_limits, choices_of
from service.aws.parameters import RemoteValues
from service.aws.references import CannotFetch, Fetch, ValueReference, parse_reference
from service.aws.s3_files import S3Files

__all__ = [
    "CannotFetch",
    "Clients",
    "EventBridge",
    "Fetch",
    "OverLimit",
    "RemoteValues",
    "S3Files",
    "SqsInbox",
    "ValueReference",
    "check_limits",
    "choices_of",
    "inbox",
    "intake_table",
    "parse_reference",
]
