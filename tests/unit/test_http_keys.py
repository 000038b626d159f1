import re
from datetime import timedelta
from pathlib import Path

import pytest

from service.core.enums import Scope
from service.http import Keys, UnknownKey
from tests.unit.http_app import Shop


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path)


def test_a_key_opens_what_its_scopes_say_and_names_its_app(shop: Shop) -> None:
    made, text = shop.keys.create("claims", [Scope.AUDIT, Scope.EVALUATE])
    found = shop.keys.authenticate(text)
    assert found == made
    assert (found.name, found.scopes) == ("claims", frozenset({Scope.AUDIT, Scope.EVALUATE}))


def test_no_part_of_a_secret_is_on_disk(shop: Shop) -> None:
    secret = shop.key[-43:].encode()
    shop.store.close()
    stored = b"".join(path.read_bytes() for path in shop.folder.iterdir() if path.is_file())
    assert b"shop" in stored
    assert secret not in stored
    assert secret[:20] not in stored


def test_secrets_are_256_bits_and_never_alike(shop: Shop) -> None:
    texts = [shop.keys.create("x", [Scope.AUDIT])[1] for _ in range(20)]
    assert all(re.fullmatch(r"tocsin_[0-9a-z]{26}_[A-Za-z0-9_-]{43}", text) for text in texts)
    assert len({text[-43:] for text in texts}) == 20


@pytest.mark.parametrize("text", ["", "tocsin_", "tocsin__", "é", "tocsin_" + "0" * 26 + "_" + "a" * 43])
def test_what_is_no_key_is_none(shop: Shop, text: str) -> None:
    assert shop.keys.authenticate(text) is None


def test_a_revoked_key_is_refused_here_at_once_and_elsewhere_within_five_seconds(shop: Shop) -> None:
    elsewhere = Keys(shop.store, shop.clock)
    made, text = shop.keys.create("claims", [Scope.AUDIT])
    assert elsewhere.authenticate(text)
    shop.clock.advance(timedelta(seconds=1))
    shop.keys.revoke(made.key_id)
    assert shop.keys.authenticate(text) is None
    shop.clock.advance(timedelta(seconds=4))
    assert elsewhere.authenticate(text) is None


def test_a_key_that_is_used_all_the_time_is_revoked_all_the_same(shop: Shop) -> None:
    elsewhere = Keys(shop.store, shop.clock)
    made, text = shop.keys.create("claims", [Scope.AUDIT])
    shop.keys.revoke(made.key_id)
    shop.clock.advance(timedelta(seconds=0))
    for _ in range(50):
        elsewhere.authenticate(text)
        shop.clock.advance(timedelta(milliseconds=100))
    assert elsewhere.authenticate(text) is None


def test_a_known_key_costs_no_read_of_the_store(shop: Shop) -> None:
    assert shop.keys.authenticate(shop.key)
    shop.store.close()
    (shop.folder / "shop.db").rename(shop.folder / "away")
    (shop.folder / "shop.db").mkdir()
    assert shop.keys.authenticate(shop.key)


def test_revoking_twice_changes_nothing_and_an_unknown_key_is_told(shop: Shop) -> None:
    made, _ = shop.keys.create("claims", [Scope.AUDIT])
    first = shop.keys.revoke(made.key_id)
    shop.clock.advance(timedelta(hours=1))
    assert shop.keys.revoke(made.key_id) == first
    with pytest.raises(UnknownKey, match="tocsin keys list"):
        shop.keys.revoke("nope")


def test_all_keys_are_listed_oldest_first(shop: Shop) -> None:
    for number in range(60):
        shop.clock.advance(timedelta(seconds=1))
        shop.keys.create(f"app {number}", [Scope.AUDIT])
    assert [key.name for key in shop.keys.all()] == ["shop", *(f"app {number}" for number in range(60))]
