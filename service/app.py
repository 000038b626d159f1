"""The service for WSGI servers under its short name: `gunicorn 'service.app:wsgi()'`; `service.wiring.app` has it."""

from service.wiring import Service, create_app, wsgi

__all__ = ["Service", "create_app", "wsgi"]
