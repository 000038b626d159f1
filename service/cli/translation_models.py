"""`tocsin translations models`: Mozilla's translation models, fetched once, hash-checked, used without a network."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn

from service import config
from service.core import parse_tag
from service.language.embedded import HUB, ModelRegistry, model_registry


@click.group()
def models() -> None:
    """Add, list and remove models that translate on this machine."""


@models.command("list")
@click.option("--available", is_flag=True, help="What the registry has, instead of what is installed.")
def list_models(available: bool) -> None:
    """List the models that were added.

    The one that ships with Tocsin is not among them.
    """
    if available:
        for source, target in ModelRegistry().pairs():
            click.echo(f"{source}-{target}")
        return
    installed = model_registry.installed(_folder())
    for pair, size in installed:
        click.echo(f"{pair}  {size / 1e6:.0f} MB")
    click.echo(f"{len(installed)} installed in {_folder()}.", err=True)


@models.command()
@click.argument("languages", nargs=-1, required=True, metavar="LANG...")
@click.option("--both", is_flag=True, help="From LANG into English too.")
def add(languages: tuple[str, ...], both: bool) -> None:
    """Fetch the models from English into each LANG, such as `de fr`. Restart Tocsin to use them."""
    source = ModelRegistry()
    wanted = [pair for language in languages for pair in _pairs(language, both=both)]
    for start, end in wanted:  # before anything is fetched: all there, or nothing begun
        source.files(start, end)
    with _bars() as progress:
        for start, end in wanted:
            source.install(start, end, _folder(), progress)
    click.echo(f"{len(wanted)} added to {_folder()}: restart Tocsin to use them.")


@models.command()
@click.argument("languages", nargs=-1, required=True, metavar="LANG...")
def remove(languages: tuple[str, ...]) -> None:
    """Delete the models from and into each LANG. Restart Tocsin to stop using them."""
    here = {pair for pair, _ in model_registry.installed(_folder())}
    for language in languages:
        pairs = ["-".join(pair) for pair in _pairs(language, both=True)]
        for pair in [pair for pair in pairs if pair in here] or pairs[:1]:
            model_registry.remove(pair, _folder())
            click.echo(f"{pair} removed.")


def _pairs(language: str, *, both: bool) -> Sequence[tuple[str, str]]:
    code = parse_tag(language).language
    if code == HUB:
        raise click.ClickException("English is one side of every model: name the other language")
    return [(HUB, code), (code, HUB)] if both else [(HUB, code)]


def _folder() -> Path:
    return config.load().models


@contextmanager
def _bars() -> Iterator[model_registry.Progress]:
    """A bar for each file, on standard error, where that is a terminal."""
    columns = TextColumn("{task.description}"), BarColumn(), DownloadColumn()
    with Progress(*columns, console=Console(stderr=True)) as progress:
        bars: dict[str, TaskID] = {}

        def told(name: str, new: int, whole: int) -> None:
            if name not in bars:
                bars[name] = progress.add_task(name, total=whole or None)
            progress.advance(bars[name], new)

        yield told
