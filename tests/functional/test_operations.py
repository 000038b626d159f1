"""What operators do over HTTP: dead work and keys."""

from __future__ import annotations

from msgspec import structs

from service.core.enums import Lane, Scope
from service.storage import AuditQuery, Item
from service.work.dead import mark_dead
from tests.functional.conftest import Api


def dead(api: Api, item_id: str, lane: Lane = Lane.BULK) -> None:
    """Put a dead item into the store."""
    item = Item(item_id, "callback", {}, lane=lane, due_at=api.clock.now())
    api.service.store.add(structs.replace(mark_dead(item, "connection refused", api.clock.now()), version=0))


def test_dead_work_is_listed_with_its_reason_and_done_again_once(api: Api) -> None:
    dead(api, "a")
    dead(api, "b", Lane.INCIDENT)
    listed = api.client.get("/v1/dead").json()["items"]
    assert isinstance(listed, list)
    assert [(item["id"], item["lane"], item["why"]) for item in listed] == [
        ("b", "incident", "connection refused"),
        ("a", "bulk", "connection refused"),
    ]
    assert api.client.get("/v1/dead?lane=bulk").json()["items"] == listed[1:]
    assert api.client.post("/v1/dead/a/redrive", None).status == 200
    assert api.client.get("/v1/dead?lane=bulk").json()["items"] == []
    assert api.client.post("/v1/dead/a/redrive", None).status == 404
    item = api.service.store.get("a")
    assert item is not None
    assert item.due_at == api.clock.now()
    entries = api.service.store.audit_entries(AuditQuery(entry_type="dead-item-redriven")).items
    assert [entry.detail["about"] for entry in entries] == ["a"]


def test_a_key_is_made_used_and_ended_over_http(api: Api) -> None:
    made = api.client.post("/v1/keys", {"name": "shop", "scopes": ["evaluate", "audit"]})
    assert made.status == 201
    shop = api.client.with_key(str(made.json()["key"]))
    assert shop.get("/v1/audit").status == 200
    listed = api.client.get("/v1/keys").json()["items"]
    assert isinstance(listed, list)
    assert "shop" in [key["name"] for key in listed]
    assert not any("key" in key or "digest" in key for key in listed)
    ended = api.client.call("DELETE", f"/v1/keys/{made.json()['key_id']}")
    assert (ended.status, shop.get("/v1/audit").status) == (200, 401)
    assert api.client.call("DELETE", "/v1/keys/nothing").status == 404


def test_a_scope_that_is_not_there_is_named(api: Api) -> None:
    answer = api.client.post("/v1/keys", {"name": "shop", "scopes": ["everything"]})
    assert answer.status == 422
    assert "scopes[0]" in answer.text


def test_operators_calls_need_the_scope_admin(api: Api) -> None:
    reader = api.client_with(Scope.AUDIT)
    for method, path in (
        ("GET", "/v1/dead"),
        ("POST", "/v1/dead/a/redrive"),
        ("GET", "/v1/keys"),
        ("POST", "/v1/keys"),
    ):
        assert reader.call(method, path, json={}).status == 403, path


def test_a_key_gives_no_scope_that_it_lacks_itself(api: Api) -> None:
    operator = api.client_with(Scope.ADMIN, Scope.EVALUATE)
    assert operator.post("/v1/keys", {"name": "shop", "scopes": ["evaluate"]}).status == 201
    answer = operator.post("/v1/keys", {"name": "spy", "scopes": ["evaluate", "pii"]})
    assert answer.status == 422
    assert "Your own key lacks pii" in answer.text
