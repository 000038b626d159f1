"""One instance with the shipped rules, and browsers that are signed in to its console."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.functional.client import ROOT, Running, running

RULES = ("premium.yaml", "lead.yaml", "sentiment.yaml")
REVIEWER = "rita@example.com"

PATIENCE_MS = 15_000
"""How long a page may take on a busy machine."""


@pytest.fixture(scope="session")
def instance(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """`tocsin up` with some of the shipped rulesets in a folder of its own."""
    home = tmp_path_factory.mktemp("console")
    rules = home / "rules"
    shutil.copytree(ROOT / "rules", rules)
    for file in set(rules.glob("*.yaml")) - {rules / name for name in RULES}:
        file.unlink()
    settings = {"RULES_DIR": str(rules), "REVIEWERS": REVIEWER, "PUBLIC_URL": "http://127.0.0.1"}
    with running(home / "home", **settings) as started:
        yield started


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """Debian's Chromium."""
    program = shutil.which("chromium")
    if program is None:
        pytest.fail("Chromium is missing. Debian: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


Tab = Callable[..., Page]


@pytest.fixture
def tab(instance: Running, chromium: Browser) -> Iterator[Tab]:
    """Opens tabs that are signed in by a link; whatever a page writes to the browser's console fails the test."""
    complaints: list[str] = []
    contexts = []

    def tab(**options: object) -> Page:
        context = chromium.new_context(base_url=instance.url, **options)  # type: ignore[arg-type]
        contexts.append(context)
        context.set_default_timeout(PATIENCE_MS)
        page = context.new_page()
        page.on("console", lambda message: complaints.append(f"{page.url}: {message.text}"))
        page.on("pageerror", lambda error: complaints.append(f"{page.url}: {error}"))
        page.goto(sign_in_link(instance))
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url("**/console")
        return page

    yield tab
    for context in contexts:
        context.close()
    assert not complaints


def sign_in_link(instance: Running) -> str:
    """The path of a new link that signs in."""
    printed = instance.tocsin("console")
    assert printed.returncode == 0, printed.stderr
    return "/console/enter/" + printed.stdout.strip().rpartition("/")[2]


@pytest.fixture(scope="session")
def pictures() -> Path | None:
    """Where pictures of the pages are kept with TOCSIN_TEST_PICTURES=1: `docs/img`; `pngquant 64` makes them small."""
    import os

    return ROOT / "docs" / "img" if os.environ.get("TOCSIN_TEST_PICTURES") else None
