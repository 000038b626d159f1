"""One look for the pages that people open from a message: to answer, to unsubscribe, or by a link that leads nowhere.

No script and nothing from other hosts; light and dark as the reader's device wants it. Text contrast is at least 4.5.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from http import HTTPStatus

from babel import Locale
from flask import Response

from service.core import Tag

_STYLE = """
:root{color-scheme:light dark;--ink:#1c1917;--dim:#57534e;--line:#d6d3d1;--paper:#fff;--bell:#9a3412;--ok:#166534;
--on:#fff}
@media(prefers-color-scheme:dark){:root{--ink:#f5f5f4;--dim:#b5aea8;--line:#57534e;--paper:#171412;--bell:#fdba74;
--ok:#86efac;--on:#14532d}}
body{margin:0;background:var(--paper);color:var(--ink);font:18px/1.5 system-ui,sans-serif}
main{max-width:34rem;margin:0 auto;padding:1.25rem}
.top{display:flex;gap:.5rem;align-items:center;color:var(--dim);font-size:1rem;margin:0 0 1.5rem}
.top svg{width:28px;height:28px;flex:none;color:var(--bell)}
h1{font-size:1.5rem;line-height:1.25;margin:0 0 .75rem}
h1,p{overflow-wrap:anywhere}
p{margin:0 0 1rem}
.dim{color:var(--dim);font-size:1rem}
a{color:var(--bell)}
form{display:grid;gap:.75rem;margin:1.5rem 0 .75rem}
button{font:inherit;font-weight:600;min-height:56px;padding:.25rem 1rem;border-radius:8px;cursor:pointer;
border:2px solid var(--ok);background:var(--ok);color:var(--on)}
button+button{background:none;border-color:var(--line);color:var(--ink)}
button:focus-visible,a:focus-visible{outline:3px solid var(--bell);outline-offset:2px}
footer{border-top:1px solid var(--line);margin-top:2rem;padding-top:1rem}
@media(min-width:40rem){form{grid-template-columns:1fr 1fr}main{padding-top:12vh}}
"""

MARK = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 48 48" aria-hidden="true"><g fill="currentColor">'
    '<g transform="rotate(-16 20 24)"><path d="M20 5a3 3 0 0 1 3 3v1.6c5.3 1.4 8.8 6.1 8.8 12.6v6.3l3.3 4.4a1.4 1.4 0 0'
    ' 1-1.1 2.2H6a1.4 1.4 0 0 1-1.1-2.2l3.3-4.4v-6.3c0-6.5 3.5-11.2 8.8-12.6V8a3 3 0 0 1 3-3z"/>'
    '<path d="M14.8 38h10.4a5.2 5.2 0 0 1-10.4 0z"/></g></g><g fill="none" stroke="currentColor" stroke-width="3" '
    'stroke-linecap="round"><path d="M34.5 12.5a11 11 0 0 1 3.2 7.7"/><path d="M39 7.2a18 18 0 0 1 5.2 12.7"/></g>'
    "</svg>"
)
"""The bell whose arcs are the levels of an escalation."""

_HEADERS = {"X-Robots-Tag": "noindex"}


@dataclass(frozen=True, slots=True)
class Button:
    """A button of a form: the value that it sends, and its label."""

    name: str
    value: str
    text: str


@dataclass(frozen=True, slots=True)
class PersonPage:
    """The content of a page as plain text. `top` is shown beside the mark, `note` in small type below the heading.

    The buttons of one page are one form that is posted to the page's own address.
    """

    language: Tag
    title: str
    heading: str
    top: str = ""
    note: str = ""
    url: str | None = None
    said: Sequence[str] = ()
    buttons: Sequence[Button] = ()
    foot: str = ""

    def response(self, status: HTTPStatus = HTTPStatus.OK) -> Response:
        """The page as a browser gets it."""
        return Response(self._document(), status, headers=_HEADERS, content_type="text/html; charset=utf-8")

    def _document(self) -> str:
        return (
            f'<!doctype html><html lang="{self.language}" dir="{direction(self.language)}"><head><meta charset="utf-8">'
            '<meta name="viewport" content="width=device-width, initial-scale=1">'
            f"<title>{escape(self.title)}</title><style>{_STYLE}</style></head>"
            f'<body><main><p class="top">{MARK} <bdi>{escape(self.top)}</bdi></p>{self._content()}</main></body></html>'
        )

    def _content(self) -> str:
        paragraphs = "".join(f'<p dir="auto">{_lines(text)}</p>' for text in self.said)
        foot = f'<footer class="dim">{escape(self.foot)}</footer>' if self.foot else ""
        return f'<h1 dir="auto">{_lines(self.heading)}</h1>{self._note()}{paragraphs}{self._form()}{foot}'

    def _note(self) -> str:
        link = "" if not self.url else f'<a href="{escape(self.url)}" rel="noreferrer">{escape(_shown(self.url))}</a>'
        parts = [part for part in (escape(self.note), link) if part]
        return f'<p class="dim">{" · ".join(parts)}</p>' if parts else ""

    def _form(self) -> str:
        buttons = "".join(
            f'<button name="{escape(each.name)}" value="{escape(each.value)}">{escape(each.text)}</button>'
            for each in self.buttons
        )
        return f'<form method="post">{buttons}</form>' if buttons else ""


def direction(language: Tag) -> str:
    """`rtl` or `ltr`: how the language's script runs."""
    locale: Locale = language.locale
    return "rtl" if locale.text_direction == "rtl" else "ltr"


def _lines(text: str) -> str:
    return "<br>".join(map(escape, text.splitlines()))


def _shown(url: str) -> str:
    return url.partition("://")[2].rstrip("/") or url
