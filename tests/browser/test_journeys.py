"""What people come for, from the first click to the last."""

from __future__ import annotations

import re
import time

from playwright.sync_api import Browser, Page, expect

from tests.browser import plant
from tests.browser.conftest import PATIENCE_MS, REVIEWER, Tab, sign_in_link
from tests.functional.client import Running
from tests.functional.test_up import eventually

expect.set_options(timeout=PATIENCE_MS)

INSULT = "You are all useless idiots and you disgust me."


def test_an_administrator_closes_the_gap_at_21_and_publishes_and_goes_back(tab: Tab, instance: Running) -> None:
    page = tab()
    page.get_by_role("link", name="Rules", exact=True).click()
    page.get_by_role("link", name="premium").click()
    expect(page.get_by_text("driver.age is 21")).to_be_visible()
    page.get_by_role("link", name="Change").click()
    source = page.get_by_label("The rule file")
    written = source.input_value()
    source.fill(written.replace("driver.age > 21", "drivr.age >= 21"))
    page.get_by_role("button", name="Check").click()
    expect(page.get_by_text('did you mean "driver.age"?')).to_be_visible()
    mended = written.replace("{fired: [], policy.premium: 300.00}", "{fired: [Med Risk], policy.premium: 330.00}", 1)
    page.get_by_label("The rule file").fill(mended.replace("driver.age > 21", "driver.age >= 21"))
    page.get_by_role("button", name="Check").click()
    expect(page.get_by_role("heading", name="It can be published")).to_be_visible()
    page.get_by_label("Why").fill("21 is no longer left out")
    page.get_by_role("button", name="Publish").click()
    expect(page.get_by_role("heading", name="version 2 (decides now)")).to_be_visible()
    facts = {"driver": {"age": 21}, "car": {"style": "SPORTS", "color": "RED"}, "policy": {"id": "1", "premium": "300"}}

    def fired() -> object:
        return instance.client.post("/v1/rulesets/premium/evaluations", {"request": facts}).json()["fired"]

    assert eventually(lambda: fired() == ["Med Risk"]), "each API process looks for versions once a second"
    page.get_by_role("link", name="Versions").click()
    page.get_by_role("link", name="Make it decide…").click()
    page.get_by_role("button", name="Make version 1 decide").click()
    expect(page.get_by_role("heading", name="version 1 (decides now)")).to_be_visible()


def test_rows_from_a_spreadsheet_are_pasted_checked_and_published(tab: Tab, instance: Running) -> None:
    name = "discounts-of-spring"
    source = plant.DISCOUNTS.replace("ruleset: discounts", f"ruleset: {name}")
    assert instance.client.call("POST", f"/v1/rulesets/{name}/versions", body=source.encode()).status == 201
    page = tab()
    page.goto(f"/console/rules/{name}/edit")
    page.get_by_role("link", name="Change it as a table").click()
    page.get_by_label("fleet.premium, row 1").fill("6")
    page.get_by_label("fleet.premium, row 1").press("Enter")
    expect(page.get_by_label("fleet.premium, row 2")).to_be_focused()
    paste(page, "rule, row 3", "Faithful fleet\t50..99\t>= 3\t15\t\r\nGiant fleet\t>= 100\t>= 3\t20\t\r\n")
    page.get_by_role("button", name="Check").click()
    expect(page.get_by_role("heading", name="It can be published")).to_be_visible()
    page.get_by_role("button", name="Publish").click()
    expect(page.get_by_role("heading", name="version 2 (decides now)")).to_be_visible()
    published = str(instance.client.get(f"/v1/rulesets/{name}/versions/2").json()["source"])
    assert '  Large fleet,>= 50,< 3,10,"New, and large"\n' in published, "what nobody changed stays as it was written"
    assert published.endswith("  Faithful fleet,50..99,>= 3,15,\n  Giant fleet,>= 100,>= 3,20,\n")


def paste(page: Page, label: str, text: str) -> None:
    """Paste what a spreadsheet puts on the clipboard into a cell."""
    page.get_by_label(label).evaluate(
        "(cell, text) => { const data = new DataTransfer(); data.setData('text/plain', text);"
        " cell.dispatchEvent(new ClipboardEvent('paste', {clipboardData: data, bubbles: true, cancelable: true})); }",
        text,
    )


def test_two_editors_cannot_overwrite_each_other(tab: Tab) -> None:
    first, second = tab(), tab()
    for page in (first, second):
        page.goto("/console/rules/lead/edit")
    for page, words in ((first, "first"), (second, "second")):
        source = page.get_by_label("The rule file")
        source.fill(f"# {words}\n{source.input_value()}")
        page.get_by_role("button", name="Publish").click()
    expect(first.get_by_role("heading", name="decides now")).to_be_visible()
    expect(second.get_by_role("heading", name="Somebody else published meanwhile")).to_be_visible()
    expect(second.get_by_label("The rule file")).to_have_value(re.compile("^# second"))


def test_no_then_yes_on_two_phones_while_the_board_changes_by_itself(tab: Tab, instance: Running) -> None:
    contacts = [{"name": "Ann", "phone": "+447700900201"}, {"name": "Ben", "phone": "+447700900202"}]
    body = {"incident_id": "pump-9", "description": "Pump 9 pressure low", "contacts": contacts}
    assert instance.client.post("/v1/incidents", body).status == 201
    board, phones = tab(), tab()
    board.goto("/console/incidents/pump-9")
    phones.goto("/console/phones")
    reply(phones, "+447700900201", "No")
    expect(board.get_by_text("Paged Ben")).to_be_visible()
    reply(phones, "+447700900202", "Yes")
    expect(board.locator(".lead")).to_contain_text("taken by Ben")


def reply(phones: Page, phone: str, words: str) -> None:
    """Answer on a phone once its message has come."""
    field = phones.get_by_label(f"Answer from {phone}")
    field.fill(words)
    field.press("Enter")


def test_a_reviewer_approves_from_the_mail(instance: Running, chromium: Browser) -> None:
    profile = {"first_name": "Jo", "language": "en", "preference": "sms", "phone": "+447700900204"}
    assert instance.client.call("PUT", "/v1/recipients/jo", json=profile).status == 201
    instance.client.post("/v1/notifications", {"text": INSULT, "recipients": ["jo"]})
    link = re.search(r"http://127\.0\.0\.1(/r/[\w.-]+)", message_to(instance, REVIEWER))
    assert link
    page = chromium.new_page(base_url=instance.url)
    page.set_default_timeout(PATIENCE_MS)
    page.goto(link[1])
    expect(page.get_by_text(INSULT, exact=True)).to_be_visible()
    page.get_by_role("button", name="Send it", exact=True).click()
    expect(page.get_by_role("heading")).to_contain_text("This message goes out")
    assert INSULT in message_to(instance, "+447700900204")
    page.close()


def message_to(instance: Running, reader: str) -> str:
    """The text of the newest message to somebody, once it has come."""
    for _ in range(PATIENCE_MS // 100):
        listed = instance.client.get(f"/v1/outbox?to={reader.replace('+', '%2B')}").json()["items"]
        if isinstance(listed, list) and listed:
            return str(listed[0]["text"])
        time.sleep(0.1)
    raise AssertionError(f"nothing came to {reader}")


def test_what_is_typed_survives_while_the_page_follows_what_happens(tab: Tab, instance: Running) -> None:
    contacts = [{"name": "Cem", "phone": "+447700900203"}]
    instance.client.post("/v1/incidents", {"description": "Gate open", "contacts": contacts})
    page = tab()
    page.goto("/console/phones")
    field = page.get_by_label("Answer from +447700900203")
    field.fill("half a thou")
    with page.expect_response(re.compile("/console/phones/live")), page.expect_response(re.compile("/phones/live")):
        pass
    expect(field).to_be_focused()
    expect(field).to_have_value("half a thou")


def test_a_link_signs_in_once(instance: Running, chromium: Browser) -> None:
    link, page = sign_in_link(instance), chromium.new_page(base_url=instance.url)
    page.goto(link)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Home")).to_be_visible()
    page.goto(link)
    expect(page.get_by_role("alert")).to_contain_text("was used already")
    page.close()
