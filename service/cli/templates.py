"""`tocsin templates`: what a template says, to whom it may concern, before anybody gets it."""

from __future__ import annotations

from collections.abc import Mapping

import click

from service import config
from service.cli.text_versions import add_versions
from service.core import Tag, TocsinError, exact_json, parse_tag, serves
from service.language import NotTranslated, Translation
from service.messages import Template, read_templates, render
from service.wiring import Messaging, Service, open_translator


class NotPreviewed(TocsinError):
    """The template cannot be shown in this language or with these variables."""


@click.group()
def templates() -> None:
    """List, preview and publish message templates."""


add_versions(templates, "templates")


@templates.command("list")
def list_templates() -> None:
    """List every template with its variables.

    Mistakes are shown with their place.
    """
    by_name = read_templates(config.load().templates_dir)
    for name in by_name.names:
        template = by_name.get(name)
        variables = sorted(frozenset[str]().union(*(form.names for form in template.forms)))
        click.echo(f"{name}  ({', '.join(variables) or 'no variables'})  {template.description}")


@templates.command()
@click.argument("name")
@click.option("--language", default="en", show_default=True, help="The reader's language (BCP 47).")
@click.option("--variables", default="{}", help='A JSON object: {"name": "Ada"}.')
def preview(name: str, language: str, variables: str) -> None:
    """Show a template on every channel, with the number of SMS it takes."""
    messaging = Service(config.load()).messaging
    template = messaging.templates.get(name)
    given = _object(variables)
    if missing := sorted(template.missing(given)):
        raise NotPreviewed(f"the template also needs {', '.join(missing)}: say them with --variables")
    shown = render.preview(_rendition(template, parse_tag(language), messaging), given)
    click.echo(f"{shown.language}, SMS ({shown.segments.count} × {shown.segments.encoding}):\n{shown.sms}\n")
    click.echo(f"email: {shown.email.subject}\n{shown.email.text}\nvoice:\n{shown.voice}")


def _rendition(template: Template, reader: Tag, messaging: Messaging) -> render.Rendition:
    if serves(template.language, reader):
        return render.rendition(template, template.language, "source", {})
    translator = open_translator(messaging.settings, messaging.catalogues, messaging.breakers)
    answers = {text: translator.translate(text, template.language, reader) for text in template.texts}
    if refused := [answer.reason for answer in answers.values() if isinstance(answer, NotTranslated)]:
        raise NotPreviewed(f"not translated to {reader}: {refused[0]}")
    translated = {text: answer for text, answer in answers.items() if isinstance(answer, Translation)}
    provenance = ", ".join(sorted({answer.provenance for answer in translated.values()}))
    return render.rendition(template, reader, provenance, {text: answer.text for text, answer in translated.items()})


def _object(text: str) -> Mapping[str, object]:
    try:
        document = exact_json.loads(text)
    except exact_json.NotJson as error:
        raise click.BadParameter(f"not JSON: {error}", param_hint="--variables") from error
    if not isinstance(document, dict):
        raise click.BadParameter("must be a JSON object", param_hint="--variables")
    return document
