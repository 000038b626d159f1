"""Casting a shadow, watching it, dropping it."""

from __future__ import annotations

from datetime import datetime
from http import HTTPStatus
from typing import Annotated

from flask import Blueprint
from pydantic import Field

from service.core import Scope
from service.http import Answer, Body, Caller, Shown, endpoint, shown_by
from service.rulesets.problems import as_problems
from service.rulesets.shadow import ShadowCounts, Shadows
from service.rulesets.shown_reports import DescribedReport

PATH = "/v1/rulesets/<name>/shadow"


class ShadowRequest(Body):
    """Which version to ask beside the active one, and on how many of a hundred requests."""

    model_config = shown_by({"version": 2, "share": 10})

    version: Annotated[int, Field(ge=1)]
    share: Annotated[int, Field(ge=1, le=100, description="Of a hundred live requests, chosen by request id.")]


class ShownShadow(Shown):
    """A shadow and what it would have decided otherwise so far; `report` is as of a back-test."""

    ruleset: str
    version: int
    share: int
    by: str
    since: datetime
    skipped: int
    report: DescribedReport


def blueprint(shadows: Shadows) -> Blueprint:
    """The three calls; to promote a shadow, activate its version."""
    routes = Blueprint("shadows", __name__)

    @endpoint(
        routes,
        "POST",
        PATH,
        summary="Ask a version beside the active one",
        scope=Scope.RULES_WRITE,
        body=ShadowRequest,
        creates=True,
        answers={201: ShownShadow},
    )
    def cast_shadow(name: str, body: ShadowRequest, caller: Caller) -> Answer:
        """Evaluate a published version on a share of the live requests, after they are answered; count what differs.

        Its decisions have no consequences. An earlier shadow of the ruleset ends. To promote it, activate its version.
        """
        with as_problems():
            return Answer(_shown(shadows.cast(name, body.version, body.share, caller.app)))

    @endpoint(
        routes,
        "GET",
        PATH,
        summary="What the shadow would have decided otherwise",
        scope=Scope.RULES_READ,
        answers={200: ShownShadow},
    )
    def read_shadow(name: str) -> ShownShadow:
        """Counts since it was cast, with request ids as samples; a second or two behind the requests."""
        with as_problems():
            return _shown(shadows.watched(name))

    @endpoint(
        routes,
        "DELETE",
        PATH,
        summary="Drop the shadow",
        scope=Scope.RULES_WRITE,
        answers={204: None},
    )
    def drop_shadow(name: str) -> Answer:
        """Ask it no more, and forget its counts."""
        with as_problems():
            shadows.drop(name)
        return Answer(status=HTTPStatus.NO_CONTENT)

    return routes


def _shown(watched: ShadowCounts) -> ShownShadow:
    shadow = watched.shadow
    return ShownShadow(
        ruleset=shadow.ruleset,
        version=shadow.version,
        share=shadow.share,
        by=shadow.by,
        since=shadow.since,
        skipped=watched.skipped,
        report=watched.tally.as_json(),
    )
