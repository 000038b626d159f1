"""Requests that nobody can read are refused with 4xx: no ERROR line, nothing half done, the next one is answered."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator, Mapping
from contextlib import closing
from urllib.parse import urlsplit

import pytest

from tests.functional.client import ROOT, Running, running
from tests.functional.conftest import Api
from tests.functional.incident_room import ANN, Room
from tests.functional.test_notifications import JOHN, Desk

REPEATED_ON_AWS = False

HUGE = "1e400000000000000000000"
HALF = '"\\ud800"'
PREMIUM = (ROOT / "rules" / "premium.yaml").read_text()
CALLS = (
    ("POST", "/v1/rulesets/premium/evaluations"),
    ("POST", "/v1/rulesets/premium/dry-run"),
    ("POST", "/v1/rulesets/premium/test-events"),
    ("POST", "/v1/rulesets/premium/backtests"),
    ("POST", "/v1/rulesets/premium/shadow"),
    ("POST", "/v1/rulesets/premium/activate"),
    ("POST", "/policy/premium"),
    ("POST", "/ExecuteRuleSet"),
    ("POST", "/v1/incidents"),
    ("POST", "/v1/notifications"),
    ("POST", "/v1/schedules"),
    ("POST", "/v1/simulator/sms"),
    ("PUT", "/v1/recipients/ann"),
    ("POST", "/v1/audiences/all/recipients"),
)
BAD_JSON = {
    "a huge exponent": f'{{"request": {{"a": {HUGE}}}}}',
    "a huge exponent, negative": f'{{"request": {{"a": -{HUGE.upper()}}}}}',
    "a huge negative exponent": '{"request": {"a": 1e-99999999999999999999}}',
    "half a character": f'{{"request": {{"a": {HALF}}}}}',
    "half a character in a name": f'{{"request": {{{HALF}: 1}}}}',
    "the second half": '{"text": "\\uDFFF"}',
    "halves in the wrong order": '{"text": "\\udc00\\ud800"}',
    "a byte order mark": '\ufeff{"request": {}}',
    "two byte order marks": "\ufeff\ufeff{}",
}
JSON = {"Content-Type": "application/json"}


def errors(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelname == "ERROR"]


@pytest.mark.parametrize("name", BAD_JSON)
def test_json_that_nobody_can_keep_is_400_for_every_call(api: Api, name: str, caplog: pytest.LogCaptureFixture) -> None:
    answers = {path: api.client.call(method, path, body=BAD_JSON[name], headers=JSON) for method, path in CALLS}
    assert {path: reply.status for path, reply in answers.items()} == dict.fromkeys(answers, 400)
    assert errors(caplog) == []


def test_a_character_that_is_whole_is_kept(api: Api) -> None:
    incident = Room(api).opens(description="Pump \ud83d\ude00".encode("utf-16", "surrogatepass").decode("utf-16"))
    assert api.client.get(f"/v1/incidents/{incident}").json()["description"] == "Pump 😀"
    body = '{"description":"Pump \\ud83d\\ude00","contacts":[{"phone":"' + ANN + '"}]}'
    made = api.client.call("POST", "/v1/incidents", body=body, headers=JSON)
    assert (made.status, made.json()["description"]) == (201, "Pump 😀")


@pytest.mark.parametrize("path", ["/v1/inbound/sns", "/v1/inbound/twilio"])
@pytest.mark.parametrize("name", BAD_JSON)
def test_a_stranger_who_sends_it_is_refused(api: Api, path: str, name: str, caplog: pytest.LogCaptureFixture) -> None:
    assert api.client.with_key(None).call("POST", path, body=BAD_JSON[name]).status in {400, 403}
    assert errors(caplog) == []


@pytest.mark.parametrize("url", ["http://[::1", "http://[zz]/", "http://a]/", "https://[1.2.3.4]:x/", "http://[]"])
def test_a_callback_address_that_is_none_is_422(api: Api, url: str, caplog: pytest.LogCaptureFixture) -> None:
    Desk(api).recipients("john", JOHN)
    bodies: Mapping[str, Mapping[str, object]] = {
        "/v1/incidents": {"description": "x", "contacts": [{"phone": ANN}], "callback_url": url},
        "/v1/notifications": {"text": "Hello", "audience": "john", "callback_url": url},
        "/v1/schedules": {
            "cron": "0 8 * * *",
            "timezone": "UTC",
            "incident": {"description": "x", "contacts": [{"phone": ANN}], "callback_url": url},
        },
    }
    for path, body in bodies.items():
        reply = api.client.post(path, body)
        assert reply.status == 422, reply.text
        assert "callback_url" in json.dumps(reply.json()["errors"])
    reply = api.client.post("/v1/incidents", {"description": "x", "contacts": [{"phone": ANN}], "url": url})
    assert reply.status == 422, reply.text
    assert errors(caplog) == []


ROLES = """ruleset: t
facts:
  a: {type: integer}
  p: {type: decimal, scale: 2}
table: |
  a,p
  in,out:set,out:set,note
  1,2.00
"""


def test_a_role_without_a_column_is_a_finding_at_its_place(api: Api) -> None:
    checked = api.client.call("POST", "/v1/rulesets/t/check", body=ROLES, headers={"Content-Type": "application/yaml"})
    assert checked.status == 200
    found = checked.json()["findings"]
    assert isinstance(found, list)
    assert [(one["line"], one["column"], one["message"]) for one in found] == [
        (7, 14, 'the role "out:set" belongs to no column: the header has 2'),
        (7, 22, 'the role "note" belongs to no column: the header has 2'),
    ]


def test_an_answer_without_content_names_no_media_type(api: Api) -> None:
    Desk(api).recipients("john", JOHN)
    gone = api.client.call("DELETE", "/v1/recipients/ui101")
    assert (gone.status, "Content-Type" in gone.headers, gone.text) == (204, False, "")


# --- over the network ----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("home")) as server:
        yield server


def sent(up: Running, raw: bytes) -> bytes:
    """What comes back for these bytes, after which the caller says no more."""
    parts = urlsplit(up.url)
    with closing(socket.create_connection((str(parts.hostname), parts.port or 80), timeout=30)) as connection:
        connection.sendall(raw)
        connection.shutdown(socket.SHUT_WR)
        answer = b""
        while piece := connection.recv(65_536):
            answer += piece
        return answer


def head(up: Running, path: str, *lines: str) -> bytes:
    given = [f"POST {path} HTTP/1.1", "Host: x", f"Authorization: Bearer {up.client.key}", *lines]
    return "\r\n".join([*given, "", ""]).encode()


BROKEN_CHUNKS = {
    "no number": b"ZZ\r\nabc\r\n0\r\n\r\n",
    "negative": b"-4\r\nabcd\r\n0\r\n\r\n",
    "longer than said": b"2\r\nabcdef\r\n0\r\n\r\n",
    "an endless extension": b"3;" + b"a" * 70_000 + b"\r\nabc\r\n0\r\n\r\n",
    "a broken trailer": b"3\r\nabc\r\n0\r\nnot a header\r\n\r\n",
    "no end": b"3\r\nabc\r\n",
    "half a chunk": b"30\r\nabc",
    "nothing": b"",
}
PATHS = ("/v1/incidents", "/v1/inbound/sns", "/v1/inbound/twilio", "/v1/rulesets/premium/check", "/nowhere")


@pytest.mark.parametrize("name", BROKEN_CHUNKS)
def test_broken_chunks_are_the_callers_fault(up: Running, name: str) -> None:
    before = up.log().count('"ERROR"')
    for path in PATHS:
        answer = sent(up, head(up, path, "Transfer-Encoding: chunked") + BROKEN_CHUNKS[name])
        status = answer.split(b" ", 2)[1] if answer else b"closed"
        assert status[:1] == b"4" or status == b"closed", answer[:300]
    assert up.client.get("/v1/incidents").status == 200
    assert up.log().count('"ERROR"') == before


def test_half_of_a_rule_file_is_never_published(up: Running) -> None:
    before = up.log().count('"ERROR"')
    shown = up.client.get("/v1/rulesets/premium").json()
    text = PREMIUM.replace("driver.age < 21", "driver.age < 20").partition("tests:")[0].encode()
    lines = ("Content-Type: application/yaml", "If-Match: *", f"Content-Length: {len(text) + 1_000}")
    for path in ("/v1/rulesets/premium/versions", "/v1/rulesets/premium/check"):
        answer = sent(up, head(up, path, *lines) + text)
        assert not answer or answer.split(b" ", 2)[1].startswith(b"4"), answer[:300]
    assert up.client.get("/v1/rulesets/premium").json()["versions"] == shown["versions"]
    assert up.log().count('"ERROR"') == before


def test_four_bad_cursors_leave_the_api_answering(up: Running) -> None:
    path = "/v1/rulesets/premium/test-events?cursor=garbage"
    assert [up.client.get(path).status for _ in range(4)] == [422] * 4
    for number in range(3):
        body = {"description": f"Pump {number}", "contacts": [{"phone": ANN}]}
        assert up.client.post("/v1/incidents", body).status == 201


def test_names_of_a_query_that_a_call_does_not_know_are_said_whether_or_not_it_takes_any(api: Api) -> None:
    for path in ("/v1/rulesets?limt=5", "/v1/notifications?limt=5", "/v1/recipients/ada?x=1&y=2"):
        refused = api.client.get(path)
        assert refused.status == 422, path
        assert [error["path"] for error in refused.json()["errors"]] in (["limt"], ["x", "y"])  # type: ignore[attr-defined]
    assert api.client.post("/v1/rulesets/premium/activate?dry=1", {"version": 1}).status == 422
    twice = api.client.get("/v1/notifications?limit=5&limit=6")
    assert (twice.status, "more than once" in twice.text) == (422, True)


def test_a_context_without_a_request_id_may_say_so(api: Api) -> None:
    asked = api.client.post("/v1/rulesets/nope/evaluations", {"request": {}, "context": {"request_id": None}})
    assert asked.status == 404
