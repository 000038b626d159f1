"""What Twilio's error codes say about a message (https://www.twilio.com/docs/api/errors)."""

from __future__ import annotations

from collections.abc import Mapping

from service.channels.message import Reason

REASONS: Mapping[int, Reason] = {
    14107: Reason.THROTTLED,  # too many SMS a second
    20003: Reason.ACCESS,  # authentication failed
    20005: Reason.LIMIT,  # account not active
    20404: Reason.ACCESS,  # no such account
    20429: Reason.THROTTLED,
    21210: Reason.ACCOUNT,  # From is not verified
    21211: Reason.ADDRESS,  # To is no phone number
    21212: Reason.ACCOUNT,  # From is no phone number
    21214: Reason.ADDRESS,  # To cannot be reached
    21215: Reason.BLOCKED,  # calls to this country are not enabled
    21216: Reason.BLOCKED,  # this number may not be called
    21217: Reason.ADDRESS,  # To does not appear to be valid
    21219: Reason.ACCOUNT,  # a trial account calls verified numbers only
    21265: Reason.ADDRESS,  # To is a short code
    21266: Reason.ADDRESS,  # To and From are the same
    21408: Reason.BLOCKED,  # SMS to this country are not enabled
    21601: Reason.ACCOUNT,  # From cannot send SMS
    21603: Reason.ACCOUNT,  # From is missing
    21606: Reason.ACCOUNT,  # From is not ours or cannot send to this number
    21608: Reason.ACCOUNT,  # a trial account writes to verified numbers only
    21609: Reason.ACCOUNT,  # the address for receipts is not valid: TOCSIN_PUBLIC_URL
    21610: Reason.OPTED_OUT,
    21611: Reason.THROTTLED,  # the queue of From is full
    21612: Reason.BLOCKED,  # no route from From to To
    21614: Reason.ADDRESS,  # To cannot receive SMS
    21635: Reason.ADDRESS,  # To is a landline
    21659: Reason.ACCOUNT,  # From is not a number of Twilio
    21660: Reason.ACCOUNT,  # From belongs to another account
    21661: Reason.ACCOUNT,  # From cannot send SMS
    21701: Reason.ACCOUNT,  # no such messaging service
    21703: Reason.ACCOUNT,  # the messaging service has no numbers
    30001: Reason.THROTTLED,  # the queue is full
    30002: Reason.LIMIT,  # account suspended
    30022: Reason.LIMIT,  # the brand's daily limit is reached
    30023: Reason.LIMIT,  # the campaign's daily limit is reached
    30034: Reason.ACCOUNT,  # From is not registered for this country
    63038: Reason.LIMIT,  # the account's daily limit is reached
}
"""Twilio divides codes now and then: one that is not listed is read by its HTTP status."""


_BY_STATUS = {
    400: Reason.CONTENT,
    401: Reason.ACCESS,
    402: Reason.LIMIT,
    403: Reason.ACCOUNT,
    404: Reason.ACCOUNT,
    410: Reason.ACCOUNT,
    413: Reason.CONTENT,
    422: Reason.CONTENT,
    429: Reason.THROTTLED,
}
"""Any other status, such as 302, 408 or 409, says nothing about the message: Twilio has a trouble of its own."""


def meaning(status: int, code: int | None) -> Reason:
    """Why a message was refused."""
    if code is not None and code in REASONS:
        return REASONS[code]
    return _BY_STATUS.get(status, Reason.PROVIDER)
