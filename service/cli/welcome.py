"""What `tocsin up` says when the API answers."""

from __future__ import annotations

import threading
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

from service.cli.notices import notice

PATIENCE = 30.0
"""Seconds after which a notice says that the API is late; its address follows as soon as it is ready."""


def say_when_ready(url: str, dev_key: Path, console: Callable[[], str]) -> None:
    """Print the address, the key's place and three calls, as soon as the API is ready; does not wait for it.

    `console` makes the link that signs in to the console.
    """
    threading.Thread(target=_wait_and_say, args=(url, dev_key, console), name="welcome", daemon=True).start()


def _wait_and_say(url: str, dev_key: Path, console: Callable[[], str]) -> None:
    late_at: float | None = time.monotonic() + PATIENCE
    while not _is_ready(url):
        if late_at is not None and time.monotonic() > late_at:
            notice(f"Tocsin is not ready after {PATIENCE:.0f} s: {url}/readyz says why", to_errors=False)
            late_at = None
        time.sleep(0.1)
    notice(welcome(url, dev_key, console()), to_errors=False)


def _is_ready(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/readyz", timeout=2):  # noqa: S310  our own address
            return True
    except OSError:  # `URLError` is one
        return False


def welcome(url: str, dev_key: Path, console: str) -> str:
    """The text, with calls that can be pasted into a shell."""
    key = f'-H "Authorization: Bearer $(cat {dev_key.absolute()})"'
    request = (
        '{"context":{"request_id":"REQ-99999"},"request":{"driver":{"age":"18","name":"Brian"},'
        '"car":{"style":"SPORTS","color":"RED"},"policy":{"id":"1231231","premium":"300"}}}'
    )
    return f"""
Tocsin is up at {url}
  console          {console}
                   (this link signs in once, within 15 minutes; `tocsin console` makes another)
  documentation    {url}/docs
  development key  {dev_key.absolute()}

Try it:
curl -s {url}/readyz
curl -s {url}/v1/rulesets/premium/evaluations {key} -H "Content-Type: application/json" -d '{request}'
curl -s "{url}/v1/audit?request_id=REQ-99999" {key}
"""
