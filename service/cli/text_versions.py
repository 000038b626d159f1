"""`tocsin policies|templates|catalogues`: check, publish, list, roll back and pull versions, as `tocsin rules` does."""

from __future__ import annotations

import getpass
import sys
from datetime import UTC, datetime
from pathlib import Path

import click

from service import config
from service.cli.rule_files import as_document, as_json_option, show
from service.cli.rules_versions import activation_document, active_as, effective_from_option, version_document
from service.core import exact_json
from service.rulesets import NotYetActive, UnknownRuleset, VersionedTexts, passed, pull

A_PATH = click.Path(exists=True, path_type=Path)


def _texts(plural: str) -> VersionedTexts:
    from service.wiring import Service

    texts = Service(config.load()).texts
    texts.refresh()
    return texts.families[plural]


def add_versions(group: click.Group, plural: str) -> None:
    """Give a group of commands those about versions."""
    for command in (_check(plural), _publish(plural), _history(plural), _activate(plural), _pull(plural)):
        group.add_command(command)


def _check(plural: str) -> click.Command:
    @click.command()
    @click.argument("paths", nargs=-1, required=True, type=A_PATH)
    @as_json_option
    def check(paths: tuple[Path, ...], as_json: bool) -> None:
        """Check files, or folders of templates.

        It shows everything there is to say about them. Exits with 1 where one has errors.
        """
        texts = _texts(plural)
        read = [texts.files.read(path) for path in paths]
        results = [(file, texts.check(file.content)) for file in read]
        if as_json:
            documents = [as_document(file, checked.findings) for file, checked in results]
            click.echo(exact_json.dumps({"files": documents}))
        else:
            for file, checked in results:
                show(file, checked.findings)
        sys.exit(0 if all(checked.sound for _, checked in results) else 1)

    return check


def _publish(plural: str) -> click.Command:
    @click.command()
    @click.argument("path", type=A_PATH)
    @click.option("--comment", default="", help="Why, for the history.")
    @effective_from_option
    @click.option("--over", type=click.IntRange(min=1), help="Over this version, which must be active.")
    @as_json_option
    def publish(path: Path, comment: str, effective_from: datetime | None, over: int | None, as_json: bool) -> None:
        """Check and make active, now or later.

        PATH is a file, or the folder of a template.

        One of the installation's own folder that was made from another version than the active one is refused, unless
        --over names the active one.
        """
        texts = _texts(plural)
        file = texts.files.read(path)
        checked = texts.check(file.content)
        show(file, checked.findings, err=True)
        if not checked.sound:
            sys.exit(1)
        ready = passed(checked, family=texts.library.family)
        if over is None and (why := texts.copies.drift(path, ready.declared.name)) is not None:
            raise click.ClickException(why)
        expected = None if over is None else active_as(texts.library, ready.declared.name, over)
        version = texts.library.publish(ready.draft(getpass.getuser(), comment), effective_from, expected)
        if texts.copies.holds(path):
            texts.copies.record(path, version)
        if as_json:
            click.echo(exact_json.dumps(version_document(version)))
            return
        when = f" from {effective_from.isoformat()}" if effective_from else ""
        click.echo(f"{version.ruleset} version {version.number} is active{when} ({version.sha256[:12]}).")

    return publish


def _history(plural: str) -> click.Command:
    @click.command()
    @click.argument("name")
    @click.option("--limit", type=click.IntRange(1, 500), default=20, show_default=True, help="How many at most.")
    @as_json_option
    def history(name: str, limit: int, as_json: bool) -> None:
        """List the newest versions and activations under a name."""
        texts = _texts(plural)
        versions, active = texts.library.history(name, limit=limit).items, texts.active(name)
        activations = texts.library.timeline(name).activations[-limit:]
        if as_json:
            documents = [{**version_document(version), "active": version.number == active} for version in versions]
            lines = [activation_document(activation) for activation in activations]
            click.echo(exact_json.dumps({"versions": documents, "activations": lines}))
            return
        for version in versions:
            mark = "*" if version.number == active else " "
            click.echo(
                f"{mark} {version.number:>4}  {version.at:%Y-%m-%d %H:%M}  {version.author}"
                f"  {version.sha256[:12]}  {version.comment}"
            )
        for activation in activations:
            click.echo(f"version {activation.version} from {activation.since:%Y-%m-%d %H:%M:%S} by {activation.by}")

    return history


def _activate(plural: str) -> click.Command:
    @click.command()
    @click.argument("name")
    @click.argument("version", type=int)
    @effective_from_option
    @as_json_option
    def activate(name: str, version: int, effective_from: datetime | None, as_json: bool) -> None:
        """Activate a published version: roll back or forward."""
        done = _texts(plural).library.activate(name, version, getpass.getuser(), effective_from)
        since = f"{name} version {version} is active from {done.since:%Y-%m-%d %H:%M:%S} UTC."
        click.echo(exact_json.dumps(activation_document(done)) if as_json else since)

    return activate


def _pull(plural: str) -> click.Command:
    @click.command("pull")
    @click.argument("name")
    def pull_text(name: str) -> None:
        """Write the active version to the folder.

        What was there is kept beside it if it was never published.
        """
        texts = _texts(plural)
        try:
            version = texts.library.active(name, datetime.now(UTC))
        except (UnknownRuleset, NotYetActive) as error:
            raise click.ClickException(str(error)) from error
        done = pull(texts.folder, texts.library, texts.copies, version, texts.files)
        for path in done.kept:
            click.echo(f"{path} keeps an edit that was never published.")
        for path in done.written:
            click.echo(f"{path} is written.")
        click.echo(f"The folder has {name} version {version.number}, which is active.")

    return pull_text
