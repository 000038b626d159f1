"""A connection as the edge keeps it, and how a thread reads a request from it."""

from __future__ import annotations

import fcntl
import socket
import struct
import termios
import time
from enum import Enum, auto

from gunicorn.http.errors import NoMoreData
from gunicorn.http.parser import RequestParser
from gunicorn.http.unreader import SocketUnreader
from gunicorn.workers.gthread import TConn
from werkzeug.exceptions import RequestTimeout

from service.http.edge.framing import HEAD_LIMIT, Framing

WITHIN_S = 20.0
"""How long a request may take to arrive, and the caller to take a piece of the answer."""

OUTPUT = 512 * 1024
"""Bytes of an answer that the kernel keeps for a caller who reads slowly (at most `net.core.wmem_max`)."""

_FIRST_LOOK = 16 * 1024
_FURTHER_LOOK = HEAD_LIMIT + 320 * 1024

_CLOSE_WAIT = 8
"""The state of a connection whose other side sends no more (`include/net/tcp_states.h`)."""


class TooSlow(RequestTimeout, TimeoutError):
    """A large request did not arrive in time: 408 where the app reads it, a timeout where gunicorn does."""


class RequestReader(SocketUnreader):  # type: ignore[misc]  # gunicorn ships no types
    """Gives the parser the bytes of one request and none of the next.

    Those of a buffered request are there already. Those of a large one are waited for until `deadline`.
    """

    def __init__(self, sock: socket.socket) -> None:
        super().__init__(sock)
        self.left: int | None = 0
        """Bytes that the present request still has; None if that is not known."""
        self.deadline: float | None = None
        """When the whole of a large request must be there, by the monotonic clock; None for a buffered one."""

    def begin(self, first: bytes, length: int | None, deadline: float | None) -> None:
        """Give out a request of `length` bytes, of which the first have been read already."""
        self.unread(first)
        self.left = None if length is None else length - len(first)
        self.deadline = deadline

    def chunk(self, size_hint: int | None = None) -> bytes:
        """The next bytes of the request. `TooSlow` when they are late, `NoMoreData` when the caller left."""
        size = max(self.mxchunk, min(size_hint or 0, self.max_body_chunk))
        size = size if self.left is None else min(size, self.left)
        if size == 0:  # the parser sees another end of the request than we do
            raise NoMoreData
        try:
            data: bytes = self.sock.recv(size) if self.deadline is None else self._wait_for(size, self.deadline)
        except TimeoutError:
            raise TooSlow from None
        except ConnectionError:
            raise NoMoreData from None
        if not data and self.left:
            raise NoMoreData
        if self.left is not None:
            self.left -= len(data)
        return data

    def _wait_for(self, size: int, deadline: float) -> bytes:
        # what is there is read in any case: the head, so that it is the app that says what came too late
        self.sock.settimeout(max(0.001, deadline - time.monotonic()))
        try:
            data: bytes = self.sock.recv(size)
        finally:
            self.sock.settimeout(None)
        return data


class Stage(Enum):
    """Where a connection is between two requests, or within one."""

    PENDING = auto()
    ANSWERED = auto()
    KEPT = auto()
    LEAVING = auto()


class Connection(TConn):  # type: ignore[misc]  # gunicorn ships no types
    """A caller's connection. The main loop owns it, except while a thread answers its request."""

    def __init__(self, cfg: object, sock: socket.socket, client: object, server: object) -> None:
        super().__init__(cfg, sock, client, server)
        self.address = str(client[0]) if isinstance(client, tuple) else ""
        self.data_ready = True
        self.reader = RequestReader(sock)
        self.is_refused = False
        self.is_watched = False
        """Whether the poller knows it."""
        self._low_water = 1
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, OUTPUT)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("ll", int(WITHIN_S), 0))
        self.first = b""
        """What has been read of the request, and perhaps of the next: as much as one look gave."""
        self.begin_request()

    def begin_request(self) -> None:
        """Expect another request."""
        self.stage = Stage.PENDING
        self.framing = Framing()
        self.wakes = 0
        self.is_continued = False
        self.is_for_health = False
        self.timeout = time.monotonic() + WITHIN_S

    def init(self) -> None:
        """Called in the thread that answers a request, before it reads."""
        if not self.initialized:
            self.initialized: bool = True
            self.parser = RequestParser(self.cfg, self.sock, self.client)
            self.parser.unreader = self.reader

    def look(self) -> bytes:
        """The request as far as it has arrived.

        The first look reads: most requests are there by then, and a thread needs not read them again. What comes later
        stays in the kernel's buffer.
        """
        try:
            if not self.first:
                self.first = self.sock.recv(_FIRST_LOOK, socket.MSG_DONTWAIT)
                if len(self.first) < _FIRST_LOOK:
                    return self.first
            rest: bytes = self.sock.recv(_FURTHER_LOOK, socket.MSG_PEEK | socket.MSG_DONTWAIT)
        except BlockingIOError:
            return self.first
        return self.first + rest

    def arrived(self) -> int:
        """How many bytes of the request have arrived."""
        count = bytearray(4)
        fcntl.ioctl(self.sock.fileno(), termios.FIONREAD, count)
        return len(self.first) + int.from_bytes(count, "little")

    def hand_over(self, length: int | None, deadline: float | None) -> None:
        """Let a thread read the request; what was read of the next one stays here."""
        self.stage = Stage.ANSWERED
        self.wake_at(1)
        known = self.first if length is None else self.first[:length]
        self.first = self.first[len(known) :]
        self.reader.begin(known, length, deadline)

    def say(self, answer: bytes) -> None:
        """Send something short without waiting; OSError if that cannot be done."""
        self.sock.send(answer, socket.MSG_DONTWAIT)

    def has_hung_up(self) -> bool:
        """Whether the other side has stopped sending."""
        state = self.sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)
        return bool(state[0] == _CLOSE_WAIT)

    def wake_at(self, count: int) -> None:
        """Let the poller report this connection when so many bytes of what was not read have arrived."""
        if count != self._low_water:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, count)
            self._low_water = count

    def reset(self) -> None:
        """Let closing tell the other side that nothing is read any more, not only that nothing follows."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    def discard(self, size: int) -> int:
        """Throw away what has arrived, at most `size` bytes; 0 when the other side has hung up."""
        return len(self.sock.recv(size, socket.MSG_DONTWAIT))
