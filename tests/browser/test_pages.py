"""Every page in each theme and width: accessible, within its policy, no wider than the screen; without scripts too."""

from __future__ import annotations

from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]

from tests.browser.conftest import Tab
from tests.functional.client import Running

PREMIUM = {"driver": {"age": 18}, "car": {"style": "SPORTS", "color": "RED"}, "policy": {"id": "1", "premium": "300"}}
NASTY = "<b>{{7*7}}\"' Pump 3"

PAGES = {
    "home": "/console",
    "incidents": "/console/incidents",
    "incident": "/console/incidents/browser-1",
    "call-off": "/console/incidents/browser-1/cancel",
    "messages": "/console/messages",
    "write": "/console/messages/new",
    "people": "/console/people",
    "audiences": "/console/people/audiences",
    "opt-outs": "/console/people/opt-outs",
    "requests": "/console/requests",
    "request": "/console/requests/REQ-browser",
    "reviews": "/console/reviews",
    "rules": "/console/rules",
    "ruleset": "/console/rules/premium",
    "try": "/console/rules/premium/try?driver.age=18&car.style=SPORTS&car.color=RED",
    "change": "/console/rules/premium/edit",
    "versions": "/console/rules/premium/versions",
    "activate": "/console/rules/premium/versions/1/activate",
    "phones": "/console/phones",
    "system": "/console/system",
    "keys": "/console/system/keys",
    "find": "/console/find?q=nothing",
}
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


@pytest.fixture(scope="module", autouse=True)
def something_to_see(instance: Running) -> None:
    """An incident, a decision, and their messages."""
    contacts = [{"name": NASTY, "phone": "+447700900123"}, {"name": "Ben", "phone": "+447700900124"}]
    body = {"incident_id": "browser-1", "description": NASTY, "contacts": contacts}
    assert instance.client.post("/v1/incidents", body).status in (200, 201)
    asked = {"context": {"request_id": "REQ-browser"}, "request": PREMIUM}
    assert instance.client.post("/v1/rulesets/premium/evaluations", asked).status == 200


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1440])
def test_every_page_can_be_read_by_everybody(tab: Tab, pictures: Path | None, width: int, scheme: str) -> None:
    page = tab(viewport={"width": width, "height": 900}, color_scheme=scheme)
    page.add_init_script(
        "addEventListener('securitypolicyviolation', event => console.error(`policy: ${event.violatedDirective}`))"
    )
    faults = []
    for name, path in PAGES.items():
        page.goto(path)
        if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
            faults.append(f"{path} is wider than {width} px")
        small = page.evaluate(
            "[...document.querySelectorAll('main *')].filter(e => e.childElementCount === 0 && e.textContent.trim()"
            " && e.getClientRects().length && parseFloat(getComputedStyle(e).fontSize) < 12).map(e => e.textContent)"
        )
        faults += [f"{path} writes {text!r} smaller than 12 px" for text in small]
        found = Axe().run(page, options={"runOnly": {"type": "tag", "values": RULES}})
        faults += [f"{path}: {violation['id']}: {violation['help']}" for violation in found.response["violations"]]
        if pictures is not None:
            page.screenshot(path=str(pictures / f"console-{name}-{width}-{scheme}.png"))
    assert not faults


def test_every_page_reads_as_well_without_scripts(tab: Tab) -> None:
    page = tab(java_script_enabled=False)
    for path in PAGES.values():
        page.goto(path)
        assert page.locator("h1").count() == 1, path
        assert page.get_by_role("link", name="Incidents").first.is_visible(), path


def test_names_are_shown_as_they_were_typed(tab: Tab) -> None:
    page = tab()
    page.goto("/console/incidents/browser-1")
    assert page.locator("h1").inner_text() == NASTY
    assert page.locator("main b", has_text="49").count() == 0
