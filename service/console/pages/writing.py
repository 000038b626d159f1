"""Writing a message in three steps: write it, check what everybody would get, send it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from hashlib import sha256

from flask import Blueprint, redirect, render_template, request
from werkzeug.wrappers import Response

from service.console import calls, harm_limits
from service.console.form_faults import AT_ITS_FIELD, NO_FAULTS, FormFaults, form_faults
from service.console.forms import takes_form
from service.core import TocsinError
from service.http import Problem
from service.messages import not_in_gsm_7

PREVIEW = "notifications.preview_notification"
SEND = "notifications.send_notification"
TEXTS = ("text", "subject", "audience", "lane", "language", "template", "reference")
LABELS = {
    "audience": "To an audience",
    "recipients": "To people",
    "subject": "Subject",
    "text": "Text",
    "template": "Template",
    "variables": "Its values",
    "language": "Written in",
    "send_at": "Not before",
    "lane": "Priority",
    "reference": "Reference",
}
CHANGED = "The message was changed after the check. Check it again, then send it."


@dataclass(frozen=True, slots=True)
class CheckedMessage:
    """What the check of a message says; `items` holds one reader of each language, `readers` how many were looked at.

    `price` is the estimate for those readers' SMS; `culprits` are the characters that make an SMS cost more.
    """

    status: str
    ruling: Mapping[str, object]
    items: Sequence[calls.Document]
    readers: Mapping[str, int]
    people: int
    price: Decimal | None
    culprits: str
    seal: str

    @property
    def looked_at(self) -> int:
        """Readers who were looked at."""
        return sum(self.readers.values())

    @property
    def estimate(self) -> str:
        """The price for everybody, as far as those who were looked at are like the others."""
        price = self.price or Decimal()
        everybody = price * self.people / max(1, self.looked_at)
        return f"{everybody:,.2f}" if everybody >= 1 else f"{everybody:.3f}"


def add_to(routes: Blueprint) -> None:
    """Serve the form, its check, and the sending."""

    @routes.get("/messages/new")
    def write() -> str:
        return _page(dict(request.args))

    @takes_form(routes, "/messages/new/check", PREVIEW)
    def check_message() -> str:
        given = _given()
        try:
            previewed = calls.send(PREVIEW, _body(given))
        except Problem as problem:
            return _page(given, faults=form_faults(problem, LABELS))
        except UnreadableValues as error:
            return _page(given, faults=FormFaults({"variables": str(error)}, AT_ITS_FIELD))
        return _page(given, checked=_checked(previewed, given))

    @takes_form(routes, "/messages/new/send", SEND)
    def send_message() -> str | Response:
        given = _given()
        if request.form.get("seal") != _seal(given):
            return _page(given, detail=CHANGED)
        try:
            accepted = calls.send(SEND, _body(given), once=request.form.get("once") or None)
        except Problem as problem:
            return _page(given, faults=form_faults(problem, LABELS))
        return redirect(f"/console/messages/{accepted['notification_id']}", 303)

    @takes_form(routes, "/messages/new/test", SEND)
    def send_test() -> str:
        given = _given()
        try:
            sent = calls.send(SEND, _test_body(given), once=f"test-{request.form.get('once', '')}")
        except Problem as problem:
            errors = "; ".join(form_faults(problem, {**LABELS, "recipients": "To"}).errors.values())
            return _rechecked(given, CheckedTest(error=errors or problem.detail))
        return _rechecked(given, CheckedTest(sent["notification_id"]))


@dataclass(frozen=True, slots=True)
class CheckedTest:
    """What became of a test: the message that is on its way, or why there is none."""

    notification_id: str = ""
    error: str = ""


def _test_body(given: Mapping[str, str]) -> Mapping[str, object]:
    """The message at once, for a single reader who may have no profile."""
    to, language = request.form.get("test_to", "").strip(), request.form.get("test_language", "")
    reader = {"email" if "@" in to else "phone": to, "language": language}
    everything = {name: value for name, value in _body(given).items() if name not in {"audience", "send_at"}}
    return {**everything, "recipients": [reader], "lane": "transactional"}


def _rechecked(given: Mapping[str, str], test: CheckedTest) -> str:
    previewed = calls.send(PREVIEW, _body(given))
    return _page(given, checked=_checked(previewed, given), test=test)


def _page(
    given: Mapping[str, str],
    *,
    checked: CheckedMessage | None = None,
    faults: FormFaults = NO_FAULTS,
    detail: str = "",
    test: CheckedTest | None = None,
) -> str:
    limits = harm_limits.limits() if checked and checked.ruling.get("harm") else ()
    shown = {"errors": faults.errors, "detail": faults.notice or detail}
    return render_template("messages/new.html", given=given, checked=checked, limits=limits, test=test, **shown)


def _given() -> Mapping[str, str]:
    """What the form says, without how it was sent."""
    return {
        name: text.replace("\r\n", "\n")
        for name, text in request.form.items()
        if text.strip() and name not in {"seal", "once", "test_to", "test_language"}
    }


def _body(given: Mapping[str, str]) -> Mapping[str, object]:
    body: dict[str, object] = {name: given[name] for name in TEXTS if name in given}
    if "recipients" in given:
        body["recipients"] = given["recipients"].replace(",", " ").split()
    if "variables" in given:
        body["variables"] = _values(given["variables"])
    if "send_at" in given:
        body["send_at"] = (
            f"{given['send_at']}:00Z" if len(given["send_at"]) == len("2026-05-10T12:00") else given["send_at"]
        )
    return body


class UnreadableValues(TocsinError):
    """A line of the values that gives none, or a value that stands there twice; says which."""


def _values(text: str) -> Mapping[str, str]:
    """The values of a message, a line each: `house: North`."""
    values: dict[str, str] = {}
    for line in filter(None, map(str.strip, text.splitlines())):
        name, colon, value = (part.strip() for part in line.partition(":"))
        if not (name and colon):
            raise UnreadableValues(f'"{line[:40]}" gives no value: write its name, a colon and the value: house: North')
        if name in values:
            raise UnreadableValues(f'"{name}" stands here twice: keep one of both lines')
        values[name] = value
    return values


def _seal(given: Mapping[str, str]) -> str:
    """Stands for a message as it was checked."""
    return sha256(repr(sorted(given.items())).encode()).hexdigest()[:16]


def _checked(previewed: calls.Document, given: Mapping[str, str]) -> CheckedMessage:
    items = previewed["items"]
    named = [item for item in items if item["recipient_id"]]
    texts = [item["sms"] for item in items if item["sms"] and item["channel"] in (None, "sms")]
    return CheckedMessage(
        status=previewed["status"],
        ruling=previewed["decision"] or {},
        items=list({item["language"]: item for item in reversed(items)}.values())[::-1],
        readers=Counter(item["language"] for item in named),
        people=_people(given, len(named)),
        price=_price(named),
        culprits=" ".join(sorted({character for sms in texts for character in not_in_gsm_7(sms["text"])})),
        seal=_seal(given),
    )


def _people(given: Mapping[str, str], named: int) -> int:
    """How many people would get it: the audience's size, else those who are named and known."""
    audience = given.get("audience")
    if audience is None or not calls.may_call("recipients.get_audience"):
        return named
    return int(calls.read("recipients.get_audience", audience=audience)["size"])


def _price(named: Sequence[calls.Document]) -> Decimal | None:
    """What the SMS of these readers cost by estimate; None where nobody prefers SMS or no price is known."""
    prices = [
        Decimal(str(item["sms"]["estimated_price"]))
        for item in named
        if item["channel"] == "sms" and item["sms"] and item["sms"]["estimated_price"] is not None
    ]
    return sum(prices, Decimal()) if prices else None
