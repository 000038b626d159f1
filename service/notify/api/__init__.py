"""The HTTP API of notifications: calls (`*_routes`), their shapes (`schemas`), and what they show (`views`)."""

from service.notify.api import routes, schemas, views
from service.notify.api.list_routes import LIST, filters_of
from service.notify.api.routes import requested
from service.notify.api.schemas import TRANSLATIONS, NotificationRequest, TranslationQuery

__all__ = [
    "LIST",
    "TRANSLATIONS",
    "NotificationRequest",
    "TranslationQuery",
    "filters_of",
    "requested",
    "routes",
    "schemas",
    "views",
]
