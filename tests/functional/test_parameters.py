"""Settings that are kept in SSM, Secrets Manager and AppConfig, of which the service holds references."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlencode

import boto3
import pytest

from service import config
from service.aws.parameters import RemoteValues
from service.aws.references import CannotFetch, ValueReference, parse_reference
from service.channels.smtp import parse_smtp_url
from service.config import Settings, SettingsError
from service.inbound.twilio.routes import SIGNATURE
from service.inbound.twilio.signature import PATH, callback_address, signature
from service.messages.senders import read_senders
from service.wiring.reload import FAILURES, SettingsWatch
from tests.aws import Environment
from tests.functional.client import tocsin
from tests.functional.conftest import Start
from tests.functional.few_rules import few_rules
from tests.twilio_service import ACCOUNT, NUMBER, TOKEN, twilio_service
from tests.unit.test_work_running import eventually

URL = "smtp://user:hunter2@mail.example.com"


@dataclass
class Account:
    """What an operator keeps in AWS; every name is this test's own."""

    prefix: str = field(default_factory=lambda: uuid.uuid4().hex)

    def __post_init__(self) -> None:
        session = boto3.session.Session()
        self.ssm = session.client("ssm")
        self.secrets = session.client("secretsmanager")
        self.configs = session.client("appconfig")

    def puts(self, name: str, value: str) -> str:
        """Keep a value in SSM, encrypted; answers the reference."""
        path = f"/{self.prefix}/{name}"
        self.ssm.put_parameter(Name=path, Value=value, Type="SecureString", Overwrite=True)
        return f"ssm:{path}"

    def keeps_secret(self, name: str, value: str) -> str:
        """Keep a secret; answers the reference."""
        self.secrets.create_secret(Name=f"{self.prefix}-{name}", SecretString=value)
        return f"secretsmanager:{self.prefix}-{name}"

    def rotates_secret(self, name: str, value: str) -> None:
        self.secrets.put_secret_value(SecretId=f"{self.prefix}-{name}", SecretString=value)

    def deploys(self, content: Mapping[str, object]) -> str:
        """Deploy a configuration; answers the reference."""
        app = self.configs.create_application(Name=self.prefix)["Id"]
        place = self.configs.create_environment(ApplicationId=app, Name="prod")["Id"]
        profile = self.configs.create_configuration_profile(ApplicationId=app, Name="tocsin", LocationUri="hosted")[
            "Id"
        ]
        version = self.configs.create_hosted_configuration_version(
            ApplicationId=app,
            ConfigurationProfileId=profile,
            Content=json.dumps(content).encode(),
            ContentType="application/json",
        )["VersionNumber"]
        self.configs.start_deployment(
            ApplicationId=app,
            EnvironmentId=place,
            DeploymentStrategyId="AppConfig.AllAtOnce",
            ConfigurationProfileId=profile,
            ConfigurationVersion=str(version),
        )
        return f"appconfig:{app}/{place}/{profile}"


@pytest.fixture
def account(aws: Environment) -> Account:
    return Account()


@pytest.fixture
def says(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Set settings in the environment: `says(SMTP_URL="ssm:/x")`."""

    def says(**settings: str) -> None:
        for name, text in settings.items():
            monkeypatch.setenv(f"TOCSIN_{name}", text)

    return says


@pytest.mark.parametrize(
    ("text", "reference"),
    [
        ("ssm:/tocsin/prod/x", ("ssm", "/tocsin/prod/x", None)),
        ("secretsmanager:tocsin/smtp#url", ("secretsmanager", "tocsin/smtp", "url")),
        (
            "secretsmanager:arn:aws:secretsmanager:eu-central-1:123456789012:secret:x-AbCdEf#a.b",
            ("secretsmanager", "arn:aws:secretsmanager:eu-central-1:123456789012:secret:x-AbCdEf", "a.b"),
        ),
        ("appconfig:tocsin/prod/settings#senders", ("appconfig", "tocsin/prod/settings", "senders")),
    ],
)
def test_a_reference_is_read_into_its_parts_and_written_as_it_came(
    text: str, reference: tuple[str, str, str | None]
) -> None:
    parsed = parse_reference(text)
    assert parsed is not None
    assert (parsed.source, parsed.name, parsed.key) == reference
    assert str(parsed) == text


@pytest.mark.parametrize(
    "text", ["", "8080", "smtp://ssm:x@host", "ssm", "ssm:", "https://ssm:443/", "SSM:/x", "sm:/x"]
)
def test_what_is_no_reference_stands_for_itself(text: str) -> None:
    assert parse_reference(text) is None


def test_any_setting_may_be_kept_in_any_of_the_three(account: Account, says: Callable[..., None]) -> None:
    says(
        SMTP_URL=account.puts("smtp", URL),
        PORT=account.deploys({"port": 8099, "reviewers": "ann@example.com"}) + "#port",
        LIBRETRANSLATE_API_KEY=account.keeps_secret("libre", '{"key": "k-1", "other": "x"}') + "#key",
        SENDERS=account.keeps_secret("senders", '{"DE": [{"origin": "TOCSIN"}]}'),
        HOST="127.0.0.2",
    )
    loaded = config.load()
    assert (loaded.smtp_url, loaded.port, loaded.libretranslate_api_key) == (parse_smtp_url(URL), 8099, "k-1")
    assert (loaded.senders, loaded.host) == (read_senders('{"DE": [{"origin": "TOCSIN"}]}'), "127.0.0.2")


def test_a_member_that_is_a_list_or_an_object_is_read_as_the_setting_is_written(
    account: Account, says: Callable[..., None]
) -> None:
    kept = account.keeps_secret(
        "twilio", '{"tokens": ["new", "old"], "senders": {"DE": [{"origin": "TOCSIN"}]}, "watch": true, "cap": 12.50}'
    )
    says(
        TWILIO_ACCOUNT=ACCOUNT,
        TWILIO_TOKENS=f"{kept}#tokens",
        SENDERS=f"{kept}#senders",
        RULES_WATCH=f"{kept}#watch",
        SPEND_CAP=f"{kept}#cap",
    )
    loaded = config.load()
    assert loaded.twilio_tokens == ("new", "old")
    assert loaded.senders == read_senders('{"DE": [{"origin": "TOCSIN"}]}')
    assert (loaded.rules_watch, loaded.spend_cap) == (True, 12.5)


@pytest.mark.parametrize("kept", ["[]", "null"])
def test_a_list_of_no_tokens_is_no_token(kept: str, account: Account, says: Callable[..., None]) -> None:
    secret = account.keeps_secret("twilio", f'{{"tokens": {kept}}}')
    says(TWILIO_TOKENS=f"{secret}#tokens")
    assert config.load().twilio_tokens == ()


@pytest.mark.parametrize("kept", ['["a", 1]', '["a,b", "c"]'])
def test_what_is_no_list_of_tokens_is_refused_and_never_shown(
    kept: str, account: Account, says: Callable[..., None]
) -> None:
    secret = account.keeps_secret("twilio", f'{{"tokens": {kept}}}')
    says(TWILIO_TOKENS=f"{secret}#tokens")
    with pytest.raises(SettingsError, match=r"TWILIO_TOKENS: .* not every part is a text without commas") as refused:
        config.load()
    assert kept not in str(refused.value)


def test_one_that_cannot_be_fetched_names_setting_and_reference_and_says_what_to_do(
    account: Account, says: Callable[..., None]
) -> None:
    secret = account.keeps_secret("both", '{"a": "hunter2"}')
    says(
        SMTP_URL=f"ssm:/{account.prefix}/nothing",
        SECRET=f"secretsmanager:{account.prefix}-nothing",
        REVIEWERS=secret + "#b",
        SENDERS="appconfig:only-one-part",
        HOST=account.puts("text", "hunter2") + "#member",
    )
    with pytest.raises(SettingsError) as raised:
        config.load()
    told = {line.split(":")[0]: line for line in str(raised.value).splitlines()}
    assert f"ssm:/{account.prefix}/nothing does not exist" in told["TOCSIN_SMTP_URL"]
    assert "create it" in told["TOCSIN_SECRET"]
    assert "member that is not there" in told["TOCSIN_REVIEWERS"]
    assert "application/environment/profile" in told["TOCSIN_SENDERS"]
    assert "not JSON" in told["TOCSIN_HOST"]
    assert "hunter2" not in str(raised.value)


def test_a_value_that_does_not_fit_is_told_by_its_setting_and_never_shown(
    account: Account, says: Callable[..., None]
) -> None:
    says(PORT=account.puts("port", "hunter2"))
    with pytest.raises(SettingsError, match="TOCSIN_PORT") as raised:
        config.load()
    assert "hunter2" not in str(raised.value)


def test_credentials_that_are_refused_name_what_to_allow(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    with pytest.raises(CannotFetch, match="ssm:/x cannot be fetched"):
        RemoteValues().fetch(ValueReference(parse_reference("ssm:/x").source, "/x"))  # type: ignore[union-attr]


# While the service runs.


@dataclass
class Renewals:
    """How often a process would have been renewed."""

    count: int = 0

    def __call__(self) -> None:
        self.count += 1


def test_a_change_renews_the_process_once_and_what_stays_the_same_never(
    account: Account, says: Callable[..., None]
) -> None:
    says(SMTP_URL=account.puts("smtp", URL), REVIEWERS="ann@example.com")
    renewals = Renewals()
    watch = SettingsWatch(config.load(), renewals)
    watch.look()
    assert renewals.count == 0
    account.puts("smtp", URL.replace("hunter2", "hunter3"))
    watch.look()
    watch.look()
    assert renewals.count == 1


@pytest.mark.parametrize("spoil", ["remove", "misfit"])
def test_what_cannot_be_read_again_leaves_the_last_values_and_is_warned_of_and_counted(
    account: Account, says: Callable[..., None], caplog: pytest.LogCaptureFixture, spoil: str
) -> None:
    says(PORT=account.puts("port", "8099"), SMTP_URL=account.puts("smtp", URL))
    renewals = Renewals()
    watch = SettingsWatch(config.load(), renewals)
    before = _failures()
    account.puts("smtp", URL.replace("hunter2", "hunter3"))
    if spoil == "remove":
        account.ssm.delete_parameter(Name=f"/{account.prefix}/port")
    else:
        account.puts("port", "hunter2")
    watch.look()
    assert (renewals.count, _failures() - before) == (0, 1)
    assert "TOCSIN_PORT" in caplog.text
    assert "hunter" not in caplog.text
    account.puts("port", "8099")
    watch.look()
    assert renewals.count == 1


def _failures() -> float:
    return next(sample.value for metric in FAILURES.collect() for sample in metric.samples if "total" in sample.name)


def test_a_secret_that_rotates_reaches_processes_that_run_and_none_of_their_requests_fails(
    account: Account, start: Start, aws: Environment
) -> None:
    reference = account.keeps_secret("port-of-mail", "ann@example.com")
    server = start(REVIEWERS=reference, PARAMETERS_TTL="1", WORKERS="2")
    account.rotates_secret("port-of-mail", "ben@example.com")
    deadline = time.monotonic() + 60
    while server.log().count("this process is renewed") < 3 and time.monotonic() < deadline:
        assert server.client.get("/healthz").status == 200
    assert server.log().count("this process is renewed") == 3, "two of the API and a worker"
    assert server.process.poll() is None
    assert server.client.get("/readyz").status == 200
    assert "example.com" not in server.log()


def test_tokens_of_twilio_rotate_under_a_running_service_what_is_signed_with_either_comes_in_and_the_new_one_sends(
    account: Account, start: Start, aws: Environment, tmp_path: Path
) -> None:
    old, url = "the-token-before", "https://tocsin.example.com"
    fields = {
        "AccountSid": ACCOUNT,
        "MessageSid": "SM" + "1" * 32,
        "From": "+4915123456701",
        "To": NUMBER,
        "Body": "hi",
    }

    def comes_in(token: str) -> bool:
        signed = signature(token, callback_address(url), tuple(fields.items()))
        headers = {"Content-Type": "application/x-www-form-urlencoded", SIGNATURE: signed}
        reply = server.client.with_key(None).call("POST", PATH, body=urlencode(fields), headers=headers)
        assert reply.status in {200, 403}, reply.text
        return reply.status == 200

    with twilio_service() as twilio:  # it has forgotten the old token already
        server = start(
            RULES_DIR=str(few_rules(tmp_path)),
            TWILIO_ACCOUNT=ACCOUNT,
            TWILIO_TOKENS=account.keeps_secret("twilio", json.dumps({"tokens": [old]})) + "#tokens",
            TWILIO_IDENTITY=NUMBER,
            TWILIO_URL=twilio.url,
            PUBLIC_URL=url,
            PARAMETERS_TTL="1",
            WORKERS="1",
        )
        assert (comes_in(old), comes_in(TOKEN)) == (True, False)
        contacts = [{"name": "Ann", "phone": "+4915123456701", "language": "en"}]
        assert server.client.post("/v1/incidents", {"description": "Pump 1", "contacts": contacts}).status == 201
        account.rotates_secret("twilio", json.dumps({"tokens": [TOKEN, old]}))
        assert eventually(lambda: comes_in(TOKEN) and bool(twilio.asked), seconds=60)
        assert comes_in(old)
        assert ["Pump 1" in form["Body"] for form in twilio.of("Messages")] == [True]
    assert old not in server.log()


def test_the_doctor_shows_each_reference_and_whether_it_answers(account: Account, aws: Environment) -> None:
    settings = {
        "TOCSIN_REVIEWERS": account.puts("reviewers", "ann@example.com"),
        "TOCSIN_SMTP_URL": "ssm:/nothing/here",
    }
    ended = tocsin("doctor", "--json", settings=settings)
    checks = {check["subject"]: check for check in json.loads(ended.stdout)["checks"]}
    assert (checks["TOCSIN_REVIEWERS"]["level"], checks["TOCSIN_SMTP_URL"]["level"]) == ("OK", "FAIL")
    assert "ssm:/nothing/here" in checks["TOCSIN_SMTP_URL"]["found"]
    assert "ann@example.com" not in ended.stdout


def test_without_references_nothing_is_fetched_and_no_client_is_made(says: Callable[..., None]) -> None:
    says(HOST="127.0.0.1")

    def never(reference: ValueReference) -> str:
        raise AssertionError(f"{reference} was fetched")

    assert config.load(never) == Settings()
