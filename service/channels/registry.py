"""Every channel that there is."""

from __future__ import annotations

from collections.abc import Mapping

from service.channels.channel_type import ChannelType, ContactKind
from service.channels.chat.kind import ChatType
from service.channels.email.kind import EmailType
from service.channels.sms.kind import SmsType
from service.channels.voice.kind import VoiceType
from service.core import Channel

_ALL: tuple[ChannelType, ...] = (EmailType(), SmsType(), VoiceType(), ChatType())

CHANNELS: Mapping[Channel, ChannelType] = {kind.channel: kind for kind in _ALL}
"""What each channel is."""


def ended_by(contact: ContactKind) -> tuple[Channel, ...]:
    """The channels that end with the opt-out of a contact of this kind."""
    return tuple(kind.channel for kind in _ALL if kind.opted_out_by is contact)
