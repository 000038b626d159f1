"""Dovecot on this machine: a real IMAP server with one mailbox, whose folder the test drops mails into."""

from __future__ import annotations

import getpass
import grp
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

from tests.aws import free_port

USER, PASSWORD = "replies@example.com", "pass/word@1"

_CONFIG = """
protocols = imap
listen = 127.0.0.1
base_dir = {home}/run
state_dir = {home}/run
log_path = {home}/log
ssl = no
disable_plaintext_auth = no
default_internal_user = {inner}
default_internal_group = {group}
default_login_user = {login}
first_valid_uid = 1
mail_location = maildir:{home}/mails
passdb {{
  driver = passwd-file
  args = scheme=PLAIN {home}/users
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={home}
}}
service anvil {{
  chroot =
}}
service stats {{
  chroot =
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {port}
  }}
  inet_listener imaps {{
    port = 0
  }}
}}
"""


@dataclass
class ImapServer:
    """The server, and its one mailbox as a folder of files."""

    home: Path
    port: int
    numbers: Iterator[int] = field(default_factory=count)

    @property
    def url(self) -> str:
        return f"imap://replies%40example.com:pass%2Fword%401@127.0.0.1:{self.port}"

    def arrives(self, mail: bytes) -> None:
        """One mail more in the mailbox, as a mail server would put it there."""
        name = f"{1_000_000 + next(self.numbers)}.test"
        draft = self.home / "mails" / "tmp" / name
        draft.write_bytes(mail)
        draft.chmod(0o644)
        draft.rename(self.home / "mails" / "new" / name)

    def numbers_anew(self) -> None:
        """Let the server forget how it numbered the mails, as after a restored backup."""
        for file in (self.home / "mails").glob("dovecot*"):
            file.unlink()


@contextmanager
def imap_server() -> Iterator[ImapServer]:
    """Dovecot on a free port until the end of the block."""
    with tempfile.TemporaryDirectory(prefix="dovecot-") as folder:
        home = Path(folder)
        home.chmod(0o755)  # its users must get at their sockets
        with _running(home) as server:
            yield server


@contextmanager
def _running(home: Path) -> Iterator[ImapServer]:
    program = shutil.which("dovecot", path=f"{os.environ['PATH']}:/usr/sbin")
    assert program is not None, "Dovecot is missing: apt-get install dovecot-imapd"
    server = ImapServer(home, free_port())
    for folder in ("run", "mails/new", "mails/cur", "mails/tmp"):
        (home / folder).mkdir(parents=True)
    owner = pwd.getpwnam("mail") if os.getuid() == 0 else pwd.getpwuid(os.getuid())  # mail is nothing for root
    for place in (home / "mails", *(home / "mails").iterdir()):
        os.chown(place, owner.pw_uid, owner.pw_gid)
    (home / "users").write_text(f"{USER}:{{PLAIN}}{PASSWORD}\n")
    config = home / "dovecot.conf"
    config.write_text(_CONFIG.format(home=home, port=server.port, uid=owner.pw_uid, gid=owner.pw_gid, **_users()))
    process = subprocess.Popen([program, "-F", "-c", str(config)])
    try:
        _await(server.port, home / "log")
        yield server
    finally:
        process.terminate()
        process.wait(10)


def _users() -> dict[str, str]:
    """Root must let the packaged users do the talking; anybody else does it all as themselves."""
    if os.getuid() == 0:
        return {"inner": "dovecot", "group": "dovecot", "login": "dovenull"}
    own = getpass.getuser()
    return {"inner": own, "group": grp.getgrgid(os.getgid()).gr_name, "login": own}


def _await(port: int, log: Path) -> None:
    for _ in range(20):
        try:
            with socket.create_connection(("127.0.0.1", port), 1) as connection:
                if connection.recv(4) == b"* OK":
                    return
        except OSError:
            time.sleep(0.1)
    raise AssertionError(f"Dovecot does not answer: {log.read_text() if log.exists() else 'no log'}")
