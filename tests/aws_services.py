"""The AWS services that no emulator serves (SMS and voice, Comprehend, Translate, Polly), and, for scripted
faults, SES and EventBridge.

A stub over HTTP that boto3 reaches unchanged by `AWS_ENDPOINT_URL_<SERVICE>`. It knows nothing but botocore's own
service models: each request is checked against them (required members, types, enumerations, patterns, limits),
recorded, and answered as scripted: successes, throttles, errors, silence, cut-off and malformed answers.
"""

from __future__ import annotations

import json
import re
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler

import cbor2
from botocore.loaders import Loader
from botocore.model import ListShape, MapShape, OperationModel, ServiceModel, Shape, StringShape, StructureShape
from botocore.validate import ParamValidator

from tests.loopback import serving

SERVICES = {
    "pinpoint-sms-voice-v2": "PINPOINT_SMS_VOICE_V2",
    "comprehend": "COMPREHEND",
    "translate": "TRANSLATE",
    "polly": "POLLY",
    "sesv2": "SESV2",
    "events": "EVENTBRIDGE",
}


@dataclass(frozen=True, slots=True)
class Error:
    """An AWS error: its code, HTTP status, and members such as `Reason`."""

    code: str
    status: int = 400
    members: Mapping[str, object] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Silence:
    """The request is taken and never answered: the connection closes without a word."""


@dataclass(frozen=True, slots=True)
class Garbage:
    """An answer of status 200 that is not what the model says."""

    body: bytes = b"<html>out to lunch</html>"


Answer = Mapping[str, object] | Error | Silence | Garbage
Request = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Call:
    """One request as the service understood it."""

    service: str
    operation: str
    request: Request
    key_id: str = ""
    """The access key id by which the request is signed."""


class AwsServices:
    """The stub: what was asked of it, what broke a service's model, and what it will answer."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.violations: list[str] = []
        self._scripts: dict[str, deque[Answer]] = {}
        self._usual: dict[str, Callable[[Request], Answer]] = {}
        self._lock = threading.Lock()
        self._models = _models()
        self.port = 0

    def script(self, operation: str, *answers: Answer) -> None:
        """Answer the next calls of an operation like this, in order; then as usual."""
        self._scripts.setdefault(operation, deque()).extend(answers)

    def usually(self, operation: str, answer: Callable[[Request], Answer]) -> None:
        """How an operation answers whenever nothing is scripted."""
        self._usual[operation] = answer

    def of(self, operation: str) -> list[Request]:
        """The requests of one operation, in order."""
        return [call.request for call in self.calls if call.operation == operation]

    def environment(self) -> dict[str, str]:
        """What points boto3 here."""
        url = f"http://127.0.0.1:{self.port}"
        return {f"AWS_ENDPOINT_URL_{name}": url for name in SERVICES.values()} | {
            "AWS_REGION": "eu-central-1",
            "AWS_DEFAULT_REGION": "eu-central-1",
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
        }

    def answer(self, service: str, operation: str, request: Request, key_id: str) -> Answer:
        """Check and record a request, and say what to answer."""
        with self._lock:
            self.calls.append(Call(service, operation, request, key_id))
            model = self._models[service].operation_model(operation)
            if faults := list(violations(model, request)):
                self.violations += faults
                return Error("ValidationException", members={"Message": "; ".join(faults)})
            if script := self._scripts.get(operation):
                return script.popleft()
            return self._usual[operation](request) if operation in self._usual else USUAL[operation](request)

    def route(self, method: str, path: str, target: str | None) -> tuple[str, OperationModel] | None:
        """Which operation of which service an HTTP request is for."""
        for service, model in self._models.items():
            for name in model.operation_names:
                operation = model.operation_model(name)
                if _is_for(model, operation, method, path, target):
                    return service, operation
        return None


@cache
def _models() -> Mapping[str, ServiceModel]:
    """Reading them takes a second; they never change."""
    return {name: ServiceModel(Loader().load_service_model(name, "service-2"), name) for name in SERVICES}


def _is_for(model: ServiceModel, operation: OperationModel, method: str, path: str, target: str | None) -> bool:
    if target is not None:
        return target == f"{model.metadata.get('targetPrefix')}.{operation.name}"
    if cbor := re.fullmatch(r"/service/([^/]+)/operation/([^/]+)", path):
        return cbor[2] == operation.name and cbor[1] == model.metadata.get("targetPrefix")
    uri = operation.http.get("requestUri", "/")
    return len(uri) > 1 and uri == path and operation.http.get("method") == method


def violations(operation: OperationModel, request: Request) -> Iterator[str]:
    """Everything in which a request breaks its operation's model."""
    shape = operation.input_shape
    assert shape is not None
    report = ParamValidator().validate(dict(request), shape)
    if report.has_errors():
        yield f"{operation.name}: {report.generate_report()}"
    yield from _limits(shape, request, operation.name)


def _limits(shape: Shape, value: object, path: str) -> Iterator[str]:
    yield from _too_much(shape, value, path)
    if isinstance(shape, StructureShape) and isinstance(value, dict):
        for name, inner in value.items():
            yield from _limits(shape.members[name], inner, f"{path}.{name}")
    elif isinstance(shape, ListShape) and isinstance(value, list):
        for inner in value:
            yield from _limits(shape.member, inner, f"{path}[]")
    elif isinstance(shape, MapShape) and isinstance(value, dict):
        for inner in value.values():
            yield from _limits(shape.value, inner, f"{path}.value")
    elif isinstance(shape, StringShape) and isinstance(value, str):
        yield from _misspelt(shape, value, path)


def _too_much(shape: Shape, value: object, path: str) -> Iterator[str]:
    most = shape.metadata.get("max")
    size = value if isinstance(value, int) and not isinstance(value, bool) else None
    if isinstance(value, str | bytes | list | dict):
        size = len(value)
    if most is not None and size is not None and size > most:
        yield f"{path}: {size} is more than {most}"


def _misspelt(shape: StringShape, value: str, path: str) -> Iterator[str]:
    pattern = shape.metadata.get("pattern", "")
    if shape.enum and value not in shape.enum:
        yield f"{path}: {value!r} is not in the enumeration"
    if pattern and r"\p" not in pattern.lower() and not re.fullmatch(pattern, value):
        yield f"{path}: does not match {pattern}"


def _translated(request: Request) -> Answer:
    source, target = request["SourceLanguageCode"], request["TargetLanguageCode"]
    words = f"[{target}] {request['Text']}"
    return {"TranslatedText": words, "SourceLanguageCode": source, "TargetLanguageCode": target}


def _feeling(request: Request) -> Answer:
    calm = {"Positive": 0.05, "Negative": 0.05, "Neutral": 0.85, "Mixed": 0.05}
    return {"Sentiment": "NEUTRAL", "SentimentScore": calm}


USUAL: Mapping[str, Callable[[Request], Answer]] = {
    "SendTextMessage": lambda request: {"MessageId": f"sms-{abs(hash(str(request))):x}"},
    "SendVoiceMessage": lambda request: {"MessageId": f"voice-{abs(hash(str(request))):x}"},
    "SendEmail": lambda request: {"MessageId": f"mail-{abs(hash(str(request))):x}"},
    "SendBulkEmail": lambda request: {
        "BulkEmailEntryResults": [
            {"Status": "SUCCESS", "MessageId": f"bulk-{number}"}
            for number, _ in enumerate(request["BulkEmailEntries"])  # type: ignore[arg-type]
        ]
    },
    "GetAccount": lambda _: {
        "SendingEnabled": True,
        "ProductionAccessEnabled": True,
        "SendQuota": {"Max24HourSend": 50_000.0, "MaxSendRate": 14.0, "SentLast24Hours": 0.0},
    },
    "DetectSentiment": _feeling,
    "PutEvents": lambda _: {"FailedEntryCount": 0, "Entries": [{"EventId": "event-1"}]},
    "DetectDominantLanguage": lambda _: {"Languages": [{"LanguageCode": "en", "Score": 0.99}]},
    "TranslateText": _translated,
}


def as_fast_as_they_come(_: Request) -> Answer:
    """An account of SES whose rate no test will meet."""
    return {"SendQuota": {"Max24HourSend": -1.0, "MaxSendRate": 100_000.0}}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = 65536  # headers and body in one packet, or each answer waits 40 ms for an acknowledgement
    services: AwsServices

    def do_GET(self) -> None:
        self._served("GET")

    def do_POST(self) -> None:
        self._served("POST")

    def _served(self, method: str) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        cbor = self.headers.get("smithy-protocol") == "rpc-v2-cbor"
        found = self.services.route(method, self.path, self.headers.get("X-Amz-Target"))
        if found is None:
            self._reply(404, b'{"__type":"UnknownOperationException"}', {})
            return
        service, operation = found
        request = cbor2.loads(body) if cbor else json.loads(body or b"{}")
        signed = re.search(r"Credential=([^/]+)/", self.headers.get("Authorization", ""))
        key_id = signed[1] if signed else ""
        self._answer(self.services.answer(service, operation.name, request, key_id), cbor)

    def _answer(self, answer: Answer, cbor: bool) -> None:
        match answer:
            case Silence():
                self.close_connection = True
            case Garbage(body=body):
                self._reply(200, body, {})
            case Error(code=code, status=status, members=members, headers=headers):
                document = {"__type": code, "message": f"scripted {code}", **members}
                self._reply(status, _written(document, cbor), {"x-amzn-ErrorType": code, **headers}, cbor)
            case _:
                self._reply(200, _written(answer, cbor), {}, cbor)

    def _reply(self, status: int, body: bytes, headers: Mapping[str, str], cbor: bool = False) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Content-Type", "application/cbor" if cbor else "application/json")
        if cbor:
            self.send_header("smithy-protocol", "rpc-v2-cbor")
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Tests read `calls`, not a log."""


def _written(document: Mapping[str, object], cbor: bool) -> bytes:
    return bytes(cbor2.dumps(document)) if cbor else json.dumps(document).encode()


@contextmanager
def aws_services() -> Iterator[AwsServices]:
    """The stub on a free port of this machine; at the end no request may have broken a model."""
    services = AwsServices()
    with serving(type("Handler", (_Handler,), {"services": services})) as services.port:
        yield services
    assert services.violations == []
