"""Policies, templates and catalogues as their folders have them now: an edit needs no restart.

A folder with a mistake changes nothing: an operator reads every fault in the log, and what was last used goes on.
Incidents that are open keep the policy they were opened with, notifications the words they were accepted with.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import timedelta

from service.config import Settings
from service.core import SettledFolder, TocsinError
from service.wiring.escalation import Escalation
from service.wiring.messaging import Messaging

logger = logging.getLogger(__name__)

POLL = timedelta(seconds=1)
"""How often to look: what was saved is in use after two looks."""


class EditedTexts:
    """Takes up what changes in the folders of policies and of templates."""

    def __init__(
        self,
        settings: Settings,
        messaging: Messaging,
        escalation: Escalation,
        then: Callable[[], None] = lambda: None,
    ) -> None:
        """`then` is done when something was taken up."""
        self._then = then
        self._messaging = messaging
        self._escalation = escalation
        self._templates = SettledFolder(settings.templates_dir)
        self._policies = SettledFolder(settings.rules_dir / "escalation")

    def look(self) -> None:
        """Take up what has changed since the last look; templates first, for policies name them."""
        if self._templates.has_changed():
            self._renew("templates", self._messaging.renew_wording)
        if self._policies.has_changed():
            self._renew("escalation policies", self._escalation.renew_policies)

    def _renew(self, what: str, renew: Callable[[], None]) -> None:
        try:
            renew()
        except TocsinError as error:
            logger.error("The %s cannot be used as they stand; what was last used goes on: %s", what, error)  # noqa: TRY400
            return
        self._then()
        logger.info("The %s are in use as they stand now", what)
