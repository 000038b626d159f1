from service.channels.addresses import OWN_FIELDS, AddressesBody, OwnAddresses, StoredAddresses, own_addresses
from service.channels.asked_contacts import ContactRefused, asked_address, asked_contact, asked_phone
from service.channels.carrier import BulkSender, Carrier, SendResult, SingleSender
from service.channels.channel_type import Circumstances, ContactKind, address_of
from service.channels.chat import Chat
from service.channels.chat.webhooks import ChatWebhooks
from service.channels.contact_keys import ContactKeys, masked, masked_url
from service.channels.email import Unaddressable, header_text, parse_reply_to, parse_sender
from service.channels.email.mailbox import BouncedRecipient, DeliveryReport, ReceivedMail, parse_mail
from service.channels.email.mailbox.imap import ImapMailbox, MailboxUnreadable
from service.channels.email.mailbox.reader import MailboxReader
from service.channels.email.mailbox.server import ImapServer, parse_imap_url
from service.channels.email.signature import SIGNATURE_MARK, text_above_signature
from service.channels.email.statuses import is_gone
from service.channels.inbound import Ignored, Inbound, InboundMail, InboundSms, Receipt, ReceiptStatus, Unwanted
from service.channels.mail_tokens import ANSWER_SLOT, MAIL_TOKEN_LENGTH, TAGGED_ADDRESS, MailTokens, ReplyAddress
from service.channels.message import (
    Accepted,
    Attachment,
    Email,
    EmailChannel,
    Message,
    Outcome,
    Reason,
    Reference,
    Refused,
    Sms,
    SmsChannel,
    Unknown,
    VoiceCall,
    VoiceChannel,
)
from service.channels.outbox import Outbox, OutboxChat, OutboxEmail, OutboxItem, OutboxSms, OutboxVoice
from service.channels.phones import Phone, PhoneRefused, PhoneRules, time_zone_of
from service.channels.registry import CHANNELS, ended_by
from service.channels.sends import counted_send
from service.channels.smtp import SmtpChannel, SmtpServer, parse_smtp_url
from service.channels.voice import MAX_SPOKEN, Speech, polly_voice
from service.channels.voice.kind import voice_of
from service.channels.voice_nanotts import NanoSpeech

__all__ = [
    "ANSWER_SLOT",
    "CHANNELS",
    "MAIL_TOKEN_LENGTH",
    "MAX_SPOKEN",
    "OWN_FIELDS",
    "SIGNATURE_MARK",
    "TAGGED_ADDRESS",
    "Accepted",
    "AddressesBody",
    "Attachment",
    "BouncedRecipient",
    "BulkSender",
    "Carrier",
    "Chat",
    "ChatWebhooks",
    "Circumstances",
    "ContactKeys",
    "ContactKind",
    "ContactRefused",
    "DeliveryReport",
    "Email",
    "EmailChannel",
    "Ignored",
    "ImapMailbox",
    "ImapServer",
    "Inbound",
    "InboundMail",
    "InboundSms",
    "MailTokens",
    "MailboxReader",
    "MailboxUnreadable",
    "Message",
    "NanoSpeech",
    "Outbox",
    "OutboxChat",
    "OutboxEmail",
    "OutboxItem",
    "OutboxSms",
    "OutboxVoice",
    "Outcome",
    "OwnAddresses",
    "Phone",
    "PhoneRefused",
    "PhoneRules",
    "Reason",
    "Receipt",
    "ReceiptStatus",
    "ReceivedMail",
    "Reference",
    "Refused",
    "ReplyAddress",
    "SendResult",
    "SingleSender",
    "Sms",
    "SmsChannel",
    "SmtpChannel",
    "SmtpServer",
    "Speech",
    "StoredAddresses",
    "Unaddressable",
    "Unknown",
    "Unwanted",
    "VoiceCall",
    "VoiceChannel",
    "address_of",
    "asked_address",
    "asked_contact",
    "asked_phone",
    "counted_send",
    "ended_by",
    "header_text",
    "is_gone",
    "masked",
    "masked_url",
    "own_addresses",
    "parse_imap_url",
    "parse_mail",
    "parse_reply_to",
    "parse_sender",
    "parse_smtp_url",
    "polly_voice",
    "text_above_signature",
    "time_zone_of",
    "voice_of",
]
