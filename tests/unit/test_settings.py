import re
import secrets
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from service import config
from service.aws.references import CannotFetch, ValueReference
from service.config import Settings, SettingsError, folders
from service.core.enums import Channel, Scope
from service.messages.pace import Pace, parse_pace
from service.messages.quiet_hours import parse_quiet_hours
from service.messages.senders import Senders
from service.storage import StoreUnavailable
from service.wiring.storage import open_store
from tests.functional.client import ROOT, tocsin


def test_every_setting_is_documented_with_its_default_and_meaning() -> None:
    rows = [line for line in (ROOT / "docs" / "settings.md").read_text().splitlines() if line.startswith("| `TOCSIN_")]
    assert rows == [_row(name) for name in Settings.model_fields]


def _row(name: str) -> str:
    field = Settings.model_fields[name]
    return f"| `TOCSIN_{name.upper()}` | {_shown(field.get_default(call_default_factory=True))} | {field.description} |"


def _shown(default: object) -> str:
    """A default as it would be written; nothing for one that stands for none."""
    match default:
        case None | Senders() | ():
            return ""
        case tuple():
            return f"`{','.join(map(str, default))}`"
        case Pace(messages=messages, within=within):
            minutes = int(within.total_seconds()) // 60
            return f"`{messages}/{minutes // 60}h`" if minutes % 60 == 0 else f"`{messages}/{minutes}m`"
        case Mapping() | frozenset():
            assert not default
            return ""
        case _:
            return f"`{default}`"


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("TOCSIN_PROT", "TOCSIN_PORT"),
        ("TOCSIN_RULE_DIR", "TOCSIN_RULES_DIR"),
        ("TOCSIN_XYZZY", "docs/settings.md"),
        ("TOCSN_HOST", "TOCSIN_HOST"),
        ("TOSCIN_PORT", "TOCSIN_PORT"),
        ("TOCSINN_WORKER", "TOCSIN_WORKERS"),
    ],
)
def test_a_misspelt_name_is_reported_with_the_nearest(name: str, near: str) -> None:
    (sentence,) = config.unknown({name: "1", "TOCSIN_PORT": "1", "HOME": "/root", "TOXIN_HOST": "x", "TOPS_PORT": "1"})
    assert name in sentence
    assert near in sentence


def test_every_command_reports_a_misspelt_name_of_the_environment_or_of_a_file(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("TOCSIN_WOKERS=3\nOTHER=1\n")
    ended = tocsin("keys", "list", settings={"TOCSIN_HOME": str(tmp_path), "TOCSIN_PROT": "1"}, cwd=tmp_path)
    assert ended.returncode == 0
    assert "did you mean TOCSIN_PORT?" in ended.stderr
    assert "did you mean TOCSIN_WORKERS?" in ended.stderr


BAD = {
    "four_eyes": "rules,eyes",
    "attachments": "https://example.com/files",
    "home": "/dev/null/home",
    "host": "http://127.0.0.1",
    "port": "70000",
    "backend": "cloud",
    "rules_dir": "/no/such/folder",
    "templates_dir": "/no/such/folder",
    "rules_watch": "maybe",
    "workers": "0",
    "threads": "many",
    "edge": "sharp",
    "trusted_proxies": "10.0.0.1/8",
    "worker_processes": "-1",
    "worker_threads": "1.5",
    "body_limit": "1 MB",
    "log_level": "LOUD",
    "worker_silence": "0",
    "incident_overdue": "soon",
    "transactional_overdue": "-1",
    "bulk_overdue": "1h",
    "access_log": "2",
    "mailbox_url": "imaps://mail.example.com",
    "reply_to": "replies{token}",
    "smtp_url": "mail.example.com",
    "mail_from": "Tocsin @ Work <alerts@example.com>",
    "reviewers": "me",
    "allowed_countries": "Germany",
    "quiet_hours": "22-7",
    "timezone": "Berlin",
    "recipient_limit": "20 per hour",
    "incident_text_limit": "5 per hour",
    "incident_call_limit": "never",
    "email_rate": "inf",
    "sms_rate": "0",
    "voice_rate": "nan",
    "libretranslate_url": "libre:5000",
    "libretranslate_api_key": "a key",
    "model_dir": "/no/such/folder",
    "keep_terms": ",",
    "sender_name": "The Incorporated Example Company",
    "help_contact": "ops@example.com\nor us",
    "public_url": "tocsin.example.com",
    "events_url": "http://user:secret@example.com",
    "loopback_callbacks": "perhaps",
    "sns_topics": "replies",
    "secret": "short",
    "aws_prefix": "my prefix",
    "signing_secrets": "ab",
    "parameters_ttl": "0",
    "outbox_channels": "fax",
    "chat_webhooks": "perhaps",
    "chat_hosts": "https://chat.example",
    "language_services": "google",
    "mail_configuration_set": "my set",
    "phone_identity": "Tocsin\tTeam",
    "phone_configuration_set": "my set",
    "senders": "missing.yaml",
    "providers": "twilio=1",
    "twilio_account": "AC1",
    "twilio_tokens": "to ken",
    "twilio_identity": "ä",
    "twilio_url": "ftp://api.twilio.com",
    "sms_plain": "perhaps",
    "spend_cap": "-1",
    "terminology": "my terms",
    "formality": "POLITE",
    "review_machine": "some",
    "detector": "nobody",
    "event_bus": "my bus",
    "intake_queue": "letters.fifo",
    "intake_app": "an app",
    "intake_scopes": "evaluate,admin",
}
"""A value that cannot be used, for every setting that there is."""


Says = Callable[..., None]


@pytest.fixture
def says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Says:
    """Set settings in the environment: `says(SMTP_URL="x")`; no other has a value."""
    for name in config.names():
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)

    def says(**settings: str) -> None:
        for name, text in settings.items():
            monkeypatch.setenv(f"TOCSIN_{name.upper()}", text)

    return says


def refused(service: bool = False) -> dict[str, str]:
    """What is said of each setting that cannot be used."""
    with pytest.raises(SettingsError) as raised:
        config.load(service=service)
    lines = str(raised.value).splitlines()[1:-1]
    assert [line.partition(": ")[0] for line in lines] == [fault.name for fault in raised.value.faults]
    return {name: message for name, _, message in (line.partition(": ") for line in lines)}


@pytest.mark.parametrize("field", Settings.model_fields)
def test_every_setting_refuses_a_bad_value_by_its_name(field: str, says: Says) -> None:
    assert field in BAD, "give an example of a value that this setting refuses"
    partner = {"twilio_account": {"twilio_tokens": "t"}, "twilio_tokens": {"twilio_account": f"AC{'0' * 32}"}}
    says(**partner.get(field, {}), **{field: BAD[field]})
    said = refused()
    assert list(said) == [f"TOCSIN_{field.upper()}"]
    assert len(said[f"TOCSIN_{field.upper()}"]) > 10


def test_all_bad_values_are_named_at_once_with_a_line_each_and_status_2(tmp_path: Path) -> None:
    for command in (("up",), ("serve",), ("worker",), ("keys", "list")):
        ended = tocsin(*command, settings={f"TOCSIN_{name.upper()}": text for name, text in BAD.items()}, cwd=tmp_path)
        assert ended.returncode == 2, command
        named = [line.partition(":")[0] for line in ended.stderr.splitlines() if line.startswith("TOCSIN_")]
        assert sorted(named) == sorted(config.names()), command
        assert "Traceback" not in ended.stderr


SECRETS = [name for name, field in Settings.model_fields.items() if not field.repr]


@pytest.mark.parametrize("field", SECRETS)
def test_a_secret_that_cannot_be_used_is_never_shown(field: str, says: Says) -> None:
    says(**{field: "hunter 2,hunter 3"})
    assert "hunter" not in str(refused())


@pytest.mark.parametrize("field", Settings.model_fields)
def test_what_is_kept_elsewhere_is_never_shown(field: str, says: Says, monkeypatch: pytest.MonkeyPatch) -> None:
    if field in {"home", "rules_dir", "templates_dir", "model_dir"}:
        return  # which folder is not there is what has to be said
    says(**{field: "ssm:/kept"})
    token = f"{secrets.token_hex(4)} x'y\"z, {secrets.token_hex(4)}"
    said = str(config.examine(lambda _: token).faults)
    assert not any(part in said for part in re.findall(r"[0-9a-f]{8}", token)), said


def test_a_reference_that_cannot_be_had_is_named_beside_the_other_faults(says: Says) -> None:
    def fetch(_: ValueReference) -> str:
        raise CannotFetch("ssm:/x does not exist: create it")

    says(smtp_url="ssm:/x", port="x", quiet_hours="22-7")
    with pytest.raises(SettingsError) as raised:
        config.load(fetch)
    assert [fault.name for fault in raised.value.faults] == ["TOCSIN_SMTP_URL", "TOCSIN_PORT", "TOCSIN_QUIET_HOURS"]


def test_settings_are_parsed_once_and_for_all(says: Says) -> None:
    says(
        quiet_hours="22:00-07:00",
        recipient_limit="5/15m",
        outbox_channels="SMS, email",
        allowed_countries="de, GB",
        providers="twilio-sms=1",
        reviewers="ann@example.com, ben@example.test",
        mail_from="Bürger <a@münchen.example>",
        public_url="https://münchen.example:8443/base/",
        intake_scopes="notify",
        secret="AB" * 32,
    )
    loaded = config.load()
    assert (loaded.quiet_hours, loaded.recipient_limit) == (parse_quiet_hours("22:00-07:00"), parse_pace("5/15m"))
    assert (loaded.outbox_channels, loaded.allowed_countries) == (
        frozenset({Channel.SMS, Channel.EMAIL}),
        frozenset({"DE", "GB"}),
    )
    assert (loaded.providers, loaded.intake_scopes) == ({"twilio-sms": 1.0}, (Scope.NOTIFY,))
    assert loaded.reviewers == ("ann@example.com", "ben@example.test")
    assert loaded.mail_from.addr_spec == "a@xn--mnchen-3ya.example"
    assert loaded.public_url == "https://xn--mnchen-3ya.example:8443/base/"
    assert loaded.secret == b"\xab" * 32


@pytest.mark.parametrize("channel", list(Channel))
def test_a_channel_on_trial_is_held_back_on_aws_however_it_is_written(channel: Channel, says: Says) -> None:
    says(backend="aws", outbox_channels=f" {channel.upper()} ,")
    assert [each for each in Channel if config.load().is_trial(each)] == [channel]


@pytest.mark.parametrize(
    "url",
    [
        "tocsin.example.com",
        "//tocsin.example.com",
        "ftp://tocsin.example.com",
        "https://",
        "https:///path",
        "http://[::1",
        "https://tocsin.example.com:port",
        "https://tocsin.example.com:99999",
        "https://user@tocsin.example.com",
        "https://tocsin.example.com?x=1",
        "https://tocsin.example.com/#x",
        "https://tocsin example.com",
        "https://-tocsin.example.com",
        "https://tocsin.example.com\n",
        "https://..",
        "https://" + "a" * 2000 + ".com",
    ],
)
def test_a_public_address_is_http_or_https_with_a_host_and_nothing_behind_the_path(url: str, says: Says) -> None:
    says(public_url=url)
    assert list(refused()) == ["TOCSIN_PUBLIC_URL"]


@pytest.mark.parametrize(
    ("url", "warned"),
    [
        ("https://tocsin.example.com", False),
        ("http://127.0.0.1:8080", False),
        ("http://localhost:8080/base", False),
        ("http://[::1]:8080", False),
        ("http://tocsin.example.com", True),
        ("http://192.168.1.4:8080", True),
    ],
)
def test_http_beyond_this_machine_is_warned_of_and_never_refused(url: str, warned: bool, says: Says) -> None:
    says(public_url=url)
    sentences = config.warnings(config.load())
    assert ["https" in sentence and "TOCSIN_PUBLIC_URL" in sentence for sentence in sentences] == [True] * warned


def test_an_account_at_twilio_needs_tokens_and_tokens_an_account(says: Says) -> None:
    says(twilio_account=f"AC{'0' * 32}")
    assert list(refused()) == ["TOCSIN_TWILIO_TOKENS"]
    says(twilio_account="", twilio_tokens="t")
    assert list(refused()) == ["TOCSIN_TWILIO_ACCOUNT"]


def test_identities_must_say_whose_they_are_where_there_are_two_providers(says: Says) -> None:
    says(twilio_account=f"AC{'0' * 32}", twilio_tokens="t", backend="aws", senders='{"DE": [{"origin": "A"}]}')
    assert "provider: aws" in refused()["TOCSIN_SENDERS"]


# The folders that settings name.


def test_a_home_that_is_a_file_or_lies_in_one_is_refused(says: Says, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for home in ("file", "file/home"):
        says(home=home)
        for service in (False, True):
            assert "file" in refused(service)["TOCSIN_HOME"]


def test_a_home_that_cannot_be_made_is_refused(says: Says) -> None:
    says(home="/proc/tocsin")
    assert "cannot be made" in refused(service=True)["TOCSIN_HOME"]
    says(home="x" * 300)
    assert "cannot be made" in refused(service=True)["TOCSIN_HOME"]


def test_a_home_that_cannot_be_written_to_is_refused(says: Says, tmp_path: Path) -> None:
    says(home="/proc/self")  # a folder in which even root cannot write
    assert "cannot be written to" in refused()["TOCSIN_HOME"]
    assert "cannot be" in refused(service=True)["TOCSIN_HOME"]


def test_commands_that_only_look_make_no_home(says: Says, tmp_path: Path) -> None:
    says(home="new/home")
    config.load()
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("field", ["rules_dir", "templates_dir"])
def test_a_service_needs_its_folders_and_other_commands_only_those_that_are_named(
    field: str, says: Says, tmp_path: Path
) -> None:
    config.load()
    assert {"TOCSIN_RULES_DIR", "TOCSIN_TEMPLATES_DIR"} <= set(refused(service=True))
    (tmp_path / "rules").mkdir()
    (tmp_path / "templates").mkdir()
    config.load(service=True)
    says(**{field: "nope"})
    assert list(refused()) == list(refused(service=True)) == [f"TOCSIN_{field.upper()}"]


def test_a_secret_file_that_cannot_be_used_is_refused(says: Says, tmp_path: Path) -> None:
    (tmp_path / "var").mkdir()
    (tmp_path / "var" / "secret").write_text("not hex")
    assert "restore it from the backup" in refused()["TOCSIN_SECRET"]
    says(secret="ab" * 32)
    config.load()


def test_a_disk_without_room_is_told_with_its_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folders.check_room(tmp_path)
    monkeypatch.setattr(folders, "LEAST_ROOM", 1 << 60)
    with pytest.raises(folders.NoRoom, match=str(tmp_path)):
        folders.check_room(tmp_path)
    with pytest.raises(folders.NoRoom, match="No such file"):
        folders.check_room(tmp_path / "gone")


def test_processes_that_a_service_starts_do_not_look_at_folders_again(
    says: Says, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(folders.CHECKED, "1")
    says(home="gone", rules_dir="gone-too")
    with pytest.raises(StoreUnavailable):
        open_store(config.load(service=True)).ping()
    assert not (tmp_path / "gone").exists()


def test_a_file_of_settings_that_is_no_text_is_named(says: Says, tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"TOCSIN_PORT=\xff\xfe")
    ended = tocsin("keys", "list", settings={}, cwd=tmp_path)
    assert ended.returncode == 2
    assert ".env: cannot be read" in ended.stderr


def test_the_environment_wins_over_the_file_and_an_empty_value_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".env").write_text("TOCSIN_PORT=1111\nTOCSIN_WORKERS=3\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TOCSIN_PORT", "2222")
    monkeypatch.setenv("TOCSIN_HOST", "")
    loaded = config.load()
    assert (loaded.port, loaded.workers, loaded.host) == (2222, 3, "127.0.0.1")


@pytest.mark.parametrize(
    ("backend", "said", "watches"),
    [("embedded", None, True), ("aws", None, False), ("aws", "1", True), ("embedded", "0", False)],
)
def test_rule_files_are_watched_on_the_embedded_backend_unless_told(
    backend: str, said: str | None, watches: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOCSIN_BACKEND", backend)
    monkeypatch.setenv("TOCSIN_RULES_WATCH", said or "")
    assert config.load().watches_rules is watches


def test_a_setting_out_of_range_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOCSIN_PORT", "70000")
    with pytest.raises(SettingsError, match="TOCSIN_PORT"):
        config.load()
