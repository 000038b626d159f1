"""Reading, checking, publishing and activating rulesets."""

from __future__ import annotations

from collections.abc import Mapping

from flask import Blueprint

from service.core import Clock, Scope
from service.decide import Compiled, outline_ruleset, report
from service.http import Answer, Caller, FieldError, ProblemType, endpoint, invalid, texts_of
from service.rulesets import gate, schemas
from service.rulesets.active_versions import ActiveVersions
from service.rulesets.diff_routes import add_diff
from service.rulesets.differences import active_source, between
from service.rulesets.errors import StaleEdit
from service.rulesets.gate import CheckedFile
from service.rulesets.grid_routes import add_grid
from service.rulesets.library import Library
from service.rulesets.map_routes import add_map
from service.rulesets.problems import as_problems, stale
from service.rulesets.proposal_routes import add_proposals, shown_proposal
from service.rulesets.proposals import Proposal, of_key
from service.rulesets.publishing import publish
from service.rulesets.recent_comparison import RecentComparison
from service.rulesets.schemas import MAX_FILE_BYTES
from service.rulesets.seen_copies import SeenCopy
from service.rulesets.text_routes import expected_sha256
from service.rulesets.trial_places import TrialPlaces
from service.rulesets.versions import Activation, Version
from service.rulesets.working_copies import WorkingCopies

RULE_FILE = texts_of("application/yaml", "application/octet-stream")
"""A rule file comes as text, whatever media type a client gives YAML."""


def blueprint(
    library: Library,
    live: ActiveVersions,
    working_copies: WorkingCopies,
    latest: RecentComparison,
    clock: Clock,
    places: TrialPlaces,
) -> Blueprint:
    """The calls about rulesets; evaluating is `service.evaluations`."""
    routes = Blueprint("rulesets", __name__)
    _add_list(routes, library, working_copies, clock)
    _add_reads(routes, library, clock)
    _add_outline(routes, live)
    add_diff(routes, library)
    add_map(routes, live)
    add_grid(routes)
    _add_check(routes, library, latest, clock, places)
    _add_publish(routes, library, live, latest, clock, places)
    _add_activate(routes, library, live, clock)
    add_proposals(routes, library, live)
    return routes


def _add_list(routes: Blueprint, library: Library, working_copies: WorkingCopies, clock: Clock) -> None:
    @endpoint(
        routes,
        "GET",
        "/v1/rulesets",
        summary="List the rulesets",
        scope=Scope.RULES_READ,
        answers={200: schemas.RulesetList},
    )
    def list_rulesets() -> schemas.RulesetList:
        """Every ruleset that was ever published, by name, and what became of each file of the rules folder."""
        heads = sorted(library.heads(), key=lambda head: head.ruleset)
        now = clock.now()
        return schemas.RulesetList(
            items=tuple(
                schemas.Named(
                    name=head.ruleset,
                    versions=head.versions,
                    active_version=library.timeline(head.ruleset).active(now),
                )
                for head in heads
            ),
            working_copies=tuple(map(_shown_working_copy, working_copies.seen())),
        )


def _add_reads(routes: Blueprint, library: Library, clock: Clock) -> None:
    @endpoint(
        routes,
        "GET",
        "/v1/rulesets/<name>",
        summary="Read a ruleset",
        scope=Scope.RULES_READ,
        answers={200: schemas.ShownRuleset},
    )
    def read_ruleset(name: str) -> schemas.ShownRuleset:
        """What is active now, and every activation as it was recorded."""
        with as_problems():
            return _shown_ruleset(library, name, clock)

    @endpoint(
        routes,
        "GET",
        "/v1/rulesets/<name>/versions",
        summary="List a ruleset's versions",
        scope=Scope.RULES_READ,
        query=schemas.Paged,
        answers={200: schemas.VersionList},
    )
    def list_versions(name: str, query: schemas.Paged) -> schemas.VersionList:
        """Published versions, newest first, without their text."""
        with as_problems():
            page = library.history(name, query.cursor, query.limit)
            active = library.timeline(name).active(clock.now())
            proposals = library.proposals(name, [version.number for version in page.items])
        items = tuple(_shown(version, active, proposals.get(version.number)) for version in page.items)
        return schemas.VersionList(items=items, next_cursor=page.cursor)

    @endpoint(
        routes,
        "GET",
        "/v1/rulesets/<name>/versions/<int:number>",
        summary="Read a version",
        scope=Scope.RULES_READ,
        answers={200: schemas.ShownSource},
    )
    def read_version(name: str, number: int) -> schemas.ShownSource:
        """A published version with its text."""
        with as_problems():
            version = library.version(name, number)
            active = library.timeline(name).active(clock.now())
            proposal = library.proposal(name, number)
        return schemas.ShownSource(**dict(_shown(version, active, proposal)), source=library.source(version))


def _add_outline(routes: Blueprint, live: ActiveVersions) -> None:
    @endpoint(
        routes,
        "GET",
        "/v1/rulesets/<name>/versions/<int:number>/outline",
        summary="Read a version's facts and rules in words",
        scope=Scope.RULES_READ,
        answers={200: schemas.Outline},
    )
    def read_outline(name: str, number: int) -> schemas.Outline:
        """The facts that a request gives, and each rule's condition and actions as a rule file writes them."""
        with as_problems():
            return schemas.Outline.model_validate(outline_ruleset(live.version(name, number).ruleset))


def _add_check(
    routes: Blueprint, library: Library, latest: RecentComparison, clock: Clock, places: TrialPlaces
) -> None:
    @endpoint(
        routes,
        "POST",
        "/v1/rulesets/<name>/check",
        summary="Check a rule file",
        scope=Scope.RULES_READ,
        body=RULE_FILE,
        body_limit=MAX_FILE_BYTES,
        answers={200: schemas.CheckReport},
        problems=[ProblemType.TOO_MANY_REQUESTS],
    )
    def check_ruleset(name: str, body: str, caller: Caller) -> schemas.CheckReport:
        """Everything there is to say about a file, and what it decides otherwise than the active version.

        `diff` says it of all requests that there can be, `backtest` of the latest recorded ones. Publishes nothing.
        The file is read and tried in a process of its own, one at a time for a key: 422 if that takes more than 50 s of
        processor time or 1 GiB of memory.
        """
        with places.place(caller.key_id, body):
            checked = gate.check(body, active_source(library, name, clock.now()))
            if checked.limit is not None:
                raise invalid([FieldError("", checked.findings[0].message)])
            findings = report.as_json(checked.findings, f"{name}.yaml")
            return schemas.CheckReport.model_validate(
                {**findings, **_otherwise(latest, name, checked, _draft(checked))}
            )


def _add_publish(
    routes: Blueprint,
    library: Library,
    live: ActiveVersions,
    latest: RecentComparison,
    clock: Clock,
    places: TrialPlaces,
) -> None:
    @endpoint(
        routes,
        "POST",
        "/v1/rulesets/<name>/versions",
        summary="Publish a rule file",
        scope=Scope.RULES_WRITE,
        body=RULE_FILE,
        body_limit=MAX_FILE_BYTES,
        query=schemas.Publication,
        headers=["If-Match"],
        creates=True,
        answers={201: schemas.ShownPublication},
        problems=[
            ProblemType.PRECONDITION_FAILED,
            ProblemType.PRECONDITION_REQUIRED,
            ProblemType.TOO_MANY_REQUESTS,
        ],
    )
    def publish_version(name: str, body: str, query: schemas.Publication, caller: Caller) -> Answer:
        """Check a file and make it the active version, now or from `effective_from` on.

        `If-Match` is the sha256 of the version that was edited; only a ruleset's first version needs none. If somebody
        else published in between: 412 with their change. With errors in the file: 422 with every finding. The answer
        says what is decided otherwise from now on, as a check does.

        Where four eyes are asked for (TOCSIN_FOUR_EYES) the version decides nothing yet: its `proposal` waits until
        somebody with another key approves it.
        """
        expected = expected_sha256(library, name, caller.headers.get("If-Match"))
        with places.place(caller.key_id, body), as_problems():
            checked = gate.check(body, active_source(library, name, clock.now()))
            draft = _draft(checked)
            otherwise = _otherwise(latest, name, checked, draft) if checked.sound else {}
            version = _published(library, name, checked, query, caller, expected)
            if draft is not None:
                live.serve(version, draft)
            live.refresh()
            active, proposal = library.timeline(name).active(clock.now()), library.proposal(name, version.number)
            shown = dict(_shown(version, active, proposal))
        return Answer(
            schemas.ShownPublication.model_validate({**shown, **otherwise}),
            headers={"Location": f"/v1/rulesets/{name}/versions/{version.number}"},
        )


def _add_activate(routes: Blueprint, library: Library, live: ActiveVersions, clock: Clock) -> None:
    @endpoint(
        routes,
        "POST",
        "/v1/rulesets/<name>/activate",
        summary="Activate a published version",
        scope=Scope.RULES_WRITE,
        body=schemas.Activate,
        creates=True,
        answers={200: schemas.ShownRuleset},
        problems=[ProblemType.CONFLICT],
    )
    def activate_version(name: str, body: schemas.Activate, caller: Caller) -> schemas.ShownRuleset:
        """Let a published version decide again, now or from `effective_from` on: rolling back, or forward.

        A version that was proposed and not approved: 409.
        """
        with as_problems():
            library.activate(name, body.version, caller.app, body.effective_from)
            live.refresh()
            return _shown_ruleset(library, name, clock)


def _published(
    library: Library,
    name: str,
    checked: CheckedFile,
    query: schemas.Publication,
    caller: Caller,
    expected: str | None,
) -> Version:
    """The new version of a checked file; where somebody else published in between, the problem shows their change."""
    try:
        return publish(
            library,
            checked,
            caller.app,
            query.comment,
            ruleset=name,
            since=query.effective_from,
            expected_sha256=expected,
            identity=of_key(caller.key_id),
        )
    except StaleEdit as error:
        raise stale(error, between(library, name, expected, error.active_sha256)) from error


def _draft(checked: CheckedFile) -> Compiled | None:
    """A sound file, read and compiled here once; None if that would take too long."""
    return Compiled(checked.ruleset()) if checked.affordable else None


def _otherwise(
    latest: RecentComparison, name: str, checked: CheckedFile, draft: Compiled | None
) -> Mapping[str, Mapping[str, object] | None]:
    """What a file decides otherwise than the active version: of all requests, and of the latest ones if it is sound."""
    if checked.declared is None or checked.declared.name != name:
        return {}
    counts = None if draft is None else latest.compared(draft)
    return {"diff": checked.changes, "backtest": None if counts is None else counts.as_json()}


def _shown(version: Version, active: int | None, proposal: Proposal | None) -> schemas.ShownVersion:
    return schemas.ShownVersion(
        ruleset=version.ruleset,
        version=version.number,
        sha256=version.sha256,
        author=version.author,
        comment=version.comment,
        published_at=version.at,
        active=version.number == active,
        findings=tuple(version.findings),
        proposal=None if proposal is None else shown_proposal(proposal),
    )


def _shown_ruleset(library: Library, name: str, clock: Clock) -> schemas.ShownRuleset:
    timeline = library.timeline(name)
    number = timeline.active(clock.now())
    newest = library.version(name, number or library.head(name).versions)
    return schemas.ShownRuleset(
        name=name,
        description=newest.description,
        active=_shown(newest, number, library.proposal(name, number)) if number else None,
        versions=library.head(name).versions,
        activations=tuple(map(_shown_activation, timeline.activations)),
        needs_approval=library.needs_approval,
    )


def _shown_activation(activation: Activation) -> schemas.ShownActivation:
    return schemas.ShownActivation(
        version=activation.version, since=activation.since, by=activation.by, at=activation.at
    )


def _shown_working_copy(seen: SeenCopy) -> schemas.ShownWorkingCopy:
    return schemas.ShownWorkingCopy(
        file=seen.file,
        sha256=seen.sha256,
        looked_at=seen.at,
        ruleset=seen.ruleset,
        version=seen.version,
        base=seen.base,
        again_at=seen.again_at,
        findings=tuple(seen.findings),
    )
