"""API keys, from the command line to the door."""

import json
import time

from service.core.enums import Scope
from tests.functional.client import Running

AUDIT = "/v1/audit?request_id=none"


def made(server: Running, *scopes: str) -> dict[str, object]:
    options = [option for scope in scopes for option in ("--scope", scope)]
    ended = server.tocsin("keys", "create", "--name", "claims", *options, "--json")
    assert ended.returncode == 0, ended.stderr
    key: dict[str, object] = json.loads(ended.stdout)
    return key


def test_a_made_key_opens_the_api_as_far_as_its_scopes_go(server: Running) -> None:
    key = made(server, "audit", "rules:read")
    assert set(key) == {"key_id", "key", "scopes"}
    assert key["scopes"] == ["audit", "rules:read"]
    caller = server.client.with_key(str(key["key"]))
    assert caller.get(AUDIT).status == 200
    refused = caller.post("/v1/rulesets/premium/evaluations", {"request": {}})
    assert (refused.status, refused.json()["type"]) == (403, "/problems/missing-scope")


def test_a_key_is_shown_once_and_listed_without_its_secret(server: Running) -> None:
    key = made(server, "audit")
    listed = server.tocsin("keys", "list", "--json")
    assert key["key_id"] in [item["key_id"] for item in json.loads(listed.stdout)["items"]]
    assert str(key["key"])[-43:] not in listed.stdout + server.tocsin("keys", "list").stdout + server.log()


def test_a_revoked_key_is_refused_by_every_process_within_five_seconds(server: Running) -> None:
    key = made(server, "audit")
    caller = server.client.with_key(str(key["key"]))
    assert caller.get(AUDIT).status == 200
    assert server.tocsin("keys", "revoke", str(key["key_id"])).returncode == 0
    deadline = time.monotonic() + 5
    while caller.get(AUDIT).status == 200:
        assert time.monotonic() < deadline
    while time.monotonic() < deadline:
        last = caller.get(AUDIT).status
    assert {caller.get(AUDIT).status for _ in range(20)} == {last} == {401}


def test_without_json_the_key_alone_is_on_stdout(server: Running) -> None:
    ended = server.tocsin("keys", "create", "--name", "claims", "--scope", "audit")
    assert server.client.with_key(ended.stdout.strip()).get(AUDIT).status == 200
    assert "cannot be shown again" in ended.stderr


def test_every_scope_is_known(server: Running) -> None:
    assert made(server, *Scope)["scopes"] == sorted(Scope)


def test_an_unknown_scope_or_key_is_told(server: Running) -> None:
    wrong = server.tocsin("keys", "create", "--name", "claims", "--scope", "audits")
    assert wrong.returncode == 2
    assert "rules:write" in wrong.stderr
    unknown = server.tocsin("keys", "revoke", "nope")
    assert unknown.returncode == 1
    assert "tocsin keys list" in unknown.stderr
    assert "Traceback" not in unknown.stderr
