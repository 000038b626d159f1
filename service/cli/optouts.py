"""`tocsin optouts`: who wants no messages; adding to them, and lifting what was a mistake."""

from __future__ import annotations

import getpass
from collections.abc import Iterator, Mapping

import click

from service import config
from service.core import exact_json, ids, timestamp
from service.messages import OPTOUT_ADDED, OPTOUT_LIFTED, ListedOptOut, OptOutReason, OptOutView, audited_optout
from service.wiring import Messaging, Service


@click.group()
def optouts() -> None:
    """List, add and lift opt-outs."""


@optouts.command("list")
@click.option("--contact", help="Only those of this phone (E.164) or email address.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def list_optouts(contact: str | None, as_json: bool) -> None:
    """List every opt-out with its reason.

    It also says what the opt-out ends: bulk, all notifications, or everything.
    """
    messaging = Service(config.load()).messaging
    earlier = messaging.opt_outs.relisting()
    while not earlier.go_on():
        pass
    view = OptOutView(messaging.opt_outs, messaging.directory)
    listed = messaging.opt_outs.of_contact(contact) if contact else tuple(_all(messaging))
    if as_json:
        click.echo(exact_json.dumps({"items": [view.shown(opt_out, in_full=True) for opt_out in listed]}))
        return
    for opt_out in listed:
        shown = view.shown(opt_out, in_full=True)
        click.echo(f"{opt_out.id}  {_whose(shown)}: {opt_out.opt_out.topic} ended {timestamp(opt_out.opt_out.since)}")
        click.echo(f"    {opt_out.opt_out.why.sentence}")
    click.echo(_count(len(listed)), err=True)


@optouts.command()
@click.argument("names", nargs=-1, required=True, metavar="ID|CONTACT…")
def lift(names: tuple[str, ...]) -> None:
    """Lift opt-outs by id, or all of an address.

    The address is a phone (E.164) or an email address. Audited. Exits with 1 if one is not there.

    A carrier that heard STOP keeps a list of its own: only START from the phone ends that.
    """
    messaging = Service(config.load()).messaging
    missing = [name for name in names if not _lift(messaging, name)]
    for name in missing:
        click.echo(f"There is no opt-out {name!r}: `tocsin optouts list` shows those that there are.", err=True)
    if missing:
        raise SystemExit(1)


@optouts.command()
@click.argument("contact")
def add(contact: str) -> None:
    """End all messages to a phone or email address.

    Incidents end too, until this is lifted. A phone is in E.164. Audited.

    For people who ask a person for it. A phone's START does not lift it, and is answered so.
    """
    messaging = Service(config.load()).messaging
    if "@" in contact:
        messaging.opt_outs.add_email(contact, OptOutReason.ADMINISTRATOR)
    else:
        messaging.opt_outs.add_phone(messaging.profiles.phones.parse(contact).e164, OptOutReason.ADMINISTRATOR)
    for listed in messaging.opt_outs.of_contact(contact):
        if listed.opt_out.why is OptOutReason.ADMINISTRATOR:
            _audit(messaging, OPTOUT_ADDED, listed)
            click.echo(f"{listed.id} holds.")


def _audit(messaging: Messaging, entry_type: str, listed: ListedOptOut) -> None:
    now = messaging.clock.now()
    messaging.store.append(audited_optout(entry_type, listed, getpass.getuser(), ids.fresh(now), now))


def _lift(messaging: Messaging, name: str) -> bool:
    is_contact = "@" in name or name.startswith("+")
    wanted = [listed_id.id for listed_id in messaging.opt_outs.of_contact(name)] if is_contact else [name]
    lifted = [listed for listed_id in wanted if (listed := messaging.opt_outs.lift(listed_id)) is not None]
    for listed in lifted:
        _audit(messaging, OPTOUT_LIFTED, listed)
        click.echo(f"{listed.id} is lifted.")
    return bool(lifted)


def _all(messaging: Messaging) -> Iterator[ListedOptOut]:
    cursor: str | None = None
    while True:
        page = messaging.opt_outs.listed(cursor, 200)
        yield from page.items
        if (cursor := page.cursor) is None:
            return


def _count(number: int) -> str:
    match number:
        case 0:
            return "Nobody has opted out."
        case 1:
            return "1 opt-out."
        case _:
            return f"{number} opt-outs."


def _whose(shown: Mapping[str, object]) -> str:
    recipients = shown["recipients"]
    named = ", ".join(map(str, recipients)) if isinstance(recipients, list) else ""
    return f"{named} ({shown['contact']})" if named else "no recipient"
