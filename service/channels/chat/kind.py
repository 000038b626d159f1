"""Chat as a channel: a text to a room, which is answered by a link alone."""

from __future__ import annotations

from service.channels.channel_type import Circumstances, MessageReader, PlainText, Words
from service.channels.chat import Chat
from service.core import Channel


class ChatType(PlainText):
    """Messages to the rooms of incoming webhooks."""

    channel = Channel.CHAT
    field = "chat_url"
    word = "a chat room"
    opted_out_by = None  # whoever keeps a room removes its webhook
    always_linked = True
    weight = 2
    refusal = "this room takes no messages"

    def compose(self, words: Words, reader: MessageReader, circumstances: Circumstances, /) -> Chat | None:
        """The message to a reader's room."""
        room = reader.contact(self.field)
        if not room:
            return None
        return Chat(room, words.note(), words.language, circumstances.reference)
