"""Senders of other accounts: messages are signed with what STS lends for their role, kept and renewed in time."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler
from urllib.parse import parse_qs

import boto3
import pytest

from service.aws.clients import Clients
from service.channels import Accepted, Email, Outcome, Reason, Reference, Refused, Sms, VoiceCall
from service.channels.aws.mail import MailIdentity, SesEmail
from service.channels.aws.phone import EndUserMessagingSms, EndUserMessagingVoice, PhoneIdentity
from service.channels.phones import Phone
from service.core.language_tags import Tag
from service.messages.senders import Senders, read_senders
from service.wiring.aws import AccountCarrier
from tests.aws import Environment, ministack
from tests.aws_services import AwsServices, aws_services
from tests.loopback import serving

OTHER, THIRD = (f"arn:aws:iam::{number * 12}:role/senders" for number in "23")
SENDERS = f"""{{
  "DE": [{{"origin": "+4930900001", "role": "{OTHER}"}}],
  "SE": [{{"origin": "+4670900001", "role": "{THIRD}"}}],
  "*": [{{"origin": "+4930900000"}}]
}}"""
GERMAN, SWEDISH, FRENCH = Phone("+491713920012", "DE"), Phone("+46701234567", "SE"), Phone("+33612345678", "FR")


def sms(to: Phone, number: int = 1) -> Sms:
    return Sms(to, "Pump 1 failed", Tag("en"), Reference(f"n-{number:06d}", 1))


@pytest.fixture
def senders() -> Senders:
    return read_senders(SENDERS)


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[AwsServices]:
    with aws_services() as services:
        for name, value in services.environment().items():
            monkeypatch.setenv(name, value)
        yield services


class Office:
    """Sends as the service does: each message in the role of its identity."""

    def __init__(self, senders: Senders) -> None:
        clients = Clients(boto3.Session())
        self.senders = senders
        self.channel = AccountCarrier(senders, lambda role: EndUserMessagingSms(clients, PhoneIdentity(role=role)))
        self.clients = clients

    def sends(self, message: Sms) -> Outcome:
        addressed = self.senders.addressed(message)
        assert isinstance(addressed, Sms)
        return self.channel.send(addressed)


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Environment]:
    with ministack(tmp_path_factory.mktemp("sts")) as environment:
        yield environment


@pytest.mark.more
def test_a_message_is_signed_with_the_key_that_sts_lends_for_its_role(
    aws: AwsServices, emulator: Environment, monkeypatch: pytest.MonkeyPatch, senders: Senders
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", emulator["AWS_ENDPOINT_URL"])
    office = Office(senders)
    for to in (GERMAN, FRENCH, SWEDISH, GERMAN):
        assert isinstance(office.sends(sms(to)), Accepted)
    german, ours, swedish, again = [call.key_id for call in aws.calls]
    assert ours == "test"
    assert german.startswith("ASIA"), "temporary keys of STS begin like this"
    assert swedish.startswith("ASIA")
    assert len({german, swedish, ours}) == 3
    assert again == german


@dataclass
class Sts:
    """STS on loopback: lends a new key at each AssumeRole, good for `lends`."""

    lends: timedelta = timedelta(hours=1)
    refuses: bool = False
    hangs_up: bool = False
    asked: int = 0
    roles: list[str] = field(default_factory=list)
    signed_by: list[str] = field(default_factory=list)
    port: int = 0

    def answer(self, body: str, authorization: str) -> tuple[int, str]:
        asked = parse_qs(body)
        assert asked["Action"] == ["AssumeRole"]
        self.roles += asked["RoleArn"]
        self.signed_by.append(authorization.partition("Credential=")[2].partition("/")[0])
        if self.refuses:
            return 403, "<ErrorResponse><Error><Code>AccessDenied</Code><Message>no</Message></Error></ErrorResponse>"
        ends = (datetime.now(UTC) + self.lends).strftime("%Y-%m-%dT%H:%M:%SZ")
        return 200, (
            '<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult><Credentials>'
            f"<AccessKeyId>ASIA{len(self.roles):016d}</AccessKeyId><SecretAccessKey>s</SecretAccessKey>"
            f"<SessionToken>t</SessionToken><Expiration>{ends}</Expiration></Credentials>"
            "</AssumeRoleResult></AssumeRoleResponse>"
        )


@contextmanager
def sts_service() -> Iterator[Sts]:
    sts = Sts()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            sts.asked += 1
            if sts.hangs_up:
                return
            status, text = sts.answer(body, self.headers.get("Authorization", ""))
            self.send_response_only(status)
            self.send_header("Content-Type", "text/xml")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text.encode())

    with serving(Handler) as sts.port:
        yield sts


@pytest.fixture
def sts(aws: AwsServices, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sts]:
    with sts_service() as sts:
        monkeypatch.setenv("AWS_ENDPOINT_URL_STS", f"http://127.0.0.1:{sts.port}")
        yield sts


def test_credentials_are_asked_for_once_however_many_threads_send(aws: AwsServices, sts: Sts, senders: Senders) -> None:
    office = Office(senders)
    with ThreadPoolExecutor(8) as threads:
        outcomes = list(threads.map(lambda number: office.sends(sms(GERMAN, number)), range(40)))
    assert all(isinstance(outcome, Accepted) for outcome in outcomes)
    assert sts.roles == [OTHER]
    assert sts.signed_by == ["test"]
    assert {call.key_id for call in aws.calls} == {"ASIA0000000000000001"}


def test_sms_calls_and_mail_of_one_role_share_its_credentials(aws: AwsServices, sts: Sts, senders: Senders) -> None:
    office = Office(senders)
    call = VoiceCall(GERMAN, "Pump 1 failed", Tag("en"), Reference("n-2", 1), origin="+4930900001")
    mail = Email("ann@example.com", "s", "<p>h</p>", "t", Tag("en"), Reference("n-3", 1))
    outcomes = [
        office.sends(sms(GERMAN)),
        EndUserMessagingVoice(office.clients, PhoneIdentity(role=OTHER)).send(call),
        SesEmail(office.clients, MailIdentity("tocsin@example.com", role=OTHER)).send(mail),
        office.sends(sms(SWEDISH)),
    ]
    assert all(isinstance(outcome, Accepted) for outcome in outcomes)
    assert [call.key_id[-1] for call in aws.calls] == ["1", "1", "1", "2"]
    assert sts.roles == [OTHER, THIRD]


def test_credentials_are_renewed_before_they_end(aws: AwsServices, sts: Sts, senders: Senders) -> None:
    sts.lends = timedelta(minutes=5)
    office = Office(senders)
    assert isinstance(office.sends(sms(GERMAN)), Accepted)
    sts.lends = timedelta(hours=1)
    for number in range(3):
        assert isinstance(office.sends(sms(GERMAN, number)), Accepted)
    assert [call.key_id[-1] for call in aws.calls] == ["1", "2", "2", "2"]


def test_a_role_that_may_not_be_assumed_is_an_operators_matter_and_touches_no_other(
    aws: AwsServices, sts: Sts, senders: Senders
) -> None:
    sts.refuses = True
    office = Office(senders)
    refused = office.sends(sms(GERMAN))
    assert isinstance(refused, Refused)
    assert refused.reason is Reason.ACCESS
    assert not refused.permanent
    assert isinstance(office.sends(sms(FRENCH)), Accepted)
    sts.refuses = False
    assert isinstance(office.sends(sms(GERMAN)), Accepted)


def test_a_silent_sts_leaves_no_doubt_about_the_message(aws: AwsServices, sts: Sts, senders: Senders) -> None:
    sts.hangs_up = True
    refused = Office(senders).sends(sms(GERMAN))
    assert isinstance(refused, Refused), "it cannot have been sent: nothing could sign it"
    assert refused.reason is Reason.ACCESS
    assert aws.calls == []


def test_threads_that_wait_for_a_silent_sts_do_not_ask_it_one_after_the_other(
    aws: AwsServices, sts: Sts, senders: Senders
) -> None:
    """Each would wait as long as the one before it, and the last for longer than its lease."""
    sts.hangs_up = True
    office = Office(senders)
    with ThreadPoolExecutor(8) as threads:
        outcomes = list(threads.map(lambda number: office.sends(sms(GERMAN, number)), range(8)))
    assert all(isinstance(outcome, Refused) for outcome in outcomes)
    assert sts.asked == 1
    assert aws.calls == []
