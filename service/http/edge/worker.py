"""gunicorn's thread worker, in which a thread gets a request only when all of it has arrived."""

from __future__ import annotations

import collections
import errno
import logging
import selectors
import socket
import time
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from ipaddress import ip_address

from gunicorn.workers.gthread import STOP_KEEPALIVE_LINGER, ThreadWorker
from prometheus_client import Counter

from service.http.edge import answers
from service.http.edge.connection import Connection, Stage
from service.http.edge.framing import Complete, HeadTooLarge, Incomplete, Progress, TooLargeToBuffer

logger = logging.getLogger(__name__)

UNFINISHED = Counter(
    "tocsin_http_unfinished",
    "Connections that ended in the middle of a request: slow, crowded, cut off, head too large.",
    ("why",),
)

PENDING = 256
"""Requests of one process that may be incomplete at once; of more the oldest ends."""

PENDING_OF_ADDRESS = 64
"""The same for one address, unless it is that of a trusted proxy."""

STREAMS = 4
"""Threads of one process, a quarter of them at most, that may read requests too large to be kept by the kernel."""

STUCK_AFTER_S = 60.0
"""When every thread has been on its request for so long, the process is not well."""

_WAKES = 200
"""Pieces in which a request may arrive; in more only as a large one."""

_GOODBYE_S = 0.9
_DISCARDED = 64 * 1024
_HEALTHZ = b"GET /healthz HTTP/1."


class PlainWorker(ThreadWorker):  # type: ignore[misc]  # gunicorn ships no types
    """gunicorn's own thread worker; only its refusals are problem documents, and do not quote the request."""

    def handle_error(self, _req: object, client: socket.socket, _addr: object, exc: Exception) -> None:
        """Answer a request that the parser refused, or whose answer failed outside the app."""
        problem = answers.meaning(exc)
        if problem is None:
            logger.error("A request failed outside the app: %s", type(exc).__name__, exc_info=exc)
        else:
            logger.info("A request could not be read: %s", type(exc).__name__)
        try:
            client.sendall(answers.refusal(problem or answers.FAILED))
        except OSError:
            logger.debug("A caller left before it was answered")


class BufferingWorker(PlainWorker):
    """Leaves a request in the kernel's buffer until it is complete (SO_RCVLOWAT), then gives it to a thread.

    A caller who sends slowly, or reads slowly what the kernel can keep, costs a socket and no thread. All of it but
    `handle` and `handle_request` runs in the main loop, which never waits for one connection.
    """

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self._pending: dict[Connection, None] = {}  # in the order of their deadlines
        self._of_address: collections.Counter[str] = collections.Counter()
        self._leaving: dict[Connection, int] = {}
        self._streams: set[Connection] = set()
        self._waiting_streams: dict[Connection, int | None] = {}
        self._begun: dict[Connection, float] = {}

    # Connections come in and become readable.

    def accept(self, listener: socket.socket) -> None:
        """Take a connection; it waits for its request in the main loop."""
        try:
            client, address = listener.accept()
        except OSError as error:
            if error.errno in {errno.EMFILE, errno.ENFILE}:
                self._make_room()
            elif error.errno not in {errno.EAGAIN, errno.ECONNABORTED}:
                raise
            return
        if self.nr_conns + 1 >= self.worker_connections:
            self._make_room()
        self.nr_conns += 1
        self._expect_request(Connection(self.cfg, client, address, listener.getsockname()))

    def _on_readable(self, conn: Connection, _client: socket.socket) -> None:
        match conn.stage:
            case Stage.PENDING if conn in self._pending:
                self._look(conn)
            case Stage.LEAVING if conn in self._leaving:
                self._discard(conn)
            case Stage.KEPT if conn in self.keepalived_conns:
                self.keepalived_conns.remove(conn)
                conn.begin_request()
                self._expect_request(conn)
            case Stage.ANSWERED:  # of the next request; it is looked at when this one is done
                self._unwatch(conn)
            case _:  # it was closed while this event was on its way
                return

    def _expect_request(self, conn: Connection) -> None:
        self._limit(conn.address)
        if not self.alive:
            conn.timeout = min(conn.timeout, time.monotonic() + STOP_KEEPALIVE_LINGER)
        self._pending[conn] = None
        self._of_address[conn.address] += 1
        self._look(conn)

    def _limit(self, address: str) -> None:
        """Make room for one more incomplete request: the one that has had the most time ends."""
        if self._of_address[address] >= PENDING_OF_ADDRESS and not self._is_trusted(address):
            self._refuse(next(conn for conn in self._pending if conn.address == address), answers.CROWDED_OUT)
        elif len(self._pending) >= PENDING:
            self._refuse(next(iter(self._pending)), answers.CROWDED_OUT)

    def _is_trusted(self, address: str) -> bool:
        if "*" in self.cfg.forwarded_allow_ips:
            return True
        return any(ip_address(address) in network for network in self.cfg.forwarded_allow_networks())

    # What has arrived of a request is looked at.

    def _look(self, conn: Connection) -> None:
        try:
            self._act(conn, self._judge(conn))
        except OSError:  # the connection was reset
            self._drop(conn)

    def _judge(self, conn: Connection) -> Progress:
        framing = conn.framing
        if framing.length is not None:
            return framing.judge_length(conn.arrived())
        seen = conn.look()
        conn.is_for_health = seen.startswith(_HEALTHZ)
        return framing.judge(seen)

    def _act(self, conn: Connection, progress: Progress) -> None:
        match progress:
            case Complete() if conn.is_for_health:
                self._say(conn, lambda: answers.health(self._is_stuck()))
                self._drop(conn)
            case Complete(length):
                self._hand_over(conn, length, None)
            case TooLargeToBuffer(length):
                self._stream(conn, length)
            case HeadTooLarge():
                self._refuse(conn, answers.HEAD_TOO_LARGE)
            case Incomplete() if conn.has_hung_up():
                self._refuse(conn, answers.CUT_OFF)
            case Incomplete(needs):
                self._wait(conn, needs)

    def _wait(self, conn: Connection, needs: int) -> None:
        conn.wakes += 1
        if conn.wakes > _WAKES and conn.framing.head:
            self._stream(conn, conn.framing.length)
            return
        if conn.wakes > _WAKES:
            self._refuse(conn, answers.TOO_SLOW)
            return
        if conn.framing.expects_continue and not conn.is_continued:
            conn.is_continued = True
            conn.say(answers.CONTINUE)
        conn.wake_at(needs - len(conn.first))
        self._watch(conn)

    # A request is given to a thread.

    def _stream(self, conn: Connection, length: int | None) -> None:
        """Give a large request to one of the few threads that may wait for its rest, or let it wait for one."""
        if len(self._streams) < min(STREAMS, max(1, self.cfg.threads // STREAMS)):
            self._streams.add(conn)
            self._hand_over(conn, length, conn.timeout)
        else:
            self._unwatch(conn)
            self._waiting_streams[conn] = length

    def _hand_over(self, conn: Connection, length: int | None, deadline: float | None) -> None:
        self._forget(conn)
        conn.hand_over(length, deadline)
        if conn.reader.left != 0:  # the poller would report what the thread is about to read
            self._unwatch(conn)
        self.enqueue_req(conn)

    def handle(self, conn: Connection) -> bool:
        """Answer a request, in a thread; whether the connection is kept."""
        self._begun[conn] = time.monotonic()
        try:
            # what was read of the next request could not be looked at any more
            return bool(super().handle(conn)) and not conn.reader.buf.getvalue()
        finally:
            del self._begun[conn]

    def handle_request(self, req: object, conn: Connection) -> bool:
        """Answer a request; a caller who does not read the answer is given up."""
        try:
            return bool(super().handle_request(req, conn))
        except (TimeoutError, BlockingIOError):
            logger.info("A caller did not read its answer in time; the connection is closed")
            return False

    def finish_request(self, conn: Connection, fs: Future[bool]) -> None:
        """Keep the connection for another request or end it."""
        self._streams.discard(conn)
        if self._waiting_streams:
            waiting, length = next(iter(self._waiting_streams.items()))
            self._stream(waiting, length)
        if not fs.cancelled() and fs.exception() is None and fs.result():
            self._keep(conn)
        else:
            self._say_goodbye(conn)

    def _keep(self, conn: Connection) -> None:
        if conn.first:
            conn.begin_request()
            self._expect_request(conn)
            return
        conn.stage = Stage.KEPT
        conn.set_timeout()
        if not self.alive:
            conn.timeout = min(conn.timeout, time.monotonic() + STOP_KEEPALIVE_LINGER)
        self.keepalived_conns.append(conn)
        self._watch(conn)

    def _is_stuck(self) -> bool:
        begun = list(self._begun.values())
        return len(begun) >= self.cfg.threads and max(begun) < time.monotonic() - STUCK_AFTER_S

    # Connections end.

    def murder_pending(self) -> None:
        """End what has waited too long (gunicorn's name)."""
        now = time.monotonic()
        while self._pending and (conn := next(iter(self._pending))).timeout <= now:
            self._refuse(conn, answers.TOO_SLOW)
        while self._leaving and (conn := next(iter(self._leaving))).timeout <= now:
            if conn.is_refused:
                conn.reset()  # else one who only sends would not notice
            self._drop(conn)

    def wait_for_and_dispatch_events(self, timeout: float) -> None:
        """Wait for the next event, but not beyond the next deadline."""
        firsts = (next(iter(each)).timeout for each in (self._pending, self._leaving) if each)
        until = min(firsts, default=None)
        left = timeout if until is None else min(timeout, max(0.0, until - time.monotonic()))
        super().wait_for_and_dispatch_events(left)

    def _cap_keepalive(self, deadline: float) -> None:
        """This process is about to end: nobody has longer than until `deadline` to complete a request."""
        super()._cap_keepalive(deadline)
        for conn in self._pending:
            conn.timeout = min(conn.timeout, deadline)

    def _refuse(self, conn: Connection, end: answers.ConnectionEnd) -> None:
        """Answer a caller why its request is refused. A caller that has sent nothing gets no answer."""
        self._forget(conn)
        if self._say(conn, lambda: answers.refusal(end.problem)):
            UNFINISHED.labels(end.why).inc()
            conn.is_refused = True
            self._say_goodbye(conn)
        else:
            self._drop(conn)

    def _say(self, conn: Connection, answer: Callable[[], bytes]) -> bool:
        """Whether there was somebody to say it to: a caller who has asked something and is still there."""
        try:
            arrived = conn.arrived()
            if not arrived:
                return False
            if arrived > len(conn.first):
                conn.discard(arrived)  # what is not read makes the kernel reset the connection
            conn.say(answer())
        except OSError:
            return False
        return True

    def _say_goodbye(self, conn: Connection) -> None:
        """Close our side for sending, and let the caller read the answer and close the connection (RFC 9112 §9.6)."""
        try:
            conn.sock.shutdown(socket.SHUT_WR)
        except OSError:
            self._drop(conn)
            return
        conn.timeout = time.monotonic() + _GOODBYE_S
        conn.stage = Stage.LEAVING
        self._leaving[conn] = _DISCARDED
        self._watch(conn)

    def _discard(self, conn: Connection) -> None:
        try:
            count = conn.discard(self._leaving[conn])
        except OSError:
            count = 0
        self._leaving[conn] -= count
        if count == 0 or self._leaving[conn] <= 0:
            self._drop(conn)

    def _make_room(self) -> None:
        """End the connection that is missed least."""
        if self._leaving:
            self._drop(next(iter(self._leaving)))
        elif self.keepalived_conns:
            self._drop(self.keepalived_conns.popleft())
        elif self._pending:
            self._refuse(next(iter(self._pending)), answers.CROWDED_OUT)

    def _drop(self, conn: Connection) -> None:
        self._forget(conn)
        self._unwatch(conn)
        self.nr_conns -= 1
        conn.close()

    def _forget(self, conn: Connection) -> None:
        """Take the connection out of what the main loop gives deadlines to."""
        self._leaving.pop(conn, None)
        self._waiting_streams.pop(conn, None)
        if conn in self._pending:
            del self._pending[conn]
            self._of_address[conn.address] -= 1
            if not self._of_address[conn.address]:
                del self._of_address[conn.address]

    def _watch(self, conn: Connection) -> None:
        if not conn.is_watched:
            self.poller.register(conn.sock, selectors.EVENT_READ, partial(self._on_readable, conn))
            conn.is_watched = True

    def _unwatch(self, conn: Connection) -> None:
        if conn.is_watched:
            self.poller.unregister(conn.sock)
            conn.is_watched = False
