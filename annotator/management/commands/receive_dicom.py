"""Listen for what scanners and a PACS send, and import it."""

import signal
import threading
import time
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import close_old_connections
from django.utils import timezone

from annotator.management.console import messages_to_user, named_project, named_user
from annotator.models import Project, User
from vision.core.receiver import Receiver, ReceiverLimits
from vision.core.spool import Quiet, Spool
from vision.core.traffic import TrafficLimits
from vision.services.receiving import StoppedError, import_next, open_spool, parse_peers

_MIB, _GIB = 1 << 20, 1 << 30
_LOOK_EVERY_S = 0.5
_SWEEP_AFTER_S = 300.0


class Command(BaseCommand):
    """`manage.py receive_dicom PROJECT`: C-STORE and C-ECHO for listed peers, until SIGTERM or Ctrl-C."""

    help = "Receive images by DICOM (C-STORE) from listed peers and import each study when it is complete."

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._stopping = threading.Event()

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Where to listen, to whom, and how much to take."""
        parser.add_argument("project", help="address of the project")
        parser.add_argument("--host", default="127.0.0.1", help="address to listen at (default: %(default)s)")
        parser.add_argument("--port", type=int, default=11112, help="port, 0 for a free one (default: %(default)s)")
        parser.add_argument("--aet", default="OVERREAD", help="our AE title (default: %(default)s)")
        parser.add_argument(
            "--allow",
            default="",
            metavar="AET@ADDRESS[,...]",
            help="who may send, as CT1@192.0.2.7 or PACS@192.0.2.0/28 (default: OVERREAD_DICOM_PEERS)",
        )
        parser.add_argument(
            "--quiet", type=float, default=60, metavar="S", help="silence after which a study is complete"
        )
        parser.add_argument(
            "--after-release", type=float, default=10, metavar="S", help="the same when its associations were released"
        )
        parser.add_argument(
            "--after-break",
            type=float,
            default=600,
            metavar="S",
            help="the same when one broke off, or after a restart",
        )
        parser.add_argument("--max-associations", type=int, default=8, help="at once (default: %(default)s)")
        parser.add_argument("--max-instance-mib", type=int, default=1024, help="of one instance (default: %(default)s)")
        parser.add_argument("--quota-gib", type=float, default=50, help="of all that waits (default: %(default)s)")
        parser.add_argument("--idle-timeout", type=float, default=60, metavar="S", help="a silent peer is cut off")
        parser.add_argument("--user", help="who imports, for the history of the project")

    def handle(self, *args: Any, **options: Any) -> None:
        """Listen, and import what is complete."""
        del args
        project = named_project(options["project"])
        with messages_to_user():
            actor = named_user(options["user"])
            peers = parse_peers([text for text in options["allow"].split(",") if text.strip()])
            quota_bytes = int(options["quota_gib"] * _GIB)
            spool = open_spool(project, quota_bytes=quota_bytes, now_s=time.monotonic())
        receiver = Receiver(spool, ae_title=options["aet"], peers=peers, report=self._say, limits=_limits_of(options))
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self._stopping.set())
        try:
            port = receiver.start(host=options["host"], port=options["port"])
            self._say(f"Receiving as {options['aet']} at {options['host']}:{port} from {len(peers)} peers")
            quiet = Quiet(options["quiet"], released_s=options["after_release"], broken_s=options["after_break"])
            self._import_until_stopped(project, actor, spool, quiet)
        except OSError as error:
            raise CommandError(f"cannot listen at {options['host']}:{options['port']}: {error.strerror}") from error
        except StoppedError:
            self._say("The import that was under way starts again with the next start")
        finally:
            receiver.stop()
            spool.close()
        self._say(f"Stopped after {receiver.counts.stored:,} instances")

    def _import_until_stopped(self, project: Project, actor: User | None, spool: Spool, quiet: Quiet) -> None:
        while not self._stopping.wait(_LOOK_EVERY_S):
            spool.sweep(older_than_s=_SWEEP_AFTER_S)
            close_old_connections()  # days may lie between two studies
            received = import_next(
                project=project,
                spool=spool,
                quiet=quiet,
                actor=actor,
                now=timezone.now(),
                now_s=time.monotonic(),
                progress=self._stop_in_between,
            )
            if received is None:
                continue
            if record := received.record:
                self._say(
                    f"Import {record.pk}: {record.n_images:,} images in {record.n_series:,} series, "
                    f"{record.n_unchanged:,} files unchanged, {record.n_refused:,} refused, "
                    f"{record.n_unlinked:,} series belong to no case{'; ' if received.reason else ''}{received.reason}"
                )
            else:
                self._say(f"A study was not imported; {received.reason}")

    def _stop_in_between(self, n_done: int, n_all: int | None) -> None:
        del n_done, n_all
        if self._stopping.is_set():
            raise StoppedError

    def _say(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()


def _limits_of(options: dict[str, Any]) -> ReceiverLimits:
    idle_s = options["idle_timeout"]
    traffic = TrafficLimits(max_instance_bytes=options["max_instance_mib"] * _MIB, pdu_timeout_s=min(30.0, idle_s))
    return ReceiverLimits(
        max_associations=options["max_associations"],
        max_connections=4 * options["max_associations"],
        network_timeout_s=idle_s,
        request_timeout_s=min(10.0, idle_s),
        traffic=traffic,
    )
