"""Chat as a channel: a text to a room, which is answered by a link alone."""

from __future__ import annotations

from service.channels.channel_type import Circumstances, MessageReader, PlainText, Words
from service.channels.chat import Chat
from service.core.enums import Channel


class ChatType(PlainText):
    """Messages to the rooms of incoming webhooks."""

    channel = Channel.CHAT
    field = "chat_url"
    opted_out_by = None  # whoever keeps a room removes its webhook
    always_linked = True
    weight = 2
    refusal = "this room takes no messages"

    def compose(self, words: Words, reader: MessageReader, circumstances: Circumstances, /) -> Chat | None:
        """The message to a reader's room."""
        if not reader.chat_url:
            return None
        return Chat(reader.chat_url, words.note(), words.language, circumstances.reference)
