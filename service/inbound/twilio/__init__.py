"""Twilio: who really sent a request, and what it says."""

from service.inbound.twilio.signature import TwilioGate, callback_address

__all__ = [
    "TwilioGate",
    "callback_address",
]
