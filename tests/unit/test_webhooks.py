"""Callbacks: signed, tried for a day, and never sent into a private network. The receiver is a real HTTP server."""

from __future__ import annotations

import base64
import hmac
import http.server
import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import cast

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from service.core.clock import HandClock, SystemClock
from service.core.enums import Lane
from service.core.public_addresses import is_public
from service.core.secrets import Keyring
from service.messages.post_attempts import TRIES, WAITS, HostShares, PostAttempts
from service.messages.webhooks import Callback, CallbackRefused, Webhooks, check_url
from service.storage import Item
from service.storage.sqlite import SqliteStore
from service.work import HandlerRegistry, Permanent, RetryLater, Worker, all_dead_items, redrive

NOON = datetime(2026, 5, 10, 12, tzinfo=UTC)
SECRET = b"a secret that only the receiver knows"
KEYS = Keyring((SECRET,))
BODY = '{"notification_id":"n1","status":"completed"}'


@dataclass
class Request:
    """What the receiver got."""

    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Receiver(http.server.ThreadingHTTPServer):
    """A receiver that answers what it is told to."""

    answers: list[int] = field(default_factory=list)
    retry_after: str = ""
    requests: list[Request] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/hook?id=7"


class _Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        receiver = cast("Receiver", self.server)
        body = self.rfile.read(int(self.headers["Content-Length"]))
        headers = {name.lower(): value for name, value in self.headers.items()}
        receiver.requests.append(Request(self.path, headers, body))
        self.send_response(receiver.answers.pop(0) if receiver.answers else 204)
        self.send_header("Location", "http://127.0.0.1:1/elsewhere")
        if receiver.retry_after:
            self.send_header("Retry-After", receiver.retry_after)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (http.server's name)
        """Say nothing."""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    server = Receiver()
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def webhooks(clock: HandClock) -> Webhooks:
    return Webhooks(KEYS, clock, loopback_allowed=True, limit=timedelta(seconds=2))


@pytest.fixture
def worker(store: SqliteStore, clock: HandClock, webhooks: Webhooks) -> Iterator[Worker]:
    worker = Worker(store, HandlerRegistry([webhooks.task_handler()]), clock, threads=1)
    yield worker
    worker.close()


def stored(store: SqliteStore, item_id: str) -> Item:
    item = store.get(item_id)
    assert item is not None
    return item


def test_the_receiver_can_verify_who_sent_it_and_when(webhooks: Webhooks, receiver: Receiver) -> None:
    webhooks.send("callback-n1", Callback(receiver.url, BODY))
    (request,) = receiver.requests
    assert (request.path, request.body) == ("/hook?id=7", BODY.encode())
    assert request.headers["webhook-id"] == "callback-n1"
    assert request.headers["webhook-timestamp"] == str(int(NOON.timestamp()))
    signed = f"callback-n1.{int(NOON.timestamp())}.{BODY}".encode()
    expected = base64.b64encode(hmac.digest(SECRET, signed, "sha256")).decode()
    assert request.headers["webhook-signature"] == f"v1,{expected}"
    assert request.headers["content-type"] == "application/json"


def test_while_keys_are_rotated_each_signs_so_that_receivers_may_change_theirs_whenever_they_like(
    clock: HandClock, receiver: Receiver
) -> None:
    newer = b"the secret that receivers get next"
    Webhooks(Keyring((newer, SECRET)), clock, loopback_allowed=True).send("n1", Callback(receiver.url, BODY))
    (request,) = receiver.requests
    signed = f"n1.{int(NOON.timestamp())}.{BODY}".encode()
    digests = [base64.b64encode(hmac.digest(key, signed, "sha256")).decode() for key in (newer, SECRET)]
    assert request.headers["webhook-signature"] == f"v1,{digests[0]} v1,{digests[1]}"


def run_until_settled(worker: Worker, clock: HandClock) -> int:
    """How often the callback was handled before nothing was due any more within a day."""
    handled = 0
    for _ in range(200):
        handled += worker.run_due()
        clock.advance(timedelta(minutes=10))
    return handled


@pytest.mark.parametrize("answer", [500, 503, 429, 408])
def test_a_receiver_in_trouble_is_tried_again_until_it_takes_it(
    answer: int, store: SqliteStore, worker: Worker, clock: HandClock, webhooks: Webhooks, receiver: Receiver
) -> None:
    receiver.answers = [answer] * (TRIES - 1)
    store.add(webhooks.item("callback-n1", Callback(receiver.url, BODY)))
    assert run_until_settled(worker, clock) == TRIES
    assert {request.headers["webhook-id"] for request in receiver.requests} == {"callback-n1"}
    assert list(all_dead_items(store)) == []
    assert stored(store, "callback-n1").due_at is None


def test_after_a_day_it_is_dead_and_says_what_the_last_failure_was(
    store: SqliteStore, worker: Worker, clock: HandClock, webhooks: Webhooks, receiver: Receiver
) -> None:
    receiver.answers = [503] * 20
    store.add(webhooks.item("callback-n1", Callback(receiver.url, BODY)))
    assert run_until_settled(worker, clock) == TRIES == len(receiver.requests) == 9
    (dead,) = all_dead_items(store)
    assert "failed 9 times within a day; the last: the callback's host answered 503" in dead.why


def test_a_receiver_says_when_to_come_back(
    store: SqliteStore, worker: Worker, webhooks: Webhooks, receiver: Receiver
) -> None:
    receiver.answers, receiver.retry_after = [429], "90"
    store.add(webhooks.item("callback-n1", Callback(receiver.url, BODY)))
    worker.run_due()
    assert stored(store, "callback-n1").due_at == NOON + timedelta(seconds=90)


@pytest.mark.parametrize("answer", [301, 302, 400, 404, 410])
def test_a_refusal_or_a_redirect_is_not_tried_again(
    answer: int, store: SqliteStore, worker: Worker, clock: HandClock, webhooks: Webhooks, receiver: Receiver
) -> None:
    receiver.answers = [answer]
    store.add(webhooks.item("callback-n1", Callback(receiver.url, BODY)))
    assert run_until_settled(worker, clock) == 1
    assert len(receiver.requests) == 1
    (dead,) = all_dead_items(store)
    assert f"answered {answer}" in dead.why


def test_nobody_listening_is_a_failure_of_the_moment(webhooks: Webhooks, receiver: Receiver) -> None:
    receiver.server_close()
    with pytest.raises(RetryLater):
        webhooks.send("callback-n1", Callback(receiver.url, BODY))


def test_the_schedule_is_kept_to_a_tenth(
    store: SqliteStore, clock: HandClock, webhooks: Webhooks, receiver: Receiver
) -> None:
    receiver.answers = [503] * 20
    item = webhooks.item("callback-n1", Callback(receiver.url, BODY))
    for chance, factor in ((0.0, 0.9), (0.5, 1.0)):
        tried = replace(webhooks, tries=PostAttempts(HostShares(4), chance=iter([chance] * len(WAITS)).__next__))
        worker = Worker(store, HandlerRegistry([tried.task_handler()]), clock, threads=1)
        store.add(due_as(item, f"callback-{chance}", clock.now()))
        for wait in WAITS:
            worker.run_due()
            due = stored(store, f"callback-{chance}").due_at
            assert due == clock.now() + wait * factor
            clock.advance(wait * factor)
        worker.run_due()
        worker.close()
    assert len(list(all_dead_items(store))) == 2
    assert sum(WAITS, timedelta()) < timedelta(days=1)


def due_as(item: Item, item_id: str, due_at: datetime) -> Item:
    return structs.replace(item, id=item_id, due_at=due_at)


def test_a_dead_callback_that_is_redriven_has_a_day_again(
    store: SqliteStore, worker: Worker, clock: HandClock, webhooks: Webhooks, receiver: Receiver
) -> None:
    receiver.answers = [503] * (TRIES + 3)
    store.add(webhooks.item("callback-n1", Callback(receiver.url, BODY)))
    assert run_until_settled(worker, clock) == TRIES
    redrive(store, "callback-n1", clock.now())
    assert run_until_settled(worker, clock) == 4
    assert list(all_dead_items(store)) == []


def test_nobody_can_ask_for_more_than_an_hour(
    store: SqliteStore, worker: Worker, webhooks: Webhooks, receiver: Receiver
) -> None:
    receiver.answers, receiver.retry_after = [503], "999999"
    store.add(webhooks.item("callback-n1", Callback(receiver.url, BODY)))
    worker.run_due()
    assert stored(store, "callback-n1").due_at == NOON + timedelta(hours=1)


TRICKLES = {
    "header": b"HTTP/1.1 503 Sorry\r\nX-Slow: a",
    "status": b"HTTP/1.1 2",
    "nothing": b"",
    "interim": b"HTTP/1.1 100 Continue\r\nX-Slow: a",
}


@dataclass
class Tarpit:
    """Servers that say their first words at once, and then a letter every tenth of a second."""

    lines: list[socket.socket] = field(default_factory=list)
    listeners: list[socket.socket] = field(default_factory=list)
    ending: threading.Event = field(default_factory=threading.Event)

    def that_says(self, first: bytes) -> str:
        """The address of one more."""
        listener = socket.create_server(("127.0.0.1", 0))
        self.listeners.append(listener)
        threading.Thread(target=self._serve, args=(listener, first), daemon=True).start()
        return f"http://127.0.0.1:{listener.getsockname()[1]}/"

    def _serve(self, listener: socket.socket, first: bytes) -> None:
        with suppress(OSError):
            while True:
                self.lines.append(listener.accept()[0])
                threading.Thread(target=self._drip, args=(self.lines[-1], first), daemon=True).start()

    def _drip(self, line: socket.socket, first: bytes) -> None:
        with suppress(OSError), line:
            line.sendall(first)
            while not self.ending.wait(0.1):
                line.sendall(b"a")


@pytest.fixture
def tarpit() -> Iterator[Tarpit]:
    tarpit = Tarpit()
    yield tarpit
    tarpit.ending.set()
    for listener in tarpit.listeners:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()


@pytest.mark.parametrize("first", TRICKLES.values(), ids=TRICKLES)
def test_a_receiver_that_answers_letter_by_letter_is_given_up_in_time(
    first: bytes, webhooks: Webhooks, tarpit: Tarpit
) -> None:
    began = time.monotonic()
    with pytest.raises(RetryLater, match=r"the callback.s host does not answer"):
        replace(webhooks, limit=timedelta(seconds=1)).send("callback-n1", Callback(tarpit.that_says(first), BODY))
    assert 0.9 < time.monotonic() - began < 5


def test_a_name_server_that_never_answers_is_given_up_in_time(clock: HandClock) -> None:
    ending = threading.Event()
    webhooks = Webhooks(KEYS, clock, limit=timedelta(seconds=0.5), resolve=lambda _host, _port: [str(ending.wait(20))])
    with pytest.raises(RetryLater):
        webhooks.send("callback-n1", Callback("https://hooks.example/", BODY))
    ending.set()


def test_nothing_behind_a_yes_is_waited_for(webhooks: Webhooks, tarpit: Tarpit) -> None:
    began = time.monotonic()
    webhooks.send("callback-n1", Callback(tarpit.that_says(b"HTTP/1.1 200 OK\r\nX-Slow: a"), BODY))
    assert time.monotonic() - began < 1


def test_eight_callbacks_to_a_slow_host_hold_up_nothing_else_of_their_lane(
    store: SqliteStore, webhooks: Webhooks, receiver: Receiver, tarpit: Tarpit
) -> None:
    slow, clock = tarpit.that_says(b""), SystemClock()
    several = replace(webhooks, clock=clock, limit=timedelta(seconds=10))
    for number in range(8):
        store.add(several.item(f"callback-slow-{number}", Callback(slow, BODY)))
    worker = Worker(store, HandlerRegistry([several.task_handler()]), clock, threads=8)
    running = threading.Thread(target=worker.run)
    running.start()
    try:
        time.sleep(1)
        store.add(several.item("callback-quick", Callback(receiver.url.replace("127.0.0.1", "localhost"), BODY)))
        began = time.monotonic()
        while not receiver.requests and time.monotonic() - began < 9:
            time.sleep(0.01)
        assert time.monotonic() - began < 2
        assert len(tarpit.lines) == 2
    finally:
        worker.stop()
        running.join(30)


def test_what_waits_for_a_slow_host_comes_back_one_by_one_and_within_a_minute() -> None:
    now = [0.0]
    shares = HostShares(4, now=lambda: now[0])
    with shares.turn(Lane.BULK, "slow"), shares.turn(Lane.BULK, "slow"):
        now[0] = 8.0
        waits = []
        for _ in range(100):
            with shares.turn(Lane.BULK, "slow") as wait:
                assert wait is not None
                waits.append(wait.total_seconds())
        assert waits[:3] == [4, 8, 12]
        assert max(waits) == 60
        with shares.turn(Lane.BULK, "other") as wait, shares.turn(Lane.INCIDENT, "slow") as elsewhere:
            assert (wait, elsewhere) == (None, None)
    with shares.turn(Lane.BULK, "slow") as wait:
        assert wait is None


def test_all_hosts_together_leave_threads_to_others() -> None:
    shares = HostShares(4)
    with ExitStack() as stack:
        first = [stack.enter_context(shares.turn(Lane.BULK, f"host {number}")) for number in range(6)]
        assert [wait is None for wait in first] == [True] * 4 + [False] * 2


def test_a_path_of_any_letters_arrives_as_it_was_meant(webhooks: Webhooks, receiver: Receiver) -> None:
    webhooks.send("n1", Callback(receiver.url.replace("/hook?id=7", "/höök%20a?id=ü&b=%2F"), BODY))
    assert receiver.requests[0].path == "/h%C3%B6%C3%B6k%20a?id=%C3%BC&b=%2F"


PRIVATE = [
    "127.0.0.1",
    "10.1.2.3",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "0.0.0.0",
    "224.0.0.1",
    "255.255.255.255",
    "192.0.0.192",
    "192.0.2.1",
    "168.63.129.16",
    "198.18.0.1",
    "3fff::1",
    "5f00::1",
    "100::1",
    "64:ff9b:1::7f00:1",
    "2001:0:7f00:1::",
    "::1",
    "::",
    "fe80::1%eth0",
    "fc00::1",
    "ff02::1",
    "::ffff:10.0.0.1",
    "::ffff:169.254.169.254",
    "2002:7f00:1::",
    "64:ff9b::a00:1",
]


@pytest.mark.parametrize("address", PRIVATE)
def test_no_address_of_a_private_or_reserved_network_is_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["1.1.1.1", "93.184.216.34", "2606:4700:4700::1111", "::ffff:1.1.1.1"])
def test_addresses_of_the_open_internet_are(address: str) -> None:
    assert is_public(address)


@given(st.ip_addresses())
def test_what_pythons_library_knows_as_special_is_not_public(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address,
) -> None:
    assert address.is_global or not is_public(str(address))


@given(st.ip_addresses(v=4, network="10.0.0.0/8"), st.sampled_from(["::ffff:{}", "64:ff9b::{}", "{}"]))
def test_a_private_address_stays_private_however_it_is_wrapped(address: ipaddress.IPv4Address, wrapped: str) -> None:
    assert not is_public(wrapped.format(address))


@pytest.mark.parametrize("loopback_allowed", [False, True])
@pytest.mark.parametrize("addresses", [["10.0.0.7"], ["169.254.169.254"], ["93.184.216.34", "10.0.0.7"], []])
def test_a_host_that_leads_inside_is_not_written_to(
    addresses: list[str], loopback_allowed: bool, clock: HandClock
) -> None:
    webhooks = Webhooks(KEYS, clock, loopback_allowed, resolve=lambda _host, _port: addresses)
    with pytest.raises(CallbackRefused, match="private or reserved"):
        webhooks.send("callback-n1", Callback("https://hooks.example/x", BODY))


def test_loopback_is_refused_unless_a_setting_allows_it(clock: HandClock, receiver: Receiver) -> None:
    with pytest.raises(CallbackRefused, match="private or reserved"):
        Webhooks(KEYS, clock).send("callback-n1", Callback(receiver.url, BODY))
    assert receiver.requests == []


def test_the_connection_goes_to_the_address_that_was_checked(clock: HandClock, receiver: Receiver) -> None:
    asked: list[str] = []

    def resolve(host: str, port: int) -> Sequence[str]:
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else ["10.0.0.7"]  # a rebinding name server

    webhooks = Webhooks(KEYS, clock, loopback_allowed=True, resolve=resolve)
    webhooks.send("callback-n1", Callback(f"http://rebinding.example:{receiver.server_port}/", BODY))
    assert asked == ["rebinding.example"]
    assert receiver.requests[0].headers["host"] == f"rebinding.example:{receiver.server_port}"


def test_https_is_verified_for_the_name_although_the_connection_goes_to_an_address(
    clock: HandClock, receiver: Receiver, tmp_path: Path
) -> None:
    certificate = _certificate(tmp_path, "hooks.example")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, tmp_path / "key.pem")
    receiver.socket = context.wrap_socket(receiver.socket, server_side=True)

    def to_loopback(_host: str, _port: int) -> Sequence[str]:
        return ["127.0.0.1"]

    webhooks = Webhooks(KEYS, clock, loopback_allowed=True, resolve=to_loopback, trust=str(certificate))
    webhooks.send("callback-n1", Callback(f"https://hooks.example:{receiver.server_port}/", BODY))
    assert len(receiver.requests) == 1
    with pytest.raises(RetryLater):
        webhooks.send("callback-n1", Callback(f"https://other.example:{receiver.server_port}/", BODY))
    assert len(receiver.requests) == 1


def _certificate(folder: Path, host: str) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem, plain = serialization.Encoding.PEM, serialization.NoEncryption()
    (folder / "cert.pem").write_bytes(signed.public_bytes(pem))
    (folder / "key.pem").write_bytes(key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain))
    return folder / "cert.pem"


@pytest.mark.parametrize(
    "url",
    [
        "",
        "ftp://hooks.example/",
        "file:///etc/passwd",
        "https://",
        "https://user:secret@hooks.example/",
        "https://hooks.example:port/",
        "https://hooks.example:99999/",
        "https://a..b/",
        "http://[::1",
        "http://[zz]/",
        "http://a]/",
        f"https://{'a' * 70}.example/",
        f"https://{'a.' * 150}example/",
        "http://xn--/",
        "http://a.xn--/",
        "http://xn--abc-/",
        "http://xn--99999999999/",
        "http://1.2.3.4.5/",
        "http://1.2.3/",
        "http://127.1/",
        "http://0x7f000001/",
        "http://2130706433/",
        "http://hooks.example.1/",
        "http://1.2.3.256/",
        "http://[fe80::1%25eth0]/",
        "http://[fe80::1%eth0]/",
        "http://@hooks.example/",
        "http://hooks.example:0/",
        "https:hooks.example",
        "https://hooks.example/a b",
        f"https://hooks.example/{'a' * 2000}",
    ],
)
def test_an_address_that_is_no_plain_web_address_is_refused_when_it_is_named(url: str) -> None:
    with pytest.raises(CallbackRefused):
        check_url(url)


@pytest.mark.parametrize(
    "url",
    [
        "https://hooks.example",
        "HTTPS://Hooks.Example./a?b=c#d",
        "http://libre_translate:8080/",
        "http://1.2.3.4:80/",
        "http://[2001:db8::1]:8443/",
        "https://münchen.example/straße",
        "https://xn--mnchen-3ya.example/",
        "https://xn--i-7iq.ws/",
        "https://4.example/",
        "https://1and1/",
    ],
)
def test_addresses_that_can_be_are_taken(url: str) -> None:
    check_url(url)


def test_an_address_that_earlier_code_took_hinders_nothing_and_is_dead(
    store: SqliteStore, worker: Worker, clock: HandClock, webhooks: Webhooks
) -> None:
    store.add(webhooks.item("callback-n1", Callback("http://1.2.3.4.5/", BODY)))
    assert run_until_settled(worker, clock) == 1
    (dead,) = all_dead_items(store)
    assert "names a host" in dead.why


def test_a_refused_address_is_dead_at_once_and_not_tried_again(
    store: SqliteStore, worker: Worker, clock: HandClock, webhooks: Webhooks
) -> None:
    store.add(webhooks.item("callback-n1", Callback("http://10.0.0.7/", BODY)))
    assert run_until_settled(worker, clock) == 1
    (dead,) = all_dead_items(store)
    assert "private or reserved network" in dead.why


def test_a_permanent_refusal_is_said_as_such(webhooks: Webhooks, receiver: Receiver) -> None:
    receiver.answers = [302]
    with pytest.raises(Permanent, match="redirects are not followed"):
        webhooks.send("callback-n1", Callback(receiver.url, BODY))
