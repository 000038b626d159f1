"""The `tocsin` command. Each command is a module of this package, imported only when it is called."""

from __future__ import annotations

import os
from importlib import import_module

import click
from typing_extensions import override

from service import config
from service.cli import lifetime
from service.cli.notices import notice
from service.core import TocsinError

GROUPS = {
    "Start": {
        "up": "service.cli.up:up",
        "demo": "service.cli.demo:demo",
        "console": "service.cli.console:console",
        "doctor": "service.cli.doctor:doctor",
        "phone": "service.cli.phone:phone",
        "outbox": "service.cli.outbox:outbox",
    },
    "Rules and texts": {
        "rules": "service.cli.rules:rules",
        "policies": "service.cli.policies:policies",
        "templates": "service.cli.templates:templates",
        "catalogues": "service.cli.catalogues:catalogues",
        "translations": "service.cli.translations:translations",
    },
    "People and messages": {
        "recipients": "service.cli.recipients:recipients",
        "audiences": "service.cli.audiences:audiences",
        "rosters": "service.cli.rosters:rosters",
        "notifications": "service.cli.notifications:notifications",
        "optouts": "service.cli.optouts:optouts",
    },
    "Operate": {
        "serve": "service.cli.serve:serve",
        "worker": "service.cli.worker:worker",
        "keys": "service.cli.keys:keys",
        "audit": "service.cli.audit:audit",
        "dead": "service.cli.dead:dead",
        "spend": "service.cli.spend:spend",
        "pause": "service.cli.pause:pause",
        "resume": "service.cli.pause:resume",
        "aws": "service.cli.aws:aws",
        "callback-secret": "service.cli.callback_secret:callback_secret",
    },
}
"""Where each command is, by what it is for."""

COMMANDS = {name: place for group in GROUPS.values() for name, place in group.items()}

EXAMPLES = """\b
Examples:
  tocsin up                               # prints a link to the console
  tocsin rules check rules/premium.yaml   # after each change of a file

Each command says more with --help. All settings: docs/settings.md"""


class Misconfigured(click.ClickException):
    """Ends the command with the status that click gives to wrong arguments."""

    exit_code = 2


class Commands(click.Group):
    """The commands by name."""

    @override
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    @override
    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, name = COMMANDS[cmd_name].split(":")
        command = getattr(import_module(module), name)
        assert isinstance(command, click.Command)
        return command

    @override
    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        limit = formatter.width - 6 - max(map(len, COMMANDS))
        for group, places in GROUPS.items():
            commands = [(name, self.get_command(ctx, name)) for name in places]
            with formatter.section(group):
                formatter.write_dl(
                    [(name.ljust(15), each.get_short_help_str(limit)) for name, each in commands if each]
                )

    @override
    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except config.SettingsError as error:
            raise Misconfigured(str(error)) from error
        except TocsinError as error:
            raise click.ClickException(str(error)) from error


@click.group(cls=Commands, epilog=EXAMPLES, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="tocsin")
def main() -> None:
    """Tocsin decides by rules, notifies people and escalates incidents."""
    if (region := os.environ.get("AWS_REGION")) is not None:
        os.environ.setdefault("AWS_DEFAULT_REGION", region)  # the only one that boto3 reads
    said_already = lifetime.PARENT in os.environ
    for sentence in () if said_already else config.unknown():
        notice(f"Warning: {sentence}")
