"""Ways out by Twilio: SMS and calls."""

from service.channels.twilio.account import Account, Twilio
from service.channels.twilio.phone import TwilioSms, TwilioVoice

__all__ = [
    "Account",
    "Twilio",
    "TwilioSms",
    "TwilioVoice",
]
