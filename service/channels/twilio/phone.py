"""SMS and calls by Twilio."""

from __future__ import annotations

import re
from xml.sax.saxutils import quoteattr

from service.channels.message import Outcome, Reason, Refused, Sms, VoiceCall
from service.channels.twilio.account import Form, Twilio
from service.channels.voice import paragraphs, polly_voice

MAX_TEXT = 1_600
"""Characters of one SMS (https://www.twilio.com/docs/messaging/api/message-resource)."""

MAX_TWIML = 4_000
"""Characters of a call's TwiML (https://www.twilio.com/docs/voice/api/call-resource)."""

KEY_WITHIN_S = 10
"""Seconds that a call waits for a key once it has said everything."""

_MESSAGING_SERVICE = re.compile(r"MG[0-9a-f]{32}")
_NO_ORIGIN = Refused(Reason.ACCOUNT, "nothing to send from: set TOCSIN_TWILIO_IDENTITY or TOCSIN_SENDERS")


class TwilioSms:
    """Sends SMS. A message's own `origin` goes before `identity`: a number, a messaging service or a sender id."""

    def __init__(self, twilio: Twilio, identity: str | None = None) -> None:
        self._twilio = twilio
        self._identity = identity

    def send(self, sms: Sms, /) -> Outcome:
        """Hand one SMS to Twilio."""
        origin = sms.origin or self._identity
        if origin is None:
            return _NO_ORIGIN
        if not 0 < len(sms.text) <= MAX_TEXT:
            return Refused(Reason.CONTENT, f"an SMS may have 1 to {MAX_TEXT:,} characters; this has {len(sms.text):,}")
        form = {"To": sms.to.e164, "Body": sms.text, **_from(origin)}
        return self._twilio.create("Messages", form, sms.reference)


class TwilioVoice:
    """Makes calls that read a text out with a Polly voice."""

    def __init__(self, twilio: Twilio, identity: str | None = None) -> None:
        self._twilio = twilio
        self._identity = identity

    def send(self, call: VoiceCall, /) -> Outcome:
        """Place one call; refused where no voice speaks its language or no number can place it."""
        voice, origin = polly_voice(call.voice), call.origin or self._identity
        if voice is None:
            return Refused(Reason.CONTENT, f"no voice speaks {call.voice}")
        if origin is None or not origin.startswith("+"):
            return Refused(Reason.ACCOUNT, "calls need a phone number: set TOCSIN_TWILIO_IDENTITY or TOCSIN_SENDERS")
        answers_at = self._twilio.answers_at(call.reference) if call.keys else None
        markup = twiml(call.text, voice) if answers_at is None else asking(call.text, call.keys, voice, answers_at)
        if len(markup) > MAX_TWIML:
            return Refused(Reason.CONTENT, f"the TwiML may have {MAX_TWIML:,} characters and has {len(markup):,}")
        return self._twilio.create("Calls", {"To": call.to.e164, "From": origin, "Twiml": markup}, call.reference)


def twiml(text: str, voice: str) -> str:
    """What a call says (https://www.twilio.com/docs/voice/twiml/say): every word of the text, nothing obeyed."""
    return f"<Response>{_say(text, voice)}</Response>"


def asking(text: str, keys: str, voice: str, answers_at: str) -> str:
    """A call that takes one key, also while it is still speaking (https://www.twilio.com/docs/voice/twiml/gather)."""
    sentences = _say(text, voice) + _say(keys, voice)
    gather = f'<Gather numDigits="1" timeout="{KEY_WITHIN_S}" action={quoteattr(answers_at)}>{sentences}</Gather>'
    return f"<Response>{gather}</Response>"


def _say(text: str, voice: str) -> str:
    return f'<Say voice="Polly.{voice.capitalize()}">{paragraphs(text)}</Say>'


def _from(origin: str) -> Form:
    name = "MessagingServiceSid" if _MESSAGING_SERVICE.fullmatch(origin) else "From"
    return {name: origin}
