import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.channels.inbound import Ignored, Inbound, InboundMail, InboundSms, Receipt, ReceiptStatus, Unwanted
from service.core.enums import Channel
from service.inbound.sns import events as sns_events
from service.inbound.sns.envelope import parse
from tests.unit.sns_signing import notification

EVENTS = Path(__file__).parents[1] / "events"
AT = datetime(2026, 5, 10, 8, 59, 58, 793_000, tzinfo=UTC)
SMS_ID = "862a8790-60c0-4430-9b2b-658bdexample"
SES_ID = "EXAMPLE7c191be45-e9aedb9a-02f9-4d12-a87d-dd0099a07f8a-000000"


def read(message: object) -> Inbound:
    return sns_events.read(parse(json.dumps({**notification(message), "Signature": ""})))


def event(name: str) -> Inbound:
    return read(json.loads((EVENTS / f"{name}.json").read_text()))


def test_a_reply_by_sms_says_who_wrote_what_to_which_message_and_when() -> None:
    assert event("two_way_sms") == InboundSms(
        id="cae173d2-66b9-564c-8309-21f858e9fb84",
        sender="+447700900123",
        to="+447700900000",
        text="Yes.",
        in_reply_to="wJalrXUtnFEMI-K7MDENG-bPxRfiCYEXAMPLEKEY",
        at=AT,
    )


def test_a_reply_to_nothing_in_particular_is_read_too() -> None:
    members = json.loads((EVENTS / "two_way_sms.json").read_text())
    del members["previousPublishedMessageId"]
    sms = read(members)
    assert isinstance(sms, InboundSms)
    assert sms.in_reply_to is None


@pytest.mark.parametrize(
    ("name", "receipt"),
    [
        (
            "sms_delivered",
            Receipt(
                SMS_ID,
                Channel.SMS,
                ReceiptStatus.DELIVERED,
                "TEXT_DELIVERED",
                datetime(2023, 6, 17, 4, 11, 43, 470_000, tzinfo=UTC),
                "incident-123-000001",
                1,
            ),
        ),
        (
            "sms_carrier_unreachable",
            Receipt(
                SMS_ID,
                Channel.SMS,
                ReceiptStatus.UNREACHED,
                "TEXT_CARRIER_UNREACHABLE",
                datetime(2023, 6, 17, 4, 12, 53, 470_000, tzinfo=UTC),
            ),
        ),
        (
            "sms_protect_blocked",
            Receipt(
                SMS_ID,
                Channel.SMS,
                ReceiptStatus.REFUSED,
                "TEXT_PROTECT_BLOCKED",
                datetime(2023, 6, 17, 4, 11, 43, 470_000, tzinfo=UTC),
                "incident-123-000001",
                1,
            ),
        ),
        (
            "sms_delivered_by_eventbridge",
            Receipt(
                "ed23196c-75ce-4727-93ee-7bf72b64998f",
                Channel.SMS,
                ReceiptStatus.DELIVERED,
                "TEXT_SUCCESSFUL",
                datetime(2025, 10, 1, 18, 20, 41, 377_000, tzinfo=UTC),
            ),
        ),
        (
            "voice_no_answer",
            Receipt(
                "567f3f3b-0dd5-4d70-8a4b-a1b1example",
                Channel.VOICE,
                ReceiptStatus.UNREACHED,
                "VOICE_NO_ANSWER",
                datetime(2023, 10, 17, 19, 31, 51, 742_000, tzinfo=UTC),
                "incident-123-000004",
                2,
            ),
        ),
        (
            "ses_bounce_transient",
            Receipt(SES_ID, Channel.EMAIL, ReceiptStatus.UNREACHED, "Bounce/Transient/MailboxFull", AT),
        ),
        ("ses_delivery", Receipt(SES_ID, Channel.EMAIL, ReceiptStatus.DELIVERED, "Delivery", AT, "n-000008", 1)),
    ],
)
def test_what_became_of_a_message_finds_its_delivery(name: str, receipt: Receipt) -> None:
    assert event(name) == receipt


def test_a_permanent_bounce_and_a_complaint_name_the_address_that_gets_nothing_more() -> None:
    bounce = Receipt(
        SES_ID, Channel.EMAIL, ReceiptStatus.REFUSED, "Bounce/Permanent/General", AT, "incident-123-000003", 1
    )
    assert event("ses_bounce_permanent") == Unwanted(bounce, ("recipient@example.com",))
    complaint = Receipt(SES_ID, Channel.EMAIL, ReceiptStatus.DELIVERED, "Complaint", AT, "n-000007", 1)
    assert event("ses_complaint") == Unwanted(complaint, ("recipient@example.com",))


def test_every_event_type_of_the_services_model_is_placed() -> None:
    botocore = pytest.importorskip("botocore.session")
    model = botocore.get_session().get_service_model("pinpoint-sms-voice-v2")
    types = model.shape_for("EventType").enum
    events = [name for name in types if name.startswith(("TEXT_", "VOICE_")) and not name.endswith("_ALL")]
    assert len(events) > 20
    for name in events:
        receipt = read({"eventType": name, "eventTimestamp": 1, "messageId": "m", "isFinal": True})
        assert isinstance(receipt, Receipt), name


@pytest.mark.parametrize(
    "message",
    [
        "not JSON",
        "[]",
        "{}",
        {"eventType": "TEXT_SUCCESSFUL"},
        {"eventType": "TEXT_ALL", "eventTimestamp": 1, "messageId": "m"},
        {"eventType": "RCS_SENT", "eventTimestamp": 1, "messageId": "m"},
        {"messageBody": "yes"},
        {"mail": {}, "eventType": "Bounce"},
        {"mail": {"messageId": "m"}, "eventType": "Bounce"},
        {"mail": {"messageId": "m"}, "eventType": "Novelty"},
    ],
)
def test_what_is_none_of_ours_is_ignored(message: object) -> None:
    assert isinstance(read(message), Ignored)


def test_an_opened_email_says_nothing_about_delivery() -> None:
    assert isinstance(event("ses_open"), Ignored)


names = st.sampled_from(["eventType", "mail", "messageBody", "bounce", "context", "source", "detail", "messageId"])
documents = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.sampled_from(["Bounce", "TEXT_SENT"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=5),
    max_leaves=15,
)


@given(st.dictionaries(names, documents))
def test_no_message_whatever_raises_an_error(message: object) -> None:
    read(message)


def test_a_mail_that_ses_took_in_comes_as_it_was() -> None:
    mail = event("ses_received")
    assert isinstance(mail, InboundMail)
    assert mail.raw.endswith(b"\r\n\r\nYes\r\n")
    members = json.loads((EVENTS / "ses_received.json").read_text())
    members |= {"content": "Subject: \u00e4\r\n\r\nYes", "receipt": {"action": {"type": "SNS", "encoding": "UTF-8"}}}
    assert read(members) == InboundMail("Subject: \u00e4\r\n\r\nYes".encode())
    assert isinstance(read(members | {"content": None}), Ignored)
