"""Amazon SNS: who really sent a message, and what it says."""

from service.inbound.sns.certificates import SigningCertificates, amazon_roots
from service.inbound.sns.envelope import SnsGate
from service.inbound.sns.fetch import Fetcher
from service.inbound.sns.routes import Receivers

__all__ = [
    "Fetcher",
    "Receivers",
    "SigningCertificates",
    "SnsGate",
    "amazon_roots",
]
