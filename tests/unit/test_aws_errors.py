"""What errors of AWS mean for who asked: nothing that is not the message's fault may refuse it for good."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import boto3
import botocore.exceptions
import pytest
from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError
from botocore.exceptions import ConnectionError as NotConnected

from service.aws.clients import Clients
from service.aws.events import EventBridge
from service.channels import Email, Outcome, Reason, Reference, Refused, Sms, VoiceCall
from service.channels.aws.mail import MailIdentity, SesEmail
from service.channels.aws.phone import EndUserMessagingSms, EndUserMessagingVoice, PhoneIdentity
from service.channels.aws.sending import handed_over
from service.channels.phones import Phone
from service.core import aws_errors
from service.core.aws_errors import AwsErrorKind
from service.core.language_tags import Tag
from service.language import LanguageServiceUnavailable
from service.language.aws.asking import asked
from service.language.aws.comprehend import ComprehendSentiment
from service.language.aws.translate import AmazonTranslate
from service.work import RetryLater
from tests.aws_services import SERVICES

ENGLISH, GERMAN = Tag("en"), Tag("de")
MARY, COPY = Phone("+491713920012", "DE"), Reference("n1-000001", 1)
MAIL = Email("john@example.com", "Menu", "<p>Hello</p>", "Hello", ENGLISH, COPY)
THE_REQUESTS_FAULT = {
    "DataNotFoundError",
    "MissingParametersError",
    "ParamValidationError",
    "UnknownServiceError",
    "ValidationError",
}


def classes(base: type[Exception]) -> list[type[Exception]]:
    """Every class that botocore has below one of its own."""
    known = [one for one in vars(botocore.exceptions).values() if isinstance(one, type) and issubclass(one, base)]
    return sorted(known, key=lambda one: one.__name__)


def raised(kind: type[Exception]) -> Exception:
    """An error of a class, whatever its words demand."""
    return kind.__new__(kind)


def outcome(error: Exception) -> Outcome:
    def fail() -> str:
        raise error

    return handed_over(fail, lambda _: None)


@pytest.mark.parametrize("kind", classes(NotConnected))
def test_a_call_that_could_not_be_connected_never_arrived(kind: type[Exception]) -> None:
    error = raised(kind)
    assert aws_errors.aws_error_kind(error) is AwsErrorKind.UNREACHED
    assert outcome(error) == Refused(Reason.PROVIDER, f"AWS cannot be reached: {kind.__name__}")


@pytest.mark.parametrize("kind", classes(HTTPClientError))
def test_a_call_whose_answer_was_lost_is_in_doubt(kind: type[Exception]) -> None:
    assert aws_errors.aws_error_kind(raised(kind)) is AwsErrorKind.IN_DOUBT


@pytest.mark.parametrize("kind", [one for one in classes(BotoCoreError) if one is not BotoCoreError])
def test_only_a_short_list_of_errors_is_the_messages_own_fault(kind: type[Exception]) -> None:
    refused = outcome(raised(kind))
    is_own_fault = any(one.__name__ in THE_REQUESTS_FAULT for one in kind.__mro__)
    assert (isinstance(refused, Refused) and refused.permanent) == is_own_fault


def test_an_error_that_nobody_has_described_is_the_providers_trouble() -> None:
    class Surprise(BotoCoreError):
        fmt = "surprise"

    def fail() -> str:
        raise Surprise

    assert outcome(Surprise()) == Refused(Reason.PROVIDER, "Surprise")
    with pytest.raises(LanguageServiceUnavailable):
        asked("Comprehend", fail)


def answered(code: str, status: int = 400) -> ClientError:
    response = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(response, "SendTextMessage")  # type: ignore[arg-type]  # as much of an answer as is read


@pytest.mark.parametrize(
    ("code", "status", "kind"),
    [
        ("KMSThrottlingException", 400, AwsErrorKind.THROTTLED),
        ("KmsThrottled", 403, AwsErrorKind.THROTTLED),
        ("Throttling", 400, AwsErrorKind.THROTTLED),
        ("AWS.SimpleQueueService.OverLimit", 403, AwsErrorKind.THROTTLED),
        ("NewKindOfThrottle", 429, AwsErrorKind.THROTTLED),
        ("429", 429, AwsErrorKind.THROTTLED),
        ("ReplicatedWriteConflictException", 400, AwsErrorKind.FAILED),
        ("RequestTimeoutException", 408, AwsErrorKind.FAILED),
        ("408", 408, AwsErrorKind.FAILED),
        ("NobodyKnowsThisException", 400, AwsErrorKind.FAILED),
        ("InternalFailure", 500, AwsErrorKind.FAILED),
        ("SomethingNew", 403, AwsErrorKind.IDENTITY),
        ("ExpiredTokenException", 403, AwsErrorKind.IDENTITY),
        ("ResourceNotFoundException", 400, AwsErrorKind.MISSING),
        ("ValidationException", 400, AwsErrorKind.REQUEST),
    ],
)
def test_a_refusal_is_read_by_its_code_and_else_by_its_status(code: str, status: int, kind: AwsErrorKind) -> None:
    assert aws_errors.aws_error_kind(answered(code, status)) is kind


def test_why_and_where_dynamodb_throttles_is_read_however_it_is_spelt() -> None:
    reason = {
        "reason": "IndexWriteKeyRangeThroughputExceeded",
        "resource": "arn:aws:dynamodb:us-east-1:111122223333:table/tocsin_items/index/due",
    }
    for name in ("throttlingReasons", "ThrottlingReasons"):
        error = answered("ThrottlingException")
        error.response[name] = [reason]  # type: ignore[typeddict-unknown-key]
        assert aws_errors.throttled_by(error) == (reason["reason"], "tocsin_items/index/due")
    assert aws_errors.throttled_by(answered("ThrottlingException")) == ("", "")


@contextmanager
def broken_handshakes() -> Iterator[str]:
    """The address of a host that takes a ClientHello and hangs up, as balancers and proxies do on a bad day."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=_hang_up, args=(server,), daemon=True).start()
        yield f"https://127.0.0.1:{server.getsockname()[1]}"
        server.shutdown(socket.SHUT_RDWR)


def _hang_up(server: socket.socket) -> None:
    while True:
        try:
            connection, _ = server.accept()
            connection.recv(4096)
            connection.close()
        except OSError:
            return


@pytest.fixture(params=["handshake", "proxy"])
def clients(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Clients]:
    with broken_handshakes() as url:
        for name in SERVICES.values():
            monkeypatch.setenv(f"AWS_ENDPOINT_URL_{name}", url)
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            monkeypatch.setenv(name, "test")
        monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
        if request.param == "proxy":
            monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
        yield Clients(boto3.Session())


def test_a_broken_handshake_or_an_absent_proxy_refuses_nothing_for_good(clients: Clients) -> None:
    sent = [
        EndUserMessagingSms(clients, PhoneIdentity()).send(Sms(MARY, "Pump 1 failed", ENGLISH, COPY)),
        EndUserMessagingVoice(clients, PhoneIdentity("+4930900000")).send(VoiceCall(MARY, "Hello", ENGLISH, COPY)),
        SesEmail(clients, MailIdentity("tocsin@example.com")).send(MAIL),
        *SesEmail(clients, MailIdentity("tocsin@example.com")).send_many([MAIL, MAIL]),
    ]
    assert [isinstance(one, Refused) and one.reason for one in sent] == [Reason.PROVIDER] * 5
    with pytest.raises(RetryLater):
        EventBridge(clients, "rules").emit("e1", "approved", {})


def test_a_broken_handshake_or_an_absent_proxy_is_a_language_service_that_may_answer_later(clients: Clients) -> None:
    with pytest.raises(LanguageServiceUnavailable):
        ComprehendSentiment(clients).score("Hello there, friends", ENGLISH)
    with pytest.raises(LanguageServiceUnavailable):
        AmazonTranslate(clients).translate("Hello", ENGLISH, GERMAN)
