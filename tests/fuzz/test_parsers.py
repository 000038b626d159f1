"""Texts of every kind against everything that reads what others wrote: a value or an error of our own, nothing else."""

from __future__ import annotations

import io
import json
import os
import tempfile
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import parse_qsl, urlencode

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from openpyxl import Workbook

from service.channels import email
from service.channels.phones import PhoneRules
from service.cli import spreadsheets
from service.core import exact_json
from service.core.errors import TocsinError
from service.decide import drl, fmt, language
from service.escalate import policy_file
from service.evaluations import xml
from service.inbound.sns import envelope as sns
from service.inbound.sns import events as sns_events
from service.inbound.twilio import events as twilio_events
from service.intake.events import file as events
from service.messages import forms, webhooks
from service.recipients import ProfileRules
from service.recipients.files import read_file
from service.replies import decide
from service.replies.decide import FOR_PAGES
from service.schedules import recurrence
from service.storage import cursors
from service.storage.audit_places import parse_place
from tests.functional.client import ROOT
from tests.reply_words import LANGUAGES as WORDS

LONG = bool(os.environ.get("TOCSIN_TEST_LONG"))
EXAMPLES = 3_000 if LONG else 150
NOW = datetime(2026, 11, 30, tzinfo=UTC)
SAID = ROOT / "tests" / "events"

TABLE = '''ruleset: t
facts:
  a: {type: integer}
  s: {type: text, values: [A, B]}
  d: {type: date, optional: true}
  p: {type: decimal, scale: 2}
hit: first
table: |
  rule,a,s,d,p,why
  ,in,in,in,out:set,note
  r1,< 21,"A, B",2026-01-01..2026-02-01,3.50,because
  r2,18..25,not A,-,4,"x ""y"""
  r3,missing,-,,5%,
'''
DRL = """package x
import a.B;
rule "High Risk"
salience 10
when
  $d : Driver(age < 21, name != "x")
  $c : Car(style == "SPORTS" && color in ("RED", "BLUE"))
then
  modify($p){ setPremium(increase($p, 20)) }
end
"""
XML = "<Request><driver><age>18</age></driver><car a='1'><style>SPORTS &amp; x</style></car><p/></Request>"
MAPPINGS = (ROOT / "rules" / "events.yaml").read_text()
SMS = urlencode({"MessageSid": "SM1", "From": "+447700900123", "To": "+1", "Body": "YES 41", "SmsStatus": "delivered"})
CURSOR = cursors.for_list("a", cursors.to_cursor("2026-05-10T12:00:00.000000Z#e1")) or ""


def enveloped(message: str) -> str:
    """A message of SNS as it comes over HTTP."""
    members = {
        "Type": "Notification",
        "MessageId": "m",
        "TopicArn": "arn:aws:sns:eu-west-1:1:t",
        "Message": message,
        "Timestamp": "2026-11-30T00:00:00.000Z",
        "SignatureVersion": "2",
        "Signature": "AA==",
        "SigningCertURL": "https://sns.eu-west-1.amazonaws.com/x.pem",
        "SubscribeURL": "https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription",
    }
    return json.dumps(members)


def sns_message(text: str) -> object:
    envelope = sns.parse(text)
    sns.string_to_sign(envelope)
    return sns_events.read(envelope)


def confirmation(text: str) -> object:
    return sns.confirmation_url(sns.parse(text.replace('"Notification"', '"SubscriptionConfirmation"')))


def cron(text: str) -> object:
    line, _, zone = text.partition("|")
    found = recurrence.parse(line, zone, NOW)
    return found.after(found.after(NOW))


def cursor(text: str) -> object:
    return parse_place(cursors.from_cursor(cursors.of_list("a", text)))


def reply(text: str) -> object:
    return [decide(WORDS.read(text, language), FOR_PAGES) for language in (None, "en", "de", "ja", "vi")]


def twilio(text: str) -> object:
    return twilio_events.read(dict(parse_qsl(text)), dict(parse_qsl(text)), NOW)


def xlsx(raw: bytes) -> object:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rules.xlsx"
        path.write_bytes(raw)
        return spreadsheets.as_csv(path)


def people(raw: bytes) -> object:
    return list(read_file("people.xlsx", raw, ProfileRules(PhoneRules())).rows)


Read = Callable[[str], object]
RULES = [path.read_text() for path in sorted((ROOT / "rules").glob("*.yaml")) if path.name != "events.yaml"]
POLICIES = [path.read_text() for path in sorted((ROOT / "rules" / "escalation").glob("*.yaml"))]
MESSAGES = [path.read_text() for path in sorted(SAID.glob("*.json"))]
DOORS: Mapping[str, tuple[Read, Sequence[str]]] = {
    "rule file": (language.parse, [*RULES, TABLE]),
    "table": (language.parse, [TABLE]),
    "layout": (fmt.formatted, [*RULES, TABLE]),
    "DRL": (lambda text: drl.rule_file(text, "x"), [DRL]),
    "JSON": (exact_json.loads, MESSAGES),
    "XML": (lambda text: xml.loads(text.encode("utf-8", "surrogatepass")), [XML]),
    "SNS": (sns_message, [enveloped(message) for message in MESSAGES]),
    "what SNS carries": (lambda text: sns_message(enveloped(text)), MESSAGES),
    "SNS, a confirmation": (confirmation, [enveloped("x")]),
    "Twilio": (twilio, [SMS]),
    "reply": (reply, ["YES 41", "no, sorry", "да"]),
    "phone": (PhoneRules().parse, ["+44 20 7946 0958", "tel:+1-202-555-0100"]),
    "cron": (cron, ["*/5 9-17 * * MON-FRI|Europe/Berlin", "0 0 29 2 *|UTC", "0 9 * * 1#2|Asia/Kolkata", "@daily|UTC"]),
    "cursor": (cursor, [CURSOR]),
    "events": (events.parse, [MAPPINGS]),
    "policy": (policy_file.parse, POLICIES),
    "form": (forms.parse_form, ['Hello {{ first_name }}, {{ total | money("EUR") }} on {{ order.placed | date }}']),
    "callback address": (
        webhooks.check_url,
        ["https://a.example:443/x?y=z#f", "http://[::1]:80/", "https://ü.example/"],
    ),
    "sender": (email.parse_sender, ["Tocsin <alerts@example.com>", '"a, b" <x@y.z>']),
}
SIGNS = tuple(" \n\t\r\0\"'`\\{}[]()<>|&,.;:-+*/%#@!?=_~^$0123456789aAéß中👍🏽\ufeff\u2028\x85\u200b\ud800\udfff")
PIECES = (
    *("{{", "}}", "\r\n", "''", '""', "- ", ": ", "not ", " or ", " and ", "in [", "..", "null", "~", "yes", "no"),
    *("1e400000000000000000000", "-0", "0x1F", "1_000", "9" * 40, "NaN", "2026-02-30", "2026-13-01", "&a", "*a"),
    *("<<:", "<!DOCTYPE a>", "&amp;", "&#0;", "<![CDATA[", "\\ud800", "\\u0000", "%00", "%zz", "//", "[::1", "xn--"),
    *(
        "1e999",
        "!!int",
        "rules:",
        "facts:",
        "when:",
        "then:",
        "type: integer",
        "optional: true",
        "in,out:set",
        "salience",
        "end",
    ),
)


@st.composite
def altered(draw: st.DrawFn, samples: Sequence[str]) -> str:
    """A sample after a few mistakes, or any text."""
    text = draw(st.sampled_from(samples)) if draw(st.integers(0, 9)) else draw(st.text(max_size=60))
    for _ in range(draw(st.integers(1, 5))):
        first = draw(st.integers(0, len(text)))
        last = min(len(text), first + draw(st.sampled_from((0, 0, 1, 2, 5, 20, 200))))
        piece = draw(st.one_of(st.sampled_from(SIGNS), st.sampled_from(PIECES), st.just(text[first:last] * 2)))
        text = text[:first] + piece + text[last:]
    return text


TRIED = settings(
    max_examples=EXAMPLES,
    deadline=None,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


def outcome(read: Callable[[], object]) -> str:
    """What a reader's caller is told: that there is a value, or why there is none."""
    try:
        read()
    except TocsinError as error:
        return str(error)
    return "a value"


@pytest.mark.parametrize("door", DOORS)
def test_a_text_is_read_or_refused_in_our_own_words(door: str) -> None:
    read, samples = DOORS[door]

    @seed(1)
    @TRIED
    @given(altered(samples))
    def is_read(text: str) -> None:
        assert outcome(lambda: read(text))

    is_read()


def _workbook() -> bytes:
    book, packed = Workbook(), io.BytesIO()
    sheet = book.active
    assert sheet is not None
    for row in (["rule", "a", "p"], [None, "in", "out:set"], ["r1", "< 21", 3.5], ["r2", 18, "=1+1"]):
        sheet.append(row)
    book.save(packed)
    return packed.getvalue()


WORKBOOK = _workbook()


@seed(1)
@TRIED
@given(
    edits=st.lists(st.tuples(st.floats(0, 1), st.binary(max_size=8)), min_size=1, max_size=5),
    cut=st.floats(0, 1),
    whole=st.booleans(),
)
def test_a_damaged_workbook_is_read_or_refused(edits: list[tuple[float, bytes]], cut: float, whole: bool) -> None:
    raw = bytearray(WORKBOOK)
    for place, piece in edits:
        at = int(place * len(raw))
        raw[at : at + len(piece)] = piece
    damaged = bytes(raw if whole else raw[: int(cut * len(raw))])
    assert outcome(lambda: xlsx(damaged))
    assert outcome(lambda: people(damaged))
