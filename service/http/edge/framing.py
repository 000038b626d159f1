"""Where an HTTP/1.1 request ends, told from the bytes of it that have arrived (RFC 9112 §6 and §7.1).

Only its length is asked for here. Whether a request is a good one is for gunicorn's parser to say: what this module
cannot read counts as complete, so that the parser refuses it at once.
"""

from __future__ import annotations

from dataclasses import dataclass

HEAD_LIMIT = 64 * 1024
"""Bytes that the request line and the fields may have together."""

BUFFERED = 256 * 1024
"""Bytes of a body that the kernel keeps until all of it is there."""

_END_OF_HEAD = b"\r\n\r\n"
_LONGEST_SIZE_LINE = 8190
_HEX = frozenset(b"0123456789abcdefABCDEF")


@dataclass(frozen=True, slots=True)
class Incomplete:
    """The request is not complete while fewer than `needs` bytes of it are there."""

    needs: int


@dataclass(frozen=True, slots=True)
class Complete:
    """The whole request has `length` bytes."""

    length: int


@dataclass(frozen=True, slots=True)
class TooLargeToBuffer:
    """The head is there and the body too large to be kept. `length` is that of the whole request, None if it has no end
    that could be known (chunks)."""

    length: int | None


@dataclass(frozen=True, slots=True)
class HeadTooLarge:
    """There are `HEAD_LIMIT` bytes and the head has not ended."""


Progress = Incomplete | Complete | TooLargeToBuffer | HeadTooLarge


class Framing:
    """Finds the end of one request while its bytes arrive; what was read once is not read again."""

    __slots__ = ("_chunk_at", "expects_continue", "head", "length")

    def __init__(self) -> None:
        self.head = 0
        """Bytes of the head, the empty line included; 0 until that has arrived."""
        self.length: int | None = None
        """Bytes of the whole request once they are known."""
        self.expects_continue = False
        """Whether the body is sent only after a `100 Continue` (RFC 9110 §10.1.1)."""
        self._chunk_at: int | None = None

    def judge(self, seen: bytes) -> Progress:
        """What the bytes from the request's first on mean: more of them at each call."""
        if not self.head:
            end = seen.find(_END_OF_HEAD, 0, HEAD_LIMIT)
            if end < 0:
                return Incomplete(len(seen) + 1) if len(seen) < HEAD_LIMIT else HeadTooLarge()
            self._read_head(seen[: end + 4].lower())
        if self._chunk_at is not None:
            return self._judge_chunks(seen, self._chunk_at)
        return self.judge_length(len(seen))

    def judge_length(self, arrived: int) -> Progress:
        """The same for a request whose `length` is known, from the number of bytes alone."""
        assert self.length is not None
        if self.length - self.head > BUFFERED:
            return TooLargeToBuffer(self.length)
        return Complete(self.length) if arrived >= self.length else Incomplete(self.length)

    def _read_head(self, head: bytes) -> None:
        self.head = len(head)
        self.expects_continue = _field(head, b"expect") == b"100-continue"
        if b"chunked" in _field(head, b"transfer-encoding"):
            self._chunk_at = self.head
            return
        digits = _field(head, b"content-length")
        self.length = self.head + (int(digits) if digits.isdigit() and len(digits) < 16 else 0)

    def _judge_chunks(self, seen: bytes, at: int) -> Progress:
        while True:
            self._chunk_at = at
            if at - self.head > BUFFERED:
                return TooLargeToBuffer(None)
            end = seen.find(b"\r\n", at, at + _LONGEST_SIZE_LINE)
            if end < 0:
                return Incomplete(len(seen) + 1) if len(seen) - at < _LONGEST_SIZE_LINE else Complete(len(seen))
            size = _chunk_size(seen[at:end])
            if size is None:
                return Complete(len(seen))
            if size == 0:
                return _judge_trailers(seen, end)
            at = end + 2 + size + 2
            if at > len(seen):
                return Incomplete(at) if at - self.head <= BUFFERED else TooLargeToBuffer(None)
            if seen[at - 2 : at] != b"\r\n":
                return Complete(len(seen))


def _judge_trailers(seen: bytes, end: int) -> Progress:
    """`end` is where the line of the last chunk ends."""
    last = seen.find(_END_OF_HEAD, end)
    if last >= 0:
        return Complete(last + 4)
    return Incomplete(len(seen) + 1) if len(seen) - end < HEAD_LIMIT else Complete(len(seen))


def _field(head: bytes, name: bytes) -> bytes:
    """The value of a field in a head of lower case; empty if there is none."""
    at = head.find(b"\r\n" + name + b":")
    if at < 0:
        return b""
    begin = at + len(name) + 3
    return head[begin : head.find(b"\r\n", begin)].strip(b" \t")


def _chunk_size(line: bytes) -> int | None:
    digits = line.split(b";", 1)[0].rstrip(b" \t")
    return int(digits, 16) if 0 < len(digits) < 16 and _HEX.issuperset(digits) else None
