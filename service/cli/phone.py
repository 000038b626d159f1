"""`tocsin phone NUMBER`: a phone in the terminal. Messages to it appear as they are sent; what is typed is a reply."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from urllib.parse import urlencode

import click

from service import config
from service.cli.scenarios.api import Api, NoAnswer
from service.core import TocsinError

POLL_SECONDS = 0.5


class NotAPhone(TocsinError):
    """The instance refuses the number, or the reply."""


@click.command()
@click.argument("number")
@click.option("--url", help="A running instance. Default: the address of TOCSIN_HOST and TOCSIN_PORT.")
@click.option("--key", help="An API key with the scope admin. Default: the development key in TOCSIN_HOME.")
def phone(number: str, url: str | None, key: str | None) -> None:
    """Play a phone in this terminal.

    It shows the messages of NUMBER (such as +447700900123) and sends what you type. Ctrl-D hangs up.
    """
    settings = config.load()
    api = Api(url or f"http://{settings.host}:{settings.port}", key or _development_key(settings))
    seen = _Inbox(api, number)
    click.echo(f"This is {number}. Type a reply and press Enter; Ctrl-D hangs up.")
    seen.show_new(click.echo)
    done = threading.Event()
    listener = threading.Thread(target=_listen, args=(seen, done), daemon=True)
    listener.start()
    for line in sys.stdin:
        if line.strip():
            _reply(api, number, line.strip(), seen.last_id)
    done.set()
    listener.join()
    seen.show_new(click.echo)


def _listen(inbox: _Inbox, done: threading.Event) -> None:
    while not done.wait(POLL_SECONDS):
        inbox.show_new(click.echo)


class _Inbox:
    """What the phone has got, shown once each."""

    def __init__(self, api: Api, number: str) -> None:
        self._api = api
        self._path = f"/v1/outbox?{urlencode({'to': number, 'limit': 50})}"
        self._shown: set[str] = set()
        self._lock = threading.Lock()
        self.last_id: str | None = None

    def show_new(self, echo: Callable[[str], None]) -> None:
        """Print what came since the last look, oldest first."""
        with self._lock:
            answer = self._api.get(self._path)
            if answer.status != 200:
                raise NotAPhone(f"the instance answers {answer.status}: {answer.at('detail')}")
            items = answer.at("items")
            for item in reversed(items if isinstance(items, list) else []):
                if item["id"] not in self._shown:
                    self._shown.add(item["id"])
                    self.last_id = str(item["id"])
                    echo(f"\n[{item['at']}] {item['channel']}\n{item['text']}\n")


def _reply(api: Api, number: str, text: str, in_reply_to: str | None) -> None:
    body = {"from": number, "body": text} | ({} if in_reply_to is None else {"in_reply_to": in_reply_to})
    answer = api.post("/v1/simulator/sms", body)
    if answer.status != 202:
        raise NotAPhone(f"the reply was not taken: {answer.at('detail')}")


def _development_key(settings: config.Settings) -> str:
    try:
        return settings.dev_key.read_text().strip()
    except OSError as error:
        raise NoAnswer(f"no development key at {settings.dev_key}: name one with --key, or set TOCSIN_HOME") from error
