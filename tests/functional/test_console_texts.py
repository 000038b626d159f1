"""Policies, templates and catalogues are read, changed, published and rolled back on their pages."""

from __future__ import annotations

import re

import pytest
from flask.testing import FlaskClient

from service.core.enums import Scope
from tests.functional.conftest import Api
from tests.functional.test_console import signed_in, submit

REPEATED_ON_AWS = False

NIGHT = (
    "escalation: night\ndescription: Who is asked at night\nlevels:\n  - {contacts: [1], channels: [sms], wait: 5m}\n"
)
PAGE = "/console/policies/night"


def publish(api: Api, text: str) -> None:
    headers = {"Content-Type": "application/yaml", "If-Match": "*"}
    answer = api.client.call("POST", "/v1/policies/night/versions", body=text, headers=headers)
    assert answer.status == 201, answer.text


def sha256_of(page: str) -> str:
    (found,) = re.findall(r'name="sha256" value="(\w+)"', page)
    return str(found)


@pytest.fixture
def tab(api: Api) -> FlaskClient:
    publish(api, NIGHT)
    return signed_in(api)


def active(api: Api) -> str:
    shown = api.client.get("/v1/policies/night").json()["active"]
    assert isinstance(shown, dict)
    return str(api.client.get(f"/v1/policies/night/versions/{shown['version']}").json()["source"])


def test_a_policy_is_listed_read_changed_and_published(api: Api, tab: FlaskClient) -> None:
    assert "/console/policies" in tab.get("/console/rules").text
    assert PAGE in tab.get("/console/policies").text
    page = tab.get(PAGE).text
    assert "Who is asked at night" in page
    assert "wait: 5m" in page
    form = {"source": NIGHT.replace("5m", "7m"), "sha256": sha256_of(tab.get(f"{PAGE}/edit").text), "comment": "Slower"}
    checked = submit(tab, f"{PAGE}/check", form).text
    assert "It can be published" in checked
    assert "<ins>+  - {contacts: [1], channels: [sms], wait: 7m}" in checked
    assert active(api) == NIGHT, "a check publishes nothing"
    assert submit(tab, f"{PAGE}/publish", form).status_code == 303
    assert active(api) == form["source"]
    assert "Slower" in tab.get(f"{PAGE}/versions").text


def test_what_is_wrong_is_shown_where_it_stands_and_the_text_is_kept(api: Api, tab: FlaskClient) -> None:
    broken = NIGHT.replace("wait: 5m", "wait: soon")
    form = {"source": broken, "sha256": sha256_of(tab.get(f"{PAGE}/edit").text)}
    for deed in ("check", "publish"):
        page = submit(tab, f"{PAGE}/{deed}", form).text
        assert "line 4" in page
        assert "wait: soon" in page
    assert active(api) == NIGHT


def test_nobody_overwrites_what_somebody_else_published_meanwhile(api: Api, tab: FlaskClient) -> None:
    form = {"source": NIGHT.replace("5m", "7m"), "sha256": sha256_of(tab.get(f"{PAGE}/edit").text)}
    publish(api, NIGHT.replace("5m", "9m"))
    page = submit(tab, f"{PAGE}/publish", form).text
    assert "Somebody else published meanwhile" in page
    assert "wait: 9m" in page
    assert "wait: 7m" in page
    assert submit(tab, f"{PAGE}/publish", {**form, "sha256": sha256_of(page)}).status_code == 303
    assert active(api) == form["source"]


def test_an_older_version_is_used_again_after_a_look_at_what_changes(api: Api, tab: FlaskClient) -> None:
    publish(api, NIGHT.replace("5m", "9m"))
    again = f"{PAGE}/versions/1/activate"
    assert again in tab.get(f"{PAGE}/versions").text
    assert "<del>-  - {contacts: [1], channels: [sms], wait: 9m}" in tab.get(again).text
    assert submit(tab, again, {"seen": "2"}).status_code == 303
    assert active(api) == NIGHT


def test_a_version_that_was_published_since_the_look_is_not_replaced_unseen(api: Api, tab: FlaskClient) -> None:
    publish(api, NIGHT.replace("5m", "9m"))
    again = f"{PAGE}/versions/1/activate"
    assert 'name="seen" value="2"' in tab.get(again).text
    publish(api, NIGHT.replace("5m", "8m"))
    page = submit(tab, again, {"seen": "2"}).text
    assert "Look again at what changes" in page
    assert "wait: 8m" in page
    assert active(api) == NIGHT.replace("5m", "8m")


def test_a_text_of_another_name_is_no_text_of_this_page(tab: FlaskClient) -> None:
    form = {"source": NIGHT.replace("night", "day", 1), "sha256": ""}
    for deed in ("check", "publish"):
        assert "but was sent to escalation policy &#39;night&#39;" in submit(tab, f"{PAGE}/{deed}", form).text


def test_whoever_may_only_read_is_offered_no_change(api: Api, tab: FlaskClient) -> None:
    reader = signed_in(api, Scope.RULES_READ, name="Rita")
    assert f"{PAGE}/edit" not in reader.get(PAGE).text
    assert (
        "Not published" in submit(reader, f"{PAGE}/publish", {"source": NIGHT.replace("5m", "7m"), "sha256": ""}).text
    )
    assert active(api) == NIGHT
