"""Every form of the console is one operation of the API: the one that it declares, and no other is ever called."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from html.parser import HTMLParser

import pytest
from flask import Flask

from service.console.calls import QUESTIONS, UndeclaredCall, read, send
from service.console.forms import PageForm
from service.console.guard import ROOT
from service.http.endpoint import Endpoint
from service.rulesets.library import Library, RulesetDraft
from tests.functional.client import ROOT as REPOSITORY
from tests.functional.client import InProcess
from tests.functional.conftest import Api
from tests.functional.evaluating import put
from tests.functional.test_console import FLAGS, signed_in
from tests.functional.test_console_table import LIFT

REPEATED_ON_AWS = False

OWN_FORMS = {f"{ROOT}/sign-in", f"{ROOT}/enter/<token>", f"{ROOT}/sign-out"}
"""Forms about sessions, which are the console's alone."""

NIGHT = "escalation: night\nlevels:\n  - {contacts: [1], channels: [sms], wait: 5m}\n"
OVER = {"Content-Type": "application/yaml", "If-Match": "*"}

TEMPLATES = REPOSITORY / "service" / "console" / "templates"


def app_of(api: Api) -> Flask:
    line = api.client.line
    assert isinstance(line, InProcess)
    return line.app


def taken(app: Flask) -> dict[str, PageForm]:
    """What takes forms, by its path."""
    rules = [rule for rule in app.url_map.iter_rules() if str(rule).startswith(ROOT) and "POST" in (rule.methods or ())]
    forms = {str(rule): app.view_functions[rule.endpoint] for rule in rules if str(rule) not in OWN_FORMS}
    assert all(isinstance(view, PageForm) for view in forms.values()), forms
    return forms  # type: ignore[return-value]


def calls_of(path: str, form: PageForm) -> list[str]:
    """The calls of a form; those whose deed stands in the path are several."""
    (choice,) = re.findall(r"<any\(([^)]*)\):(\w+)>", path) or [("", "")]
    return [form.call_for({choice[1]: deed.strip()}) for deed in choice[0].split(",")] if choice[0] else [form.call]


def documented(api: Api, operation: str) -> bool:
    """Whether the API's description has a call with the method and path of this operation, and it changes something."""
    view = app_of(api).view_functions.get(operation)
    assert isinstance(view, Endpoint), f"{operation} is no call of the API"
    path = re.sub(r"<(?:[^:<>]+:)?([^<>]+)>", r"{\1}", view.operation.path)
    described = api.client.get("/openapi.json").json()["paths"]
    assert isinstance(described, dict)
    return view.operation.method != "GET" and view.operation.method.lower() in described.get(path, {})


def test_every_form_is_one_operation_of_the_api(api: Api) -> None:
    forms = taken(app_of(api))
    assert len(forms) > 20
    for path, form in forms.items():
        for operation in calls_of(path, form):
            assert documented(api, operation), f"{path} declares {operation}"


class _Forms(HTMLParser):
    """The method and address of each button that sends a form."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.sent: list[tuple[str, str]] = []
        self._form: tuple[str, str] | None = None
        self._here = page

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = dict(attributes)
        if tag == "form":
            self._form = ((given.get("method") or "get").upper(), given.get("action") or self._here)
        elif tag == "button" and self._form is not None:
            self.sent.append((self._form[0], given.get("formaction") or self._form[1]))

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._form = None


@pytest.fixture
def seen(api: Api) -> Api:
    """Something of every kind."""
    put(api, FLAGS)
    put(api, LIFT)
    put(api, (REPOSITORY / "rules" / "premium.yaml").read_text())
    put(api, (REPOSITORY / "rules" / "premium.yaml").read_text().replace("driver risk", "risk"))
    propose(api, (REPOSITORY / "rules" / "premium.yaml").read_text().replace("driver risk", "the driver"))
    for text in (NIGHT, NIGHT.replace("5m", "6m")):
        assert api.client.call("POST", "/v1/policies/night/versions", body=text, headers=OVER).status == 201
    contacts = [{"name": "Ann", "phone": "+447700900123"}]
    for name in ("one", "two"):
        body = {"incident_id": name, "description": "Pump 3", "contacts": contacts}
        assert api.client.post("/v1/incidents", body).status == 201
    api.client.post("/v1/incidents/two/acknowledge", {"by": "Ann"})
    api.client.post("/v1/rulesets/flags/evaluations", {"request": {"order": {"id": "A-1"}}})
    profile = {"language": "en", "preference": "email", "email": "a@example.com", "audience": "duty"}
    assert api.client.call("PUT", "/v1/recipients/emp1", json=profile).status == 201
    api.client.post("/v1/notifications", {"text": "The lift is broken.", "recipients": ["emp1"]})
    return api


def propose(api: Api, source: str) -> None:
    library = Library(api.service.store, api.clock, needs_approval=True)
    library.publish(RulesetDraft("premium", source, "Ann"))


def buttons(api: Api) -> Iterator[tuple[str, str, str]]:
    """Page, method and address of every button on every page that links lead to from Home."""
    tab = signed_in(api)
    waiting, known = [ROOT], {ROOT}
    while waiting:
        path = waiting.pop()
        page = tab.get(path, follow_redirects=True)
        assert page.status_code == 200, path
        forms = _Forms(path)
        forms.feed(page.text)
        yield from ((path, method, action) for method, action in forms.sent)
        found = re.findall(rf'(?:href|data-hx-get)="({ROOT}[^"#]*)"', page.text)
        links = {unescape(link) for link in found if "/static/" not in link} - known
        known |= links
        waiting += links


def test_every_button_leads_to_a_form_or_a_page_and_reaches_them_all(seen: Api) -> None:
    app = app_of(seen)
    addresses = app.url_map.bind("localhost")
    used = set()
    for page, method, action in buttons(seen):
        rule, places = addresses.match(action.partition("?")[0], method, return_rule=True)
        view = app.view_functions[rule.endpoint]
        used.add(str(rule))
        assert method == "GET" or isinstance(view, PageForm) or str(rule) in OWN_FORMS, (page, action)
        if isinstance(view, PageForm):
            assert documented(seen, view.call_for(dict(places))), (page, action)
    unseen = taken(app).keys() - used
    assert unseen <= SHOWN_LATER, "no page that is linked has these forms"
    assert used >= SEEN_AT_LEAST


SHOWN_LATER = {
    f"{ROOT}/messages/new/send",  # after the check
    f"{ROOT}/messages/new/test",
    f"{ROOT}/people/import/store",  # after the look
    f"{ROOT}/messages/<message_id>/again",  # when some have failed
    f"{ROOT}/people/opt-outs/<optout_id>/lift",
    f"{ROOT}/system/dead/<item_id>/redrive",
    f"{ROOT}/translations/<translation_id>",
    f"{ROOT}/rules/<name>/backtests/<backtest_id>/cancel",
    f"{ROOT}/rules/<name>/shadow/drop",
    *(f"{ROOT}/schedules/<schedule_id>/{deed}" for deed in ("change", "run", "end", "<any(pause, resume):deed>")),
    *(f"{ROOT}/{family}/<name>/{deed}" for family in ("templates", "catalogues") for deed in ("check", "publish")),
    *(f"{ROOT}/{family}/<name>/versions/<int:number>/activate" for family in ("templates", "catalogues")),
    f"{ROOT}/phones",  # when a phone has a message
}
"""Forms that need more than what `seen` makes; their own tests send them."""

SEEN_AT_LEAST = {
    f"{ROOT}/rules/<name>/publish",
    f"{ROOT}/policies/<name>/versions/<int:number>/activate",
    f"{ROOT}/incidents/<incident_id>/cancel",
    f"{ROOT}/people/<user_id>/erase",
}


def test_a_page_calls_nothing_that_its_form_does_not_declare(api: Api) -> None:
    with app_of(api).test_request_context("/console"):
        with pytest.raises(UndeclaredCall):
            send("incidents.cancel_incident", incident_id="x")
        with pytest.raises(UndeclaredCall):
            read("incidents.cancel_incident", incident_id="x")


def test_questions_are_calls_that_change_nothing(seen: Api) -> None:
    before = seen.client.get("/v1/audit?order=newest&limit=1").json()["items"]
    text = (REPOSITORY / "rules" / "premium.yaml").read_text()
    seen.client.post("/v1/notifications/preview", {"text": "x", "recipients": ["emp1"]})
    seen.client.call("POST", "/v1/rulesets/premium/check", body=text.encode())
    for family in ("policies", "templates", "catalogues"):
        seen.client.call("POST", f"/v1/{family}/night/check", body=text.encode())
    assert {question.partition(".")[0] for question in QUESTIONS} == {
        *("notifications", "rulesets", "policies", "templates", "catalogues")
    }
    assert seen.client.get("/v1/audit?order=newest&limit=1").json()["items"] == before
