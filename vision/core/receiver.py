"""Receives what scanners and a PACS send (C-STORE and C-ECHO, PS3.4 annexes A and B) into a `Spool`.

Only listed peers are listened to: the address is looked at before a byte is read, the AE titles before an association
is accepted. What it reports holds counts, addresses and AE titles, nothing of what the instances hold.
"""

import ipaddress
import struct
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from threading import Thread
from typing import Any
from weakref import WeakKeyDictionary

from pydicom import Dataset, dcmread, uid
from pydicom import config as pydicom_config
from pydicom.errors import BytesLengthException, InvalidDicomError
from pynetdicom import AE, _config, evt, sop_class
from pynetdicom.association import Association
from pynetdicom.events import Event
from pynetdicom.transport import AssociationServer, RequestHandler

from vision.core.spool import Spool, SpoolFull
from vision.core.traffic import Traffic, TrafficLimits, hang_up

# What the import can use; other objects are refused when an association is made.
STORED = (
    sop_class.CTImageStorage,  # type: ignore[attr-defined]
    sop_class.EnhancedCTImageStorage,  # type: ignore[attr-defined]
    sop_class.LegacyConvertedEnhancedCTImageStorage,  # type: ignore[attr-defined]
    sop_class.MRImageStorage,  # type: ignore[attr-defined]
    sop_class.EnhancedMRImageStorage,  # type: ignore[attr-defined]
    sop_class.LegacyConvertedEnhancedMRImageStorage,  # type: ignore[attr-defined]
    sop_class.SegmentationStorage,  # type: ignore[attr-defined]
    sop_class.LabelMapSegmentationStorage,  # type: ignore[attr-defined]
)
# Not the deflated one: its header can only be read by unpacking all of it.
TRANSFER_SYNTAXES = [
    uid.ExplicitVRLittleEndian,
    uid.ImplicitVRLittleEndian,
    uid.JPEG2000Lossless,
    uid.JPEG2000,
    uid.JPEGLSLossless,
    uid.JPEGLSNearLossless,
    uid.JPEGLosslessSV1,
    uid.JPEGLossless,
    uid.JPEGBaseline8Bit,
    uid.JPEGExtended12Bit,
    uid.RLELossless,
    uid.ExplicitVRBigEndian,
]
# Status of C-STORE (PS3.4 table B.2-1).
STORED_WELL, OUT_OF_RESOURCES, OTHER_CLASS, NOT_UNDERSTOOD = 0x0000, 0xA700, 0xA900, 0xC000
# Result, source and reason of a rejection (PS3.8 table 9-21).
_CALLING_UNKNOWN, _CALLED_UNKNOWN = (0x01, 0x01, 0x03), (0x01, 0x01, 0x07)
_UNREADABLE = (
    BytesLengthException,
    EOFError,
    InvalidDicomError,
    KeyError,
    NotImplementedError,
    RecursionError,
    TypeError,
    ValueError,
    struct.error,
)
_MEANING = {
    OUT_OF_RESOURCES: "no room is left",
    OTHER_CLASS: "it is not what its command names",
    NOT_UNDERSTOOD: "its header cannot be read",
}
_POLL_S = 0.1
_ABORT_S = 0.5
_REPORT_EVERY_S = 10.0
_MAX_TITLE = 16


@dataclass(frozen=True, slots=True)
class Peer:
    """Who may send: an AE title at an address or network."""

    ae_title: str
    network: ipaddress.IPv4Network | ipaddress.IPv6Network

    @classmethod
    def parse(cls, text: str) -> "Peer":
        """Read `AET@ADDRESS` or `AET@NETWORK/BITS`. Raises `ValueError`."""
        title, sign, address = text.strip().rpartition("@")
        if not sign or not title.strip() or len(title) > _MAX_TITLE:
            raise ValueError(f"{text!r} is no peer, expected AET@ADDRESS such as CT1@192.0.2.7")
        try:
            return cls(ae_title=title.strip(), network=ipaddress.ip_network(address.strip(), strict=True))
        except ValueError as error:
            raise ValueError(f"{text!r} is no peer: {address!r} is no IP address or network") from error

    def is_at(self, address: str) -> bool:
        """Whether this peer may call from the address."""
        found = ipaddress.ip_address(address.partition("%")[0])
        mapped = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
        return (mapped or found) in self.network


@dataclass(frozen=True, slots=True)
class ReceiverLimits:
    """How many may send at once, and how long each may be silent."""

    max_associations: int = 8
    max_connections: int = 32
    network_timeout_s: float = 60.0
    request_timeout_s: float = 10.0
    traffic: TrafficLimits = field(default_factory=TrafficLimits)


@dataclass(slots=True)
class Counts:
    """What happened since the start."""

    stored: int = 0
    refused: int = 0
    turned_away: int = 0
    cut_off: int = 0


class Receiver:
    """Listens from `start` to `stop`. `report` is told, sparingly, what an administrator should know."""

    def __init__(
        self,
        spool: Spool,
        *,
        ae_title: str,
        peers: Sequence[Peer],
        report: Callable[[str], None],
        limits: ReceiverLimits | None = None,
    ) -> None:
        self.counts = Counts()
        self.limits = limits or ReceiverLimits()
        self._spool = spool
        self._ae_title = ae_title
        self._peers = tuple(peers)
        self._report = _Sparing(report)
        self._traffic: WeakKeyDictionary[Association, Traffic] = WeakKeyDictionary()
        self._server: _Server | None = None

    def start(self, *, host: str, port: int) -> int:
        """Listen; returns the port. Settings of pydicom, pynetdicom and tempfile change for the whole process."""
        pydicom_config.settings.reading_validation_mode = pydicom_config.IGNORE  # a warning would quote the value
        tempfile.tempdir = str(self._spool.arriving)
        _config.STORE_RECV_CHUNKED_DATASET = True  # into a file as it comes, not into memory
        _config.LOG_HANDLER_LEVEL = "none"
        entity = AE(ae_title=self._ae_title)
        entity.maximum_associations = self.limits.max_associations
        entity.maximum_pdu_size = self.limits.traffic.max_pdu_bytes
        entity.network_timeout = entity.dimse_timeout = self.limits.network_timeout_s
        entity.acse_timeout = self.limits.request_timeout_s
        entity.add_supported_context(sop_class.Verification)  # type: ignore[attr-defined]
        for stored in STORED:
            entity.add_supported_context(stored, TRANSFER_SYNTAXES)
        self._server = _Server(self, entity, (host, port), self._handlers())
        Thread(target=self._server.serve_forever, args=(_POLL_S,), name="dicom-listener", daemon=True).start()
        return int(self._server.server_address[1])

    def stop(self) -> None:
        """Stop listening and cut off whoever is sending: an instance without an answer was not taken."""
        if self._server is None:
            return
        associations = self._server.active_associations
        self._server.shutdown()
        self._server = None
        for association in associations:
            if association.is_established:
                association.abort(block=False)
                association.join(_ABORT_S)
            hang_up(association)
        for association in associations:
            association.join(self.limits.request_timeout_s)

    def admit(self, address: str, n_connections: int) -> bool:
        """Whether to listen to a connection from this address."""
        if not any(peer.is_at(address) for peer in self._peers):
            return self._turn_away(address, "the address is not on the list")
        if n_connections >= self.limits.max_connections:
            return self._turn_away(address, f"{n_connections} connections are open")
        return True

    def guard(self, association: Association) -> None:
        """Put bounds on what comes over the association."""
        traffic = Traffic(self.limits.traffic, has_room=self._spool.has_room)
        traffic.guard(association)
        self._traffic[association] = traffic

    def _turn_away(self, address: str, reason: str) -> bool:
        self.counts.turned_away += 1
        self._report(f"turned {address} away: {reason}")
        return False

    def _handlers(self) -> list[Any]:
        return [
            (evt.EVT_REQUESTED, self._check_titles),
            (evt.EVT_PDU_RECV, lambda event: self._traffic[event.assoc].note_pdu(event)),
            (evt.EVT_DIMSE_RECV, lambda event: self._traffic[event.assoc].note_message(event)),
            (evt.EVT_C_ECHO, lambda event: STORED_WELL),
            (evt.EVT_C_STORE, self._store),
            (evt.EVT_RELEASED, lambda event: self._end(event, released=True)),
            (evt.EVT_CONN_CLOSE, lambda event: self._end(event, released=False)),
        ]

    def _check_titles(self, event: Event) -> None:
        """Reject who calls under a title that is not listed for the address, or does not call us."""
        assoc = event.assoc
        request: Any = assoc.requestor.primitive
        address = str(assoc.requestor.address)
        calling = str(request.calling_ae_title).strip()
        if not any(peer.ae_title == calling and peer.is_at(address) for peer in self._peers):
            self._turn_away(address, f"{calling!r} is not on the list for this address")
            assoc.acse.send_reject(*_CALLING_UNKNOWN)
        elif str(request.called_ae_title).strip() != self._ae_title:
            self._turn_away(address, f"it called another title than {self._ae_title!r}")
            assoc.acse.send_reject(*_CALLED_UNKNOWN)
        if assoc.is_rejected:
            assoc.kill()

    def _store(self, event: Event) -> int:
        """Answer one C-STORE: the file is in the spool before the sender is told so."""
        try:
            status = self._status_of(event)
        finally:
            self._traffic[event.assoc].note_answer()
        if status == STORED_WELL:
            self.counts.stored += 1
        else:
            self.counts.refused += 1
            self._report(f"refused an instance with status {status:04X} ({_MEANING[status]})")
        return status

    def _status_of(self, event: Event) -> int:
        path: Path = event.dataset_path
        try:
            header = _read_header(path)
        except _UNREADABLE:
            return NOT_UNDERSTOOD
        study_uid, sop_uid = str(header.get("StudyInstanceUID", "")), str(header.get("SOPInstanceUID", ""))
        if not study_uid or not sop_uid:
            return NOT_UNDERSTOOD
        request: Any = event.request
        named = (request.AffectedSOPClassUID, request.AffectedSOPInstanceUID)
        if (header.get("SOPClassUID"), sop_uid) != named:
            return OTHER_CLASS
        try:
            self._spool.keep(
                path, study_uid=study_uid, sop_uid=sop_uid, association=id(event.assoc), now_s=time.monotonic()
            )
        except (SpoolFull, OSError):
            return OUT_OF_RESOURCES
        return STORED_WELL

    def _end(self, event: Event, *, released: bool) -> None:
        _close_files(event.assoc)
        traffic = self._traffic.get(event.assoc)
        if traffic and traffic.problem:
            self.counts.cut_off += 1
            self._report(f"cut {event.assoc.requestor.address} off: {traffic.problem}")
            traffic.problem = ""
        self._spool.end_association(id(event.assoc), released=released, now_s=time.monotonic())


def _close_files(association: Association) -> None:
    """Close what is open for messages that nobody will answer any more; pynetdicom leaves it to the collector."""
    dimse = association.dimse
    waiting = [primitive for _, primitive in tuple(dimse.msg_queue.queue)]
    for file in (getattr(dimse.message, "_data_set_file", None), *(getattr(p, "_dataset_file", None) for p in waiting)):
        if file is not None:
            file.close()


def _read_header(path: Path) -> Dataset:
    """What tells where an instance belongs; the rest is not read."""
    tags = ["SOPClassUID", "SOPInstanceUID", "StudyInstanceUID"]
    return dcmread(path, stop_before_pixels=True, specific_tags=tags)


class _Server(AssociationServer):
    """Looks at addresses and counts before a connection gets threads of its own."""

    request_queue_size = 64

    def __init__(self, receiver: Receiver, entity: AE, address: tuple[str, int], handlers: list[Any]) -> None:
        self.receiver = receiver
        contexts = entity.supported_contexts
        super().__init__(
            entity, address, entity.ae_title, contexts, evt_handlers=handlers, request_handler=_GuardedHandler
        )

    def verify_request(self, request: Any, client_address: Any) -> bool:
        """Whether to listen to this connection."""
        del request
        return self.receiver.admit(str(client_address[0]), len(self.active_associations))

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A connection that ended while it was set up is no error of ours."""
        del request, client_address

    def shutdown(self) -> None:
        """Stop accepting, and close the port."""
        super(AssociationServer, self).shutdown()
        self.server_close()


class _GuardedHandler(RequestHandler):
    server: _Server

    def _create_association(self) -> Association:
        association = super()._create_association()
        self.server.receiver.guard(association)
        return association


class _Sparing:
    """Passes a line on at most every ten seconds per kind (its first word), and says how many it left out."""

    def __init__(self, report: Callable[[str], None]) -> None:
        self._report = report
        self._last_s: dict[str, float] = {}
        self._left_out: dict[str, int] = {}

    def __call__(self, line: str) -> None:
        """Report the line, or count it."""
        kind, now_s = line.partition(" ")[0], time.monotonic()
        if now_s - self._last_s.get(kind, -_REPORT_EVERY_S) < _REPORT_EVERY_S:
            self._left_out[kind] = self._left_out.get(kind, 0) + 1
            return
        self._last_s[kind] = now_s
        left_out = self._left_out.pop(kind, 0)
        self._report(line + (f" ({left_out:,} more like this before)" if left_out else ""))
