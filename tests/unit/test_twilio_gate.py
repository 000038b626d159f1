"""Who may speak as Twilio: the examples that Twilio publishes, and everything near them."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.inbound.twilio.signature import Fields, TwilioGate, TwilioRefused, callback_address, signature
from tests.twilio_service import ACCOUNT, TOKEN

PUBLISHED = (
    ("CallSid", "CA1234567890ABCDE"),
    ("Caller", "+14158675309"),
    ("Digits", "1234"),
    ("From", "+14158675309"),
    ("To", "+18005551212"),
)
"""https://www.twilio.com/docs/usage/security#validating-requests and the tests of Twilio's own libraries
(https://github.com/twilio/twilio-python/blob/main/tests/unit/test_request_validator.py)."""

TWICE = (("Sid", "CA123"), ("SidAccount", "AC123"), ("Digits", "5678"), ("Digits", "1234"))
URL = "https://tocsin.example.com/v1/inbound/twilio"
FIELDS = (("AccountSid", ACCOUNT), ("MessageSid", "SM1"), ("From", "+447700900123"), ("Body", "ja ✓ & more"))


@pytest.mark.parametrize(
    ("url", "fields", "expected"),
    [
        ("https://mycompany.com/myapp.php?foo=1&bar=2", PUBLISHED, "RSOYDt4T1cUTdK1PDd93/VVr8B8="),
        ("https://mycompany.com:443/myapp.php?foo=1&bar=2", PUBLISHED, "kvajT1Ptam85bY51eRf/AJRuM3w="),
        ("http://mycompany.com:80/myapp.php?foo=1&bar=2", PUBLISHED, "0ZXoZLH/DfblKGATFgpif+LLRf4="),
        ("https://mycompany.com/myapp.php?foo=1&bar=2", TWICE, "IK+Dwps556ElfBT0I3Rgjkr1wJU="),
    ],
)
def test_the_published_examples_have_the_published_signatures(url: str, fields: Fields, expected: str) -> None:
    assert signature("12345", url, fields) == expected
    assert signature("12345", url, tuple(reversed(fields))) == expected


@pytest.fixture
def gate() -> TwilioGate:
    return TwilioGate(ACCOUNT, ["new-token", TOKEN], "https://tocsin.example.com/")


@pytest.mark.parametrize("url", [URL, URL.replace(".com/", ".com:443/")])
@pytest.mark.parametrize("token", ["new-token", TOKEN])
@pytest.mark.parametrize("query", ["", "delivery=n-1-000001&attempt=2"])
def test_each_token_is_good_with_or_without_the_usual_port(gate: TwilioGate, url: str, token: str, query: str) -> None:
    signed = signature(token, f"{url}?{query}" if query else url, FIELDS)
    assert gate.admit(urlencode(FIELDS).encode(), query, signed) == dict(FIELDS)


@pytest.mark.parametrize(
    "public_url", ["http://localhost:8080", "https://[2001:db8::1]:8443", "https://a.example/base/"]
)
def test_any_address_of_ours_will_do(public_url: str) -> None:
    gate = TwilioGate(ACCOUNT, [TOKEN], public_url)
    signed = signature(TOKEN, callback_address(public_url), FIELDS)
    assert gate.admit(urlencode(FIELDS).encode(), "", signed)["Body"] == "ja ✓ & more"


RIGHT = signature(TOKEN, URL, FIELDS)
BODY = urlencode(FIELDS).encode()
OTHER = (("AccountSid", "AC" + "f" * 32), *FIELDS[1:])


@pytest.mark.parametrize(
    ("body", "query", "signed", "why"),
    [
        (BODY, "", "", "signature"),
        (BODY, "", RIGHT[:-2] + "A=", "signature"),
        (BODY, "", RIGHT.lower(), "signature"),
        (BODY, "", RIGHT + "é", "signature"),
        (BODY, "attempt=9", RIGHT, "signature"),
        (BODY.replace(b"ja", b"no"), "", RIGHT, "signature"),
        (BODY + b"&Body=x", "", RIGHT, "signature"),
        (BODY + b"&Extra=", "", RIGHT, "signature"),
        (BODY, "", signature("old-token", URL, FIELDS), "signature"),
        (BODY, "", signature(TOKEN, URL.replace("https", "http"), FIELDS), "signature"),
        (BODY, "", signature(TOKEN, URL + "/", FIELDS), "signature"),
        (BODY, "", signature(TOKEN, URL.replace("tocsin.", "evil."), FIELDS), "signature"),
        (b"", "", RIGHT, "signature"),
        (b"\xff", "", "", "none at all"),
        (b"\xff", "", RIGHT[1:], "none at all"),
        (b"%ff=1", "", RIGHT, "no form"),
        (b"\xff", "", RIGHT, "no form"),
        (b"&".join(b"a=%d" % number for number in range(500)), "", RIGHT, "no form"),
        (urlencode(OTHER).encode(), "", signature(TOKEN, URL, OTHER), "another account"),
    ],
)
def test_anything_else_is_refused_with_the_reason(
    gate: TwilioGate, body: bytes, query: str, signed: str, why: str
) -> None:
    with pytest.raises(TwilioRefused, match=why):
        gate.admit(body, query, signed)


@pytest.mark.parametrize(
    "gate", [TwilioGate(None, [TOKEN], URL), TwilioGate(ACCOUNT, [], URL), TwilioGate(ACCOUNT, [TOKEN], None)]
)
def test_without_an_account_a_token_and_our_address_nothing_comes_in(gate: TwilioGate) -> None:
    with pytest.raises(TwilioRefused, match="TOCSIN_TWILIO_ACCOUNT, TOCSIN_TWILIO_TOKENS and TOCSIN_PUBLIC_URL"):
        gate.admit(BODY, "", RIGHT)


@given(st.binary(max_size=200), st.text(max_size=40), st.text(max_size=40))
def test_whatever_a_stranger_sends_is_refused_and_nothing_else_happens(body: bytes, query: str, signed: str) -> None:
    with pytest.raises(TwilioRefused):
        TwilioGate(ACCOUNT, [TOKEN], URL).admit(body, query, signed)
