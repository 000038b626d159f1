"""Templates and catalogues are published, followed and rolled back as rule files are, without a restart."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from service.cli import main
from service.core.clock import HandClock
from service.core.enums import Lane
from service.core.language_tags import Tag
from service.messages.translations import MissingTranslation, PiecesLost, check_pieces, translation_id
from service.wiring.app import Service
from tests.functional.backends import Install
from tests.functional.client import ROOT, Reply
from tests.functional.conftest import NOON, Api, api_of
from tests.functional.few_rules import few_rules

REPEATED_ON_AWS = False

MENU = """template: menu
files:
  sms.txt: The menu of {{ day }} is out.
  email.html: <p>The menu of {{ day }} is out.</p>
"""
GERMAN = """msgid ""
msgstr ""
"Language: de\\n"

msgid "The gym is closed."
msgstr "Das Studio ist zu."
"""


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    """Folders of the test's own, with two templates and a catalogue."""
    for name in ("answer-help", "incident-page"):
        shutil.copytree(ROOT / "templates" / name, tmp_path / "templates" / name)
    (tmp_path / "templates" / "catalogues").mkdir()
    (tmp_path / "templates" / "catalogues" / "it.po").write_text(
        'msgid "Lunch is ready."\nmsgstr "Il pranzo è pronto."\n'
    )
    return few_rules(tmp_path)


@pytest.fixture
def service(install: Install, rules: Path) -> Service:
    """A service that has published what its folders hold."""
    service = install(HandClock(NOON), rules_dir=rules, templates_dir=rules.parent / "templates")
    publish(service)
    return service


@pytest.fixture
def api(service: Service) -> Api:
    return api_of(service)


def publish(service: Service) -> None:
    """What a worker's periodic tasks do, until nothing changes."""
    for texts in service.texts.families.values():
        texts.copies.sweep()
        texts.copies.sweep()
    service.texts.refresh()


def post(api: Api, path: str, text: str, edited: object = None) -> Reply:
    headers = {"Content-Type": "application/octet-stream"} | ({"If-Match": f'"{edited}"'} if edited else {})
    return api.client.call("POST", path, body=text, headers=headers)


def preview(api: Api, **body: object) -> str:
    reply = api.client.post("/v1/notifications/preview", {"languages": ["en"], **body})
    assert reply.status == 200, reply.text
    return reply.text


def test_what_the_folders_hold_is_listed_with_its_first_version(api: Api) -> None:
    names = {name: [one["name"] for one in listed(api, name)] for name in ("templates", "catalogues")}
    assert names == {"templates": ["answer-help", "incident-page"], "catalogues": ["it"]}
    assert all(one["active_version"] == 1 for name in names for one in listed(api, name))


def listed(api: Api, plural: str) -> list[dict[str, object]]:
    document = api.client.get(f"/v1/{plural}").json()
    assert document["unpublished"] == []
    assert isinstance(document["items"], list)
    return document["items"]


def test_a_template_is_published_used_edited_and_rolled_back(api: Api, service: Service, install: Install) -> None:
    first = post(api, "/v1/templates/menu/versions", MENU)
    assert first.status == 201, first.text
    assert "The menu of Monday is out." in preview(api, template="menu", variables={"day": "Monday"})
    other = install(service.clock, rules_dir=service.settings.rules_dir, templates_dir=service.settings.templates_dir)
    other.texts.begin()
    assert "menu" in other.messaging.templates.names
    edited = MENU.replace("is out.\n", "is here.\n", 1)
    assert post(api, "/v1/templates/menu/versions", edited).status == 428
    assert post(api, "/v1/templates/menu/versions", edited, first.json()["sha256"]).status == 201
    assert post(api, "/v1/templates/menu/versions", edited + " ", first.json()["sha256"]).status == 412
    assert "The menu of Monday is here." in preview(api, template="menu", variables={"day": "Monday"})
    other.texts.refresh()
    assert "is here" in other.messaging.templates.get("menu").sms.source
    assert api.client.post("/v1/templates/menu/activate", {"version": 1}).status == 200
    assert "The menu of Monday is out." in preview(api, template="menu", variables={"day": "Monday"})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (MENU.replace("{{ day }}", "{{ day", 1), "menu/sms.txt"),
        (MENU.replace("sms.txt", "../sms.txt"), "is no file of a template"),
        (MENU.replace("  sms.txt: The menu of {{ day }} is out.\n", ""), "sms.txt is missing"),
        (MENU + "  sms.txt: Another\n", "`sms.txt` stands here a second time"),
        (MENU + "template: menu\n", "`template` stands here a second time"),
        ("template: menu", "files:"),
        ("{", "is not YAML"),
        (MENU.replace("template: menu", "template: lunch"), "but was sent to template"),
    ],
)
def test_a_template_with_a_fault_is_refused_with_what_to_do(api: Api, text: str, said: str) -> None:
    refused = post(api, "/v1/templates/menu/versions", text)
    assert refused.status == 422
    assert said in refused.text
    assert "menu" not in api.service.messaging.templates.names


def test_all_that_is_wrong_with_a_template_is_said_in_its_lines(api: Api) -> None:
    text = """\
template: menu
files:
  sms.txt: |
    The menu is out.
    See you on {{ day | dat }}.
  email.html: <script>
  template.yaml: "lane: fast"
  voice.txt: "{{"
"""
    findings = post(api, "/v1/templates/menu/check", text).json()["findings"]
    assert isinstance(findings, list)
    assert sorted((one["line"], one["column"], one["message"].split(":")[0]) for one in findings) == [
        (5, 16, "menu/sms.txt"),
        (6, 3, "menu/email.html"),
        (7, 3, "menu/template.yaml"),
        (8, 3, "menu/voice.txt"),
    ]


def test_what_no_mail_program_runs_is_refused_in_its_line(api: Api) -> None:
    text = """\
template: menu
files:
  sms.txt: The menu is out.
  email.html: |
    <!-- {{ day }} -->
    <p>The menu is out.</p>
    <p><a href="javascript:show()">See it</a></p>
    <form action="https://example.com/order"></form>
"""
    refused = post(api, "/v1/templates/menu/versions", text)
    assert refused.status == 422
    findings = post(api, "/v1/templates/menu/check", text).json()["findings"]
    assert isinstance(findings, list)
    assert [(one["line"], one["column"]) for one in findings] == [(7, 8), (8, 5)]
    assert "begin it with https:, http:, mailto: or tel:" in findings[0]["message"]
    assert "link to a page that has it" in findings[1]["message"]


def test_of_very_many_errors_the_first_are_said(api: Api) -> None:
    files = "".join(
        f'  {name}.{tag}.txt: "{{{{"\n'
        for name in ("sms", "voice")
        for tag in ("de", "fr", "es", "it", "pt", "nl", "pl", "cs", "da", "sv", "fi", "nb", "el")
    )
    text = f"template: menu\nfiles:\n  sms.txt: The menu\n  voice.txt: The menu\n{files}"
    report = post(api, "/v1/templates/menu/check", text).json()
    assert isinstance(report["findings"], list)
    assert len(report["findings"]) == 20


LETTER = """template: menu
files:
  sms.txt: The menu of {{ day }} is out.
  email.html: <p>Your <b>menu</b> is <a href="https://example.com">ready</a>.</p>
"""


def translation(api: Api, text: str, said: str) -> None:
    """As if this text had been wanted, and a person had said it in Swahili."""
    translations = api.service.messaging.translations
    wanted = translations.translate(text, Tag("en"), Tag("sw"), Lane.BULK)
    assert isinstance(wanted, MissingTranslation)
    translations.supply(wanted.id, said, "test")


def test_what_was_supplied_between_two_tags_goes_on_and_a_sentence_is_supplied_whole(api: Api) -> None:
    post(api, "/v1/templates/menu/versions", LETTER)
    translation(api, "The menu of {{ day }} is out.", "Menyu ya {{ day }} iko tayari.")
    asked = {"template": "menu", "variables": {"day": "Monday"}, "languages": ["sw"]}
    whole = "Your <1>menu</1> is <2>ready</2>."
    assert whole in preview(api, **asked)
    for text, said in (("Your", "Menyu"), ("menu", "yako"), ("is", "iko"), ("ready", "tayari"), (".", ".")):
        if text != ".":
            translation(api, text, said)
    shown = preview(api, **asked)
    assert "Menyu <b>yako</b> iko <a href=" in json.loads(shown)["items"][0]["email"]["html"]
    name = translation_id(whole, Tag("en"), Tag("sw"))
    assert api.service.messaging.translations.wanted(name) is None, "nobody is asked for the whole"


def test_a_translation_whose_marks_cross_is_refused() -> None:
    with pytest.raises(PiecesLost, match="must open before it closes"):
        check_pieces("Your <1>menu</1>.", "</1>Menyu<1>.")
    check_pieces("Only <1>5 days</1> left.", "Siku <1>tu 5</1>.")


def test_a_policy_may_name_a_template_that_was_just_published(api: Api) -> None:
    policy = "escalation: own\nlevels:\n  - {contacts: [1], channels: [sms], wait: 40s}\nmessages: {page: menu}\n"
    assert post(api, "/v1/policies/own/versions", policy).status == 422
    assert post(api, "/v1/templates/menu/versions", MENU).status == 201
    assert post(api, "/v1/policies/own/versions", policy).status == 201


def test_a_catalogue_is_published_used_and_rolled_back(api: Api, service: Service) -> None:
    first = post(api, "/v1/catalogues/de/versions", GERMAN)
    assert first.status == 201, first.text
    assert "Das Studio ist zu." in preview(api, text="The gym is closed.", languages=["de"])
    better = GERMAN.replace("Studio", "Fitnessstudio")
    assert post(api, "/v1/catalogues/de/versions", better, first.json()["sha256"]).status == 201
    known = service.messaging.catalogues.by_language[Tag("de")]
    assert known["The gym is closed."] == "Das Fitnessstudio ist zu."
    assert len(known) > 100, "the shipped sentences go on"
    assert api.client.post("/v1/catalogues/de/activate", {"version": 1}).status == 200
    assert "Das Studio ist zu." in preview(api, text="The gym is closed.", languages=["de"])


def test_a_catalogue_with_faults_is_refused_with_their_lines(api: Api) -> None:
    wrong = GERMAN + '\nmsgid "Open until {date1}."\nmsgstr "Offen."\n'
    refused = post(api, "/v1/catalogues/de/versions", wrong)
    assert refused.status == 422
    findings = refused.json()["findings"]
    assert isinstance(findings, list)
    assert [(each["line"], "{date1}" in each["message"]) for each in findings] == [(8, True)]
    assert post(api, "/v1/catalogues/de/versions", GERMAN.replace("Language", "Tongue")).status == 422
    assert post(api, "/v1/catalogues/fr/versions", GERMAN).status == 422


def test_edits_of_the_folders_are_versions(api: Api, service: Service) -> None:
    page = service.settings.templates_dir / "incident-page" / "sms.txt"
    page.write_text(page.read_text() + "\nCall the desk if in doubt.")
    words = service.settings.templates_dir / "catalogues" / "it.po"
    words.write_text(words.read_text().replace("pronto", "servito"))
    publish(service)
    assert "Call the desk" in service.messaging.templates.get("incident-page").sms.source
    for path in ("templates/incident-page", "catalogues/it"):
        active = api.client.get(f"/v1/{path}").json()["active"]
        assert isinstance(active, dict)
        assert (active["version"], active["author"].split()[1]) == (2, "folder")
    assert "Il pranzo è servito." in preview(api, text="Lunch is ready.", languages=["it"])


def test_the_commands_publish_roll_back_and_pull(
    service: Service, api: Api, rules: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {
        "HOME": service.settings.home,
        "RULES_DIR": rules,
        "TEMPLATES_DIR": rules.parent / "templates",
    }.items():
        monkeypatch.setenv(f"TOCSIN_{name}", str(value))

    def tocsin(*words: str) -> str:
        done = CliRunner().invoke(main, words)
        assert done.exit_code == 0, done.output
        return done.output

    page = rules.parent / "templates" / "incident-page"
    before = (page / "sms.txt").read_text()
    (page / "sms.txt").write_text("Pump {{ description }}")
    assert "incident-page version 2 is active" in tocsin("templates", "publish", str(page))
    assert "*    2" in tocsin("templates", "history", "incident-page")
    tocsin("templates", "activate", "incident-page", "1")
    (page / "voice.fr.txt").write_text("Un incident")
    assert "keeps an edit" in tocsin("templates", "pull", "incident-page")
    assert (page / "sms.txt").read_text() == before
    assert not (page / "voice.fr.txt").exists()
    assert "0 errors" in tocsin("policies", "check", str(rules / "escalation" / "default.yaml"))
    assert "0 errors" in tocsin("catalogues", "check", str(rules.parent / "templates" / "catalogues" / "it.po"))
    tocsin("policies", "pull", "default")
