"""A certificate authority and an SNS of our own: real RSA keys, real chains, real signatures."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID, NameOID

NOW = datetime(2026, 5, 10, 9, 0, tzinfo=UTC)
TOPIC = "arn:aws:sns:eu-west-2:123456789012:TwoWaySMSSNSTopic"
CERTIFICATE_URL = "https://sns.eu-west-2.amazonaws.com/SimpleNotificationService-0123456789abcdef.pem"
ISSUER_URL = "http://crt.r2m02.amazontrust.com/r2m02.cer"


@cache
def rsa_key(purpose: str) -> RSAPrivateKey:
    """One key a purpose: making them is what takes time."""
    return generate_private_key(65537, 2048)


@dataclass(frozen=True)
class Authority:
    """A root, an intermediate and the signing certificates they issue."""

    name: str = "Amazon Root CA 1"
    keys: str = "amazon"

    @property
    def root(self) -> x509.Certificate:
        return self._ca(self.name, self.name, "root", "root", path_length=None)

    @property
    def intermediate(self) -> x509.Certificate:
        return self._ca(f"{self.name} M02", self.name, "between", "root", path_length=0)

    def signing(
        self, name: str = "sns.amazonaws.com", until: datetime = NOW + timedelta(days=90), issuer_url: str = ISSUER_URL
    ) -> x509.Certificate:
        """A certificate such as SNS signs with, issued by the intermediate."""
        access = x509.AccessDescription(
            AuthorityInformationAccessOID.CA_ISSUERS, x509.UniformResourceIdentifier(issuer_url)
        )
        return (
            _builder(name, f"{self.name} M02", self._key("leaf"), self._key("between"), until)
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .add_extension(x509.AuthorityInformationAccess([access]), critical=False)
            .sign(self._key("between"), SHA256())
        )

    def _key(self, purpose: str) -> RSAPrivateKey:
        return rsa_key(f"{self.keys} {purpose}")

    def _ca(self, name: str, issuer: str, own: str, signer: str, path_length: int | None) -> x509.Certificate:
        usage = x509.KeyUsage(
            digital_signature=True, content_commitment=False, key_encipherment=False, data_encipherment=False,
            key_agreement=False, key_cert_sign=True, crl_sign=True, encipher_only=False, decipher_only=False,
        )  # fmt: skip
        return (
            _builder(name, issuer, self._key(own), self._key(signer), NOW + timedelta(days=3650))
            .add_extension(x509.BasicConstraints(ca=True, path_length=path_length), critical=True)
            .add_extension(usage, critical=True)
            .sign(self._key(signer), SHA256())
        )


def _builder(
    name: str, issuer: str, key: RSAPrivateKey, signer: RSAPrivateKey, until: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW - timedelta(days=365))
        .not_valid_after(until)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
    )


def pem(*certificates: x509.Certificate) -> bytes:
    """A .pem file of these certificates."""
    return b"".join(certificate.public_bytes(Encoding.PEM) for certificate in certificates)


@dataclass
class Web:
    """What can be fetched, and what was."""

    pages: dict[str, bytes]
    fetched: list[str] = field(default_factory=list)

    def __call__(self, url: str) -> bytes:
        self.fetched.append(url)
        return self.pages[url]


def notification(message: object, **changes: str) -> dict[str, str]:
    """A notification as SNS sends it, not signed yet."""
    text = message if isinstance(message, str) else json.dumps(message)
    return {
        "Type": "Notification",
        "MessageId": "e1f2a232-e8ce-5f0a-b5d3-fbeb00000001",
        "TopicArn": TOPIC,
        "Message": text,
        "Timestamp": "2026-05-10T08:59:58.793Z",
        "SignatureVersion": "1",
        "SigningCertURL": CERTIFICATE_URL,
        "UnsubscribeURL": "https://sns.eu-west-2.amazonaws.com/?Action=Unsubscribe&SubscriptionArn=" + TOPIC,
        **changes,
    }


def confirmation(**changes: str) -> dict[str, str]:
    """A subscription confirmation as SNS sends it, not signed yet."""
    token = "2336412f37fb687f5d51e6e2425c464de12884"
    url = f"https://sns.eu-west-2.amazonaws.com/?Action=ConfirmSubscription&TopicArn={TOPIC}&Token={token}"
    text = "You have chosen to subscribe to the topic.\nTo confirm the subscription, visit the SubscribeURL."
    members = {"Type": "SubscriptionConfirmation", "Token": token, "SubscribeURL": url, **changes}
    return {name: value for name, value in notification(text, **members).items() if name != "UnsubscribeURL"}


def signed(members: dict[str, str], keys: str = "amazon") -> str:
    """The body signed by `keys` over what AWS documents, put together without the code under test."""
    if members["Type"] == "Notification":
        names = ["Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"]
    else:
        names = ["Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"]
    lines = "".join(name + "\n" + members[name] + "\n" for name in names if name in members)
    algorithm = SHA1() if members["SignatureVersion"] == "1" else SHA256()
    signature = rsa_key(f"{keys} leaf").sign(lines.encode(), PKCS1v15(), algorithm)
    return json.dumps({**members, "Signature": base64.b64encode(signature).decode()})
