"""SES and End User Messaging, against a stub that holds every request to botocore's own service models."""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import boto3
import pytest
from msgspec import structs

from service.aws.clients import Clients
from service.aws.limits import choices_of
from service.channels import Accepted, Attachment, Email, Outcome, Reason, Reference, Refused, Sms, Unknown, VoiceCall
from service.channels.aws.mail import BULK_MEANINGS, MailIdentity, SesEmail
from service.channels.aws.phone import (
    REASONS,
    EndUserMessagingSms,
    EndUserMessagingVoice,
    PhoneIdentity,
)
from service.channels.aws.quota import ASKED_AGAIN_AFTER_S, KNOWN_FOR_S, SendRate
from service.channels.phones import Phone
from service.channels.voice import POLLY_VOICES
from service.core.language_tags import Tag, parse_tag
from service.messages.attachment_rules import MAX_ATTACHMENT_NAME, MAX_TYPE
from tests.aws_services import AwsServices, Error, Garbage, Silence, aws_services

ENGLISH, GERMAN = Tag("en"), Tag("de")
MARY = Phone("+491713920012", "DE")


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[AwsServices]:
    with aws_services() as services:
        for name, value in services.environment().items():
            monkeypatch.setenv(name, value)
        yield services


@pytest.fixture
def clients(aws: AwsServices) -> Clients:
    return Clients(boto3.Session())


def sms(text: str = "Das Unternehmen nimmt ein neues Gericht auf.") -> Sms:
    return Sms(MARY, text, GERMAN, Reference("n1-000001", 2))


def email(number: int = 1, html: str = "<p>Hello</p>", to: str = "john@example.com") -> Email:
    return Email(to, "Menu", html, "Hello", ENGLISH, Reference(f"n1-{number:06d}", 1))


def call(voice: Tag = GERMAN, text: str = "Achtung & <Vorsicht>") -> VoiceCall:
    return VoiceCall(MARY, text, voice, Reference("n1-000003", 1))


def test_an_sms_carries_its_delivery_so_that_events_find_it(aws: AwsServices, clients: Clients) -> None:
    outcome = EndUserMessagingSms(clients, PhoneIdentity("pool-1", "receipts")).send(sms())
    assert isinstance(outcome, Accepted)
    assert aws.of("SendTextMessage") == [
        {
            "DestinationPhoneNumber": "+491713920012",
            "OriginationIdentity": "pool-1",
            "MessageBody": "Das Unternehmen nimmt ein neues Gericht auf.",
            "MessageType": "TRANSACTIONAL",
            "ConfigurationSetName": "receipts",
            "Context": {"delivery": "n1-000001", "attempt": "2"},
        }
    ]


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (
            Error("ConflictException", 409, {"Reason": "DESTINATION_PHONE_NUMBER_OPTED_OUT"}),
            Refused(Reason.OPTED_OUT, "ConflictException"),
        ),
        (
            Error("ConflictException", 409, {"Reason": "DESTINATION_COUNTRY_BLOCKED_BY_PROTECT_CONFIGURATION"}),
            Refused(Reason.BLOCKED, "ConflictException"),
        ),
        (
            Error("ServiceQuotaExceededException", 402, {"Reason": "MONTHLY_SPEND_LIMIT_REACHED_FOR_TEXT"}),
            Refused(Reason.LIMIT, "ServiceQuotaExceededException"),
        ),
        (
            Error("ServiceQuotaExceededException", 402, {"Reason": "DAILY_DESTINATION_CALL_LIMIT"}),
            Refused(Reason.ACCOUNT, "ServiceQuotaExceededException"),
        ),
        (
            Error("AccessDeniedException", 400, {"Reason": "ACCOUNT_DISABLED"}),
            Refused(Reason.LIMIT, "AccessDeniedException"),
        ),
        (
            Error("ThrottlingException", 400, headers={"Retry-After": "7"}),
            Refused(Reason.THROTTLED, "ThrottlingException", timedelta(seconds=7)),
        ),
        (Error("InternalServerException", 500), Refused(Reason.PROVIDER, "InternalServerException")),
        (Error("ExpiredTokenException", 403), Refused(Reason.ACCESS, "ExpiredTokenException (see `tocsin doctor`)")),
        (
            Error("ValidationException", 400, {"Reason": "FIELD_VALIDATION_FAILED"}),
            Refused(Reason.CONTENT, "ValidationException"),
        ),
    ],
)
def test_what_the_carrier_says_decides_what_is_done_next(
    aws: AwsServices, clients: Clients, answer: Error, outcome: Outcome
) -> None:
    aws.script("SendTextMessage", answer)
    assert EndUserMessagingSms(clients, PhoneIdentity()).send(sms()) == outcome
    assert (
        len(aws.of("SendTextMessage")) == 1
    )  # no retry inside the SDK: nobody could tell a second page from the first


@pytest.mark.parametrize("answer", [Silence(), Garbage(), {}])
def test_a_send_whose_answer_is_lost_or_says_nothing_is_in_doubt(
    aws: AwsServices, clients: Clients, answer: Silence | Garbage | dict[str, object]
) -> None:
    aws.script("SendTextMessage", answer)
    assert isinstance(EndUserMessagingSms(clients, PhoneIdentity()).send(sms()), Unknown)
    assert len(aws.of("SendTextMessage")) == 1


def test_a_text_over_the_limit_is_refused_before_it_is_sent(aws: AwsServices, clients: Clients) -> None:
    outcome = EndUserMessagingSms(clients, PhoneIdentity()).send(sms("x" * 1601))
    assert outcome == Refused(Reason.CONTENT, "SendTextMessage.MessageBody may be at most 1,600 and is 1,601")
    assert aws.calls == []


def test_nobody_listening_is_a_refusal_not_a_doubt(monkeypatch: pytest.MonkeyPatch) -> None:
    with aws_services() as gone:
        environment = gone.environment()
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    outcome = EndUserMessagingSms(Clients(boto3.Session()), PhoneIdentity()).send(sms())
    assert outcome == Refused(Reason.PROVIDER, "AWS cannot be reached: EndpointConnectionError")


def test_a_call_is_spoken_in_its_language_and_text_stays_text(aws: AwsServices, clients: Clients) -> None:
    outcome = EndUserMessagingVoice(clients, PhoneIdentity("+4930900000")).send(call())
    assert isinstance(outcome, Accepted)
    (request,) = aws.of("SendVoiceMessage")
    assert request["VoiceId"] == "VICKI"
    assert "Achtung &amp; &lt;Vorsicht&gt;" in str(request["MessageBody"])


def test_no_voice_reads_a_language_that_is_not_its_own(aws: AwsServices, clients: Clients) -> None:
    outcome = EndUserMessagingVoice(clients, PhoneIdentity("+4930900000")).send(call(parse_tag("fi")))
    assert outcome == Refused(Reason.CONTENT, "no voice speaks fi")
    assert aws.calls == []


def test_every_voice_and_reason_that_we_name_is_one_that_aws_knows(clients: Clients) -> None:
    client = clients.get("pinpoint-sms-voice-v2")
    assert set(POLLY_VOICES.values()) <= choices_of(client, "SendVoiceMessage", "VoiceId")
    model = client.meta.service_model
    known = {
        reason
        for name in ("ConflictExceptionReason", "ValidationExceptionReason")
        for reason in model.shape_for(name).enum  # type: ignore[attr-defined]  # both are string shapes
    }
    assert set(REASONS) <= known
    statuses = clients.get("sesv2").meta.service_model.shape_for("BulkEmailStatus").enum  # type: ignore[attr-defined]
    assert set(BULK_MEANINGS) <= set(statuses)


def test_an_email_carries_its_delivery_in_two_tags(aws: AwsServices, clients: Clients) -> None:
    outcome = SesEmail(clients, MailIdentity("Tocsin <tocsin@example.com>", "receipts")).send(email())
    assert isinstance(outcome, Accepted)
    (request,) = aws.of("SendEmail")
    assert request["EmailTags"] == [{"Name": "delivery", "Value": "n1-000001"}, {"Name": "attempt", "Value": "1"}]


def test_an_email_with_files_goes_alone_and_carries_them(aws: AwsServices, clients: Clients) -> None:
    files = (Attachment("Menü.pdf", "application/pdf", bytes(range(256))), Attachment("a.csv", "text/csv", b"a;b\r\n"))
    ses = SesEmail(clients, MailIdentity("Tocsin <tocsin@example.com>"))
    both = [structs.replace(email(number), attachments=files) for number in (1, 2)]
    assert not ses.alike(*both)
    assert all(isinstance(outcome, Accepted) for outcome in ses.send_many(both))
    assert aws.of("SendBulkEmail") == []
    contents: list[Any] = [request["Content"] for request in aws.of("SendEmail")]
    sent = [content["Simple"]["Attachments"] for content in contents]
    assert [[file["FileName"] for file in request] for request in sent] == [["Menü.pdf", "a.csv"]] * 2
    assert [b64decode(file["RawContent"]) for file in sent[0]] == [file.content for file in files]
    assert {file["ContentTransferEncoding"] for file in sent[0]} == {"BASE64"}
    assert aws.violations == []


def test_the_longest_media_type_and_name_are_those_of_ses(clients: Clients) -> None:
    members = clients.get("sesv2").meta.service_model.shape_for("Attachment").members  # type: ignore[attr-defined]
    assert members["ContentType"].metadata["max"] == MAX_TYPE
    assert members["FileName"].metadata["max"] >= MAX_ATTACHMENT_NAME


def test_fifty_alike_go_out_in_one_call_and_each_has_its_own_outcome(aws: AwsServices, clients: Clients) -> None:
    results: list[dict[str, object]] = [{"Status": "SUCCESS", "MessageId": f"m{number}"} for number in range(50)]
    results[3] = {"Status": "TRANSIENT_FAILURE"}
    results[4] = {"Status": "ACCOUNT_SUSPENDED"}
    aws.script("SendBulkEmail", {"BulkEmailEntryResults": results})
    emails = [email(number, to=f"p{number}@example.com") for number in range(53)]
    outcomes = SesEmail(clients, MailIdentity("tocsin@example.com")).send_many(emails)
    assert [len(request["BulkEmailEntries"]) for request in aws.of("SendBulkEmail")] == [50, 3]  # type: ignore[arg-type]
    assert outcomes[0] == Accepted("m0")
    assert outcomes[3] == Refused(Reason.PROVIDER, "TRANSIENT_FAILURE")
    assert outcomes[4] == Refused(Reason.LIMIT, "ACCOUNT_SUSPENDED")
    assert len(outcomes) == 53


def test_bulk_mails_that_differ_by_their_readers_link_alone_go_out_in_one_call(
    aws: AwsServices, clients: Clients
) -> None:
    aws.script("SendBulkEmail", {"BulkEmailEntryResults": [{"Status": "SUCCESS", "MessageId": "m"}] * 2})
    urls = [f"https://tocsin.example/u/{name}" for name in ("ann", "ben")]
    emails = [
        structs.replace(email(n, html=f'<p><a href="{url}">Leave</a></p>'), text=f"Leave: {url}", unsubscribe_url=url)
        for n, url in enumerate(urls)
    ]
    SesEmail(clients, MailIdentity("tocsin@example.com")).send_many(emails)
    (request,) = aws.of("SendBulkEmail")
    default: Any = request["DefaultContent"]
    entries: Any = request["BulkEmailEntries"]
    content = default["Template"]["TemplateContent"]
    for url, entry in zip(urls, entries, strict=True):
        data = json.loads(entry["ReplacementEmailContent"]["ReplacementTemplate"]["ReplacementTemplateData"])
        assert content["Text"].replace("{{own_link}}", data["own_link"]) == f"Leave: {url}"
        assert content["Html"].replace("{{own_link}}", data["own_link"]) == f'<p><a href="{url}">Leave</a></p>'


def test_a_persons_braces_never_become_a_template_of_ses(aws: AwsServices, clients: Clients) -> None:
    emails = [email(number, html="<p>{{ not yours }}</p>") for number in range(2)]
    SesEmail(clients, MailIdentity("tocsin@example.com")).send_many(emails)
    assert [call.operation for call in aws.calls] == ["SendEmail", "SendEmail"]


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (Error("TooManyRequestsException", 429, {"message": "Maximum sending rate exceeded."}), Reason.THROTTLED),
        (Error("TooManyRequestsException", 429, {"message": "Daily message quota exceeded."}), Reason.LIMIT),
        (Error("SendingPausedException", 400), Reason.LIMIT),
        (Error("AccountSuspendedException", 400), Reason.LIMIT),
        (Error("MailFromDomainNotVerifiedException", 400), Reason.ACCOUNT),
    ],
)
def test_ses_tells_a_full_second_from_a_full_day_and_a_pause(
    aws: AwsServices, clients: Clients, answer: Error, reason: Reason
) -> None:
    aws.script("SendEmail", answer)
    outcome = SesEmail(clients, MailIdentity("tocsin@example.com")).send(email())
    assert isinstance(outcome, Refused)
    assert (outcome.reason, outcome.permanent) == (reason, False)


def test_the_account_is_asked_now_and_then_how_many_mails_a_second_it_takes(aws: AwsServices, clients: Clients) -> None:
    now = [0.0]
    rate = SendRate(clients, lambda: now[0])
    aws.script("GetAccount", Error("AccessDeniedException", 403))
    assert [rate.per_second() for _ in range(3)] == [None] * 3
    now[0] += ASKED_AGAIN_AFTER_S
    assert [rate.per_second() for _ in range(3)] == [14.0] * 3
    aws.script("GetAccount", Silence())
    now[0] += KNOWN_FOR_S
    assert rate.per_second() == 14.0, "what was known last"
    assert len(aws.of("GetAccount")) == 3


def test_a_bulk_answer_that_forgets_somebody_leaves_all_in_doubt(aws: AwsServices, clients: Clients) -> None:
    aws.script("SendBulkEmail", {"BulkEmailEntryResults": [{"Status": "SUCCESS", "MessageId": "m0"}]})
    outcomes = SesEmail(clients, MailIdentity("tocsin@example.com")).send_many([email(1), email(2)])
    assert all(isinstance(outcome, Unknown) for outcome in outcomes)
