"""Run a command with DATABASE_URL naming a private PostgreSQL, and stop the server afterwards.

    python scripts/with_postgres.py pytest tests/annotator

The server listens on a socket in a folder only its owner may enter, on no port, with durability off. A
database named by TEST_DATABASE_URL or DATABASE_URL is used instead of a private one.
"""

from __future__ import annotations

import ctypes
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

START_TIMEOUT_S = 30
PR_SET_PDEATHSIG = 1
NOT_INSTALLED = (
    "The PostgreSQL server programs are not installed. "
    "Install with: sudo apt-get install --no-install-recommends postgresql (or set TEST_DATABASE_URL)."
)
# Everything here may be lost: speed matters, and a killed run leaves nothing worth keeping.
THROWAWAY = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "max_connections=100")


def find_binaries() -> Path:
    """The folder of the newest installed server: Debian keeps it off PATH."""
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    initdb = versions[-1] if versions else shutil.which("initdb")
    if initdb is None:
        sys.exit(NOT_INSTALLED)
    return Path(initdb).resolve().parent


def find_owner() -> pwd.struct_passwd:
    """Who runs the server: this user, but PostgreSQL refuses root."""
    if os.getuid() != 0:
        return pwd.getpwuid(os.getuid())
    names = {entry.pw_name: entry for entry in pwd.getpwall()}
    return names.get("postgres") or names["nobody"]


def die_with_parent() -> None:
    """Ask Linux for a fast shutdown of the server should this process be killed."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGINT)


def wait_until_ready(server: subprocess.Popen[bytes], *, binaries: Path, folder: Path) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while subprocess.call([binaries / "pg_isready", "-q", "-h", folder]) != 0:
        if server.poll() is not None or time.monotonic() > deadline:
            sys.exit("PostgreSQL did not start:\n" + (folder / "log").read_text())
        time.sleep(0.05)


@contextmanager
def private_server() -> Iterator[str]:
    """Start a server in a temporary folder; yield its URL; stop it and remove the folder."""
    binaries, owner = find_binaries(), find_owner()
    identity = {"user": owner.pw_uid, "group": owner.pw_gid, "extra_groups": []} if os.getuid() == 0 else {}
    folder = Path(tempfile.mkdtemp(prefix="overread-pg-"))  # mode 0700
    try:
        os.chown(folder, owner.pw_uid, owner.pw_gid)
        initdb = [binaries / "initdb", "-D", folder / "data", "-A", "trust", "-U", "overread"]
        options = ["-E", "UTF8", "--locale=C.UTF-8", "--no-sync"]
        subprocess.run([*initdb, *options], check=True, stdout=subprocess.DEVNULL, cwd="/", **identity)
        settings = ["listen_addresses=", f"unix_socket_directories={folder}", *THROWAWAY]
        flags = [argument for setting in settings for argument in ("-c", setting)]
        with (folder / "log").open("wb") as log:
            server = subprocess.Popen(
                [binaries / "postgres", "-D", folder / "data", *flags],
                stdout=log,
                stderr=log,
                cwd="/",
                start_new_session=True,  # Ctrl-C reaches the command first, the server when it has finished
                preexec_fn=die_with_parent,
                **identity,
            )
        try:
            wait_until_ready(server, binaries=binaries, folder=folder)
            yield f"postgres://overread@{quote(str(folder), safe='')}/postgres"
        finally:
            server.send_signal(signal.SIGINT)  # fast shutdown: roll back and disconnect
            server.wait()
    finally:
        shutil.rmtree(folder)


def run(command: list[str], url: str) -> int:
    child = subprocess.Popen(command, env={**os.environ, "DATABASE_URL": url})
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the terminal sends Ctrl-C to the command as well
    signal.signal(signal.SIGTERM, lambda *_: child.terminate())
    code = child.wait()
    return code if code >= 0 else 128 - code  # as a shell reports a signal


def main() -> int:
    if len(sys.argv) < 2:
        sys.exit(f"usage: {sys.argv[0]} COMMAND [ARGUMENT]...")
    given = os.environ.get("TEST_DATABASE_URL") or os.environ.get("DATABASE_URL")
    if given:
        return run(sys.argv[1:], given)
    with private_server() as url:
        return run(sys.argv[1:], url)


if __name__ == "__main__":
    sys.exit(main())
