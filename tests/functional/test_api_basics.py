"""What every call has in common, on a real server: gunicorn, two processes, a socket."""

import json
import socket

import pytest
from openapi_spec_validator import validate

from service.core import exact_json
from tests.functional.client import Client, Running
from tests.functional.conftest import Start

EVALUATE = "/v1/rulesets/premium/evaluations"
MIB = 1024 * 1024
REQUEST = {"driver": {"age": "18"}, "car": {"style": "SPORTS", "color": "RED"}, "policy": {"id": "p", "premium": "300"}}


@pytest.fixture
def client(server: Running) -> Client:
    return server.client


def test_it_says_that_it_is_live_and_ready(client: Client) -> None:
    assert client.with_key(None).get("/healthz").json() == {"status": "ok"}
    ready = client.with_key(None).get("/readyz")
    assert (ready.status, ready.json()["status"]) == (200, "ready")


@pytest.mark.parametrize(
    ("status", "key", "content_type", "body"),
    [
        (400, True, "application/json", "{"),
        (401, False, "application/json", "{}"),
        (413, True, "application/json", " " * (256 * 1024 + 1)),
        (415, True, "text/plain", "{}"),
        (422, True, "application/json", '{"request":7}'),
    ],
)
def test_what_is_refused_is_a_problem(client: Client, status: int, key: bool, content_type: str, body: str) -> None:
    caller = client if key else client.with_key("nonsense")
    answer = caller.call("POST", EVALUATE, body=body, headers={"Content-Type": content_type})
    assert (answer.status, answer.json()["status"]) == (status, status)
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.headers["X-Request-Id"]
    assert "Traceback" not in answer.text


def test_unknown_paths_and_methods_are_problems(client: Client) -> None:
    assert client.get("/v1/nothing").json()["type"] == "/problems/not-found"
    assert client.call("DELETE", EVALUATE).json()["type"] == "/problems/method-not-allowed"


@pytest.mark.parametrize(("key", "status"), [("nonsense", 401), (None, 401), ("own", 413)])
def test_an_eight_mebibyte_body_is_refused_with_an_answer_and_not_with_a_reset(
    server: Running, key: str | None, status: int
) -> None:
    caller = server.client if key == "own" else server.client.with_key(key)
    for _ in range(3):
        answer = caller.call("POST", EVALUATE, body=b" " * (8 * MIB), headers={"Content-Type": "application/json"})
        assert answer.status == status


def test_after_a_refused_body_the_connection_serves_the_next_request(server: Running) -> None:
    with _connected(server) as line:
        _send(line, server, b"x" * MIB)
        assert _status(line) == 413
        _send(line, server, b"{")
        assert _status(line) == 400


def test_a_body_sent_in_chunks_is_limited_too(server: Running) -> None:
    with _connected(server) as line:
        line.sendall(_head(server, "Transfer-Encoding: chunked"))
        for _ in range(20):
            line.sendall(b"10000\r\n" + b" " * 65536 + b"\r\n")
        line.sendall(b"0\r\n\r\n")
        assert _status(line) == 413


def test_the_limit_is_a_setting(start: Start) -> None:
    server = start(BODY_LIMIT="2048", RULES_WATCH="0", WORKERS="1")
    answers = [server.client.call("POST", EVALUATE, body=" " * size, headers=JSON) for size in (2048, 2049)]
    assert [answer.status for answer in answers] == [400, 413]


JSON = {"Content-Type": "application/json"}


def test_one_key_for_both_processes_answers_once(client: Client) -> None:
    headers = {"Idempotency-Key": "basics-1"}
    body = {"context": {"request_id": "REQ-BASICS-1"}, "request": REQUEST}
    first = client.post(EVALUATE, body, headers)
    assert first.status == 200, first.text
    again = [client.post(EVALUATE, body, headers) for _ in range(10)]
    assert {answer.text for answer in again} == {first.text}
    assert {answer.headers["Idempotency-Replayed"] for answer in again} == {"true"}
    assert {answer.headers["X-Request-Id"] for answer in [first, *again]} == {"REQ-BASICS-1"}
    other = client.post(EVALUATE, {**body, "context": {"request_id": "REQ-BASICS-2"}}, headers)
    assert (other.status, other.json()["type"]) == (422, "/problems/key-reused")


def test_metrics_add_up_whichever_process_answers(server: Running) -> None:
    def counted() -> float:
        text = server.client.get("/metrics").text
        (line,) = [one for one in text.splitlines() if one.startswith("tocsin_http_requests_total") and route in one]
        return float(line.split()[-1])

    route = 'route="/v1/audit",status="401"'
    stranger = server.client.with_key(None)
    stranger.get("/v1/audit")
    before = counted()
    for _ in range(40):
        assert stranger.call("GET", "/v1/audit", headers={"Connection": "close"}).status == 401
    assert {counted() for _ in range(10)} == {before + 40}


def test_the_api_describes_itself(client: Client) -> None:
    document = exact_json.loads(client.get("/openapi.json").text)
    assert isinstance(document, dict)
    validate(document)
    assert EVALUATE.replace("premium", "{name}") in document["paths"]
    assert "Evaluate a request" in client.get("/docs").text


def test_log_lines_are_json_and_hold_no_keys(server: Running) -> None:
    server.client.get("/v1/nothing")
    lines = [line for line in server.log().splitlines() if line.startswith("{")]
    assert all({"time", "level", "logger", "message"} <= set(json.loads(line)) for line in lines)
    assert str(server.client.key) not in server.log()


def _connected(server: Running) -> socket.socket:
    host, port = server.url.removeprefix("http://").split(":")
    return socket.create_connection((host, int(port)), timeout=20)


def _head(server: Running, framing: str) -> bytes:
    lines = [f"POST {EVALUATE} HTTP/1.1", "Host: x", f"Authorization: Bearer {server.client.key}", framing]
    return "\r\n".join([*lines, "Content-Type: application/json", "", ""]).encode()


def _send(line: socket.socket, server: Running, body: bytes) -> None:
    line.sendall(_head(server, f"Content-Length: {len(body)}") + body)


def _status(line: socket.socket) -> int:
    """Reads one answer to its end."""
    received = b""
    while b"\r\n\r\n" not in received:
        received += line.recv(65536)
    head, _, body = received.partition(b"\r\n\r\n")
    length = next(int(one.split(b":")[1]) for one in head.split(b"\r\n") if one.lower().startswith(b"content-length"))
    while len(body) < length:
        body += line.recv(65536)
    return int(head.split()[1])
