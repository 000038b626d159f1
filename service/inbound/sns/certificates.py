"""The certificates that SNS signs with: whose they are, who vouches for them, and for how long that is remembered."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib.resources import files
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.x509.oid import AuthorityInformationAccessOID
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError

from service.core import Clock, TocsinError, Unavailable

HOST = re.compile(r"sns\.[a-zA-Z0-9-]{3,}\.amazonaws\.com(\.cn)?")
"""Hosts of SNS, to be matched in full: `sns.us-east-1.amazonaws.com.evil.example` is none."""

_NAME = re.compile(r"sns(\.[a-zA-Z0-9-]{3,})?\.amazonaws\.com(\.cn)?")
"""Names in SNS's certificates: with the region or, as they are at present, without."""

_ISSUER_URL = re.compile(r"https?://[a-z0-9.-]+\.amazontrust\.com/[A-Za-z0-9._/-]+\.(cer|crt)")
"""Where Amazon Trust Services publishes its intermediate certificates; what is fetched there is verified itself."""

_LONGEST_CHAIN = 4
_REMEMBERED = timedelta(hours=1)
_REMEMBERED_URLS = 32

Fetch = Callable[[str], bytes]
"""Gets a URL's content without following redirects; raises `CertificateUnavailable`."""


class CertificateRefused(TocsinError):
    """The certificate is not one of SNS."""


class CertificateUnavailable(Unavailable):
    """The certificate could not be fetched just now; SNS delivers the message again."""


@dataclass(frozen=True, slots=True)
class _Known:
    key: RSAPublicKey
    until: datetime


class SigningCertificates:
    """Fetches, verifies and remembers (an hour) the keys that SNS signs with.

    `anchors` are the root certificates that a chain must lead to: `amazon_roots()`, in tests those of a test CA.
    """

    def __init__(self, fetch: Fetch, anchors: Sequence[x509.Certificate], clock: Clock) -> None:
        self._fetch = fetch
        self._anchors = tuple(anchors)
        self._clock = clock
        self._known: dict[str, _Known] = {}

    def key(self, url: str) -> RSAPublicKey:
        """The public key of the certificate at `url`; `CertificateRefused` unless it is certainly SNS's."""
        now = self._clock.now()
        check_url(url)
        known = self._known.get(url)
        if known is None or known.until <= now:
            known = _Known(self._verified(self._fetch(url), now), now + _REMEMBERED)
            if len(self._known) >= _REMEMBERED_URLS:
                self._known.clear()
            self._known[url] = known
        return known.key

    def _verified(self, pem: bytes, now: datetime) -> RSAPublicKey:
        leaf, *between = _certificates(pem)
        verifier = PolicyBuilder().store(Store(list(self._anchors))).time(now).build_server_verifier(_sns_name(leaf))
        try:
            verifier.verify(leaf, [*between, *self._issuers(leaf, between)])
        except VerificationError as error:
            raise CertificateRefused("the signing certificate does not lead to an Amazon root") from error
        key = leaf.public_key()
        if not isinstance(key, RSAPublicKey):
            raise CertificateRefused("the signing certificate holds no RSA key")
        return key

    def _issuers(self, leaf: x509.Certificate, between: Sequence[x509.Certificate]) -> list[x509.Certificate]:
        """The intermediate certificates that the file does not bring along, from where each says its issuer is."""
        trusted = {anchor.subject for anchor in self._anchors} | {certificate.subject for certificate in between}
        certificates: list[x509.Certificate] = []
        last = leaf
        while last.issuer not in trusted and len(certificates) < _LONGEST_CHAIN and (url := _issuer_url(last)):
            last = _certificate(self._fetch(url))
            certificates.append(last)
        return certificates


def check_url(url: str) -> None:
    """`CertificateRefused` unless `url` is a certificate on a host of SNS, by https."""
    try:
        parts = urlsplit(url)
    except ValueError as error:
        raise CertificateRefused("the SigningCertURL is no URL") from error
    if parts.scheme != "https" or not HOST.fullmatch(parts.netloc):
        raise CertificateRefused("the SigningCertURL is not an https address of SNS")
    if not parts.path.endswith(".pem") or parts.query or parts.fragment:
        raise CertificateRefused("the SigningCertURL names no .pem file")


def amazon_roots() -> tuple[x509.Certificate, ...]:
    """The roots of Amazon Trust Services, which this package carries."""
    return tuple(x509.load_pem_x509_certificates(files(__package__).joinpath("amazon_roots.pem").read_bytes()))


def _certificates(pem: bytes) -> list[x509.Certificate]:
    try:
        return x509.load_pem_x509_certificates(pem)
    except ValueError as error:
        raise CertificateRefused("the SigningCertURL holds no certificate") from error


def _certificate(content: bytes) -> x509.Certificate:
    try:
        return x509.load_der_x509_certificate(content)
    except ValueError as error:
        raise CertificateRefused("the issuer of the signing certificate cannot be read") from error


def _sns_name(leaf: x509.Certificate) -> x509.DNSName:
    """The name by which the certificate is SNS's: Amazon's CA also issues certificates to its customers."""
    try:
        names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (x509.ExtensionNotFound, ValueError) as error:
        raise CertificateRefused("the signing certificate names no host") from error
    for name in names.get_values_for_type(x509.DNSName):
        if _NAME.fullmatch(name):
            return x509.DNSName(name)
    raise CertificateRefused("the signing certificate is not one of SNS")


def _issuer_url(certificate: x509.Certificate) -> str | None:
    try:
        access = certificate.extensions.get_extension_for_class(x509.AuthorityInformationAccess).value
    except (x509.ExtensionNotFound, ValueError):
        return None
    urls = [
        description.access_location.value
        for description in access
        if description.access_method == AuthorityInformationAccessOID.CA_ISSUERS
        and isinstance(description.access_location, x509.UniformResourceIdentifier)
    ]
    return next((url for url in urls if _ISSUER_URL.fullmatch(url)), None)
