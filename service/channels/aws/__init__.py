"""Ways out on AWS: SES v2, End User Messaging SMS and voice."""

from service.channels.aws.mail import MailIdentity, SesEmail
from service.channels.aws.phone import EndUserMessagingSms, EndUserMessagingVoice, PhoneIdentity
from service.channels.aws.quota import SendRate, send_rate

__all__ = [
    "EndUserMessagingSms",
    "EndUserMessagingVoice",
    "MailIdentity",
    "PhoneIdentity",
    "SendRate",
    "SesEmail",
    "send_rate",
]
