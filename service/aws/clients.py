"""boto3 clients: one of each kind in a process, made after fork, shared by its threads (clients are thread-safe).

boto3's own variables (`AWS_REGION`, `AWS_ENDPOINT_URL`, `AWS_ENDPOINT_URL_DYNAMODB`, …) say where and as whom.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Literal, overload

import boto3
from botocore.client import BaseClient
from botocore.config import Config
from botocore.credentials import (
    AssumeRoleCredentialFetcher,
    CredentialProvider,
    CredentialResolver,
    DeferredRefreshableCredentials,
)
from botocore.exceptions import CredentialRetrievalError
from botocore.session import get_session

from service.core import aws_errors
from service.storage import aws_calls
from service.work import ANSWERED_WITHIN_S, CONNECTED_WITHIN_S

if TYPE_CHECKING:
    from mypy_boto3_comprehend import ComprehendClient
    from mypy_boto3_events import EventBridgeClient
    from mypy_boto3_pinpoint_sms_voice_v2 import PinpointSMSVoiceV2Client
    from mypy_boto3_secretsmanager import SecretsManagerClient
    from mypy_boto3_sesv2 import SESV2Client
    from mypy_boto3_ssm import SSMClient
    from mypy_boto3_sts import STSClient
    from mypy_boto3_translate import TranslateClient

CONNECTIONS = 32
"""Pooled connections of a client, where nobody says how many threads use it."""

ONCE = Config(
    user_agent=aws_calls.USER_AGENT,
    parameter_validation=False,  # `limits.check` holds what is sent to more than botocore would, types to the rest
    max_pool_connections=CONNECTIONS,
    connect_timeout=CONNECTED_WITHIN_S,
    read_timeout=ANSWERED_WITHIN_S,
    retries={"total_max_attempts": 1},
    tcp_keepalive=True,
)
"""For sends: no provider takes an idempotency token, so a retry inside the SDK after a lost answer would send twice.
The lane retries, knowing what was in doubt."""

BEFORE_A_SEND = ONCE.merge(Config(connect_timeout=1, read_timeout=2))
"""For the credentials that a send needs first: both together are over within `LONGEST_CALL`."""

ANSWERED_SOON_S = 1.5
"""How long Comprehend is waited for: a request that waits for it must have time for another try."""

_SILENT_S = 5.0
"""How long an STS that did not answer is not asked again: who waited behind that question would wait as long again."""

REPEATED = Config(
    user_agent=aws_calls.USER_AGENT,
    max_pool_connections=CONNECTIONS,
    connect_timeout=3,
    read_timeout=8,
    retries={"mode": "standard", "total_max_attempts": 3},
    tcp_keepalive=True,
)
"""For calls that change nothing: the SDK may repeat them."""

ASKED = ONCE.merge(Config(connect_timeout=1, read_timeout=ANSWERED_SOON_S))
"""For language services, which are asked again by us: within the time of whoever waits (`language.patience`)."""

_CONFIGS = {
    "comprehend": ASKED,
    "translate": ONCE.merge(Config(read_timeout=8)),  # 10,000 bytes take a while, and no request waits for them
    "ssm": REPEATED,
    "secretsmanager": REPEATED,
    "appconfigdata": REPEATED,
    "s3": REPEATED.merge(Config(connect_timeout=1, read_timeout=2, retries={"total_max_attempts": 2})),
}


class Clients:
    """Makes each client once, with as many pooled `connections` as there are threads that use it.

    `role` is the ARN of a role to assume, for senders in other accounts.

    A role's credentials are fetched when first needed, shared by its clients, and renewed before they end.
    """

    def __init__(self, session: boto3.Session | None = None, connections: int = CONNECTIONS) -> None:
        self._session = session or boto3.Session()
        self._pool = Config(max_pool_connections=connections)
        self._in_roles: dict[str, boto3.Session] = {}
        self._made: dict[tuple[str, str | None], BaseClient] = {}
        self._lock = threading.Lock()

    @overload
    def get(self, service: Literal["pinpoint-sms-voice-v2"], role: str | None = ...) -> PinpointSMSVoiceV2Client: ...
    @overload
    def get(self, service: Literal["sesv2"], role: str | None = ...) -> SESV2Client: ...
    @overload
    def get(self, service: Literal["comprehend"], role: str | None = ...) -> ComprehendClient: ...
    @overload
    def get(self, service: Literal["translate"], role: str | None = ...) -> TranslateClient: ...
    @overload
    def get(self, service: Literal["events"], role: str | None = ...) -> EventBridgeClient: ...
    @overload
    def get(self, service: Literal["sts"], role: str | None = ...) -> STSClient: ...
    @overload
    def get(self, service: Literal["ssm"], role: str | None = ...) -> SSMClient: ...
    @overload
    def get(self, service: Literal["secretsmanager"], role: str | None = ...) -> SecretsManagerClient: ...
    @overload
    def get(self, service: Literal["appconfigdata", "s3"], role: str | None = ...) -> BaseClient: ...

    def get(self, service: str, role: str | None = None) -> BaseClient:
        """The client of a service, as this process itself or in the given role."""
        with self._lock:
            key = (service, role)
            if key not in self._made:
                self._made[key] = self._make(service, role)
            return self._made[key]

    def _make(self, service: str, role: str | None) -> BaseClient:
        session = self._session if role is None else self._session_in(role)
        config = _CONFIGS.get(service, ONCE).merge(self._pool)
        # boto3's overloads know services by literal names only; `get` above gives each its type back.
        client: BaseClient = session.client(service, config=config)  # type: ignore[call-overload]
        return client

    def _session_in(self, role: str) -> boto3.Session:
        if role not in self._in_roles:
            self._in_roles[role] = self._assumed(role)
        return self._in_roles[role]

    def _assumed(self, role: str) -> boto3.Session:
        """A session whose temporary credentials botocore keeps, and renews a quarter of an hour before they end."""
        fetcher = AssumeRoleCredentialFetcher(
            client_creator=partial(self._session.client, config=BEFORE_A_SEND),
            source_credentials=self._session.get_credentials(),
            role_arn=role,
            extra_args={"RoleSessionName": "tocsin"},
        )
        inner = get_session()
        inner.register_component("credential_provider", CredentialResolver([_AssumedRole(fetcher)]))
        return boto3.Session(botocore_session=inner, region_name=self._session.region_name)


class _AssumedRole(CredentialProvider):
    METHOD = "assume-role"

    def __init__(self, fetcher: AssumeRoleCredentialFetcher) -> None:
        super().__init__()
        self._fetcher = fetcher
        self._silent_until = 0.0

    def load(self) -> DeferredRefreshableCredentials:
        return DeferredRefreshableCredentials(self._fetch, self.METHOD)

    def _fetch(self) -> Mapping[str, str]:
        """As the fetcher does; a silent STS must not pass for a silent service that may have taken the message."""
        if time.monotonic() < self._silent_until:
            raise CredentialRetrievalError(provider=self.METHOD, error_msg="STS did not answer a moment ago")
        try:
            fetched: Mapping[str, str] = self._fetcher.fetch_credentials()
        except aws_errors.LOST as error:
            self._silent_until = time.monotonic() + _SILENT_S
            raise CredentialRetrievalError(provider=self.METHOD, error_msg=type(error).__name__) from error
        return fetched
