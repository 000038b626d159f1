"""What can be looked at in the account at Twilio: whether it is open, and whether its number speaks to us."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from service.channels.twilio import Twilio
from service.cli.checks import CheckFinding, broken, doubtful, fine
from service.config import Settings
from service.core import TocsinError
from service.inbound.twilio import callback_address
from service.wiring import open_twilio

ACCOUNT, NUMBER = "twilio account", "twilio number"


def look(settings: Settings) -> Iterator[CheckFinding]:
    """Everything that the account can tell; nothing where there is none."""
    try:
        twilio = open_twilio(settings)
        if twilio is None:
            return
        account = _account(*twilio.look())
        yield account
        if account.do is None and (settings.twilio_identity or "").startswith("+"):
            yield _number(twilio, settings)
    except TocsinError as error:
        yield broken(ACCOUNT, str(error), "Check TOCSIN_TWILIO_* and the way to api.twilio.com.")


def _account(status: int, document: Mapping[str, object]) -> CheckFinding:
    if status == 401:
        do = "Correct TOCSIN_TWILIO_ACCOUNT, or put the token that is good now first in TOCSIN_TWILIO_TOKENS."
        return broken(ACCOUNT, "the token is refused", do)
    state = document.get("status")
    if status != 200 or state != "active":
        return broken(ACCOUNT, f"it is not open ({state or status})", "Read why in Twilio's console.")
    if document.get("type") == "Trial":
        return doubtful(ACCOUNT, "it is on trial: only verified numbers get messages", "Upgrade it in the console.")
    return fine(ACCOUNT, "open")


def _number(twilio: Twilio, settings: Settings) -> CheckFinding:
    identity = settings.twilio_identity or ""
    _, document = twilio.look("IncomingPhoneNumbers", PhoneNumber=identity)
    numbers = document.get("incoming_phone_numbers")
    match numbers:
        case [{"capabilities": {"sms": True}, "sms_url": str(url)}]:
            return _answers(url, settings.public_url)
        case [_]:
            return broken(NUMBER, "it cannot send SMS", "Choose another one as TOCSIN_TWILIO_IDENTITY.")
        case _:
            return broken(NUMBER, "it is not this account's", "Correct TOCSIN_TWILIO_IDENTITY.")


def _answers(url: str, public_url: str | None) -> CheckFinding:
    """Whether what people write to the number reaches us."""
    if public_url is None:
        return doubtful(NUMBER, "answers and receipts do not reach us", "Set TOCSIN_PUBLIC_URL (docs/providers.md).")
    if url != callback_address(public_url):
        return doubtful(NUMBER, "its messages go elsewhere", f"Let them be POSTed to {callback_address(public_url)}.")
    return fine(NUMBER, "its messages come to us")
