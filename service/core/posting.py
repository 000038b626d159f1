"""One HTTP POST that is over in time, whatever the other side does; of the answer only what is needed is read."""

from __future__ import annotations

import re
import socket
import ssl
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from http.client import HTTPConnection, HTTPException, parse_headers
from typing import BinaryIO, TypeVar

T = TypeVar("T")

_STATUS = re.compile(rb"HTTP/1\.[01] ([1-5][0-9]{2})[ \r\n]")
_LONGEST_LINE = 4096
_MOST_INTERIM = 8


@dataclass(frozen=True, slots=True)
class Destination:
    """Where a POST goes: `address` is an IP address, `host` the name that a certificate must have (None: no TLS)."""

    address: str
    port: int
    target: str
    host: str | None
    trust: str | None = None
    """A file of certificate authorities to trust instead of the system's."""


@dataclass(frozen=True, slots=True)
class PostResponse:
    """A status, and the headers in lower case; of a 2xx none: nothing beyond its first line is waited for."""

    status: int
    headers: Mapping[str, str]


class CancelToken:
    """Ends the connection of some work once nobody waits for the work any more."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sock: socket.socket | None = None
        self._is_cancelled = False

    def attach(self, sock: socket.socket) -> None:
        """From now on this is the connection; `TimeoutError` if the work was cancelled before."""
        with self._lock:
            self._sock = sock
            if self._is_cancelled:
                raise TimeoutError

    def cancel(self) -> None:
        """End the connection under whoever reads from it, or let it be ended as soon as it is there."""
        with self._lock:
            self._is_cancelled = True
            if self._sock is not None:
                with suppress(OSError):  # it was closed by itself
                    socket.socket.shutdown(self._sock, socket.SHUT_RDWR)  # not TLS's own, which another thread uses


def run_within(limit: timedelta, work: Callable[[CancelToken], T]) -> T:
    """The result of `work`, which runs in a thread of its own; `TimeoutError` after `limit`.

    Names are looked up without a timeout, and that of a socket begins anew with each byte. Raises what `work` raises;
    RuntimeError if this machine can start no more threads.
    """
    token, result = CancelToken(), Future[T]()

    def run() -> None:
        try:
            result.set_result(work(token))
        except Exception as error:  # noqa: BLE001  (raised where the result is waited for)
            result.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    try:
        return result.result(limit.total_seconds())
    finally:
        token.cancel()


def post(
    destination: Destination, headers: Mapping[str, str], body: bytes, token: CancelToken, patience: timedelta
) -> PostResponse:
    """POST once; OSError, HTTPException or ValueError if that fails. `patience` is for each step of the connection."""
    with closing(_connected(destination, token, patience)) as sock:
        connection = HTTPConnection(destination.address, destination.port)
        connection.sock = sock
        connection.request("POST", destination.target, body, dict(headers))
        with sock.makefile("rb") as reader:
            return _read(reader)


def _connected(destination: Destination, token: CancelToken, patience: timedelta) -> socket.socket:
    sock = socket.create_connection((destination.address, destination.port), timeout=patience.total_seconds())
    try:
        token.attach(sock)
        if destination.host is None:
            return sock
        secured = _context(destination.trust).wrap_socket(
            sock, server_hostname=destination.host, do_handshake_on_connect=False
        )
    except BaseException:
        sock.close()
        raise
    try:
        token.attach(secured)
        secured.do_handshake()
    except BaseException:
        secured.close()
        raise
    return secured


@cache
def _context(trust: str | None) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=trust)


def _read(reader: BinaryIO) -> PostResponse:
    for _ in range(_MOST_INTERIM):
        first = _STATUS.match(reader.readline(_LONGEST_LINE))
        if first is None:
            raise HTTPException("the answer is not HTTP")
        status = int(first[1])
        if 200 <= status < 300:
            return PostResponse(status, {})
        headers = {name.lower(): value for name, value in parse_headers(reader).items()}
        if status >= 200:
            return PostResponse(status, headers)
    raise HTTPException("the answer never comes")
