"""The folder where received instances wait."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from vision.core.spool import Quiet, Spool, SpoolBusy, SpoolFull

QUIET = Quiet(open_s=60, released_s=10, broken_s=600)
AT_ONCE = Quiet(open_s=0, released_s=0, broken_s=0)


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    spool = opened(tmp_path)
    yield spool
    spool.close()


def opened(folder: Path, now_s: float = 0.0) -> Spool:
    spool = Spool(folder / "spool", quota_bytes=100, min_free_bytes=0)
    spool.open(now_s=now_s)
    return spool


def receive(
    spool: Spool, sop_uid: str, *, study_uid: str = "1.2", n_bytes: int = 10, now_s: float = 0.0, association: int = 1
) -> None:
    path = spool.arriving / sop_uid
    path.write_bytes(b"x" * n_bytes)
    spool.keep(path, study_uid=study_uid, sop_uid=sop_uid, association=association, now_s=now_s)


def test_study_is_taken_when_it_has_been_quiet_for_long_enough(spool: Spool) -> None:
    receive(spool, "1", now_s=0)
    receive(spool, "2", now_s=30)
    assert spool.take(QUIET, now_s=89) is None
    study = spool.take(QUIET, now_s=90)
    assert study is not None
    assert len(list(study.iterdir())) == 2
    assert spool.take(QUIET, now_s=1000) is None


@pytest.mark.parametrize(("released", "ready_s"), [(True, 15.0), (False, 600.0)])
def test_release_shortens_the_wait_and_an_abort_lengthens_it(spool: Spool, released: bool, ready_s: float) -> None:
    receive(spool, "1", now_s=0)
    spool.end_association(1, released=released, now_s=5)
    assert spool.take(QUIET, now_s=ready_s - 1) is None
    assert spool.take(QUIET, now_s=ready_s) is not None


def test_study_that_is_sent_again_after_an_abort_is_taken_when_that_is_released(spool: Spool) -> None:
    receive(spool, "1", now_s=0)
    spool.end_association(1, released=False, now_s=5)
    receive(spool, "2", now_s=100, association=2)
    spool.end_association(2, released=True, now_s=101)
    assert spool.take(QUIET, now_s=110) is None
    assert spool.take(QUIET, now_s=111) is not None


def test_study_that_waits_at_a_start_may_be_half_of_one(tmp_path: Path) -> None:
    spool = opened(tmp_path)
    receive(spool, "1", now_s=0)
    spool.close()
    again = opened(tmp_path, now_s=1000)
    assert again.take(QUIET, now_s=1599) is None
    assert again.take(QUIET, now_s=1600) is not None
    again.close()


def test_late_images_are_kept_aside_and_count_to_the_quota(tmp_path: Path) -> None:
    spool = opened(tmp_path)
    receive(spool, "1")
    receive(spool, "2", n_bytes=30)
    study = spool.take(AT_ONCE, now_s=0)
    late = max(study.iterdir(), key=lambda path: path.stat().st_size).name
    spool.finish(study, late=[late])
    assert [path.name for path in (spool.folder / "aside").rglob("*.dcm")] == [late]
    assert spool.n_bytes == 30
    spool.close()
    again = opened(tmp_path)
    assert again.n_bytes == 30
    assert again.take(AT_ONCE, now_s=0) is None
    again.close()


def test_quota_is_kept_and_room_comes_back_after_the_import(spool: Spool) -> None:
    receive(spool, "1", n_bytes=60)
    with pytest.raises(SpoolFull):
        receive(spool, "2", n_bytes=60)
    study = spool.take(AT_ONCE, now_s=0)
    assert study is not None
    spool.finish(study)
    receive(spool, "2", n_bytes=60)
    assert spool.n_bytes == 60


def test_stop_loses_whole_files_never_and_half_files_always(tmp_path: Path) -> None:
    spool = opened(tmp_path)
    receive(spool, "1", study_uid="1.2")
    receive(spool, "2", study_uid="1.3")
    assert spool.take(AT_ONCE, now_s=0) is not None  # being imported
    (spool.arriving / "half").write_bytes(b"x")
    spool.close()
    again = opened(tmp_path)
    assert list(again.arriving.iterdir()) == []
    assert again.n_bytes == 20
    taken = [again.take(AT_ONCE, now_s=0) for _ in range(3)]
    assert sum(study is not None for study in taken) == 2
    again.close()


def test_instances_that_came_during_an_import_wait_for_the_next(spool: Spool) -> None:
    receive(spool, "1")
    first = spool.take(AT_ONCE, now_s=0)
    receive(spool, "2")
    spool.finish(first)
    second = spool.take(AT_ONCE, now_s=0)
    assert second is not None
    assert len(list(second.iterdir())) == 1


def test_study_that_waits_again_takes_the_newer_of_two_files(spool: Spool) -> None:
    receive(spool, "1", n_bytes=10)
    receive(spool, "2", n_bytes=10)
    taken = spool.take(AT_ONCE, now_s=0)
    receive(spool, "1", n_bytes=20)
    spool.wait_again(taken, now_s=0)
    study = spool.take(AT_ONCE, now_s=0)
    assert sorted(path.stat().st_size for path in study.iterdir()) == [10, 20]
    assert spool.n_bytes == 30


def test_folder_serves_one_process(spool: Spool, tmp_path: Path) -> None:
    with pytest.raises(SpoolBusy):
        opened(tmp_path)


def test_study_put_aside_is_tried_again_after_the_next_start(tmp_path: Path) -> None:
    spool = opened(tmp_path)
    receive(spool, "1")
    spool.put_aside(spool.take(AT_ONCE, now_s=0))
    assert spool.take(AT_ONCE, now_s=10**6) is None
    spool.close()
    again = opened(tmp_path)
    assert again.take(AT_ONCE, now_s=0) is not None
    again.close()
