"""Serve the site from one command: a gunicorn server in this process, on a socket that is bound before all else."""

import errno
import ipaddress
import signal
import socket
import sys
from dataclasses import dataclass
from typing import Any, NoReturn

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import OutputWrapper
from django.core.wsgi import get_wsgi_application
from django.db import connection, connections
from django.db.migrations.executor import MigrationExecutor
from gunicorn.app.base import BaseApplication

from annotator.exceptions import UserError
from annotator.logs import ServerLogger

WORKERS = 2
THREADS_PER_WORKER = 4
# Longer than the pause between two saves, so that they do not each open a connection.
KEEP_ALIVE_S = 60
# A request in flight may finish, then the server is gone.
STOP_TIMEOUT_S = 3
WILDCARDS = frozenset({"0.0.0.0", "::"})  # noqa: S104


@dataclass(frozen=True, slots=True)
class Listener:
    """A bound socket, and what to call it in a browser on this machine."""

    socket: socket.socket
    host: str

    @property
    def port(self) -> int:
        """The port, also where a free one was asked for."""
        return int(self.socket.getsockname()[1])

    @property
    def url(self) -> str:
        """Where a browser finds it."""
        name = socket.gethostname() if self.host in WILDCARDS else self.host
        return f"http://{f'[{name}]' if ':' in name else name}:{self.port}/"

    @property
    def is_private(self) -> bool:
        """Whether only this machine can reach it."""
        return ipaddress.ip_address(self.socket.getsockname()[0]).is_loopback


def open_listener(*, host: str | None = None, port: int | None = None) -> Listener:
    """A socket at `host` and `port`, by default those of the settings; port 0 takes a free one.

    Raises `UserError` when the port is taken, when the address is not one of this machine, when the bundle is not
    built, or when an address that others can reach was not asked for by name.
    """
    if not settings.BUNDLE_MANIFEST.is_file():
        raise UserError("the web bundle is not built, so no page would work: run `make web` first")
    asked_for = host is not None
    host = settings.SERVE_HOST if host is None else host
    listener = Listener(_bind(host, settings.SERVE_PORT if port is None else port), host)
    if not listener.is_private and settings.SECRETS_ARE_GENERATED and not asked_for:
        listener.socket.close()
        raise UserError(
            f"HOST is {host}, which other machines can reach over plain HTTP; if that is meant, say --host {host}, "
            "else unset HOST. A hospital server is set up as docs/operations.md says"
        )
    return listener


def _bind(host: str, port: int) -> socket.socket:
    if not 0 <= port <= 65535:
        raise UserError(f"port {port} is not one of 0 to 65535")
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except socket.gaierror as error:
        raise UserError(f"there is no address for the host {host!r}") from error
    bound = socket.socket(family, kind, protocol)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind(address)
        bound.listen(128)
    except OSError as error:
        bound.close()
        if error.errno == errno.EADDRINUSE:
            raise UserError(
                f"port {port} of {host} is busy: another program, perhaps another Overread, listens there; "
                f"choose another with PORT={port + 1} or --port {port + 1}"
            ) from error
        if error.errno in {errno.EACCES, errno.EADDRNOTAVAIL}:
            raise UserError(f"cannot listen at {host} port {port}: {error.strerror}") from error
        raise
    return bound


def stop_quietly() -> None:
    """End with status 0 on Ctrl-C and SIGTERM also while starting; gunicorn takes the signals over when it runs."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: sys.exit(0))


def migrate_if_needed() -> None:
    """Bring the database up to date; when it is already, no more than look."""
    executor = MigrationExecutor(connection)
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        call_command("migrate", interactive=False, verbosity=0)


def serve(listener: Listener, *, out: OutputWrapper) -> NoReturn:
    """Answer requests until Ctrl-C or SIGTERM, then exit with status 0. `out` gets the address when it is open."""
    _admit(listener)
    connections.close_all()  # no connection is shared with the workers
    lines = [f"Overread is at {listener.url}", "Ctrl-C stops it."]
    if not listener.is_private:
        lines[1:1] = [
            "Plain HTTP: whoever can listen on this network can read what is sent.",
            f"Browsers may call it {', '.join(settings.ALLOWED_HOSTS)}; OVERREAD_HOSTS names others.",
        ]

    def announce(_: Any) -> None:
        out.write("\n".join(lines))
        out.flush()  # also what was written before: the workers are copies of this process

    _Server(
        {
            # Given as a number, the socket that is bound already; gunicorn closes this one.
            "bind": f"fd://{listener.socket.detach()}",
            "worker_class": "gthread",
            "workers": WORKERS,
            "threads": THREADS_PER_WORKER,
            "preload_app": True,
            "keepalive": KEEP_ALIVE_S,
            "graceful_timeout": STOP_TIMEOUT_S,
            "control_socket_disable": True,
            "loglevel": "warning",
            "logger_class": ServerLogger,
            "when_ready": announce,
        }
    ).run()
    raise AssertionError("gunicorn ends by SystemExit")


def _admit(listener: Listener) -> None:
    """Let Django answer to the name that the listener was asked for by."""
    name = socket.gethostname() if listener.host in WILDCARDS else listener.host
    name = f"[{name}]" if ":" in name else name
    if name not in settings.ALLOWED_HOSTS:
        settings.ALLOWED_HOSTS = [*settings.ALLOWED_HOSTS, name]


class _Server(BaseApplication):
    """gunicorn with options from a dictionary instead of the command line and files."""

    def __init__(self, options: dict[str, Any]) -> None:
        self.options = options
        super().__init__()

    def load_config(self) -> None:
        for name, value in self.options.items():
            self.cfg.set(name, value)

    def load(self) -> Any:
        return get_wsgi_application()
