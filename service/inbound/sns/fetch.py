"""Fetching from SNS over HTTPS: certificates, and the visit that confirms a subscription."""

from __future__ import annotations

import ssl
from importlib.resources import files

import urllib3

from service.inbound.sns.certificates import CertificateUnavailable

_LARGEST = 64 * 1024
_TIMEOUT = urllib3.Timeout(connect=3, read=5)


class Fetcher:
    """Gets small files: no redirects, no retries (SNS repeats the message), no proxies of an attacker's choosing."""

    def __init__(self) -> None:
        trust = ssl.create_default_context()
        # A slim image may hold no root certificates at all.
        trust.load_verify_locations(cadata=files(__package__).joinpath("amazon_roots.pem").read_text("ascii"))
        self._pool = urllib3.PoolManager(ssl_context=trust, retries=False, timeout=_TIMEOUT, maxsize=4)

    def __call__(self, url: str) -> bytes:
        """The content at `url`; `CertificateUnavailable` for anything but a small 200."""
        try:
            answer = self._pool.request("GET", url, redirect=False, preload_content=False)
            content = answer.read(_LARGEST + 1)
            answer.release_conn()
        except urllib3.exceptions.HTTPError as error:
            raise CertificateUnavailable(f"{urllib3.util.parse_url(url).host} does not answer") from error
        if answer.status != 200 or len(content) > _LARGEST:
            raise CertificateUnavailable(f"{urllib3.util.parse_url(url).host} answered {answer.status}")
        return content
