"""Sends chat messages to the incoming webhooks of Slack, Mattermost and Teams.

Slack: https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks, and how its text is escaped:
https://docs.slack.dev/messaging/formatting-message-text; Mattermost:
https://developers.mattermost.com/integrate/webhooks/incoming; Teams:
https://learn.microsoft.com/microsoftteams/platform/webhooks-and-connectors/how-to/connectors-using.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from urllib.parse import SplitResult

from service.channels.carrier import SendResult
from service.channels.chat import Chat, parse_chat_url
from service.channels.message import Accepted, Outcome, Reason, Refused, Unknown
from service.channels.sends import counted_send
from service.core import Clock, HostSilent, NotAnAddress, OutsidePosts, PostResponse, PrivateNetwork, split_url
from service.work import asked_wait

NAME = "chat"
"""What metrics call it."""

SHORTLY = timedelta(seconds=1)
"""How long a message waits at least whose room asks for it, or that there was no time for."""

_SLACK = "hooks.slack.com"
_CARDS = (".logic.azure.com", ".api.powerplatform.com", ".webhook.office.com")
"""Hosts of Teams: they take cards alone."""

_NEVER_CONNECTED = frozenset({"ConnectionRefusedError", "gaierror", "SSLCertVerificationError"})
"""Errors after which the room surely has no message."""

_ASK_AGAIN = frozenset({408, 425, 429})
_ROOM_IS_GONE = frozenset({401, 403, 404, 410})


class ChatWebhooks:
    """A carrier of chat messages. Each room is by itself: there is no provider whose fault others would share.

    So no breaker stands before it. Of the messages that are handed over together, those to a host that did not answer
    stay untried: one room that hangs keeps the others waiting once.
    """

    name = NAME
    is_our_store = False

    def __init__(self, posts: OutsidePosts, clock: Clock) -> None:
        self._posts = posts
        self._clock = clock

    def joins(self, _message: Chat, _earlier: Sequence[Chat], /) -> bool:
        """Never: each is a call of its own."""
        return False

    def hand_over(self, messages: Sequence[Chat], begin_by: datetime, /) -> Sequence[SendResult]:
        """Post messages one by one; what there is no time for stays untried."""
        silent: set[str] = set()
        return [SendResult(self._outcome(message, begin_by, silent)) for message in messages]

    def _outcome(self, message: Chat, begin_by: datetime, silent: set[str]) -> Outcome:
        host = split_url(message.to).hostname or ""
        if host in silent or self._clock.now() >= begin_by:
            why = "the room's host does not answer" if host in silent else "other messages took the time there was"
            return Refused(Reason.THROTTLED, why, SHORTLY, untried=True)
        return counted_send(NAME, self._send(message, lambda: silent.add(host)))

    def _send(self, message: Chat, does_not_answer: Callable[[], None]) -> Outcome:
        try:
            parts = split_url(parse_chat_url(message.to))
            response = self._posts.post(parts, {"Content-Type": "application/json"}, _body(parts, message))
        except (NotAnAddress, PrivateNetwork) as error:
            return Refused(Reason.ADDRESS, f"the room's address {error}")
        except HostSilent as error:
            does_not_answer()
            if error.kind in _NEVER_CONNECTED:
                return Refused(Reason.LATER, f"the room's {error}")
            return Unknown(f"the room's {error}")
        return _judged(response, message)


def _body(parts: SplitResult, message: Chat) -> bytes:
    host = parts.hostname or ""
    if host.endswith(_CARDS):
        return json.dumps(_card(message.text)).encode()
    return json.dumps({"text": _for_slack(message.text) if host == _SLACK else message.text}).encode()


def _for_slack(text: str) -> str:
    """Slack's three control characters, so that a text links and notifies nobody by itself."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _card(text: str) -> dict[str, object]:
    """A message of Teams with one Adaptive Card."""
    content = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": [{"type": "TextBlock", "text": text, "wrap": True}],
    }
    attachment = {"contentType": "application/vnd.microsoft.card.adaptive", "content": content}
    return {"type": "message", "attachments": [attachment]}


def _judged(response: PostResponse, message: Chat) -> Outcome:
    status = response.status
    if 200 <= status < 300:
        return Accepted(f"{NAME}-{message.reference.delivery_id}-{message.reference.attempt}")
    if status >= 500 or status in _ASK_AGAIN:
        wait = max(asked_wait(response.headers), SHORTLY)
        return Refused(Reason.LATER, f"the room's host answered {status}", wait)
    if status in _ROOM_IS_GONE:
        return Refused(Reason.ADDRESS, f"the room's webhook is not valid any more: its host answered {status}")
    if status < 400:
        return Refused(Reason.ADDRESS, f"the room's webhook has moved: its host answered {status}")
    return Refused(Reason.CONTENT, f"the room's host does not take this message: it answered {status}")
