"""What every answer tells browsers and caches, whichever call it is."""

from __future__ import annotations

import pytest

from tests.functional.client import Running
from tests.functional.conftest import Api

PATHS = ["/healthz", "/readyz", "/metrics", "/docs", "/problems", "/openapi.json", "/v1/audit", "/v1/nothing", "/a/x"]


@pytest.mark.parametrize("path", PATHS)
def test_no_page_may_be_framed_or_guessed_at(server: Running, path: str) -> None:
    headers = server.client.get(path).headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert headers["Referrer-Policy"] == "no-referrer"


@pytest.mark.parametrize("path", PATHS)
def test_only_the_descriptions_may_be_kept(server: Running, path: str) -> None:
    is_description = path in {"/docs", "/problems", "/openapi.json"}
    expected = "max-age=60" if is_description else "no-store"
    assert server.client.get(path).headers["Cache-Control"] == expected


def test_an_answer_without_content_names_no_type(api: Api) -> None:
    person = {"user_id": "ada", "first_name": "Ada", "language": "en", "preference": "email", "email": "a@example.com"}
    api.client.call("PUT", "/v1/recipients/ada", json=person)
    gone = api.client.call("DELETE", "/v1/recipients/ada")
    assert (gone.status, gone.headers.get("Content-Type"), gone.text) == (204, None, "")
