"""Which requests really come from Twilio, about our account, to our address.

Source: "Validating requests are coming from Twilio",
https://www.twilio.com/docs/usage/security#validating-requests
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Iterator, Mapping, Sequence
from urllib.parse import SplitResult, parse_qsl, urlsplit

from service.core import TocsinError

PATH = "/v1/inbound/twilio"
MAX_FIELDS = 200
SIGNATURE_LENGTH = 28
"""Characters of a SHA-1 in base64."""

Fields = Sequence[tuple[str, str]]


class TwilioRefused(TocsinError):
    """A request is not Twilio's for our account (HTTP 403); the text says which check failed."""


def callback_address(public_url: str) -> str:
    """Where Twilio reaches us: what goes into its console, and what it signs."""
    return public_url.rstrip("/") + PATH


def signature(token: str, url: str, fields: Fields) -> str:
    """What Twilio computes: base64 of HMAC-SHA1 over the address and every field and value, sorted."""
    signed = url + "".join(name + value for name, value in sorted(set(fields)))
    return base64.b64encode(hmac.digest(token.encode(), signed.encode(), "sha1")).decode()


class TwilioGate:
    """Lets through what Twilio signed with one of `tokens`; without them, an account and our address, nothing.

    A signature holds no time: the same request is as good tomorrow, so whoever takes it must not mind it coming twice.
    """

    def __init__(self, account: str | None, tokens: Sequence[str], public_url: str | None) -> None:
        self._account = account
        self._tokens = tuple(tokens)
        self._address = None if public_url is None else callback_address(public_url)

    def expect(self, signed: str) -> str:
        """Our address; `TwilioRefused` for what cannot be a signed request, before anything else of it is read."""
        if self._address is None or self._account is None or not self._tokens:
            raise TwilioRefused("set TOCSIN_TWILIO_ACCOUNT, TOCSIN_TWILIO_TOKENS and TOCSIN_PUBLIC_URL to take them")
        if len(signed) != SIGNATURE_LENGTH:
            raise TwilioRefused("its signature is not Twilio's: it is none at all")
        return self._address

    def admit(self, body: bytes, query: str, signed: str) -> Mapping[str, str]:
        """The verified fields of a request to `PATH` with this query; `TwilioRefused` if any check fails."""
        callback_address = self.expect(signed)
        fields = _fields(body)
        url = f"{callback_address}?{query}" if query else callback_address
        if not self._is_signed(url, fields, signed):
            raise TwilioRefused("the signature is not Twilio's: compare TOCSIN_PUBLIC_URL with the address it calls")
        members = dict(fields)
        if members.get("AccountSid") != self._account:
            raise TwilioRefused("it is about another account than TOCSIN_TWILIO_ACCOUNT")
        return members

    def _is_signed(self, url: str, fields: Fields, signed: str) -> bool:
        given = signed.encode()
        expected = (signature(token, form, fields) for token in self._tokens for form in _forms(urlsplit(url)))
        return any(hmac.compare_digest(given, each.encode()) for each in expected)


def _forms(url: SplitResult) -> Iterator[str]:
    """An address as it is, and with its usual port or without any: Twilio is not consistent about it."""
    host = f"[{url.hostname}]" if ":" in (url.hostname or "") else url.hostname or ""
    port = url.port or (443 if url.scheme == "https" else 80)
    yield from {url.geturl(), url._replace(netloc=host).geturl(), url._replace(netloc=f"{host}:{port}").geturl()}


def _fields(body: bytes) -> Fields:
    try:
        return parse_qsl(body.decode(), keep_blank_values=True, errors="strict", max_num_fields=MAX_FIELDS)
    except ValueError as error:
        raise TwilioRefused("the body is no form") from error
