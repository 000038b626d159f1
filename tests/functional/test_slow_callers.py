"""Callers who send slowly, read slowly or break off, on a real server: nobody else notices them."""

from __future__ import annotations

import os
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import urllib3

from service.core import exact_json
from tests.functional.client import ROOT, Client, Network, Reply, Running, running
from tests.functional.conftest import Start
from tests.functional.proxies import behind_nginx

EVALUATE = "/v1/rulesets/premium/evaluations"
REQUEST = {"driver": {"age": "18"}, "car": {"style": "SPORTS", "color": "RED"}, "policy": {"id": "p", "premium": "300"}}

HALF_REQUESTS = {
    "header": b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-a: ",
    "body": b"POST /v1/inbound/sns HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{",
    "chunked": b"POST /x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nff\r\nab",
    "chunk that looks like an end": b"POST /x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nff\r\n0\r\n\r\n",
    "large body": b"POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n{",
    "one and a half": b"GET /x HTTP/1.1\r\nHost: x\r\n\r\nGET /x HTTP/1.1\r\nHost: x\r\nX-a: ",
    "nothing": b"",
}


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A server of one process with four threads."""
    home = tmp_path_factory.mktemp("slow")
    with running(home, WORKERS="1", THREADS="4", RULES_WATCH="0", TRUSTED_PROXIES="127.0.0.1,::1") as server:
        _wait_until_it_evaluates(server.client)
        yield server


@pytest.fixture(params=["direct", "nginx"])
def door(request: pytest.FixtureRequest, small: Running, tmp_path: Path) -> Iterator[Client]:
    """A caller of the small server, directly and through the proxy of `deploy/`."""
    if request.param == "direct":
        yield small.client
        return
    with behind_nginx(small.url, tmp_path) as url:
        pool = urllib3.PoolManager(retries=False, timeout=30.0, ca_certs=str(tmp_path / "tls.crt"))
        yield Client(Network(url, pool), small.client.key)


def _wait_until_it_evaluates(client: Client) -> None:
    for _ in range(200):
        if client.get("/readyz").status == 200:
            return
        time.sleep(0.1)
    raise AssertionError("not ready after 20 s")


def connected(url: str, buffer: int | None = None) -> socket.socket:
    """A connection, by TLS where the address says so; `buffer` is how many bytes of an answer our side takes."""
    scheme, _, address = url.partition("://")
    host, port = address.split(":")
    line = socket.socket()
    line.settimeout(30)
    if buffer is not None:
        line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
    line.connect((host, int(port)))
    if scheme == "http":
        return line
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context.wrap_socket(line)


def url_of(client: Client) -> str:
    assert isinstance(client.line, Network)
    return client.line.url


def status(line: socket.socket) -> int:
    return int(whole(line).split(maxsplit=2)[1])


def whole(line: socket.socket) -> bytes:
    """One answer that has a Content-Length, and nothing of the answer behind it."""
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        head += _received(line, 1)
    length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
    body = b""
    while len(body) < length:
        body += _received(line, length - len(body))
    return head + body


def _received(line: socket.socket, at_most: int = 65536) -> bytes:
    data = line.recv(at_most)
    assert data, "the connection ended before the answer did"
    return data


def errors(server: Running) -> list[str]:
    """The lines of its log that wake an operator."""
    return [line for line in server.log().splitlines() if '"ERROR"' in line]


def slowest(client: Client, seconds: float = 2.0) -> float:
    """Seconds of the slowest answer to `/healthz` or an evaluation, each on a connection of its own."""
    taken, until = list[float](), time.monotonic() + seconds
    while time.monotonic() < until:
        for call in (lives, evaluated):
            began = time.monotonic()
            assert call(client).status == 200
            taken.append(time.monotonic() - began)
        time.sleep(0.1)
    return max(taken)


def lives(client: Client) -> Reply:
    return client.get("/healthz", Connection="close")


def evaluated(client: Client) -> Reply:
    return client.post(EVALUATE, {"request": REQUEST}, {"Connection": "close"})


@dataclass
class Siege:
    """What was seen while all kinds of half requests were kept open for as long as the server let them be."""

    closed_after: dict[str, list[float]] = field(default_factory=dict)
    said: dict[str, list[bytes]] = field(default_factory=dict)
    slowest: float = 0.0
    upload: int = 0


@pytest.fixture(scope="module")
def siege(small: Running) -> Siege:
    """64 half requests of each kind that trickle, and one honest slow caller, at once; takes 20 s."""
    seen = Siege({kind: [] for kind in HALF_REQUESTS}, {kind: [] for kind in HALF_REQUESTS})
    upload = threading.Thread(target=lambda: setattr(seen, "upload", slow_upload(small)))
    with ExitStack() as stack:
        upload.start()
        for kind, half in HALF_REQUESTS.items():
            for _ in range(64 // len(HALF_REQUESTS) + 1):
                line = stack.enter_context(closing(connected(small.url)))
                line.sendall(half)
                threading.Thread(target=trickle, args=(line, kind, seen), daemon=True).start()
        seen.slowest = slowest(small.client, 22)
    upload.join()
    return seen


def trickle(line: socket.socket, kind: str, seen: Siege) -> None:
    began, said = time.monotonic(), b""
    line.settimeout(1)
    while time.monotonic() - began < 25:
        try:
            data = line.recv(65536)
            said += data
            if not data:
                break
            continue
        except TimeoutError:
            pass
        except OSError:
            break
        try:
            line.send(b"x" if kind != "nothing" else b"")
        except OSError:
            break
    seen.closed_after[kind].append(time.monotonic() - began)
    seen.said[kind].append(said)


def slow_upload(server: Running) -> int:
    """256 KiB at 14 kB a second, a good request at their end."""
    body = exact_json.dumps({"request": REQUEST}).encode()
    body = b" " * (256 * 1024 - len(body)) + body
    with closing(connected(server.url)) as line:
        line.sendall(head_of(server, len(body)))
        for at in range(0, len(body), 1400):
            line.sendall(body[at : at + 1400])
            time.sleep(0.1)
        return status(line)


def head_of(server: Running, length: int) -> bytes:
    lines = [f"POST {EVALUATE} HTTP/1.1", "Host: x", f"Authorization: Bearer {server.client.key}"]
    return "\r\n".join([*lines, "Content-Type: application/json", f"Content-Length: {length}", "", ""]).encode()


def test_half_requests_hold_nobody_up(siege: Siege) -> None:
    assert siege.slowest < 1


@pytest.mark.parametrize("kind", HALF_REQUESTS)
def test_half_requests_are_ended_within_21_seconds(siege: Siege, kind: str) -> None:
    assert len(siege.closed_after[kind]) >= 10
    assert max(siege.closed_after[kind]) < 22  # a second is the test's own


@pytest.mark.parametrize("kind", ["header", "body", "chunked"])
def test_whoever_was_too_slow_is_told_so(siege: Siege, kind: str) -> None:
    told = [said for said in siege.said[kind] if said]
    assert told
    assert all(said.startswith(b"HTTP/1.1 408 ") and b"/problems/request-timeout" in said for said in told)


def test_a_slow_line_has_the_time_for_the_largest_ordinary_body(siege: Siege) -> None:
    assert siege.upload == 200


@pytest.mark.parametrize("kind", ["header", "body", "chunked"])
def test_the_same_through_the_proxy(door: Client, kind: str) -> None:
    with ExitStack() as stack:
        for _ in range(64):
            stack.enter_context(closing(connected(url_of(door)))).sendall(HALF_REQUESTS[kind])
        assert slowest(door) < 1


def test_whoever_does_not_read_holds_nobody_up(door: Client) -> None:
    with ExitStack() as stack:
        for _ in range(64):
            line = stack.enter_context(closing(connected(url_of(door), 2048)))
            line.sendall(b"GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n")
        assert slowest(door) < 1


def test_whoever_asks_for_the_end_and_does_not_end_holds_nobody_up(door: Client) -> None:
    with ExitStack() as stack:
        for _ in range(64):
            line = stack.enter_context(closing(connected(url_of(door))))
            line.sendall(b"GET /x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert slowest(door) < 1


@pytest.mark.parametrize(
    "chunks",
    [b"ZZ\r\n", b"-4\r\n", b"5;" + b"x" * 70_000 + b"\r\n", b"2\r\nabXX", b"1\r\na\r\n0\r\nBad Trailer\r\n\r\n"],
)
def test_broken_chunks_are_refused_without_an_error_in_the_log(small: Running, chunks: bytes) -> None:
    with closing(connected(small.url)) as line:
        key = f"Authorization: Bearer {small.client.key}\r\n".encode()
        line.sendall(b"POST " + EVALUATE.encode() + b" HTTP/1.1\r\nHost: x\r\n" + key)
        line.sendall(b"Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks)
        answer = whole(line)
        assert answer.startswith(b"HTTP/1.1 400 "), answer
        assert b"application/problem+json" in answer
    assert errors(small) == []


@pytest.mark.parametrize("half", HALF_REQUESTS.values(), ids=HALF_REQUESTS)
def test_whoever_hangs_up_in_the_middle_leaves_no_error_in_the_log(small: Running, half: bytes) -> None:
    for how in (socket.SHUT_WR, None):
        with closing(connected(small.url)) as line:
            line.sendall(half)
            if how is not None:
                line.shutdown(how)
                line.recv(65536)
    with closing(connected(small.url)) as line:
        line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")  # reset it
        line.sendall(half)
    assert small.client.get("/readyz").status == 200
    assert errors(small) == []


def test_a_header_line_that_is_none_puts_no_key_into_the_log(small: Running) -> None:
    with closing(connected(small.url)) as line:
        line.sendall(b"GET /v1/audit HTTP/1.1\r\nHost: x\r\nAuthorization Bearer tocsin_verysecret\r\n\r\n")
        answer = whole(line)
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert exact_json.loads(answer.partition(b"\r\n\r\n")[2].decode())["type"] == "/problems/bad-request"  # type: ignore[index]
    assert "verysecret" not in small.log() + answer.decode()


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        (b"GET /healthz?" + b"x" * 8200 + b" HTTP/1.1\r\nHost: x\r\n\r\n", "address-too-long"),
        (b"GET /v1/audit?" + b"x" * 8000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", "unauthenticated"),
        (b"GET /x HTTP/1.1\r\nHost: x\r\n" + b"A: b\r\n" * 60 + b"\r\n", "headers-too-large"),
        (b"GET /x HTTP/1.1\r\nHost: x\r\n" + b"A: b\r\n" * 59 + b"\r\n", "not-found"),
        (b"GET /x HTTP/1.1\r\nHost: x\r\nA: " + b"b" * 8300 + b"\r\n\r\n", "headers-too-large"),
        (b"GET /x HTTP/1.1\r\nHost: x\r\nA: " + b"b" * 70_000, "headers-too-large"),
    ],
)
def test_limits_of_the_head_are_problems(small: Running, request_: bytes, expected: str) -> None:
    with closing(connected(small.url)) as line:
        line.sendall(request_)
        assert f"/problems/{expected}".encode() in whole(line)


def test_requests_in_pieces_and_one_behind_the_other_are_answered_in_turn(small: Running) -> None:
    body = exact_json.dumps({"request": REQUEST}).encode()
    one = head_of(small, len(body)) + body
    with closing(connected(small.url)) as line:
        for at in range(0, 2 * len(one), 97):
            line.sendall((one * 2)[at : at + 97])
        assert [status(line), status(line)] == [200, 200]
        line.sendall(one)
        assert status(line) == 200


def test_a_body_that_waits_to_be_asked_for_is_asked_for(small: Running) -> None:
    body = exact_json.dumps({"request": REQUEST}).encode()
    with closing(connected(small.url)) as line:
        line.sendall(head_of(small, len(body)).replace(b"Host: x", b"Host: x\r\nExpect: 100-continue"))
        assert line.recv(25) == b"HTTP/1.1 100 Continue\r\n\r\n"
        line.sendall(body)
        seen = b""
        while b" 200 OK" not in seen:
            seen += _received(line)


def test_one_address_has_64_incomplete_requests_and_the_oldest_ends_first(start: Start) -> None:
    server = start(WORKERS="1", RULES_WATCH="0", TRUSTED_PROXIES="192.0.2.0/24")
    with ExitStack() as stack:
        lines = []
        for _ in range(80):
            lines.append(stack.enter_context(closing(connected(server.url))))
            lines[-1].sendall(HALF_REQUESTS["header"])
            time.sleep(0.01)
        assert server.client.get("/readyz").status in {200, 503}
        ended = [status(line) for line in lines[:16]]
        assert ended == [408] * 16
        lines[-1].settimeout(0.2)
        with pytest.raises(TimeoutError):
            lines[-1].recv(1)


def test_idle_connections_keep_no_new_caller_out(small: Running) -> None:
    with ExitStack() as stack:
        for _ in range(1050):
            line = stack.enter_context(closing(connected(small.url)))
            line.sendall(b"GET /x HTTP/1.1\r\nHost: x\r\n\r\n")
            assert status(line) == 404
        assert slowest(small.client, 0.5) < 1


def test_half_requests_do_not_keep_it_from_ending(start: Start) -> None:
    server = start(command="serve", WORKERS="1", RULES_WATCH="0")
    with ExitStack() as stack:
        for half in HALF_REQUESTS.values():
            stack.enter_context(closing(connected(server.url))).sendall(half)
        time.sleep(0.2)
        began = time.monotonic()
        server.process.terminate()
        server.process.wait(20)
        assert time.monotonic() - began < 6


def test_the_way_back_is_a_setting(start: Start) -> None:
    server = start(command="serve", WORKERS="1", RULES_WATCH="0", EDGE="plain")
    with closing(connected(server.url)) as line:
        line.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\nAuthorization Bearer tocsin_verysecret\r\n\r\n")
        assert b"/problems/bad-request" in whole(line)
    assert Client(Network(server.url), None).get("/healthz").json() == {"status": "ok"}
    assert "verysecret" not in server.log()


STUCK = """
import time
from service.http.edge import worker

worker.STUCK_AFTER_S = 0.5
worker_class = "service.http.edge.worker.BufferingWorker"
workers, threads, control_socket_disable = 1, 2, True


def sleeps(environ, start_response):
    time.sleep(float(environ["PATH_INFO"][1:]))
    start_response("204 No Content", [])
    return []
"""


def test_a_process_whose_threads_are_all_stuck_says_so(tmp_path: Path) -> None:
    (tmp_path / "stuck.py").write_text(STUCK)
    with socket.create_server(("127.0.0.1", 0)) as listener, ExitStack() as stack:
        bind = ["--bind", f"fd://{listener.fileno()}"]
        command = [sys.executable, "-m", "gunicorn", "--config", str(tmp_path / "stuck.py"), *bind, "stuck:sleeps"]
        paths = {"PYTHONPATH": f"{tmp_path}:{ROOT}"}
        process = subprocess.Popen(command, env={**os.environ, **paths}, pass_fds=(listener.fileno(),))
        stack.callback(process.wait, 10)
        stack.callback(process.terminate)
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        client = Client(Network(url), None)
        assert client.get("/healthz").status == 200
        for _ in range(2):
            stack.enter_context(closing(connected(url))).sendall(b"GET /3 HTTP/1.1\r\nHost: x\r\n\r\n")
        assert client.get("/healthz").status == 200
        time.sleep(1)
        stuck = client.get("/healthz")
        assert (stuck.status, stuck.json()) == (503, {"status": "stuck"})
        assert client.get("/0").status == 204  # when one of them is done
        assert client.get("/healthz").status == 200


def test_a_large_body_that_trickles_is_told_so_by_the_call_that_reads_it(small: Running) -> None:
    head = head_of(small, 1_000_000).replace(EVALUATE.encode(), b"/v1/rulesets/premium/check")
    with closing(connected(small.url)) as line:
        line.sendall(head.replace(b"application/json", b"application/yaml"))
        for _ in range(40):
            time.sleep(0.5)
            line.send(b"x")
        answer = whole(line)
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b"/problems/request-timeout" in answer
    assert errors(small) == []
