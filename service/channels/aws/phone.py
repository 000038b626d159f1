"""SMS and voice by AWS End User Messaging (`pinpoint-sms-voice-v2`).

https://docs.aws.amazon.com/pinpoint/latest/apireference_smsvoicev2/API_SendTextMessage.html
https://docs.aws.amazon.com/pinpoint/latest/apireference_smsvoicev2/API_SendVoiceMessage.html
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from service.aws import Clients, check_limits
from service.channels.aws.sending import handed_over
from service.channels.message import Outcome, Reason, Reference, Refused, Sms, VoiceCall
from service.channels.voice import SpeechFailed, polly_voice, ssml
from service.core import aws_error_code

if TYPE_CHECKING:
    from mypy_boto3_pinpoint_sms_voice_v2 import PinpointSMSVoiceV2Client
    from mypy_boto3_pinpoint_sms_voice_v2.type_defs import (
        SendTextMessageRequestTypeDef,
        SendVoiceMessageRequestTypeDef,
    )

REASONS: Mapping[str, Reason] = {
    "DESTINATION_PHONE_NUMBER_OPTED_OUT": Reason.OPTED_OUT,
    "COUNTRY_NOT_ENABLED": Reason.BLOCKED,
    "DESTINATION_COUNTRY_BLOCKED": Reason.BLOCKED,
    "DESTINATION_COUNTRY_BLOCKED_BY_PROTECT_CONFIGURATION": Reason.BLOCKED,
    "DESTINATION_PHONE_NUMBER_BLOCKED_BY_PROTECT_NUMBER_OVERRIDE": Reason.BLOCKED,
    "INTERNATIONAL_SENDING_NOT_SUPPORTED": Reason.BLOCKED,
    "INVALID_IDENTITY_FOR_DESTINATION_COUNTRY": Reason.BLOCKED,
    "PRICE_OVER_THRESHOLD": Reason.BLOCKED,
    "CHANNEL_NOT_ENABLED": Reason.ACCOUNT,
    "SENDER_ID_NOT_REGISTERED": Reason.ACCOUNT,
    "SENDER_ID_NOT_SUPPORTED": Reason.BLOCKED,
    "SENDER_ID_REQUIRES_REGISTRATION": Reason.ACCOUNT,
    "VOICE_CAPABILITY_NOT_AVAILABLE": Reason.ACCOUNT,
}
"""What the `Reason` of a ConflictException or ValidationException says about a message; other conflicts are our
account's, other validation failures the message's own."""


@dataclass(frozen=True, slots=True)
class PhoneIdentity:
    """From where messages go out: `origin` is a number, pool or sender id; `role` that of another account."""

    origin: str | None = None
    configuration_set: str | None = None
    role: str | None = None
    time_to_live: int | None = None


class EndUserMessagingSms:
    """Sends SMS. A message's own `origin` goes before the identity's."""

    def __init__(self, clients: Clients, identity: PhoneIdentity) -> None:
        self._client = clients.get("pinpoint-sms-voice-v2", identity.role)
        self._identity = identity

    def send(self, sms: Sms, /) -> Outcome:
        """Hand one SMS to AWS; the delivery id and attempt ride in `Context` and come back on its events."""
        request: SendTextMessageRequestTypeDef = {
            "DestinationPhoneNumber": sms.to.e164,
            "MessageBody": sms.text,
            "MessageType": "PROMOTIONAL" if sms.promotional else "TRANSACTIONAL",
            "Context": context(sms.reference),
        }
        if origin := sms.origin or self._identity.origin:
            request["OriginationIdentity"] = origin
        if self._identity.configuration_set:
            request["ConfigurationSetName"] = self._identity.configuration_set
        if self._identity.time_to_live:
            request["TimeToLive"] = self._identity.time_to_live
        return _sent(self._client, "SendTextMessage", request, lambda: self._client.send_text_message(**request))


class EndUserMessagingVoice:
    """Makes voice calls that read a text out with a Polly voice."""

    def __init__(self, clients: Clients, identity: PhoneIdentity) -> None:
        self._client = clients.get("pinpoint-sms-voice-v2", identity.role)
        self._identity = identity

    def send(self, call: VoiceCall, /) -> Outcome:
        """Place one call; refused where no voice speaks its language or no number can place it."""
        voice = polly_voice(call.voice)
        origin = call.origin or self._identity.origin
        if voice is None:
            return Refused(Reason.CONTENT, f"no voice speaks {call.voice}")
        if origin is None:
            return Refused(Reason.ACCOUNT, "voice calls need a phone number of our own: set one in TOCSIN_SENDERS")
        try:
            markup = ssml(call.text)
        except SpeechFailed as error:
            return Refused(Reason.CONTENT, str(error))
        return self._place(call, voice, origin, markup)

    def _place(self, call: VoiceCall, voice: str, origin: str, markup: str) -> Outcome:
        request: SendVoiceMessageRequestTypeDef = {
            "DestinationPhoneNumber": call.to.e164,
            "OriginationIdentity": origin,
            "MessageBody": markup,
            "MessageBodyTextType": "SSML",
            "VoiceId": voice,  # type: ignore[typeddict-item]  # a literal type of 59 names; `check` holds it to them
            "Context": context(call.reference),
        }
        if self._identity.configuration_set:
            request["ConfigurationSetName"] = self._identity.configuration_set
        return _sent(self._client, "SendVoiceMessage", request, lambda: self._client.send_voice_message(**request))


def context(reference: Reference) -> dict[str, str]:
    """What comes back with every event about a message."""
    return {"delivery": reference.delivery_id, "attempt": str(reference.attempt)}


def _sent(
    client: PinpointSMSVoiceV2Client,
    operation: str,
    request: Mapping[str, object],
    call: Callable[[], Mapping[str, object]],
) -> Outcome:
    def checked() -> str:
        check_limits(client, operation, request)
        return str(call().get("MessageId") or "")

    return handed_over(checked, _meaning)


def _meaning(error: ClientError) -> Reason | None:
    """The service's own errors, by what they say of themselves."""
    match aws_error_code(error), str(error.response.get("Reason", "")):
        case "ConflictException" | "ValidationException", why if why in REASONS:
            return REASONS[why]
        case "AccessDeniedException", "ACCOUNT_DISABLED" | "INSUFFICIENT_ACCOUNT_REPUTATION":
            return Reason.LIMIT
        case "ServiceQuotaExceededException", "DAILY_DESTINATION_CALL_LIMIT":
            return Reason.ACCOUNT  # of this one phone, so that it keeps nobody else back
        case "ServiceQuotaExceededException", _:
            return Reason.LIMIT
        case "ConflictException" | "ResourceNotFoundException", _:
            return Reason.ACCOUNT
        case _:
            return None
