"""Fetching what settings refer to from SSM Parameter Store, Secrets Manager and AppConfig."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol, cast

from botocore.exceptions import BotoCoreError, ClientError

from service.aws.clients import Clients
from service.aws.references import CannotFetch, ValueReference, ValueSource
from service.core import AwsErrorKind, NotJson, aws_error_code, aws_kind_of_code, exact_json

_PERMISSIONS: Mapping[ValueSource, str] = {
    ValueSource.SSM: "ssm:GetParameter (and kms:Decrypt, if a key of your own encrypts it)",
    ValueSource.SECRETS_MANAGER: "secretsmanager:GetSecretValue (and kms:Decrypt, if a key of your own encrypts it)",
    ValueSource.APP_CONFIG: "appconfig:StartConfigurationSession and appconfig:GetLatestConfiguration",
}


class RemoteValues:
    """What the three services keep, as this process may read it. Two clients at most, made when they are needed."""

    def __init__(self, clients: Clients | None = None) -> None:
        self._clients = clients or Clients()

    def fetch(self, reference: ValueReference) -> str:
        """The value as it is now; `CannotFetch`."""
        try:
            text = self._read(reference)
        except ClientError as error:
            raise CannotFetch(_advice(reference, aws_error_code(error))) from error
        except BotoCoreError as error:
            raise CannotFetch(f"{reference} cannot be fetched: {error}. Set AWS_REGION and credentials.") from error
        return text if reference.key is None else _member(reference, reference.key, text)

    def _read(self, reference: ValueReference) -> str:
        match reference.source:
            case ValueSource.SSM:
                answer = self._clients.get("ssm").get_parameter(Name=reference.name, WithDecryption=True)
                return answer["Parameter"]["Value"]
            case ValueSource.SECRETS_MANAGER:
                return _text_of(
                    reference, self._clients.get("secretsmanager").get_secret_value(SecretId=reference.name)
                )
            case ValueSource.APP_CONFIG:
                return self._configuration(reference)

    def _configuration(self, reference: ValueReference) -> str:
        """A session for each look: it is rare, and what a session answers later is empty if nothing changed."""
        parts = reference.name.split("/")
        if len(parts) != 3:
            raise CannotFetch(f"{reference} is no configuration: write appconfig:application/environment/profile")
        client = cast("_AppConfigData", self._clients.get("appconfigdata"))
        session = client.start_configuration_session(
            ApplicationIdentifier=parts[0], EnvironmentIdentifier=parts[1], ConfigurationProfileIdentifier=parts[2]
        )
        answer = client.get_latest_configuration(ConfigurationToken=str(session["InitialConfigurationToken"]))
        return cast("_Stream", answer["Configuration"]).read().decode()


class _AppConfigData(Protocol):
    """As much of the client as is used; the others' types come with boto3-stubs."""

    def start_configuration_session(
        self,
        *,
        ApplicationIdentifier: str,  # noqa: N803  (boto3's names)
        EnvironmentIdentifier: str,  # noqa: N803
        ConfigurationProfileIdentifier: str,  # noqa: N803
    ) -> Mapping[str, object]: ...

    def get_latest_configuration(self, *, ConfigurationToken: str) -> Mapping[str, object]: ...  # noqa: N803


class _Stream(Protocol):
    def read(self) -> bytes: ...


def _text_of(reference: ValueReference, answer: Mapping[str, object]) -> str:
    text = answer.get("SecretString")
    if not isinstance(text, str):
        raise CannotFetch(f"{reference} holds bytes: store the secret as text")
    return text


def _member(reference: ValueReference, key: str, text: str) -> str:
    try:
        document = exact_json.loads(text)
    except NotJson as error:
        raise CannotFetch(f"{reference} names a member, and what is kept there is not JSON") from error
    if not isinstance(document, dict) or key not in document:
        raise CannotFetch(f"{reference} names a member that is not there: correct the name, or add it")
    value = document[key]
    if isinstance(value, list) and any(isinstance(part, str) for part in value) and not _is_list_of_words(value):
        raise CannotFetch(f"{reference} is a list of which not every part is a text without commas: correct it there")
    return _as_text(value)


def _is_list_of_words(parts: Sequence[object]) -> bool:
    return all(isinstance(part, str) and "," not in part for part in parts)


def _as_text(value: object) -> str:
    """A member as one would write the setting: a list of words comma-separated, nothing empty, all else as JSON."""
    match value:
        case str():
            return value
        case None | []:
            return ""
        case [*parts] if _is_list_of_words(parts):
            return ",".join(map(str, parts))
        case _:
            return exact_json.dumps(value)


def _advice(reference: ValueReference, name: str) -> str:
    if aws_kind_of_code(name) is AwsErrorKind.IDENTITY:
        return f"{reference} may not be read ({name}): allow the role {_PERMISSIONS[reference.source]}"
    if "NotFound" in name:
        return f"{reference} does not exist ({name}): create it, or correct the name and AWS_REGION"
    return f"{reference} cannot be fetched: AWS answered {name}. Try again, and look with `tocsin doctor`."
