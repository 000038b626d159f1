"""What can be looked at on this machine: settings, the secret, the store, the models."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice

from msgspec import structs

from service import config
from service.aws import CannotFetch
from service.cli.checks import CheckFinding, broken, doubtful, fine
from service.cli.checks.rule_files import rule_files
from service.cli.checks.work import work
from service.config import Backend, Settings, folders, sources
from service.core import Channel, Clock, Tag, TocsinError, secrets, timestamp
from service.storage import Conflict, Item, Store
from service.wiring import smtp_channel
from service.work import all_dead_items

PROBE = "doctor"
SENTENCE = "The warehouse is closed on Monday for the yearly stock count."


def references() -> Iterator[CheckFinding]:
    """Whether every setting that is stored elsewhere can be fetched; never its value."""
    kept = config.references()
    fetch = sources.fetch_kept() if kept else None
    for field, reference in kept.items():
        name = f"{config.PREFIX}{field.upper()}"
        try:
            if fetch is not None:
                fetch(reference)
            yield fine(name, f"{reference} answers")
        except CannotFetch as error:
            yield broken(name, str(error), "Correct the reference, or what is kept there (docs/settings.md).")


def look(settings: Settings, store: Store, clock: Clock) -> Iterator[CheckFinding]:
    """Everything that this machine can tell."""
    yield from _settings(settings)
    yield _secret(settings)
    yield from _disk(settings)
    yield from _store(store, clock)
    yield from work(store, clock, settings.thresholds)
    yield from rule_files(settings, store, clock)
    yield from _mail_server(settings, clock)
    yield from _mailbox(settings, clock)
    yield _chat(settings)
    yield from _models(settings)


def _chat(settings: Settings) -> CheckFinding:
    if settings.is_trial(Channel.CHAT):
        return fine("chat", "messages to chat rooms go to the outbox")
    if settings.public_url is None and settings.chat_webhooks:
        do = "Set TOCSIN_PUBLIC_URL, if incidents are to be paged by chat."
        return doubtful("chat", "pages in chat rooms carry no link, so that nobody can acknowledge there", do)
    own = f"; {len(settings.chat_hosts)} hosts of our own network may be written to" if settings.chat_hosts else ""
    return fine("chat", f"messages are posted to the webhooks of chat rooms{own}")


def _settings(settings: Settings) -> Iterator[CheckFinding]:
    strange = config.unknown()
    yield from (doubtful("settings", sentence, "Correct or remove it.") for sentence in strange)
    yield from (doubtful("settings", sentence, "Change it, or live with it.") for sentence in config.warnings(settings))
    if not strange:
        yield fine("settings", f"all known; the backend is {settings.backend.value}")
    yield fine("senders", f"{len(settings.senders.by_country)} countries have identities of their own")


def _secret(settings: Settings) -> CheckFinding:
    if settings.secret is None and not settings.secret_file.exists():
        return doubtful("secret", "there is none yet", "It is made at the first start; back it up then.")
    finding = _tried("secret", lambda: _readable(settings), "Restore it from the backup: opt-outs depend on it.")
    if settings.secret is None and settings.secret_file.stat().st_mode & 0o077:
        return broken("secret", "others may read its file", f"Run: chmod 600 {settings.secret_file}")
    if settings.secret is None and settings.backend is Backend.AWS:
        return doubtful("secret", "it is this host's own", "Give all hosts the same one as TOCSIN_SECRET.")
    return finding


def _readable(settings: Settings) -> str:
    secrets.of_installation(settings.secret, settings.secret_file)
    return "readable, and by nobody else"


def _store(store: Store, clock: Clock) -> Iterator[CheckFinding]:
    advice = "Check the disk and TOCSIN_HOME; on AWS run `tocsin aws init` and check the role's policy."
    wrote = _tried("store", lambda: _written(store, clock), advice)
    yield wrote
    if wrote.do is None:
        yield _dead(store)


def _written(store: Store, clock: Clock) -> str:
    store.ping()
    item = store.get(PROBE) or Item(PROBE, "doctor", {})
    try:
        store.save(structs.replace(item, state={"looked_at": timestamp(clock.now())}))
    except Conflict:
        return "answers and takes writes (another doctor's, just now)"
    return "answers and takes writes"


def _disk(settings: Settings) -> Iterator[CheckFinding]:
    """Whether there is room for the database."""
    if settings.backend is Backend.EMBEDDED:
        do = "Make room on it: nothing can be written until then, and everything goes on by itself afterwards."
        yield _tried("disk", lambda: _room(settings), do)


def _room(settings: Settings) -> str:
    folders.check_room(settings.home)
    return "has room"


def _dead(store: Store) -> CheckFinding:
    count = len(list(islice(all_dead_items(store), 1000)))
    if count:
        return doubtful("dead work", f"{count} items", "Read why with `tocsin dead list`, mend it, then redrive them.")
    return fine("dead work", "none")


def _mail_server(settings: Settings, clock: Clock) -> Iterator[CheckFinding]:
    """Whether the mail server lets us in; nothing is sent."""
    if settings.smtp_url is None:
        return
    refused = smtp_channel(settings.smtp_url, settings, clock).look()
    if refused is None:
        yield fine("mail server", f"lets us in at {settings.smtp_url.host}:{settings.smtp_url.port}")
    else:
        do = "Check TOCSIN_SMTP_URL, the way to the server, and its certificate; every email fails until then."
        yield broken("mail server", refused.detail, do)


def _mailbox(settings: Settings, clock: Clock) -> Iterator[CheckFinding]:
    """Whether the mailbox for answers can be read; nothing in it is changed."""
    if settings.mailbox_url is None:
        if settings.reply_to is not None and settings.backend is Backend.EMBEDDED:
            do = "Set TOCSIN_MAILBOX_URL, or let SES deliver them (docs/escalation.md)."
            yield doubtful("mailbox", "TOCSIN_REPLY_TO asks for answers by mail, and no mailbox is read", do)
        return
    from service.channels import ImapMailbox, MailboxUnreadable

    mailbox = ImapMailbox(settings.mailbox_url, clock)
    try:
        yield fine("mailbox", f"{mailbox.look()} mails in {settings.mailbox_url.folder}")
    except MailboxUnreadable as error:
        yield broken("mailbox", str(error), "Check TOCSIN_MAILBOX_URL; answers and bounces by mail are not read.")
    finally:
        mailbox.close()


def _models(settings: Settings) -> Iterator[CheckFinding]:
    advice = "Install Tocsin's dependencies again: `make`."
    if settings.backend is Backend.EMBEDDED:
        yield _tried("sentiment model", _scores, advice)
        yield _tried("voice", _speaks, advice)
        yield _tried("translation models", lambda: _translates(settings), "Remove it, and add it again.")
    if not settings.detects_by_comprehend:
        yield _tried("language detection", _detects, advice)


def _scores() -> str:
    from service.language.embedded import EmbeddedSentiment

    return f"a plain sentence is {EmbeddedSentiment().score(SENTENCE, Tag('en')).label.value}"


def _speaks() -> str:
    from service.channels import NanoSpeech

    return f"a sentence takes {NanoSpeech().speak(SENTENCE, Tag('en')).seconds:.1f} s to say"


def _translates(settings: Settings) -> str:
    from service.language.embedded import bundled_models, find_models

    own = (settings.model_dir, settings.models) if settings.model_dir else (settings.models,)
    return ", ".join(f"{model.source}-{model.target}" for model in find_models(*own, bundled_models()))


def _detects() -> str:
    from service.language.embedded import EmbeddedDetector

    detected = EmbeddedDetector().detect(SENTENCE)
    return f"an English sentence is {detected.language if detected else 'unknown'}"


def _tried(subject: str, look: Callable[[], str], do: str) -> CheckFinding:
    try:
        return fine(subject, look())
    except (TocsinError, OSError, ImportError) as error:
        return broken(subject, str(error), do)
