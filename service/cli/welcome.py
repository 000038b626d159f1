"""What `tocsin up` says when the API answers."""

from __future__ import annotations

import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

from service.cli.notices import notice

PATIENCE = 30.0
"""Seconds after which an API that does not answer is told to be late."""


def say_when_ready(url: str, dev_key: Path, console: Callable[[], str]) -> None:
    """Print the address, the key's place and three calls, as soon as the API is ready; does not wait for it.

    `console` makes the link that signs in to the console.
    """
    threading.Thread(target=_wait_and_say, args=(url, dev_key, console), name="welcome", daemon=True).start()


def _wait_and_say(url: str, dev_key: Path, console: Callable[[], str]) -> None:
    ready = _is_ready(url)
    late = f"Tocsin is not ready after {PATIENCE:.0f} s: {url}/readyz says why"
    notice(welcome(url, dev_key, console()) if ready else late, to_errors=False)


def _is_ready(url: str) -> bool:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(f"{url}/readyz", timeout=2):  # noqa: S310  our own address
                return True
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
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
