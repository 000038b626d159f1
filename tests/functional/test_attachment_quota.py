"""The quota of an app's files holds for files that come at the same time, on each store."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from service.messages import attachment_quota
from service.messages.attachment_quota import quota_id
from service.messages.attachments import CHUNK
from tests.functional.conftest import Api

AT_ONCE = 12
SIZE = CHUNK + 1
"""Two parts."""


def upload(api: Api, number: int) -> int:
    headers = {"Content-Type": "application/octet-stream"}
    path = f"/v1/attachments?name=menu-{number}.pdf"
    return api.client.call("POST", path, body=bytes(SIZE), headers=headers).status


def uploads(api: Api) -> list[int]:
    with ThreadPoolExecutor(AT_ONCE) as threads:
        return sorted(threads.map(lambda number: upload(api, number), range(AT_ONCE)))


def stored(api: Api) -> int:
    """Items of files and their parts."""
    page = api.service.store.look_through("attachment-")
    count = len(page.items)
    while page.cursor is not None:
        page = api.service.store.look_through("attachment-", cursor=page.cursor)
        count += len(page.items)
    return count


def test_files_that_come_at_once_never_pass_the_quota(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attachment_quota, "QUOTA", 4 * SIZE)
    assert uploads(api) == [201] * 4 + [422] * 8
    assert stored(api) == 4 * 3, "a head and two parts of each: nothing stays of those that were refused"


def test_as_many_files_as_an_app_may_keep(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attachment_quota, "MAX_KEPT", 3)
    assert uploads(api) == [201] * 3 + [422] * 9


def test_files_of_an_earlier_version_count(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    assert upload(api, 0) == 201
    store = api.service.store
    counted = store.get(quota_id("test app"))
    assert counted is not None
    store.remove(counted)
    monkeypatch.setattr(attachment_quota, "MAX_KEPT", 2)
    assert [upload(api, number) for number in (1, 2)] == [201, 422]
