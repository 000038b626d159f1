"""What a template's HTML must not hold, however it is written, and what it may go on holding."""

from __future__ import annotations

import pytest

from service.messages.html_dangers import MOST_NAMED, dangers


@pytest.mark.parametrize(
    ("markup", "said"),
    [
        ('<a href="javascript:alert(1)">x</a>', "begin it with https:"),
        ('<a href=" JavaScript:x">x</a>', "javascript:"),
        ("<a href=javascript:x>x</a>", "javascript:"),
        ('<a href="java\tscr\nipt:x">x</a>', "javascript:"),
        ('<a href="&#106;avascript&colon;x">x</a>', "javascript:"),
        ('<a href="java&Tab;script:x">x</a>', "javascript:"),
        ('<a href="\u200bjavascript:x">x</a>', "javascript:"),
        ('<A HREF="vbscript:x">x</A>', "vbscript:"),
        ('<a href="data:text/html,x">x</a>', "data:"),
        ('<a href="data:image/png;base64,x">x</a>', "data:"),
        ('<img src="data:image/svg+xml,x">', "data:"),
        ('<area href="file:///etc/passwd">', "file:"),
        ('<svg><a xlink:href="javascript:x">x</a></svg>', "javascript:"),
        ('<button formaction="javascript:x">x</button>', "javascript:"),
        ('<a href="java{{ rest }}">x</a>', "of which a value could make javascript:"),
        ('<form action="https://example.com"></form>', "<form>"),
        ("<input name=a>", "<input>"),
        ("<iframe src='https://example.com'></iframe>", "<iframe>"),
        ("<OBJECT data=x></OBJECT>", "<object>"),
        ("<embed src=x />", "<embed>"),
        ('<script src="https://example.com/x.js"></script>', "<script>"),
        ('<base href="https://example.com/">', "<base>"),
        ('<meta http-equiv="Refresh" content="0;url=https://example.com">', "refresh"),
        ('<p onclick="x()">x</p>', "onclick="),
        ("<img src=x onerror=x>", "onerror="),
        ("<svg/onload=x>", "onload="),
        ('<p style="background: url( javascript:x)">x</p>', "a style holds"),
        ("<style>p { width: expression(x) }</style>", "a style holds"),
        ('<!--[if mso]><a href="javascript:x">x</a><![endif]-->', "javascript:"),
    ],
)
def test_what_mail_programs_drop_is_named_with_what_to_write(markup: str, said: str) -> None:
    (found,) = dangers(f"<p>one</p>\n  {markup}")
    assert said in found.message
    assert found.line == 2


@pytest.mark.parametrize(
    "markup",
    [
        '<a href="https://example.com/?to=javascript:x">javascript: is a scheme</a>',
        '<a href="{{ url }}">x</a>',
        '<a href="{{ host }}/data:x">x</a>',
        '<a href="mailto:sam@example.com">x</a>',
        '<a href="#data">x</a>',
        '<a href="sms:+447700900123">x</a>',
        '<a href="database/{{ name }}">x</a>',
        '<img src="data:image/png;base64,AAAA" alt="">',
        '<img src="cid:logo">',
        '<p style="scroll-behavior: smooth">x</p>',
        "<style>.form { color: red } a::before { content: 'on' }</style>",
        '<link href="https://fonts.example.com/a.css" rel="stylesheet">',
        "<!-- <form> and {{ slot }} -->",
        '<p data-on="x">on the way, onclick= is a word</p>',
        '<meta http-equiv="Content-Type" content="text/html; charset=utf-8">',
    ],
)
def test_what_mails_ordinarily_hold_is_nothing_to_say(markup: str) -> None:
    assert dangers(markup) == []


def test_of_very_many_dangers_the_first_are_named() -> None:
    assert len(dangers("<form>" * 1000)) == MOST_NAMED
