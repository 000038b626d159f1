"""Email as a channel: subject, HTML and plain text to an address."""

from __future__ import annotations

from service.channels.channel_type import Circumstances, ContactKind, MessageReader, Words
from service.channels.email.signature import text_above_signature
from service.channels.message import Email, Message
from service.core import Channel, is_blank


class EmailType:
    """Emails to addresses."""

    channel = Channel.EMAIL
    field = "email"
    word = "mail"
    opted_out_by = ContactKind.EMAIL
    always_linked = True
    weight = 2
    refusal = "this mailbox takes no messages"

    def compose(self, words: Words, reader: MessageReader, circumstances: Circumstances, /) -> Email | None:
        """The email to a reader's address."""
        if not reader.email:
            return None
        letter = words.letter()
        return Email(
            to=reader.email,
            subject=letter.subject,
            html=letter.html,
            text=letter.text,
            language=words.language,
            reference=circumstances.reference,
            unsubscribe_url=circumstances.unsubscribe_url(),
            reply_to=circumstances.reply_to,
            attachments=circumstances.attachments(),
        )

    def is_blank(self, message: Message, /) -> bool:
        """Whether neither subject nor text says anything, and no picture is in it."""
        if not isinstance(message, Email):
            return is_blank(message.text)
        return is_blank(message.subject) and is_blank(text_above_signature(message.text)) and "<img" not in message.html
