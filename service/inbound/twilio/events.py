"""What Twilio's requests say: a person's SMS, or what became of a message or call of ours.

Sources: https://www.twilio.com/docs/messaging/guides/webhook-request ·
https://www.twilio.com/docs/messaging/tutorials/advanced-opt-out (OptOutType) ·
https://www.twilio.com/docs/messaging/guides/outbound-message-status-in-status-callbacks ·
https://www.twilio.com/docs/voice/api/call-resource#statuscallback · https://www.twilio.com/docs/voice/twiml/gather
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from service.channels import Ignored, InboundSms, Receipt, ReceiptStatus
from service.core import Channel

_MESSAGES = {
    "delivered": ReceiptStatus.DELIVERED,
    "read": ReceiptStatus.DELIVERED,
    "undelivered": ReceiptStatus.UNREACHED,
    "failed": ReceiptStatus.UNREACHED,
    "canceled": ReceiptStatus.UNREACHED,
}
_CALLS = {
    "completed": ReceiptStatus.DELIVERED,
    "busy": ReceiptStatus.UNREACHED,
    "no-answer": ReceiptStatus.UNREACHED,
    "failed": ReceiptStatus.UNREACHED,
    "canceled": ReceiptStatus.UNREACHED,
}
"""Statuses that are a message's or call's last; before them it is in flight."""

_KEYS = {"1": "YES", "2": "NO"}
"""What the keys of a phone answer, in the words that count in every language."""

_FOR_GOOD = frozenset({"21211", "21610", "21614", "21635", "30004", "30005", "30006", "30007", "30410", "30450"})
"""Error codes after which the same message would fail again: no such phone, blocked, opted out, a landline, filtered
(https://www.twilio.com/docs/api/errors). Others, such as 30003 (phone off) and 30008 (unknown), may be over later."""


def read(fields: Mapping[str, str], query: Mapping[str, str], now: datetime) -> InboundSms | Receipt | Ignored:
    """What verified fields say. `query` is what our address for receipts held; Twilio gives no time, so it is `now`."""
    match fields:
        case {"MessageSid": sid, "MessageStatus": status}:
            return _receipt(sid, Channel.SMS, status, _fate(_MESSAGES, status, fields), query, now)
        case {"CallSid": sid, "Digits": keys, "To": phone}:
            return _pressed(InboundSms(f"{sid}-{keys}", phone, fields.get("From", ""), keys, sid, now), query)
        case {"CallSid": sid, "CallStatus": status}:
            return _receipt(sid, Channel.VOICE, status, _fate(_CALLS, status, fields), query, now)
        case {"MessageSid": sid, "From": sender, "Body": text}:
            replied_to, keyword = fields.get("OriginalRepliedMessageSid"), fields.get("OptOutType")
            return InboundSms(sid, sender, fields.get("To", ""), text, replied_to, now, keyword)
        case _:
            return Ignored("it is neither an SMS nor says what became of one")


def _pressed(call: InboundSms, query: Mapping[str, str]) -> InboundSms | Ignored:
    """The answer that whoever we called gave by a key, as if they had written it in reply to the call."""
    answer = _KEYS.get(call.text)
    if answer is None:
        return Ignored("this key answers nothing")
    return replace(call, text=answer, page=query.get("delivery"))


def _fate(fates: Mapping[str, ReceiptStatus], status: str, fields: Mapping[str, str]) -> ReceiptStatus:
    fate = fates.get(status, ReceiptStatus.IN_FLIGHT)
    return ReceiptStatus.REFUSED if fate is ReceiptStatus.UNREACHED and fields.get("ErrorCode") in _FOR_GOOD else fate


def _receipt(
    sid: str, channel: Channel, status: str, fate: ReceiptStatus, query: Mapping[str, str], now: datetime
) -> Receipt | Ignored:
    attempt = query.get("attempt", "")
    number = int(attempt) if attempt.isascii() and attempt.isdigit() and len(attempt) < 10 else None
    return Receipt(sid, channel, fate, f"twilio/{status}", now, query.get("delivery"), number)
