"""The audit: who did what, and when."""

from service.audit.entry import EntryType, as_json
from service.audit.routes import LIST, AuditSearch

__all__ = ["LIST", "AuditSearch", "EntryType", "as_json"]
