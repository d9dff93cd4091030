"""The folder where received instances wait."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from vision.core.spool import Quiet, Spool, SpoolBusy, SpoolFull

QUIET = Quiet(open_s=60, released_s=10)


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    spool = opened(tmp_path)
    yield spool
    spool.close()


def opened(folder: Path, now_s: float = 0.0) -> Spool:
    spool = Spool(folder / "spool", quota_bytes=100, min_free_bytes=0)
    spool.open(now_s=now_s)
    return spool


def receive(spool: Spool, sop_uid: str, *, study_uid: str = "1.2", n_bytes: int = 10, now_s: float = 0.0) -> None:
    path = spool.arriving / sop_uid
    path.write_bytes(b"x" * n_bytes)
    spool.keep(path, study_uid=study_uid, sop_uid=sop_uid, association=1, now_s=now_s)


def test_study_is_taken_when_it_has_been_quiet_for_long_enough(spool: Spool) -> None:
    receive(spool, "1", now_s=0)
    receive(spool, "2", now_s=30)
    assert spool.take(QUIET, now_s=89) is None
    study = spool.take(QUIET, now_s=90)
    assert study is not None
    assert len(list(study.iterdir())) == 2
    assert spool.take(QUIET, now_s=1000) is None


@pytest.mark.parametrize(("released", "ready_s"), [(True, 15.0), (False, 60.0)])
def test_release_shortens_the_wait_and_an_abort_does_not(spool: Spool, released: bool, ready_s: float) -> None:
    receive(spool, "1", now_s=0)
    spool.end_association(1, released=released, now_s=5)
    assert spool.take(QUIET, now_s=ready_s - 1) is None
    assert spool.take(QUIET, now_s=ready_s) is not None


def test_quota_is_kept_and_room_comes_back_after_the_import(spool: Spool) -> None:
    receive(spool, "1", n_bytes=60)
    with pytest.raises(SpoolFull):
        receive(spool, "2", n_bytes=60)
    study = spool.take(Quiet(0, 0), now_s=0)
    assert study is not None
    spool.finish(study)
    receive(spool, "2", n_bytes=60)
    assert spool.n_bytes == 60


def test_stop_loses_whole_files_never_and_half_files_always(tmp_path: Path) -> None:
    spool = opened(tmp_path)
    receive(spool, "1", study_uid="1.2")
    receive(spool, "2", study_uid="1.3")
    assert spool.take(Quiet(0, 0), now_s=0) is not None  # being imported
    (spool.arriving / "half").write_bytes(b"x")
    spool.close()
    again = opened(tmp_path)
    assert list(again.arriving.iterdir()) == []
    assert again.n_bytes == 20
    taken = [again.take(Quiet(0, 0), now_s=0) for _ in range(3)]
    assert sum(study is not None for study in taken) == 2
    again.close()


def test_instances_that_came_during_an_import_wait_for_the_next(spool: Spool) -> None:
    receive(spool, "1")
    first = spool.take(Quiet(0, 0), now_s=0)
    receive(spool, "2")
    spool.finish(first)
    second = spool.take(Quiet(0, 0), now_s=0)
    assert second is not None
    assert len(list(second.iterdir())) == 1


def test_study_that_waits_again_takes_the_newer_of_two_files(spool: Spool) -> None:
    receive(spool, "1", n_bytes=10)
    receive(spool, "2", n_bytes=10)
    taken = spool.take(Quiet(0, 0), now_s=0)
    receive(spool, "1", n_bytes=20)
    spool.wait_again(taken, now_s=0)
    study = spool.take(Quiet(0, 0), now_s=0)
    assert sorted(path.stat().st_size for path in study.iterdir()) == [10, 20]
    assert spool.n_bytes == 30


def test_folder_serves_one_process(spool: Spool, tmp_path: Path) -> None:
    with pytest.raises(SpoolBusy):
        opened(tmp_path)


def test_study_put_aside_is_tried_again_after_the_next_start(tmp_path: Path) -> None:
    spool = opened(tmp_path)
    receive(spool, "1")
    spool.put_aside(spool.take(Quiet(0, 0), now_s=0))
    assert spool.take(Quiet(0, 0), now_s=10**6) is None
    spool.close()
    again = opened(tmp_path)
    assert again.take(Quiet(0, 0), now_s=0) is not None
    again.close()
