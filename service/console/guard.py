"""What protects the console's pages: headers, the origin of forms, and who is signed in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from ipaddress import ip_address
from urllib.parse import quote, urlsplit

from flask import Request, Response, g, make_response, redirect, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from service.console.sessions import Sessions
from service.http import ApiKey

ROOT = "/console"
SIGN_IN = f"{ROOT}/sign-in"

_OPEN = (f"{ROOT}/static/", f"{ROOT}/enter/", SIGN_IN)
"""What can be asked for without having signed in."""

WRITTEN = ("source", "subject", "text", "variables", "note", "reason", "comment")
"""Fields of forms that hold what a person writes."""

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "media-src 'self'; frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)

HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Referrer-Policy": "same-origin",
}


def signed_in() -> ApiKey:
    """The key of the person who asks for this page, with the scopes of the session."""
    key: ApiKey = g.console_key
    return key


def is_signed_in() -> bool:
    """Whether this page is asked for in a session."""
    return "console_key" in g


class PageGuard:
    """Stands before every page of the console."""

    def __init__(self, sessions: Sessions, *, behind_tls: bool) -> None:
        self._sessions = sessions
        self._behind_tls = behind_tls

    def admit(self) -> Response | AnyResponse | None:
        """None to go on, else what is answered instead: 403 for a form of another site, or the sign-in page."""
        if request.method not in {"GET", "HEAD"} and not is_own_form(request):
            return Response("This form was sent by another site. Open the console and try again.\n", 403)
        if request.path.startswith(_OPEN):
            return None
        token = request.cookies.get(self.cookie)
        key = self._sessions.signed_in(token) if token else None
        if key is not None:
            g.console_key = key
            return None
        if texts := _written(request):
            return make_response(render_template("sign-in/lost.html", texts=texts), HTTPStatus.FORBIDDEN)
        wanted = request.full_path.removesuffix("?") if request.method == "GET" else ROOT
        return redirect(f"{SIGN_IN}?next={quote(wanted)}", 303)

    @property
    def is_private(self) -> bool:
        """Whether nobody on the way reads what is sent: TLS, or this machine itself."""
        return self._is_secure or _is_loopback(request.host)

    @property
    def cookie(self) -> str:
        """The name of the session's cookie; browsers take `__Host-` by TLS only (RFC 6265bis, section 4.1.3.2)."""
        return "__Host-tocsin" if self._is_secure else "tocsin"

    def keep(self, response: AnyResponse, token: str, seconds: int | None) -> None:
        """Give the browser its token: until it is closed, or for so many seconds."""
        response.set_cookie(
            self.cookie, token, max_age=seconds, httponly=True, secure=self._is_secure, samesite="Lax", path="/"
        )

    def forget(self, response: AnyResponse) -> None:
        """Take the token back, and what the browser has kept."""
        response.delete_cookie(self.cookie, path="/", secure=self._is_secure, httponly=True, samesite="Lax")
        response.headers["Clear-Site-Data"] = '"cache", "storage"'

    @property
    def _is_secure(self) -> bool:
        return request.is_secure or (self._behind_tls and not _is_loopback(request.host))


def _written(given: Request) -> Sequence[str]:
    """The texts of a form that somebody would have to write again."""
    return [text for name in WRITTEN if (text := given.form.get(name, "").strip())]


def is_own_form(given: Request) -> bool:
    """Whether a request that changes something comes from a page of ours (OWASP, CSRF prevention: Fetch Metadata).

    Browsers say so in `Sec-Fetch-Site`; older ones name the page's origin.
    """
    site = given.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site == "same-origin"
    origin = given.headers.get("Origin", "")
    return bool(origin) and urlsplit(origin).netloc == given.host


def complete(response: Response) -> Response:
    """Add the headers of the console's pages."""
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    return response


def own_path(wanted: str) -> str:
    """Where to go after signing in: a page of the console, never another site."""
    parts = urlsplit(wanted)
    inside = parts.path == ROOT or parts.path.startswith(f"{ROOT}/")
    return wanted if inside and not parts.scheme and not parts.netloc and "\\" not in wanted else ROOT


def _is_loopback(host: str) -> bool:
    name = urlsplit(f"//{host}").hostname or ""
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return False
