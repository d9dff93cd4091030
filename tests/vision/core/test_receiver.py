"""The listener, spoken to by dcmtk and by raw sockets."""

import gc
import socket
import struct
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from pydicom import dcmread
from pynetdicom import AE
from pynetdicom.sop_class import Verification

from tests.phantoms import image
from tests.vision.peers import N_SLICES, CutLine, echoscu, storescu, wait_for
from vision.core.receiver import Peer, Receiver, ReceiverLimits
from vision.core.spool import Quiet, Spool
from vision.core.traffic import TrafficLimits

Listen = Callable[..., tuple[Receiver, int]]
NOW = Quiet(open_s=0, released_s=0, broken_s=0)
MIB = 1 << 20


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    spool = Spool(tmp_path / "spool", quota_bytes=100 * MIB, min_free_bytes=0)
    spool.open(now_s=time.monotonic())
    yield spool
    spool.close()


@pytest.fixture
def lines() -> list[str]:
    """What the listener reports."""
    return []


@pytest.fixture
def listen(spool: Spool, lines: list[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Listen]:
    monkeypatch.setattr("tempfile.tempdir", None)  # restored afterwards: the listener sets it
    started: list[Receiver] = []

    def listen_it(*peers: str, **limits: object) -> tuple[Receiver, int]:
        traffic = TrafficLimits(max_instance_bytes=8 * MIB, pdu_timeout_s=1)
        chosen = ReceiverLimits(**{"network_timeout_s": 2, "request_timeout_s": 1, "traffic": traffic} | limits)  # type: ignore[arg-type]
        listed = [Peer.parse(peer) for peer in peers or ("CT1@127.0.0.1",)]
        receiver = Receiver(spool, ae_title="OVERREAD", peers=listed, report=lines.append, limits=chosen)
        started.append(receiver)
        return receiver, receiver.start(host="127.0.0.1", port=0)

    yield listen_it
    while started:
        started.pop().stop()
    gc.collect()  # what is left open is seen here, not in a later test


def waiting_files(spool: Spool) -> list[Path]:
    return sorted((spool.folder / "waiting").glob("*/*.dcm"))


def half_files(spool: Spool) -> list[Path]:
    return list(spool.arriving.iterdir())


def test_compressed_series_arrives_as_it_was_sent(listen, spool: Spool, ct: list[Path]) -> None:
    _, port = listen()
    sent = storescu(port, *ct)
    assert sent.returncode == 0, sent.stderr
    assert half_files(spool) == []
    study = spool.take(NOW, now_s=time.monotonic())
    assert study is not None
    kept = {dataset.SOPInstanceUID: dataset for dataset in map(dcmread, study.iterdir())}
    assert len(kept) == N_SLICES
    for path in ct:
        original = dcmread(path)
        assert kept[original.SOPInstanceUID].PixelData == original.PixelData
        assert kept[original.SOPInstanceUID].file_meta.TransferSyntaxUID == original.file_meta.TransferSyntaxUID


def test_instance_sent_twice_is_kept_once(listen, spool: Spool, ct: list[Path]) -> None:
    _, port = listen()
    for _ in range(2):
        assert storescu(port, ct[0]).returncode == 0
    assert len(waiting_files(spool)) == 1
    assert spool.n_bytes == waiting_files(spool)[0].stat().st_size


@pytest.mark.parametrize(
    ("peer", "calling", "called", "reason"),
    [
        ("CT1@127.0.0.1", "OTHER", "OVERREAD", "Calling AE Title Not Recognized"),
        ("CT1@127.0.0.1", "CT1", "SOMEBODY", "Called AE Title Not Recognized"),
        ("CT1@127.0.0.2", "CT1", "OVERREAD", ""),
    ],
)
def test_who_is_not_listed_is_sent_away(listen, spool: Spool, ct, peer, calling, called, reason) -> None:
    receiver, port = listen(peer, "OTHER@192.0.2.0/24")
    sent = storescu(port, ct[0], calling=calling, called=called)
    assert sent.returncode != 0
    assert reason in sent.stderr
    assert waiting_files(spool) == []
    assert receiver.counts.turned_away == 1


def test_echo_is_answered(listen) -> None:
    _, port = listen()
    assert echoscu(port).returncode == 0


def test_objects_that_are_no_images_are_not_accepted(listen, spool: Spool, tmp_path: Path) -> None:
    _, port = listen()
    report = image(SOPClassUID="1.2.840.10008.5.1.4.1.1.88.11")
    report.save_as(tmp_path / "sr.dcm", enforce_file_format=True)
    assert storescu(port, tmp_path / "sr.dcm", options=()).returncode != 0
    assert waiting_files(spool) == []


def test_line_that_breaks_leaves_whole_files_and_no_half_one(listen, spool: Spool, ct: list[Path]) -> None:
    _, port = listen()
    size = ct[0].stat().st_size
    line = CutLine(port, n_bytes=3 * size + size // 2)
    assert storescu(line.port, *ct).returncode != 0
    line.close()
    wait_for(lambda: not spool.sweep(older_than_s=0) and not half_files(spool), "half files stay")
    kept = waiting_files(spool)
    assert 2 <= len(kept) <= 4
    assert all(dcmread(path).PixelData for path in kept)
    # The study is not complete: it waits for the sender, who has not released the association.
    assert spool.take(Quiet(open_s=3600, released_s=0), now_s=time.monotonic()) is None
    assert storescu(port, *ct).returncode == 0
    assert len(waiting_files(spool)) == N_SLICES


def test_peer_that_goes_silent_in_the_middle_is_cut_off(listen, spool: Spool, ct: list[Path]) -> None:
    _, port = listen()
    line = CutLine(port, n_bytes=ct[0].stat().st_size // 2, silent=True)
    assert storescu(line.port, ct[0]).returncode != 0  # ends because the listener hangs up
    line.close()
    assert waiting_files(spool) == []
    assert echoscu(port).returncode == 0


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param(struct.pack(">BBL", 1, 0, 2**31), id="claims-2-GiB"),
        pytest.param(struct.pack(">BBL", 1, 0, 200) + b"x" * 50, id="half-a-PDU"),
        pytest.param(struct.pack(">BBL", 1, 0, 68) + b"\xff" * 68, id="noise"),
        pytest.param(b"GET / HTTP/1.1\r\n\r\n", id="another-protocol"),
        pytest.param(b"", id="nothing"),
    ],
)
def test_connection_that_makes_no_sense_is_closed_in_time(listen, sent: bytes) -> None:
    _, port = listen()
    with socket.create_connection(("127.0.0.1", port), timeout=10) as peer:
        peer.sendall(sent)
        while peer.recv(1024):  # an A-ABORT or nothing, then the end
            pass
    assert echoscu(port).returncode == 0


def test_instance_beyond_the_limit_is_cut_off_and_the_next_is_taken(listen, spool, lines, tmp_path, ct) -> None:
    _, port = listen()
    import numpy as np

    large = image(np.zeros((2200, 2200), np.int16))
    large.save_as(tmp_path / "large.dcm", enforce_file_format=True)
    assert storescu(port, tmp_path / "large.dcm", options=()).returncode != 0
    wait_for(lambda: any("larger than" in line for line in lines), "it was not reported")
    wait_for(lambda: not spool.sweep(older_than_s=0) and not half_files(spool), "half files stay")
    assert storescu(port, ct[0]).returncode == 0


def test_full_spool_is_answered_with_out_of_resources(listen, spool: Spool, ct: list[Path]) -> None:
    receiver, port = listen()
    spool.quota_bytes = ct[0].stat().st_size + ct[1].stat().st_size // 2
    sent = storescu(port, ct[0], ct[1], options=("-xv", "-v"))
    assert "Refused: OutOfResources" in sent.stderr
    assert len(waiting_files(spool)) == 1
    assert half_files(spool) == []
    assert receiver.counts.refused == 1


def test_too_many_associations_are_refused_politely_and_later_ones_served(listen) -> None:
    _, port = listen(max_associations=2)
    entity = AE("CT1")
    entity.add_requested_context(Verification)
    held = [entity.associate("127.0.0.1", port, ae_title="OVERREAD") for _ in range(2)]
    assert all(association.is_established for association in held)
    refused = echoscu(port)
    assert refused.returncode != 0
    assert "Local Limit Exceeded" in refused.stderr
    for association in held:
        association.release()
    wait_for(lambda: echoscu(port).returncode == 0, "nobody is served after the release")


def test_flood_of_connections_leaves_memory_and_service_as_they_were(listen) -> None:
    receiver, port = listen(max_connections=16)
    assert echoscu(port).returncode == 0
    process = psutil.Process()
    before = process.memory_info().rss
    for _ in range(4):
        held = [socket.create_connection(("127.0.0.1", port), timeout=10) for _ in range(60)]
        for peer in held:
            peer.close()
    assert process.memory_info().rss - before < 50 * MIB
    assert receiver.counts.turned_away > 0
    wait_for(lambda: echoscu(port).returncode == 0, "nobody is served after the flood")


def test_stop_cuts_senders_off_and_frees_the_port(listen, spool: Spool, ct: list[Path]) -> None:
    receiver, port = listen()
    line = CutLine(port, n_bytes=ct[0].stat().st_size // 2, silent=True)
    with socket.create_connection(("127.0.0.1", line.port)):
        receiver.stop()
    line.close()
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.1", port), timeout=5)


@pytest.mark.parametrize(
    "text", ["", "CT1", "CT1@", "@192.0.2.1", "CT1@somewhere", "A-TITLE-TOO-LONG-FOR-ANY@192.0.2.1"]
)
def test_peer_that_cannot_be_read_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no peer"):
        Peer.parse(text)


def test_peer_may_be_a_network_and_call_over_ipv6() -> None:
    peer = Peer.parse("PACS@192.0.2.0/28")
    assert peer.is_at("192.0.2.15")
    assert peer.is_at("::ffff:192.0.2.1")
    assert not peer.is_at("192.0.2.16")
    assert not peer.is_at("fe80::1%eth0")
