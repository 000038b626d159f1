from service.core import (
    aws_errors,
    deadline,
    durations,
    exact_json,
    html_layout,
    ids,
    last_good,
    logs,
    metrics_files,
    placeholders,
    plain_files,
    secrets,
    tagged_texts,
    web_addresses,
    workbooks,
)
from service.core.aws_errors import AWS_RAISED, AwsErrorKind, aws_error_code, aws_error_kind, aws_kind_of_code
from service.core.blank import SAY_SOMETHING, is_blank
from service.core.clock import Clock, HandClock, SystemClock, parse_timestamp, timestamp
from service.core.durations import BadDuration
from service.core.enums import Channel, Lane, Scope
from service.core.errors import TocsinError, Unavailable
from service.core.exact_json import MAX_JSON_DEPTH, JsonObject, NotJson
from service.core.iana_zones import is_time_zone, time_zones
from service.core.inbound_queue import MOST_AT_ONCE, InboundQueue, QueueMessage
from service.core.language_tags import Tag, UnknownTag, best_match, likely, parse_tag, serves
from service.core.logs import REQUEST_ID
from service.core.ordinals import with_first_of_month
from service.core.outside_posts import HostResolver, HostSilent, OutsidePosts, PrivateNetwork, resolve_host
from service.core.periodic import PeriodicRunner, PeriodicTask
from service.core.placeholders import LiteralText, Placeholder
from service.core.plain_files import CannotRead, FileMissing
from service.core.posting import PostResponse
from service.core.records import Record, Unreadable, from_state, to_state, to_stored_json
from service.core.s3_urls import MAX_S3_URL, S3_SCHEME, FileTooLarge, NotAnS3Url, S3Object, S3Url, parse_s3_url
from service.core.secrets import Keyring
from service.core.settled_folder import SettledFolder
from service.core.spelling import LONGEST_WORD, nearest_word
from service.core.text_folding import (
    caseless,
    compatible,
    composed,
    fold,
    with_plain_blanks,
    without_directions,
    without_format_characters,
    without_joiners,
    without_latin_accents,
    without_zero_width,
)
from service.core.web_addresses import (
    NotAnAddress,
    is_host,
    is_loopback,
    is_readable_on_the_way,
    parse_callback,
    parse_link,
    split_url,
)
from service.core.workbooks import DAMAGED_WORKBOOK, OversizedWorkbook, check_tags, check_unpacked, within_size

__all__ = [
    "AWS_RAISED",
    "DAMAGED_WORKBOOK",
    "LONGEST_WORD",
    "MAX_JSON_DEPTH",
    "MAX_S3_URL",
    "MOST_AT_ONCE",
    "REQUEST_ID",
    "S3_SCHEME",
    "SAY_SOMETHING",
    "AwsErrorKind",
    "BadDuration",
    "CannotRead",
    "Channel",
    "Clock",
    "FileMissing",
    "FileTooLarge",
    "HandClock",
    "HostResolver",
    "HostSilent",
    "InboundQueue",
    "JsonObject",
    "Keyring",
    "Lane",
    "LiteralText",
    "NotAnAddress",
    "NotAnS3Url",
    "NotJson",
    "OutsidePosts",
    "OversizedWorkbook",
    "PeriodicRunner",
    "PeriodicTask",
    "Placeholder",
    "PostResponse",
    "PrivateNetwork",
    "QueueMessage",
    "Record",
    "S3Object",
    "S3Url",
    "Scope",
    "SettledFolder",
    "SystemClock",
    "Tag",
    "TocsinError",
    "Unavailable",
    "UnknownTag",
    "Unreadable",
    "aws_error_code",
    "aws_error_kind",
    "aws_errors",
    "aws_kind_of_code",
    "best_match",
    "caseless",
    "check_tags",
    "check_unpacked",
    "compatible",
    "composed",
    "deadline",
    "durations",
    "exact_json",
    "fold",
    "from_state",
    "html_layout",
    "ids",
    "is_blank",
    "is_host",
    "is_loopback",
    "is_readable_on_the_way",
    "is_time_zone",
    "last_good",
    "likely",
    "logs",
    "metrics_files",
    "nearest_word",
    "parse_callback",
    "parse_link",
    "parse_s3_url",
    "parse_tag",
    "parse_timestamp",
    "placeholders",
    "plain_files",
    "resolve_host",
    "secrets",
    "serves",
    "split_url",
    "tagged_texts",
    "time_zones",
    "timestamp",
    "to_state",
    "to_stored_json",
    "web_addresses",
    "with_first_of_month",
    "with_plain_blanks",
    "within_size",
    "without_directions",
    "without_format_characters",
    "without_joiners",
    "without_latin_accents",
    "without_zero_width",
    "workbooks",
]
