"""Where a request ends: told from its bytes, however they are cut into pieces."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.http.edge.framing import (
    BUFFERED,
    HEAD_LIMIT,
    Complete,
    Framing,
    HeadTooLarge,
    Incomplete,
    Progress,
    TooLargeToBuffer,
)

FIELDS = b"POST /x HTTP/1.1\r\nHost: x\r\n"
CHUNKED = FIELDS + b"Transfer-Encoding: chunked\r\n\r\n"


def with_length(body: bytes) -> bytes:
    return FIELDS + b"Content-Length: %d\r\n\r\n" % len(body) + body


def in_chunks(chunks: list[bytes], trailers: bytes = b"") -> bytes:
    written = b"".join(b"%x;a=b\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks if chunk)
    return CHUNKED + written + b"0\r\n" + trailers + b"\r\n"


def arriving(request: bytes, cuts: list[int]) -> list[Progress]:
    """What is said after each piece of a request, cut at some places."""
    framing = Framing()
    return [framing.judge(request[:cut]) for cut in cuts]


requests = st.one_of(
    st.builds(with_length, st.binary(max_size=300)),
    st.builds(in_chunks, st.lists(st.binary(max_size=40), max_size=8), st.sampled_from([b"", b"A: b\r\n"])),
    st.builds(in_chunks, st.lists(st.sampled_from([b"0\r\n\r\n", b"\r\n\r\n0\r\n\r\n", b"a"]), max_size=5)),
)


@given(requests, requests, st.lists(st.integers(1, 600), max_size=20))
def test_it_is_complete_at_its_last_byte_and_not_one_before(first: bytes, second: bytes, cuts: list[int]) -> None:
    both = first + second
    cuts = sorted({min(cut, len(both)) for cut in cuts} | {len(first) - 1, len(first)})
    framing = Framing()
    for cut in cuts:
        verdict = framing.judge(both[:cut])
        if cut < len(first):
            assert isinstance(verdict, Incomplete)
            assert cut < verdict.needs <= len(first)
        else:
            assert verdict == Complete(len(first))
            return


@given(st.binary(max_size=400), st.integers(0, 400))
def test_any_bytes_get_a_verdict(body: bytes, cut: int) -> None:
    for head in (b"", FIELDS, CHUNKED):
        arriving(head + body, [len(head), len(head) + min(cut, len(body)), len(head) + len(body)])


@pytest.mark.parametrize(
    "request_",
    [
        FIELDS + b"\r\n",
        FIELDS + b"content-length: 0\r\n\r\n",
        FIELDS + b"Content-Length: -4\r\n\r\n",
        FIELDS + b"Content-Length: 99999999999999999999\r\n\r\n",
        CHUNKED + b"ZZ\r\n",
        CHUNKED + b"-4\r\n",
        CHUNKED + b"\r\n",
        CHUNKED + b"2\r\nabXX",
        CHUNKED + b"5;" + b"x" * 9000,
        CHUNKED + b"5;" + b"x" * 9000 + b"\r\n",
    ],
)
def test_what_has_no_body_or_a_broken_one_is_left_to_the_parser_at_once(request_: bytes) -> None:
    assert arriving(request_, [len(request_)]) == [Complete(len(request_))]


def test_large_bodies_are_not_kept() -> None:
    head = FIELDS + b"Content-Length: %d\r\n\r\n"
    assert arriving(head % BUFFERED, [len(head % BUFFERED)]) == [Incomplete(len(head % BUFFERED) + BUFFERED)]
    large = head % (BUFFERED + 1)
    assert arriving(large, [len(large)]) == [TooLargeToBuffer(len(large) + BUFFERED + 1)]
    chunk = CHUNKED + b"%x\r\n" % (BUFFERED + 1)
    assert arriving(chunk, [len(chunk)]) == [TooLargeToBuffer(None)]
    many = CHUNKED + b"8000\r\n" + b"x" * 0x8000 + b"\r\n"
    assert arriving(many + (b"8000\r\n" + b"x" * 0x8000 + b"\r\n") * 8, [len(many) * 9])[-1] == TooLargeToBuffer(None)


def test_a_head_without_end_is_refused() -> None:
    endless = FIELDS + b"A: " + b"x" * HEAD_LIMIT
    assert arriving(endless, [HEAD_LIMIT - 1, HEAD_LIMIT]) == [Incomplete(HEAD_LIMIT), HeadTooLarge()]


def test_a_caller_who_waits_for_a_continue_is_seen() -> None:
    framing = Framing()
    framing.judge(FIELDS + b"Expect: 100-Continue\r\nContent-Length: 3\r\n\r\n")
    assert framing.expects_continue
