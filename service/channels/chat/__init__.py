"""Messages in chat rooms: a room of Slack, Mattermost or Teams has an address that takes them, its incoming webhook.

The address is a secret: whoever knows it can write into the room. It is never logged, and shown in part.
"""

from __future__ import annotations

from typing import ClassVar

from service.channels.message import Reference
from service.core import Channel, NotAnAddress, Record, Tag, is_loopback, parse_callback


class Chat(Record, frozen=True):
    """One message to a chat room. `to` is the address of the room's incoming webhook."""

    channel: ClassVar[Channel] = Channel.CHAT

    to: str
    text: str
    language: Tag
    reference: Reference


def parse_chat_url(text: str) -> str:
    """The address of an incoming webhook; `NotAnAddress` says what to write instead, without the text."""
    parts = parse_callback(text)
    if parts.scheme != "https" and not is_loopback(parts.hostname or ""):
        raise NotAnAddress("must begin with https://: write the address of the room's incoming webhook")
    return text
