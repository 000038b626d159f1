"""Reading, checking, publishing and activating policies, templates and catalogues: as rulesets are, by one code."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from flask import Blueprint

from service.core import Clock, Scope
from service.decide import Finding, Flaw, Place, Severity, report
from service.http import Answer, Caller, Format, Problem, ProblemType, endpoint
from service.rulesets import schemas, text_schemas
from service.rulesets.differences import active_source
from service.rulesets.errors import StaleEdit, UnknownRuleset, WrongName
from service.rulesets.gate import CheckedFile
from service.rulesets.library import Library
from service.rulesets.problems import as_problems
from service.rulesets.publishing import publish
from service.rulesets.versions import Version
from service.rulesets.working_copies import WorkingCopies
from service.rulesets.working_files import WorkingFiles

View = TypeVar("View", bound=Callable[..., object])


@dataclass(frozen=True, slots=True)
class VersionedTexts:
    """One family as its calls need it: where it is stored, what judges a text, what takes up what was published.

    `singular` and `plural` are what operations and paths call it.
    """

    library: Library
    copies: WorkingCopies
    check: Callable[[bytes], CheckedFile]
    refresh: Callable[[], None]
    clock: Clock
    folder: Path
    files: WorkingFiles
    singular: str
    plural: str
    formats: tuple[Format, ...]
    max_bytes: int

    def active(self, name: str) -> int | None:
        """The number of the version that is in use now."""
        return self.library.timeline(name).active(self.clock.now())


def blueprint(texts: VersionedTexts) -> Blueprint:
    """The calls about one family."""
    routes = Blueprint(texts.plural, __name__)
    _add_reads(routes, texts)
    _add_version_reads(routes, texts)
    _add_check(routes, texts)
    _add_publish(routes, texts)
    _add_activate(routes, texts)
    return routes


def _add_reads(routes: Blueprint, texts: VersionedTexts) -> None:
    def every() -> text_schemas.TextList:
        """All texts that were ever published, by name, and the files of the folder that could not be."""
        heads = sorted(texts.library.heads(), key=lambda head: head.ruleset)
        return text_schemas.TextList(
            items=tuple(
                text_schemas.NamedText(
                    name=head.ruleset, versions=head.versions, active_version=texts.active(head.ruleset)
                )
                for head in heads
            ),
            unpublished=tuple(
                text_schemas.UnpublishedText(file=copy.file, why=copy.why) for copy in texts.copies.unpublished()
            ),
        )

    def read(name: str) -> text_schemas.TextHistory:
        """What is active now, and every activation as it was recorded."""
        with as_problems():
            return _history(texts, name)

    endpoint(
        routes,
        "GET",
        f"/v1/{texts.plural}",
        summary=f"List the {texts.plural}",
        scope=Scope.RULES_READ,
        answers={200: text_schemas.TextList},
    )(_called(f"list_{texts.plural}", every))
    endpoint(
        routes,
        "GET",
        f"/v1/{texts.plural}/<name>",
        summary=f"Read a {texts.singular}",
        scope=Scope.RULES_READ,
        answers={200: text_schemas.TextHistory},
    )(_called(f"read_{texts.singular}", read))


def _add_version_reads(routes: Blueprint, texts: VersionedTexts) -> None:
    def versions(name: str, query: schemas.Paged) -> text_schemas.TextVersionList:
        """Published versions, newest first, without their text."""
        with as_problems():
            page, active = texts.library.history(name, query.cursor, query.limit), texts.active(name)
        return text_schemas.TextVersionList(
            items=tuple(_shown(version, active) for version in page.items), next_cursor=page.cursor
        )

    def version(name: str, number: int) -> text_schemas.TextSource:
        """A published version with its text."""
        with as_problems():
            version_found, active = texts.library.version(name, number), texts.active(name)
            source = texts.library.source(version_found)
        return text_schemas.TextSource(**dict(_shown(version_found, active)), source=source)

    endpoint(
        routes,
        "GET",
        f"/v1/{texts.plural}/<name>/versions",
        summary=f"List the versions of a {texts.singular}",
        scope=Scope.RULES_READ,
        query=schemas.Paged,
        answers={200: text_schemas.TextVersionList},
    )(_called(f"list_{texts.singular}_versions", versions))
    endpoint(
        routes,
        "GET",
        f"/v1/{texts.plural}/<name>/versions/<int:number>",
        summary=f"Read a version of a {texts.singular}",
        scope=Scope.RULES_READ,
        answers={200: text_schemas.TextSource},
    )(_called(f"read_{texts.singular}_version", version))


def _add_check(routes: Blueprint, texts: VersionedTexts) -> None:
    def check(name: str, body: str) -> text_schemas.TextReport:
        """Everything there is to say about a text, and its lines beside the active version's. Publishes nothing."""
        checked = texts.check(body.encode())
        findings = [*checked.findings, *_of_another_name(texts, name, checked)]
        before = active_source(texts.library, name, texts.clock.now()) or ""
        return text_schemas.TextReport(
            ok=not any(finding.severity is Severity.ERROR for finding in findings),
            findings=tuple(map(report.finding_as_json, findings)),
            diff=_lines(before, body),
        )

    endpoint(
        routes,
        "POST",
        f"/v1/{texts.plural}/<name>/check",
        summary=f"Check a {texts.singular}",
        scope=Scope.RULES_READ,
        body=texts.formats,
        body_limit=texts.max_bytes,
        answers={200: text_schemas.TextReport},
    )(_called(f"check_{texts.singular}", check))


def _of_another_name(texts: VersionedTexts, name: str, checked: CheckedFile) -> Sequence[Finding]:
    """An error where the text declares another name than the one under which it would be published."""
    if checked.declared is None or checked.declared.name == name:
        return ()
    message = str(WrongName(checked.declared.name, name, texts.library.family))
    return [Finding(Severity.ERROR, Flaw.SYNTAX, Place(1, 1), message)]


def _add_publish(routes: Blueprint, texts: VersionedTexts) -> None:
    def publication(name: str, body: str, query: schemas.Publication, caller: Caller) -> Answer:
        """Check a text and make it the active version, now or from `effective_from` on; every process follows.

        `If-Match` is the sha256 of the version that was edited; only the first version needs none. If somebody else
        published in between: 412 with the lines that they changed. With errors in the text: 422 with every finding.
        """
        expected = expected_sha256(texts.library, name, caller.headers.get("If-Match"))
        with as_problems():
            version = _published(texts, name, body, query, caller.app, expected)
            texts.refresh()
            shown = _shown(version, texts.active(name))
        return Answer(shown, headers={"Location": f"/v1/{texts.plural}/{name}/versions/{version.number}"})

    endpoint(
        routes,
        "POST",
        f"/v1/{texts.plural}/<name>/versions",
        summary=f"Publish a {texts.singular}",
        scope=Scope.RULES_WRITE,
        body=texts.formats,
        body_limit=texts.max_bytes,
        query=schemas.Publication,
        headers=["If-Match"],
        creates=True,
        answers={201: text_schemas.TextVersion},
        problems=[ProblemType.PRECONDITION_FAILED, ProblemType.PRECONDITION_REQUIRED],
    )(_called(f"publish_{texts.singular}", publication))


def _published(
    texts: VersionedTexts, name: str, body: str, query: schemas.Publication, author: str, expected: str | None
) -> Version:
    library = texts.library
    try:
        return publish(
            library,
            texts.check(body.encode()),
            author,
            query.comment,
            ruleset=name,
            since=query.effective_from,
            expected_sha256=expected,
        )
    except StaleEdit as error:
        members = {"active_sha256": error.active_sha256, "diff": _since(library, name, expected, error.active_sha256)}
        raise Problem(ProblemType.PRECONDITION_FAILED, f"{error}.", members=members) from error


def _add_activate(routes: Blueprint, texts: VersionedTexts) -> None:
    def activate(name: str, body: schemas.Activate, caller: Caller) -> text_schemas.TextHistory:
        """Let a published version be used again, now or from `effective_from` on: rolling back, or forward."""
        with as_problems():
            texts.library.activate(name, body.version, caller.app, body.effective_from)
            texts.refresh()
            return _history(texts, name)

    endpoint(
        routes,
        "POST",
        f"/v1/{texts.plural}/<name>/activate",
        summary=f"Activate a published version of a {texts.singular}",
        scope=Scope.RULES_WRITE,
        body=schemas.Activate,
        creates=True,
        answers={200: text_schemas.TextHistory},
    )(_called(f"activate_{texts.singular}", activate))


def _called(name: str, view: View) -> View:
    """The view under the name that the API's description calls it."""
    view.__name__ = name
    return view


def expected_sha256(library: Library, name: str, if_match: str | None) -> str | None:
    """The sha256 that an `If-Match` header names; None where the caller expects nothing (`*`, a first version)."""
    if if_match is None and _exists(library, name):
        noun = library.family.noun.capitalize()
        detail = f"{noun} {name!r} exists: say which version you edited, so that nobody's change is lost."
        raise Problem(ProblemType.PRECONDITION_REQUIRED, detail)
    return None if if_match in (None, "*") else str(if_match).removeprefix("W/").strip('"')


def _exists(library: Library, name: str) -> bool:
    try:
        return library.head(name).versions > 0
    except UnknownRuleset:
        return False


def _since(library: Library, name: str, old: str | None, new: str | None) -> str:
    """The lines that changed from one published content to another."""
    versions = [library.with_content(name, sha256) if sha256 else None for sha256 in (old, new)]
    before, after = ("" if version is None else library.source(version) for version in versions)
    return _lines(before, after)


def _lines(before: str, after: str) -> str:
    old, new = before.splitlines(keepends=True), after.splitlines(keepends=True)
    return "".join(difflib.unified_diff(old, new, "before", "after"))


def _shown(version: Version, active: int | None) -> text_schemas.TextVersion:
    return text_schemas.TextVersion(
        name=version.ruleset,
        version=version.number,
        sha256=version.sha256,
        author=version.author,
        comment=version.comment,
        published_at=version.at,
        active=version.number == active,
        findings=tuple(version.findings),
    )


def _history(texts: VersionedTexts, name: str) -> text_schemas.TextHistory:
    library = texts.library
    number = texts.active(name)
    newest = library.version(name, number or library.head(name).versions)
    activations = library.timeline(name).activations
    return text_schemas.TextHistory(
        name=name,
        description=newest.description,
        active=_shown(newest, number) if number else None,
        versions=library.head(name).versions,
        activations=tuple(
            schemas.ShownActivation(
                version=activation.version, since=activation.since, by=activation.by, at=activation.at
            )
            for activation in activations
        ),
    )
