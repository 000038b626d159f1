"""What the edge uses of gunicorn's inside, by name and shape.

When one fails, gunicorn has changed: read what it does now. `TOCSIN_EDGE=plain` is the way back meanwhile.
"""

from __future__ import annotations

import inspect
import selectors
from collections.abc import Sequence

import pytest
from gunicorn import util
from gunicorn.config import Config
from gunicorn.http import errors
from gunicorn.http.body import Body
from gunicorn.http.parser import Parser, RequestParser
from gunicorn.http.unreader import SocketUnreader
from gunicorn.workers import gthread
from gunicorn.workers.gthread import TConn, ThreadWorker

SIGNATURES = {
    "TConn.__init__": (TConn.__init__, ["self", "cfg", "sock", "client", "server"]),
    "TConn.init": (TConn.init, ["self"]),
    "TConn.set_timeout": (TConn.set_timeout, ["self"]),
    "TConn.close": (TConn.close, ["self", "graceful"]),
    "SocketUnreader.__init__": (SocketUnreader.__init__, ["self", "sock", "max_chunk"]),
    "SocketUnreader.unread": (SocketUnreader.unread, ["self", "data"]),
    "SocketUnreader.chunk": (SocketUnreader.chunk, ["self", "size_hint"]),
    "RequestParser.__init__": (RequestParser.__init__, ["self", "cfg", "source", "source_addr"]),
    "Parser.finish_body": (Parser.finish_body, ["self", "deadline", "max_bytes"]),
    "Body.read": (Body.read, ["self", "size"]),
    "ThreadWorker.accept": (ThreadWorker.accept, ["self", "listener"]),
    "ThreadWorker.enqueue_req": (ThreadWorker.enqueue_req, ["self", "conn"]),
    "ThreadWorker.handle": (ThreadWorker.handle, ["self", "conn"]),
    "ThreadWorker.handle_request": (ThreadWorker.handle_request, ["self", "req", "conn"]),
    "ThreadWorker.handle_error": (ThreadWorker.handle_error, ["self", "req", "client", "addr", "exc"]),
    "ThreadWorker.finish_request": (ThreadWorker.finish_request, ["self", "conn", "fs"]),
    "ThreadWorker.murder_pending": (ThreadWorker.murder_pending, ["self"]),
    "ThreadWorker.wait_for_and_dispatch_events": (
        ThreadWorker.wait_for_and_dispatch_events,
        ["self", "timeout"],
    ),
    "ThreadWorker._cap_keepalive": (ThreadWorker._cap_keepalive, ["self", "deadline"]),
    "util.http_date": (util.http_date, ["timestamp"]),
}

CALLS = {
    "run": ["wait_for_and_dispatch_events", "murder_pending", "_cap_keepalive", "nr_conns", "worker_connections"],
    "handle": ["data_ready", "initialized", "conn.init()", "handle_request(req, conn)", "handle_error("],
    "murder_keepalived": ["keepalived_conns", "poller.unregister(conn.sock)", "nr_conns -= 1", "conn.close()"],
    "enqueue_req": ["self.handle, conn", "self.finish_request, conn, fut"],
}
"""Parts of the worker that call what the edge replaces, or that use what it sets."""


@pytest.mark.parametrize("name", SIGNATURES)
def test_what_is_replaced_or_called_takes_what_it_took(name: str) -> None:
    function, parameters = SIGNATURES[name]
    assert list(inspect.signature(function).parameters) == parameters


@pytest.mark.parametrize(("method", "used"), CALLS.items(), ids=CALLS)
def test_the_worker_calls_what_is_replaced(method: str, used: Sequence[str]) -> None:
    source = inspect.getsource(getattr(ThreadWorker, method))
    assert [each for each in used if each not in source] == []


def test_the_worker_has_what_the_edge_looks_at() -> None:
    source = inspect.getsource(ThreadWorker)
    for name in ("poller", "keepalived_conns", "nr_conns", "worker_connections"):
        assert f"self.{name} = " in source
    assert "selectors.DefaultSelector()" in source
    assert "key.data" in inspect.getsource(ThreadWorker.wait_for_and_dispatch_events)
    assert issubclass(selectors.DefaultSelector, selectors.BaseSelector)
    assert isinstance(gthread.STOP_KEEPALIVE_LINGER, float)


def test_the_reader_has_what_the_edge_looks_at() -> None:
    assert isinstance(SocketUnreader.max_body_chunk, int)
    source = inspect.getsource(SocketUnreader.__init__) + inspect.getsource(SocketUnreader.__mro__[1])
    assert "self.mxchunk" in source
    assert "self.buf" in source
    assert "self.failed" in inspect.getsource(Body)


def test_an_address_is_told_from_a_network_by_the_settings() -> None:
    settings = Config()
    settings.set("forwarded_allow_ips", "127.0.0.1,10.0.0.0/8")
    assert [str(network) for network in settings.forwarded_allow_networks()] == ["127.0.0.1/32", "10.0.0.0/8"]


@pytest.mark.parametrize(
    "fault", ["LimitRequestLine", "LimitRequestHeaders", "ConfigurationProblem", "InvalidHeader", "InvalidChunkSize"]
)
def test_faults_of_a_request_are_known_by_their_classes(fault: str) -> None:
    assert issubclass(getattr(errors, fault), errors.ParseException)


def test_the_end_of_a_request_is_an_error_of_its_own() -> None:
    assert issubclass(errors.NoMoreData, OSError)
    assert not issubclass(errors.NoMoreData, errors.ParseException)
