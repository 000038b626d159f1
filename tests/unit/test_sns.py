import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

import certifi
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given, settings
from hypothesis import strategies as st

from service.core.clock import HandClock
from service.inbound.sns.certificates import CertificateUnavailable, SigningCertificates, amazon_roots
from service.inbound.sns.envelope import EnvelopeType, SnsGate, SnsRefused, confirmation_url, parse
from tests.unit.sns_signing import (
    CERTIFICATE_URL,
    ISSUER_URL,
    NOW,
    TOPIC,
    Authority,
    Web,
    confirmation,
    notification,
    pem,
    signed,
)

AMAZON = Authority()
STRANGER = Authority(name="Another CA", keys="stranger")


@dataclass
class Door:
    """A gate with its clock and the web behind it."""

    gate: SnsGate
    web: Web
    clock: HandClock


def door(certificate: bytes | None = None, topics: tuple[str, ...] = (TOPIC,), **versions: tuple[str, ...]) -> Door:
    clock = HandClock(NOW)
    web = Web({CERTIFICATE_URL: certificate or pem(AMAZON.signing(), AMAZON.intermediate)})
    return Door(SnsGate(topics, SigningCertificates(web, [AMAZON.root], clock), clock, **versions), web, clock)


def refusal(body: str, at: Door | None = None) -> str:
    with pytest.raises(SnsRefused) as refused:
        (at or door()).gate.admit(body)
    return str(refused.value)


@pytest.mark.parametrize("version", ["1", "2"])
@pytest.mark.parametrize("subject", [{}, {"Subject": "Two-way SMS"}])
def test_a_signed_notification_of_an_allowed_topic_is_let_in(version: str, subject: dict[str, str]) -> None:
    envelope = door().gate.admit(signed(notification({"a": "ü\n"}, SignatureVersion=version, **subject)))
    assert envelope.type is EnvelopeType.NOTIFICATION
    assert json.loads(envelope.message) == {"a": "ü\n"}
    assert envelope.at == NOW - timedelta(seconds=1, milliseconds=207)


@pytest.mark.parametrize("name", ["Message", "MessageId", "Timestamp", "Subject"])
def test_a_changed_message_is_refused(name: str) -> None:
    body = json.loads(signed(notification("yes", Subject="s")))
    body[name] = {"Timestamp": "2026-05-10T08:59:57.793Z"}.get(name, "no")
    assert refusal(json.dumps(body)) == "the signature does not fit the message"


def test_a_signature_of_somebody_elses_key_is_refused() -> None:
    assert refusal(signed(notification("yes"), keys="stranger")) == "the signature does not fit the message"


def test_a_signature_of_one_version_does_not_pass_as_another() -> None:
    body = json.loads(signed(notification("yes")))
    assert refusal(json.dumps({**body, "SignatureVersion": "2"})) == "the signature does not fit the message"
    assert refusal(json.dumps({**body, "SignatureVersion": "3"})) == "the signature version is not accepted"


def test_version_1_is_refused_where_only_version_2_is_accepted() -> None:
    assert refusal(signed(notification("yes")), door(versions=("2",))) == "the signature version is not accepted"


@pytest.mark.parametrize(
    "url",
    [
        "http://sns.eu-west-2.amazonaws.com/SimpleNotificationService-0123456789abcdef.pem",
        "https://sns.us-east-1.amazonaws.com.evil.example/cert.pem",
        "https://evil.example/sns.us-east-1.amazonaws.com/cert.pem",
        "https://xsns.us-east-1.amazonaws.com/cert.pem",
        "https://sns.us-east-1.amazonaws.com@evil.example/cert.pem",
        "https://user@sns.us-east-1.amazonaws.com/cert.pem",
        "https://sns.us-east-1.amazonaws.com:8443/cert.pem",
        "https://sns.us-east-1.amazonaws.com/cert.pem?x=1",
        "https://sns.us-east-1.amazonaws.com/cert.crt",
        "https://sns.us-east-1.amazonaws.com\n.evil.example/cert.pem",
        "https://bucket.s3.amazonaws.com/cert.pem",
        "https://[cert.pem",
        "",
    ],
)
def test_a_certificate_from_anywhere_but_sns_is_refused_without_a_fetch(url: str) -> None:
    at = door()
    refusal(signed(notification("yes", SigningCertURL=url)), at)
    assert at.web.fetched == []


def test_a_certificate_of_the_chinese_regions_is_accepted() -> None:
    url = "https://sns.cn-north-1.amazonaws.com.cn/SimpleNotificationService-1.pem"
    at = door()
    at.web.pages[url] = pem(AMAZON.signing("sns.cn-north-1.amazonaws.com.cn"), AMAZON.intermediate)
    assert at.gate.admit(signed(notification("yes", SigningCertURL=url))).message == "yes"


def unlike(make: Callable[[], bytes], complaint: str) -> tuple[Callable[[], bytes], str]:
    return make, complaint


@pytest.mark.parametrize(
    ("certificate", "complaint"),
    [
        unlike(lambda: pem(STRANGER.signing(), STRANGER.intermediate), "does not lead to an Amazon root"),
        unlike(lambda: pem(AMAZON.signing("shop.example.com"), AMAZON.intermediate), "is not one of SNS"),
        unlike(lambda: pem(AMAZON.signing("sns.amazonaws.com.evil.example"), AMAZON.intermediate), "is not one of SNS"),
        unlike(
            lambda: pem(AMAZON.signing(until=NOW - timedelta(seconds=1)), AMAZON.intermediate),
            "does not lead to an Amazon root",
        ),
        unlike(lambda: pem(AMAZON.root), "names no host"),
        unlike(lambda: b"<html>not found</html>", "holds no certificate"),
    ],
)
def test_a_certificate_that_is_not_sns_own_is_refused(certificate: Callable[[], bytes], complaint: str) -> None:
    assert complaint in refusal(signed(notification("yes")), door(certificate()))


def test_a_missing_intermediate_certificate_is_fetched_from_amazon_alone() -> None:
    at = door(pem(AMAZON.signing()))
    at.web.pages[ISSUER_URL] = AMAZON.intermediate.public_bytes(Encoding.DER)
    assert at.gate.admit(signed(notification("yes"))).message == "yes"
    assert at.web.fetched == [CERTIFICATE_URL, ISSUER_URL]

    elsewhere = door(pem(AMAZON.signing(issuer_url="http://169.254.169.254/x.cer")))
    assert "does not lead" in refusal(signed(notification("yes")), elsewhere)
    assert elsewhere.web.fetched == [CERTIFICATE_URL]


def test_a_certificate_is_fetched_once_an_hour() -> None:
    at = door()
    for _ in range(3):
        at.gate.admit(signed(notification("yes")))
    assert at.web.fetched == [CERTIFICATE_URL]
    at.clock.advance(timedelta(hours=1))
    at.gate.admit(signed(notification("yes", Timestamp="2026-05-10T09:59:00.000Z")))
    assert at.web.fetched == [CERTIFICATE_URL] * 2


def test_a_certificate_that_cannot_be_fetched_asks_sns_to_try_again() -> None:
    def down(url: str) -> bytes:
        raise CertificateUnavailable("sns.eu-west-2.amazonaws.com does not answer")

    clock = HandClock(NOW)
    gate = SnsGate([TOPIC], SigningCertificates(down, [AMAZON.root], clock), clock)
    with pytest.raises(CertificateUnavailable):
        gate.admit(signed(notification("yes")))


def test_another_topic_is_refused_without_a_fetch() -> None:
    at = door()
    assert "not one of TOCSIN_SNS_TOPICS" in refusal(signed(notification("yes", TopicArn=TOPIC + "x")), at)
    assert at.web.fetched == []


def test_without_an_allowed_topic_nothing_is_let_in() -> None:
    assert "set TOCSIN_SNS_TOPICS" in refusal(signed(notification("yes")), door(topics=()))


@pytest.mark.parametrize(
    ("timestamp", "let_in"),
    [
        ("2026-05-10T07:55:00.000Z", True),
        ("2026-05-10T07:54:59.999Z", False),
        ("2026-05-10T09:05:00.000Z", True),
        ("2026-05-10T09:05:00.001Z", False),
        ("2026-05-10T09:00:00", False),
        ("2026-13-10T09:00:00.000Z", False),
        ("yesterday", False),
    ],
)
def test_only_recent_messages_are_let_in(timestamp: str, let_in: bool) -> None:
    body = signed(notification("yes", Timestamp=timestamp))
    if let_in:
        door().gate.admit(body)
    else:
        refusal(body)


def test_a_subscription_to_an_allowed_topic_is_confirmed_at_sns() -> None:
    envelope = door().gate.admit(signed(confirmation()))
    assert confirmation_url(envelope).startswith("https://sns.eu-west-2.amazonaws.com/?Action=ConfirmSubscription")


@pytest.mark.parametrize(
    "url",
    [
        f"https://sns.eu-west-2.amazonaws.com.evil.example/?Action=ConfirmSubscription&TopicArn={TOPIC}",
        f"http://sns.eu-west-2.amazonaws.com/?Action=ConfirmSubscription&TopicArn={TOPIC}",
        f"http://169.254.169.254/?Action=ConfirmSubscription&TopicArn={TOPIC}",
        f"https://sns.eu-west-2.amazonaws.com/?Action=ConfirmSubscription&TopicArn={TOPIC}x",
        f"https://sns.eu-west-2.amazonaws.com/?Action=DeleteTopic&TopicArn={TOPIC}",
        "https://[x",
    ],
)
def test_a_confirmation_that_leads_elsewhere_is_not_followed(url: str) -> None:
    envelope = door().gate.admit(signed(confirmation(SubscribeURL=url)))
    with pytest.raises(SnsRefused):
        confirmation_url(envelope)


def test_a_changed_subscribe_url_breaks_the_signature() -> None:
    body = json.loads(signed(confirmation()))
    assert refusal(json.dumps({**body, "SubscribeURL": body["SubscribeURL"] + "x"})).startswith("the signature")


def test_a_notification_confirms_nothing() -> None:
    with pytest.raises(SnsRefused):
        confirmation_url(parse(signed(notification("yes"))))


@pytest.mark.parametrize("body", ["", "{", "[]", "null", '"x"', "{}", '{"Type":"Notification","Type":"Notification"}'])
def test_what_is_no_sns_message_is_refused(body: str) -> None:
    refusal(body)


@settings(max_examples=200)
@given(data=st.data())
def test_no_change_of_one_character_is_let_in(data: st.DataObject) -> None:
    body = signed(notification("yes", Subject="s"))
    members = json.loads(body)
    name = data.draw(st.sampled_from(["Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type", "Signature"]))
    at = data.draw(st.integers(0, len(members[name]) - 1))
    character = data.draw(st.characters(codec="ascii").filter(lambda c: c != members[name][at]))
    members[name] = members[name][:at] + character + members[name][at + 1 :]
    refusal(json.dumps(members), SHARED)


SHARED = door()


def test_the_bundled_roots_are_those_that_the_certificate_list_of_browsers_trusts() -> None:
    listed = certifi.contents()
    assert len(amazon_roots()) == 4
    for root in amazon_roots():
        assert pem(root).decode().strip() in listed
        assert root.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
