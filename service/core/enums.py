"""Words of the field that several parts must spell alike."""

from __future__ import annotations

from enum import StrEnum


class Lane(StrEnum):
    """A priority class of work, most urgent first."""

    INCIDENT = "incident"
    TRANSACTIONAL = "transactional"
    BULK = "bulk"


class Channel(StrEnum):
    """How a message reaches a person."""

    EMAIL = "email"
    SMS = "sms"
    VOICE = "voice"
    CHAT = "chat"


class Scope(StrEnum):
    """What an API key may do."""

    EVALUATE = "evaluate"
    AUDIT = "audit"
    RULES_READ = "rules:read"
    RULES_WRITE = "rules:write"
    RULES_APPROVE = "rules:approve"
    RECIPIENTS = "recipients"
    NOTIFY = "notify"
    REVIEW = "review"
    INCIDENTS = "incidents"
    PII = "pii"
    CONSOLE = "console"
    ADMIN = "admin"
