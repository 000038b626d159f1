"""The headers that every answer carries, in one place."""

from __future__ import annotations

from collections.abc import Mapping

from flask import Flask, Response

PAGE = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
"""What a page of ours may do: show itself, in no frame of another, and send its own form. No scripts."""

ALWAYS: Mapping[str, str] = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": PAGE,
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
"""Most answers hold personal data or a state that changes: what may be kept says so itself.

`Strict-Transport-Security` is for whoever ends TLS to say: the proxy.
"""


def install(app: Flask) -> None:
    """Add `ALWAYS` to every answer of this app, where the answer does not say otherwise."""

    @app.after_request
    def complete(response: Response) -> Response:
        said = {name.lower() for name, _ in response.headers}  # looking each up costs five times as much
        for name, value in ALWAYS.items():
            if name.lower() not in said:
                response.headers.add(name, value)
        if response.status_code == 204:
            response.headers.remove("Content-Type")
        return response
