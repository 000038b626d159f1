"""The store in one SQLite file: the embedded default, shared by the API's and the workers' processes."""

from service.storage.sqlite.store import SqliteStore

__all__ = ["SqliteStore"]
