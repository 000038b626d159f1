"""The console through its pages: who gets in, what is shown, and that nothing is done which the API would not do."""

from __future__ import annotations

import re
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import get_args

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from service.console import Sessions
from service.console.guard import ROOT
from service.console.words import STATUSES
from service.core.enums import Scope
from service.escalate.items import Fate
from service.escalate.schemas import StateName
from service.evaluations.schemas import OutcomeState
from service.notify.model import DeliveryStatus, Status
from tests.functional.client import ROOT as REPOSITORY
from tests.functional.client import InProcess
from tests.functional.conftest import Api
from tests.functional.evaluating import PREMIUM, put

REPEATED_ON_AWS = False

OWN = {"Sec-Fetch-Site": "same-origin"}
RED = {"driver.age": "18", "car.style": "SPORTS", "car.color": "RED", "policy.id": "1", "policy.premium": "300"}
NASTY = "<b>{{7*7}}\"'"


@pytest.fixture
def premium(api: Api) -> Api:
    put(api, (REPOSITORY / "rules" / "premium.yaml").read_text())
    return api


def browser(api: Api) -> FlaskClient:
    line = api.client.line
    assert isinstance(line, InProcess)
    return line.app.test_client()


def signed_in(api: Api, *scopes: Scope, name: str = "Mary") -> FlaskClient:
    """A browser in a session whose key has these scopes, or all."""
    key, _ = api.service.keys.create(name, [Scope.CONSOLE, *(scopes or Scope)])
    tab = browser(api)
    tab.set_cookie("tocsin", sessions(api).begin(key))
    return tab


def sessions(api: Api) -> Sessions:
    return Sessions(api.service.store, api.service.keys, api.clock)


def submit(tab: FlaskClient, path: str, form: Mapping[str, object], headers: Mapping[str, str] = OWN) -> TestResponse:
    return tab.post(path, data=dict(form), headers=dict(headers))


# --- who gets in ---------------------------------------------------------------------------------------------------


def test_without_a_session_every_page_leads_to_the_sign_in_and_back(api: Api) -> None:
    answer = browser(api).get("/console/incidents?x=1")
    assert (answer.status_code, answer.location) == (303, "/console/sign-in?next=/console/incidents%3Fx%3D1")


def test_a_key_with_the_scope_console_signs_in(api: Api) -> None:
    tab, key = browser(api), api.key("Mary", [Scope.CONSOLE, Scope.INCIDENTS])
    answer = submit(tab, "/console/sign-in", {"key": key, "next": "/console/incidents"})
    assert (answer.status_code, answer.location) == (303, "/console/incidents")
    assert "HttpOnly" in answer.headers["Set-Cookie"]
    assert "SameSite=Lax" in answer.headers["Set-Cookie"]
    assert "All quiet" in tab.get("/console/incidents").text


@pytest.mark.parametrize("elsewhere", ["https://evil.example", "//evil.example", "/\\evil.example", "/v1/audit"])
def test_signing_in_leads_to_no_other_site(api: Api, elsewhere: str) -> None:
    key = api.key("Mary", [Scope.CONSOLE])
    assert submit(browser(api), "/console/sign-in", {"key": key, "next": elsewhere}).location == ROOT


def test_an_app_key_signs_nobody_in(api: Api) -> None:
    answer = submit(browser(api), "/console/sign-in", {"key": api.key("shop", [Scope.INCIDENTS])})
    assert answer.status_code == 403
    assert "lacks the scope console" in answer.text


def test_wrong_keys_are_refused_and_then_slowed_down_but_the_right_one_gets_in(api: Api) -> None:
    tab = browser(api)
    statuses = [submit(tab, "/console/sign-in", {"key": "tocsin_wrong"}).status_code for _ in range(7)]
    assert statuses == [401] * 5 + [429] * 2
    assert submit(tab, "/console/sign-in", {"key": api.key("Mary", [Scope.CONSOLE])}).status_code == 303


def test_over_plain_http_beyond_this_machine_no_key_is_asked_for(api: Api) -> None:
    answer = browser(api).get("/console/sign-in", headers={"Host": "tocsin.example.com"})
    assert answer.status_code == 403
    assert "needs HTTPS" in answer.text


def test_a_revoked_key_is_signed_out_within_three_seconds(api: Api) -> None:
    tab = signed_in(api)
    assert tab.get("/console").status_code == 200
    (key,) = [key for key in api.service.keys.all() if key.name == "Mary"]
    api.service.keys.revoke(key.key_id)
    api.clock.advance(timedelta(seconds=3))
    assert tab.get("/console").status_code == 303


def test_a_session_ends_after_an_hour_without_use_and_after_twelve_hours(api: Api) -> None:
    idle, busy = signed_in(api), signed_in(api)
    for _ in range(23):
        api.clock.advance(timedelta(minutes=31))
        assert busy.get("/console").status_code == 200
    assert idle.get("/console").status_code == 303
    api.clock.advance(timedelta(minutes=31))
    assert busy.get("/console").status_code == 303


def test_a_session_kept_on_a_phone_lasts_for_weeks_but_only_answers_and_reviews(api: Api) -> None:
    tab, key = browser(api), api.key("Mary", list(Scope))
    submit(tab, "/console/sign-in", {"key": key, "keep": "on"})
    api.clock.advance(timedelta(days=29))
    assert tab.get("/console/incidents").status_code == 200
    assert tab.get("/console/rules").status_code == 403


def test_a_link_signs_in_once_however_many_open_it_at_once(api: Api) -> None:
    key, _ = api.service.keys.create("Mary", list(Scope))
    link = f"/console/enter/{sessions(api).link(key)}"
    assert "Sign in as Mary?" in browser(api).get(link).text
    with ThreadPoolExecutor(20) as threads:
        answers = list(threads.map(lambda _: submit(browser(api), link, {}).status_code, range(20)))
    assert sorted(answers) == [303] + [410] * 19
    assert browser(api).get(link).status_code == 410


def test_a_link_is_too_old_after_fifteen_minutes(api: Api) -> None:
    key, _ = api.service.keys.create("Mary", list(Scope))
    link = f"/console/enter/{sessions(api).link(key)}"
    api.clock.advance(timedelta(minutes=16))
    assert submit(browser(api), link, {}).status_code == 410


def test_signing_out_ends_the_session(api: Api) -> None:
    tab = signed_in(api)
    answer = submit(tab, "/console/sign-out", {})
    assert (answer.status_code, answer.location) == (303, "/console/sign-in")
    assert tab.get("/console").status_code == 303


@pytest.mark.parametrize(
    "headers",
    [{}, {"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}, {"Origin": "https://evil.example"}],
)
def test_a_form_of_another_site_changes_nothing(premium: Api, headers: Mapping[str, str]) -> None:
    assert submit(signed_in(premium), "/console/rules/premium/try", RED, headers).status_code == 403


def test_a_browser_without_fetch_metadata_is_known_by_its_origin(premium: Api) -> None:
    answer = submit(signed_in(premium), "/console/rules/premium/try", RED, {"Origin": "http://localhost"})
    assert answer.status_code == 200


# --- what every page keeps to --------------------------------------------------------------------------------------


def pages(api: Api) -> list[str]:
    """Every page of the console without places in its path."""
    line = api.client.line
    assert isinstance(line, InProcess)
    rules = line.app.url_map.iter_rules()
    return [
        str(rule)
        for rule in rules
        if str(rule).startswith(ROOT) and "GET" in (rule.methods or ()) and "<" not in str(rule)
    ]


def test_every_page_keeps_scripts_and_frames_of_others_out(api: Api) -> None:
    tab = signed_in(api)
    for path in pages(api):
        answer = tab.get(path, follow_redirects=True)
        assert answer.status_code == 200, path
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'; script-src 'self'; style-src 'self'" in policy
        assert "unsafe" not in policy
        assert answer.headers["Cache-Control"] == "no-store"
        assert not re.search(r"\s(style|on[a-z]+|hx-on[^=]*)=", answer.text), path


def test_every_page_that_a_key_may_not_see_says_which_scope_is_missing(api: Api) -> None:
    tab = signed_in(api, Scope.EVALUATE)
    for path in ("/console/incidents", "/console/requests", "/console/reviews", "/console/rules", "/console/phones"):
        answer = tab.get(path)
        assert (answer.status_code, "scope" in answer.text) == (403, True), path
    assert tab.get("/console").status_code == 200


def test_a_page_that_is_not_there_says_so(api: Api) -> None:
    answer = signed_in(api).get("/console/nothing")
    assert answer.status_code == 404
    assert "There is no page /console/nothing" in answer.text


def test_a_name_is_shown_as_it_was_typed(api: Api) -> None:
    contacts = [{"name": NASTY, "phone": "+447700900123"}]
    opened = api.client.post("/v1/incidents", {"description": NASTY, "contacts": contacts}).json()
    tab = signed_in(api, name=NASTY)
    for path in ("/console/incidents", f"/console/incidents/{opened['incident_id']}"):
        text = tab.get(path).text
        assert "&lt;b&gt;{{7*7}}&#34;&#39;" in text, path
        assert "<b>{{" not in text
        assert "49" not in re.sub(r"/static/\w+|<time.*?</time>|[0-9a-z]{26}|\+447700900123", "", text), path


# --- what can be done ----------------------------------------------------------------------------------------------


def test_a_decision_is_explained_and_can_be_tried_with_other_facts(premium: Api) -> None:
    facts = {"driver": {"age": 18}, "car": {"style": "SPORTS", "color": "RED"}, "policy": {"id": "1", "premium": "300"}}
    premium.client.post(PREMIUM, {"context": {"request_id": "REQ-9"}, "request": facts})
    tab = signed_in(premium)
    assert tab.get("/console/find?q=REQ-9").location == "/console/requests/REQ-9"
    page = tab.get("/console/requests/REQ-9").text
    assert "driver.age is 18" in page
    (what_if,) = re.findall(r'href="(/console/rules/premium/try\?[^"]*)"', page)
    assert 'value="18"' in tab.get(what_if.replace("&amp;", "&")).text
    assert "No rule fires" in submit(tab, "/console/rules/premium/try", {**RED, "driver.age": "21"}).text


def test_facts_that_do_not_fit_are_said_beside_their_fields(premium: Api) -> None:
    page = submit(signed_in(premium), "/console/rules/premium/try", {**RED, "driver.age": "old"}).text
    assert 'id="error-1"' in page
    assert 'value="old"' in page


def test_a_rule_is_changed_published_and_rolled_back(premium: Api) -> None:
    tab = signed_in(premium)
    page = tab.get("/console/rules/premium/edit").text
    (sha256,) = re.findall(r'name="sha256" value="([0-9a-f]{64})"', page)
    source = (REPOSITORY / "rules" / "premium.yaml").read_text()
    changed = source.replace("by: 20%", "by: 22%").replace("360.00", "366.00")
    checked = submit(tab, "/console/rules/premium/check", {"source": changed, "sha256": sha256}).text
    assert "It can be published" in checked
    assert "increase policy.premium by 22%" in checked
    wrong = source.replace("driver.age < 21", "drivr.age < 21")
    page = submit(tab, "/console/rules/premium/check", {"source": wrong, "sha256": sha256}).text
    assert re.search(r'<pre class="line".*?drivr\.age', page)  # the line stands below what is wrong with it
    form, publish = {"source": changed, "sha256": sha256, "comment": "+2 points"}, "/console/rules/premium/publish"
    assert submit(tab, publish, form).location == "/console/rules/premium?version=2"
    stale = submit(tab, publish, {**form, "source": changed.replace("driver risk", "risk")}).text
    assert "Somebody else published meanwhile" in stale
    assert "premium by risk" in stale  # the text is kept
    back = "/console/rules/premium/versions/1/activate"
    assert "Look again at what changes" in submit(tab, back, {"seen": "1"}).text, "2 was published meanwhile"
    assert 'name="seen" value="2"' in tab.get(back).text
    assert submit(tab, back, {"seen": "2"}).status_code == 303
    assert "Version 1</a> <b>decides now</b>" in tab.get("/console/rules/premium/versions").text


def test_what_somebody_wrote_is_not_lost_when_the_session_is_over(premium: Api) -> None:
    stranger = browser(premium)
    page = submit(stranger, "/console/rules/premium/publish", {"source": "a: <b>\n", "sha256": "x", "comment": "Why"})
    assert page.status_code == 403
    assert "Nothing was changed" in page.text
    assert "a: &lt;b&gt;</textarea>" in page.text
    assert "Why</textarea>" in page.text
    assert submit(stranger, "/console/incidents/acknowledge", {"incident": "1"}).status_code == 303


def test_addresses_that_nobody_was_given_are_answered_in_order(premium: Api) -> None:
    assert browser(premium).get("/console/static/787e9a58c03e/nope.css").status_code == 404
    tab = signed_in(premium)
    for number in ("x", "²", "9" * 5_000, "-1", ""):
        assert tab.get(f"/console/rules/premium/try?version={number}").status_code == 200
    for content in ("abcde", "é", ""):
        assert "Choose a file" in submit(tab, "/console/people/import/store", {"content": content}).text


def test_an_incident_is_taken_and_another_called_off(api: Api) -> None:
    contacts = [{"name": "Ann", "phone": "+447700900123"}]
    ids = [
        str(api.client.post("/v1/incidents", {"description": text, "contacts": contacts}).json()["incident_id"])
        for text in ("Pump 3", "Gate")
    ]
    tab = signed_in(api)
    submit(tab, "/console/incidents/acknowledge", {"incident": ids[0]})
    assert "Call off" in tab.get(f"/console/incidents/{ids[1]}/cancel").text
    submit(tab, f"/console/incidents/{ids[1]}/cancel", {})
    states = [api.client.get(f"/v1/incidents/{each}").json() for each in ids]
    assert [(each["state"], each.get("acknowledged_by", each.get("cancelled_by"))) for each in states] == [
        ("acknowledged", "Mary"),
        ("cancelled", "Mary"),
    ]


FLAGS = """
ruleset: flags
facts:
  order.id: {type: text}
rules:
  - name: Any
    then: [{flag for review: "Order {{ order.id }}"}]
"""


def test_what_waits_for_review_is_approved_without_a_reason_and_rejected_with_one(api: Api) -> None:
    put(api, FLAGS)
    tab = signed_in(api)
    for decision, reason, status in (("approve", "", 303), ("reject", "", 422), ("reject", "too dear", 303)):
        api.client.post("/v1/rulesets/flags/evaluations", {"request": {"order": {"id": "A-1"}}})
        (review, *_) = re.findall(r'href="(/console/reviews/[^"]+)"', tab.get("/console/reviews").text)
        assert "Order A-1" in tab.get(review).text
        answer = submit(tab, f"{review}/evaluation", {"decision": decision, "reason": reason})
        assert answer.status_code == status, answer.text
    assert len(re.findall(r'href="(/console/reviews/[^"]+)"', tab.get("/console/reviews").text)) == 1


# --- messages, people and lanes ------------------------------------------------------------------------------------


def person(api: Api) -> None:
    profile = {"first_name": NASTY, "language": "en", "preference": "email", "email": "emp1@example.com"}
    assert api.client.call("PUT", "/v1/recipients/emp1", json=profile).status == 201


def test_a_person_is_found_by_name_and_shown_as_it_was_typed(api: Api) -> None:
    person(api)
    tab = signed_in(api)
    assert "/console/people/emp1" in tab.get("/console/people?search=7*7").text
    assert "&lt;b&gt;{{7*7}}" in tab.get("/console/people/emp1").text


def test_home_says_what_this_key_may_not_see(api: Api) -> None:
    page = signed_in(api, Scope.NOTIFY).get("/console").text
    assert "Nothing waits of what you may see" in page
    assert "messages that wait for a review (scope <code>review</code>)" in page
    assert "may not see" not in signed_in(api).get("/console").text


def test_home_says_that_messages_are_kept_back(api: Api) -> None:
    tab = signed_in(api)
    submit(tab, "/console/system/lanes/bulk/pause", {})
    assert "Messages are kept back: bulk" in tab.get("/console").text
    submit(tab, "/console/system/lanes/bulk/resume", {})
    assert "kept back" not in tab.get("/console").text


@pytest.mark.parametrize("path", ["messages", "people", "people/audiences", "schedules", "translations"])
def test_a_cursor_that_is_none_is_answered_with_a_page(path: str, api: Api) -> None:
    answer = signed_in(api).get(f"/console/{path}?cursor=abc")
    assert answer.status_code == 422
    assert answer.mimetype == "text/html"
    assert "Open the list anew" in answer.text


def test_a_lane_is_paused_and_goes_on(api: Api) -> None:
    tab = signed_in(api)
    assert submit(tab, "/console/system/lanes/bulk/pause", {}).status_code == 303
    assert "paused" in tab.get("/console/system").text
    assert submit(tab, "/console/system/lanes/bulk/resume", {}).status_code == 303
    assert "paused" not in tab.get("/console/system").text


def test_a_key_is_shown_once_and_ended(api: Api) -> None:
    tab = signed_in(api)
    page = submit(tab, "/console/system/keys", {"name": "shop", "scope": "evaluate"}).text
    (key,) = re.findall(r"tocsin_[0-9a-z]{26}_[\w-]{43}", page)
    assert key not in tab.get("/console/system/keys").text
    (shop,) = [each for each in api.service.keys.all() if each.name == "shop"]
    assert submit(tab, f"/console/system/keys/{shop.key_id}/end", {}).status_code == 303
    assert api.client.with_key(key).get("/v1/audit").status == 401


def test_settings_say_where_they_come_from_and_no_secret(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOCSIN_SMTP_URL", "smtp://user:hunter2@mail.example.com")
    monkeypatch.setenv("TOCSIN_SECRET", "ssm:/tocsin/secret")
    monkeypatch.setenv("TOCSIN_SENDER_NAME", "Plant")
    answer = api.client.get("/v1/settings")
    items = {each["name"]: each for each in answer.json()["items"]}  # type: ignore[attr-defined]
    origins = [items[f"TOCSIN_{name}"]["origin"] for name in ("SMTP_URL", "SECRET", "SENDER_NAME", "PORT")]
    assert origins == ["environment", "ssm:/tocsin/secret", "environment", "default"]
    assert "hunter2" not in answer.text
    tab = signed_in(api)
    page = tab.get("/console/system/settings").text
    assert "TOCSIN_SENDER_NAME" in page
    assert "TOCSIN_PORT" not in page
    assert "TOCSIN_PORT" in tab.get("/console/system/settings?all=1").text
    assert api.client_with(Scope.AUDIT).get("/v1/settings").status == 403


def test_every_state_has_its_words() -> None:
    states = [*get_args(StateName), *Status, *DeliveryStatus, *Fate, *OutcomeState]
    assert set(map(str, states)) <= STATUSES.keys()
