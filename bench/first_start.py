"""What the first start of a home does once, done before anything is measured."""

from __future__ import annotations

from service.wiring.app import Service


def publish_all(service: Service) -> None:
    """Publish the rule files, and the policies, templates and catalogues: a second of processor time."""
    service.working_copies.sweep()
    service.texts.publish()
