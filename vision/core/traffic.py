"""Bounds on what a DICOM peer may send over one association: bytes, seconds, messages.

pynetdicom reads a PDU of whatever length its header claims, and waits for it for ever. Here a PDU is refused by its
length before it is read and must be complete in time, and a message is cut off when it grows too large.
"""

import socket
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from pynetdicom.association import Association
from pynetdicom.dimse_messages import C_STORE_RQ
from pynetdicom.events import Event
from pynetdicom.pdu import P_DATA_TF
from pynetdicom.transport import AssociationSocket

# An association request may be longer than the PDUs that are agreed on in it.
_MAX_REQUEST_BYTES = 256 << 10
_MAX_COMMAND_BYTES = 64 << 10
_MAX_WAITING = 4
_LOOK_EVERY_BYTES = 16 << 20
_CHUNK = 64 << 10


@dataclass(frozen=True, slots=True)
class TrafficLimits:
    """What one association may do."""

    max_pdu_bytes: int = 128 << 10
    max_instance_bytes: int = 1 << 30
    pdu_timeout_s: float = 30.0


class Traffic:
    """Counts what comes over one association; `problem` says why it has to end, empty while it may go on."""

    def __init__(self, limits: TrafficLimits, *, has_room: Callable[[int], bool]) -> None:
        self.limits = limits
        self.problem = ""
        self._has_room = has_room
        self._n_command = 0
        self._n_data = 0
        self._n_waiting = 0

    def guard(self, assoc: Association) -> None:
        """Put bounds on what the socket of the association reads."""
        connection: AssociationSocket = assoc.dul.socket  # type: ignore[assignment]
        connection.recv = partial(self._receive, connection)  # type: ignore[method-assign]

    def note_pdu(self, event: Event) -> None:
        """A PDU has come in: count its fragments."""
        if not isinstance(event.pdu, P_DATA_TF):
            return
        is_store = isinstance(event.assoc.dimse.message, C_STORE_RQ)
        for item in event.pdu.presentation_data_value_items:
            fragment = item.presentation_data_value or b""
            if fragment[:1] and fragment[0] & 1:
                self._n_command += len(fragment)
            else:
                self._count_data(len(fragment))
        if self._n_command > _MAX_COMMAND_BYTES or (not is_store and self._n_data > 2 * _MAX_REQUEST_BYTES):
            self.problem = "a command is too long"

    def note_message(self, event: Event) -> None:
        """A message is complete: the next one starts. Senders wait for the answer, so few may be waiting."""
        self._n_command = self._n_data = 0
        if isinstance(event.message, C_STORE_RQ):
            self._n_waiting += 1
            if self._n_waiting > _MAX_WAITING:
                self.problem = "it sends on without waiting for answers"

    def note_answer(self) -> None:
        """A message has been dealt with."""
        self._n_waiting -= 1

    def _count_data(self, n_bytes: int) -> None:
        before, self._n_data = self._n_data, self._n_data + n_bytes
        if self._n_data > self.limits.max_instance_bytes:
            self.problem = f"an instance is larger than {self.limits.max_instance_bytes:,} bytes"
        elif before // _LOOK_EVERY_BYTES != self._n_data // _LOOK_EVERY_BYTES and not self._has_room(self._n_data):
            self.problem = "no room is left"

    def _receive(self, connection: AssociationSocket, nr_bytes: int) -> bytearray:
        """Read from the socket; an `OSError` ends the association as a lost connection does."""
        if nr_bytes > max(self.limits.max_pdu_bytes, _MAX_REQUEST_BYTES):
            self.problem = f"a PDU claims {nr_bytes:,} bytes"
        raw = connection.socket
        if self.problem or raw is None:
            raise OSError(self.problem or "the connection is closed")
        data = bytearray()
        deadline_s = time.monotonic() + self.limits.pdu_timeout_s
        while len(data) < nr_bytes:
            left_s = deadline_s - time.monotonic()
            if left_s <= 0:
                raise TimeoutError("half a PDU came, and no more")
            raw.settimeout(left_s)
            chunk = raw.recv(min(_CHUNK, nr_bytes - len(data)))
            if not chunk:
                break
            data += chunk
        raw.settimeout(self.limits.pdu_timeout_s)  # for sending
        return data


def hang_up(association: Association) -> None:
    """End the connection below the association; whoever waits for bytes of it goes on."""
    connection = association.dul.socket
    if connection is not None and connection.socket is not None:
        with suppress(OSError):  # the peer was first
            connection.socket.shutdown(socket.SHUT_RDWR)
