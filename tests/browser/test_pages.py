"""Every page in each theme and width: accessible, within its policy, no wider than the screen; without scripts too."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from playwright.sync_api import Page

from tests.browser import plant
from tests.browser.conftest import Tab
from tests.functional.client import Running
from tests.functional.test_up import eventually

NASTY = "<b>{{7*7}}\"' Pump 3"

PAGES = {
    "home": "/console",
    "incidents": "/console/incidents",
    "incident": "/console/incidents/pump-3",
    "call-off": "/console/incidents/pump-3/cancel",
    "messages": "/console/messages",
    "write": "/console/messages/new",
    "check": "/console/messages/new?audience=staff&text=The+gym+is+closed+on+Friday.",
    "message": "/console/messages?reference=canteen",
    "translations": "/console/translations",
    "people": "/console/people",
    "person": "/console/people/mary",
    "change-person": "/console/people/mary/edit",
    "erase": "/console/people/mary/erase",
    "import": "/console/people/import",
    "audiences": "/console/people/audiences",
    "opt-outs": "/console/people/opt-outs",
    "requests": "/console/requests",
    "request": "/console/requests/REQ-99990",
    "reviews": "/console/reviews",
    "review": "/console/reviews",
    "rules": "/console/rules",
    "ruleset": "/console/rules/premium",
    "try": "/console/rules/premium/try?driver.age=18&car.style=SPORTS&car.color=RED",
    "change": "/console/rules/premium/edit",
    "table": "/console/rules/discounts/table",
    "map": "/console/rules/premium/map",
    "versions": "/console/rules/premium/versions",
    "diff": "/console/rules/premium/diff",
    "trials": "/console/rules/premium/trials",
    "events": "/console/rules/premium/events",
    "policies": "/console/policies",
    "policy": "/console/policies/drill",
    "change-policy": "/console/policies/drill/edit",
    "template": "/console/templates/incident-page",
    "schedules": "/console/schedules",
    "schedule": "/console/schedules",
    "activate": "/console/rules/premium/versions/1/activate",
    "phones": "/console/phones",
    "system": "/console/system",
    "keys": "/console/system/keys",
    "settings": "/console/system/settings?all=1",
    "spend": "/console/system/spend",
    "find": "/console/find?q=nothing",
}
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
EVERYTHING = {"runOnly": {"type": "tag", "values": RULES}}
COLOURS = {"runOnly": {"type": "rule", "values": ["color-contrast"]}}
"""All that a theme changes."""


FOLLOWED = {
    "check": lambda page: page.get_by_role("button", name="Check", exact=True).click(),
    "message": lambda page: page.get_by_role("link", name="The canteen is closed").click(),
    "schedule": lambda page: page.get_by_role("link", name="The menu of the week").click(),
    "review": lambda page: page.get_by_role("link", name="Whoever parks").click(),
}
"""Pages that need a click on the one before."""


@pytest.fixture(scope="module", autouse=True)
def something_to_see(instance: Running) -> None:
    """A plant's morning; and the message that waits for a review does so."""
    plant.fill(instance.client)
    assert eventually(lambda: bool(instance.client.get("/v1/reviews").json()["items"]))
    for text in ("policies/drill", "templates/incident-page"):
        assert eventually(partial(is_published, instance, text), 60)


def is_published(instance: Running, text: str) -> bool:
    return instance.client.get(f"/v1/{text}").status == 200


def visit(page: Page, name: str) -> None:
    """Go to one of the pages."""
    page.goto(PAGES[name])
    if name in FOLLOWED:
        FOLLOWED[name](page)
        page.wait_for_url(lambda url: not url.endswith(PAGES[name]), timeout=60_000)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1440])
def test_every_page_can_be_read_by_everybody(tab: Tab, pictures: Path | None, width: int, scheme: str) -> None:
    page = tab(viewport={"width": width, "height": 900}, color_scheme=scheme)
    page.add_init_script(
        "addEventListener('securitypolicyviolation', event => console.error(`policy: ${event.violatedDirective}`))"
    )
    faults = []
    for name, path in PAGES.items():
        visit(page, name)
        if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
            faults.append(f"{path} is wider than {width} px")
        tiny = page.evaluate(
            "[...document.querySelectorAll('main *')].filter(e => e.childElementCount === 0 && e.textContent.trim()"
            " && e.getClientRects().length && parseFloat(getComputedStyle(e).fontSize) < 12).map(e => e.textContent)"
        )
        faults += [f"{path} writes {text!r} smaller than 12 px" for text in tiny]
        found = Axe().run(page, options=EVERYTHING if scheme == "light" else COLOURS)
        faults += [f"{path}: {violation['id']}: {violation['help']}" for violation in found.response["violations"]]
        if pictures is not None:
            page.screenshot(path=str(pictures / f"console-{name}-{width}-{scheme}.png"))
    assert not faults


def test_every_page_reads_as_well_without_scripts(tab: Tab) -> None:
    page = tab(java_script_enabled=False)
    for name, path in PAGES.items():
        visit(page, name)
        assert page.locator("h1").count() == 1, path
        assert page.get_by_role("link", name="Incidents").first.is_visible(), path


def test_names_are_shown_as_they_were_typed(tab: Tab, instance: Running) -> None:
    contacts = [{"name": NASTY, "phone": "+447700900123"}]
    instance.client.post("/v1/incidents", {"incident_id": "browser-1", "description": NASTY, "contacts": contacts})
    page = tab()
    page.goto("/console/incidents/browser-1")
    assert page.locator("h1").inner_text() == NASTY
    assert page.locator("main b", has_text="49").count() == 0
