"""A load generator that costs little: raw keep-alive sockets, one thread each, in a process of its own."""

from __future__ import annotations

import socket
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from time import perf_counter

CONNECTIONS = 16


def load(port: int, path: str, headers: str, body: str, seconds: float) -> list[float]:
    """Seconds that each answer took; `$ID` in the body is replaced by a fresh number. Any answer but 200 ends it."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(_in_process, port, path, headers, body, seconds).result()


def _in_process(port: int, path: str, headers: str, body: str, seconds: float) -> list[float]:
    sys.setswitchinterval(0.0005)
    taken: list[list[float]] = [[] for _ in range(CONNECTIONS)]
    faults: list[str] = []
    until = perf_counter() + seconds

    def client(number: int) -> None:
        try:
            _client(port, path, headers, lambda n: body.replace("$ID", f"{number}-{n}"), until, taken[number])
        except (OSError, ValueError) as error:
            faults.append(str(error))

    threads = [threading.Thread(target=client, args=(number,)) for number in range(CONNECTIONS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if faults:
        raise RuntimeError(f"the load did not get its answers: {faults[0]}")
    return [second for each in taken for second in each]


def _client(port: int, path: str, headers: str, body: Callable[[int], str], until: float, taken: list[float]) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        answers = connection.makefile("rb")
        number = 0
        while (began := perf_counter()) < until:
            payload = body(number).encode()
            head = f"POST {path} HTTP/1.1\r\nHost: bench\r\n{headers}Content-Length: {len(payload)}\r\n\r\n"
            connection.sendall(head.encode() + payload)
            status = answers.readline()
            if b" 200 " not in status:
                raise ValueError(f"answered {status!r}")
            length = 0
            while (line := answers.readline()) not in (b"\r\n", b""):
                if line.lower().startswith(b"content-length:"):
                    length = int(line.split(b":")[1])
            answers.read(length)
            taken.append(perf_counter() - began)
            number += 1
