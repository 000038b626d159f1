"""`tocsin phone`: a terminal that is a phone, on a real server."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable

from tests.functional.client import TOCSIN, Running

PHONE = "+447700900777"


def test_a_phone_in_the_terminal_shows_what_arrives_and_sends_what_is_typed(server: Running) -> None:
    contacts = [{"name": "Zed", "phone": PHONE}]
    opened = server.client.post("/v1/incidents", {"description": "Pump 9 failed", "contacts": contacts})
    assert opened.status == 201, opened.text
    incident = opened.json()["incident_id"]
    command = [TOCSIN, "phone", PHONE, "--url", server.url, "--key", server.client.key or ""]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as phone:
        assert phone.stdin is not None
        assert phone.stdout is not None
        wait_for(lambda: "Pump 9 failed" in server.client.get(f"/v1/outbox?to=%2B{PHONE[1:]}").text)
        phone.stdin.write("YES\n")
        phone.stdin.flush()
        wait_for(lambda: server.client.get(f"/v1/incidents/{incident}").json()["state"] == "acknowledged")
        wait_for(lambda: "Thank you" in server.client.get(f"/v1/outbox?to=%2B{PHONE[1:]}").text)
        phone.stdin.close()
        shown = phone.stdout.read()
    assert phone.returncode == 0
    assert "Pump 9 failed" in shown
    assert "Thank you. You have taken 11 (Pump 9 failed)." in shown


def wait_for(happened: Callable[[], object]) -> None:
    """Look until it has happened on the real server, which works by a clock of its own."""
    deadline = time.monotonic() + 20
    while not happened():
        assert time.monotonic() < deadline, "it did not happen within 20 s"
        time.sleep(0.05)
