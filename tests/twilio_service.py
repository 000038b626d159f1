"""Twilio on loopback: holds every request to the parameters that Twilio documents, and answers as scripted.

https://www.twilio.com/docs/messaging/api/message-resource#create-a-message-resource
https://www.twilio.com/docs/voice/api/call-resource#create-a-call-resource
https://www.twilio.com/docs/usage/twilios-response
"""

from __future__ import annotations

import base64
import json
import re
import threading
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler
from urllib.parse import parse_qsl, urlsplit
from xml.etree import ElementTree as ET

from tests.loopback import serving

ACCOUNT = "AC" + "0123456789abcdef" * 2
TOKEN = "a-token-of-the-test"
NUMBER = "+14155550100"

_E164 = re.compile(r"\+[1-9]\d{1,14}")
_SERVICE = re.compile(r"MG[0-9a-f]{32}")
_SENDER_ID = re.compile(r"(?=.*[A-Za-z])[A-Za-z0-9 ]{1,11}")
_RESOURCE = re.compile(rf"/2010-04-01/Accounts/{ACCOUNT}/(Messages|Calls)\.json")
_KNOWN = {
    "Messages": {"To", "From", "MessagingServiceSid", "Body", "StatusCallback", "ValidityPeriod"},
    "Calls": {"To", "From", "Twiml", "StatusCallback"},
}


@dataclass(frozen=True, slots=True)
class TwilioError:
    """An error as Twilio writes it."""

    status: int
    code: int | None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Hangup:
    """The request is taken and never answered: the connection closes without a word."""


@dataclass(frozen=True, slots=True)
class Rubbish:
    """An answer that is not what Twilio documents."""

    status: int = 201
    body: bytes = b"<html>out to lunch</html>"


Script = TwilioError | Hangup | Rubbish


@dataclass(frozen=True, slots=True)
class Created:
    """One message or call that was asked for."""

    resource: str
    sid: str
    form: Mapping[str, str]


class TwilioService:
    """What was created, what broke the documented parameters, and what will be answered."""

    def __init__(self) -> None:
        self.asked: list[Created] = []
        self.violations: list[str] = []
        self.port = 0
        self.account: dict[str, object] = {"sid": ACCOUNT, "status": "active", "type": "Full"}
        self.numbers: list[dict[str, object]] = []
        self._scripts: deque[Script] = deque()
        self._always: Script | None = None
        self._lock = threading.Lock()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def script(self, *answers: Script) -> None:
        """Answer the next requests like this, in order; then create what is asked for."""
        self._scripts.extend(answers)

    def always(self, answer: Script | None) -> None:
        """What is answered whenever nothing is scripted; None creates."""
        self._always = answer

    def forget(self) -> None:
        """Drop what was scripted."""
        self._scripts.clear()
        self._always = None

    def of(self, resource: str) -> list[Mapping[str, str]]:
        """The forms of one resource, in order."""
        return [each.form for each in self.asked if each.resource == resource]

    def answer(self, path: str, authorization: str, media_type: str, body: str) -> Script | Created:
        with self._lock:
            found = _RESOURCE.fullmatch(path)
            if found is None:
                self.violations.append(f"no such resource: {path}")
                return TwilioError(404, 20404)
            if not _authorised(authorization):
                return TwilioError(401, 20003)
            pairs = parse_qsl(body, keep_blank_values=True, strict_parsing=True)
            form = dict(pairs)
            resource = found[1]
            faults = list(_faults(resource, form))
            if media_type != "application/x-www-form-urlencoded" or len(form) < len(pairs):
                faults.append(f"{resource}: no plain form")
            self.violations += faults
            number = len(self.asked) + 1
            created = Created(resource, ("SM" if resource == "Messages" else "CA") + f"{number:032x}", form)
            self.asked.append(created)
            if self._scripts:
                return self._scripts.popleft()
            return self._always or created


def _authorised(header: str) -> bool:
    return header == "Basic " + base64.b64encode(f"{ACCOUNT}:{TOKEN}".encode()).decode()


def _faults(resource: str, form: Mapping[str, str]) -> Iterator[str]:
    """Everything in which a form breaks what Twilio documents."""
    yield from (f"{resource}: unknown parameter {name}" for name in form.keys() - _KNOWN[resource])
    if not _E164.fullmatch(form.get("To", "")):
        yield f"{resource}: To is not E.164"
    if callback := form.get("StatusCallback"):
        parts = urlsplit(callback)
        if parts.scheme not in {"http", "https"} or not parts.hostname or "_" in parts.hostname or len(callback) > 4000:
            yield f"{resource}: StatusCallback"
    yield from _message_faults(form) if resource == "Messages" else _call_faults(form)


def _message_faults(form: Mapping[str, str]) -> Iterator[str]:
    origin, service = form.get("From"), form.get("MessagingServiceSid")
    if (origin is None) == (service is None):
        yield "Messages: From or MessagingServiceSid"
    if origin is not None and not (_E164.fullmatch(origin) or _SENDER_ID.fullmatch(origin)):
        yield f"Messages: From {origin}"
    if service is not None and not _SERVICE.fullmatch(service):
        yield "Messages: MessagingServiceSid"
    if not 1 <= len(form.get("Body", "")) <= 1600:
        yield "Messages: Body"


def _call_faults(form: Mapping[str, str]) -> Iterator[str]:
    if not _E164.fullmatch(form.get("From", "")):
        yield "Calls: From is no phone number"
    markup = form.get("Twiml", "")
    if not 1 <= len(markup) <= 4000:
        yield "Calls: Twiml"
        return
    root = ET.fromstring(markup)
    inside = root[0] if len(root) == 1 and root[0].tag == "Gather" else root
    if inside is not root and (inside.get("numDigits") != "1" or not inside.get("action", "").startswith("https://")):
        yield "Calls: Gather"
    if root.tag != "Response" or not len(inside):
        yield "Calls: Twiml says nothing in a Response"
    if any(each.tag != "Say" or not each.get("voice", "").startswith("Polly.") for each in inside):
        yield "Calls: Twiml is not Say in a Response, or in a Gather of it"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = 65536
    service: TwilioService

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        if not _authorised(self.headers.get("Authorization", "")):
            self._reply(401, b'{"code": 20003, "status": 401}', {})
        elif parts.path == f"/2010-04-01/Accounts/{ACCOUNT}.json":
            self._reply(200, json.dumps(self.service.account).encode(), {})
        elif parts.path == f"/2010-04-01/Accounts/{ACCOUNT}/IncomingPhoneNumbers.json":
            wanted = dict(parse_qsl(parts.query)).get("PhoneNumber")
            found = [number for number in self.service.numbers if number["phone_number"] == wanted]
            self._reply(200, json.dumps({"incoming_phone_numbers": found}).encode(), {})
        else:
            self._reply(404, b'{"code": 20404, "status": 404}', {})

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", "0"))).decode()
        given = (self.headers.get("Authorization", ""), self.headers.get("Content-Type", ""))
        match self.service.answer(self.path, *given, body):
            case Hangup():
                self.close_connection = True
            case Rubbish(status=status, body=content):
                self._reply(status, content, {})
            case TwilioError(status=status, code=code, headers=headers):
                more = f"https://www.twilio.com/docs/errors/{code}"
                document = {"code": code, "message": "scripted", "more_info": more, "status": status}
                self._reply(status, json.dumps(document).encode(), headers)
            case Created(sid=sid):
                self._reply(201, json.dumps({"sid": sid, "status": "queued", "error_code": None}).encode(), {})

    def _reply(self, status: int, body: bytes, headers: Mapping[str, str]) -> None:
        self.send_response_only(status)
        for name, value in {"Date": formatdate(usegmt=True), "Content-Type": "application/json", **headers}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Tests read `asked`, not a log."""


@contextmanager
def twilio_service() -> Iterator[TwilioService]:
    """Twilio on a free port of this machine; at the end no request may have broken what it documents."""
    service = TwilioService()
    with serving(type("Handler", (_Handler,), {"service": service})) as service.port:
        yield service
    assert service.violations == []
