"""Secrets that sign are replaced one by one, and nothing that was signed before stops being of use too early."""

from __future__ import annotations

import base64
import subprocess
from pathlib import Path

import pytest

from service.core.clock import HandClock
from service.core.enums import Channel
from service.recipients import Recipient
from tests.functional.backends import Backend, Install
from tests.functional.client import tocsin
from tests.functional.conftest import NOON, api_of
from tests.functional.incident_room import ANN, Room
from tests.functional.test_incident_inbound import link_in

FIRST, OLD, NEW = ("1" * 64, "2" * 64, "3" * 64)

ON_ANY_STORE = pytest.mark.parametrize("install", [Backend.EMBEDDED], indirect=True)


def room_with(install: Install, signing_secrets: str | None) -> Room:
    """A process that signs with these; they all share a store and the secret that lookups depend on."""
    settings = {"secret": FIRST, "signing_secrets": signing_secrets, "public_url": "https://tocsin.example"}
    service = install(HandClock(NOON), **settings)
    service.working_copies.sweep()
    return Room(api_of(service))


@ON_ANY_STORE
def test_a_links_hash_is_stored_so_that_it_works_whichever_secret_made_it(install: Install) -> None:
    before = room_with(install, OLD)
    incident = before.opens(policy="approval", description="Purchase 4711")
    path = link_in(before.inbox(ANN)[-1])
    during, after = room_with(install, f"{NEW}, {OLD}"), room_with(install, NEW)
    answers = [room.api.client.with_key(None).get(path).status for room in (before, during, after)]
    assert answers == [200, 200, 200]
    assert during.state(incident) == "open"


@ON_ANY_STORE
def test_links_to_leave_rotate_like_the_others_and_the_installations_secret_is_the_first_of_all(
    install: Install,
) -> None:
    links = [
        room_with(install, secrets).api.service.messaging.unsubscribe_links for secrets in (None, f"{NEW},{FIRST}", NEW)
    ]
    john = Recipient("john", "John", "en", Channel.EMAIL)
    default, during, after = [link for link in links if link is not None]
    token = default.of(john).rsplit("/", 1)[1]
    assert [link.read(token) for link in (default, during, after)] == ["john", "john", None]


@ON_ANY_STORE
def test_whom_a_phone_belongs_to_is_found_whatever_signs(install: Install) -> None:
    incident = room_with(install, OLD).opens(description="Pump 1 failed", contacts=[{"phone": ANN}])
    after = room_with(install, NEW)
    after.says(ANN, "yes")
    assert after.state(incident) == "acknowledged"


def test_the_command_shows_the_newest_secret_of_callbacks_first(tmp_path: Path) -> None:
    def shown(secrets: str) -> list[str]:
        settings = {"TOCSIN_HOME": str(tmp_path), "TOCSIN_SIGNING_SECRETS": secrets}
        ended: subprocess.CompletedProcess[str] = tocsin("callback-secret", settings=settings)
        assert ended.returncode == 0, ended.stderr
        return ended.stdout.split()

    both = shown(f"{NEW},{OLD}")
    assert both == shown(NEW) + shown(OLD)
    assert all(len(base64.b64decode(one.removeprefix("whsec_"))) == 32 for one in both)


def test_a_secret_that_is_too_short_is_refused_by_name(tmp_path: Path) -> None:
    settings = {"TOCSIN_HOME": str(tmp_path), "TOCSIN_SIGNING_SECRETS": f"{NEW},beef"}
    ended = tocsin("callback-secret", settings=settings)
    assert ended.returncode == 2
    assert "TOCSIN_SIGNING_SECRETS" in ended.stderr
    assert "beef" not in ended.stderr
