"""The mailbox that answers and delivery reports come back to: read, parsed, and told apart."""

from service.channels.email.mailbox.received import ReceivedMail, parse_mail
from service.channels.email.mailbox.report import BouncedRecipient, DeliveryReport

__all__ = ["BouncedRecipient", "DeliveryReport", "ReceivedMail", "parse_mail"]
