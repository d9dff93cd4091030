"""Asks a PACS for studies over DICOMweb (PS3.18: QIDO-RS, WADO-RS) and fetches them instance by instance.

Messages name servers by host and port, and instances by series and image number: nothing a patient is known by.
"""

import os
import struct
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import requests
from dicomweb_client.web import DICOMwebClient
from pydicom.dataset import Dataset
from pydicom.errors import BytesLengthException, InvalidDicomError

from vision.core.pacs_http import (
    Bounds,
    Credentials,
    PacsError,
    ask,
    bound_body,
    check_redirect,
    host_of,
    is_allowed,
    open_session,
)
from vision.core.quiet import quiet_pydicom

_Row = dict[str, dict[str, Any]]  # a match in DICOM JSON
_Answer = TypeVar("_Answer")
_CONNECT_TIMEOUT_S = 10.0
# In whichever syntax the server keeps it: asking for another would make it decode, and some servers answer 400.
_AS_KEPT = (("application/dicom", "*"),)
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
    zlib.error,
)


@dataclass(frozen=True, slots=True)
class PacsLimits:
    """How much a PACS may send, and how long it may take."""

    max_studies: int = 100
    max_instances: int = 20_000
    max_instance_bytes: int = 1 << 30
    max_study_bytes: int = 16 << 30
    max_answer_bytes: int = 64 << 20
    max_pages: int = 200
    idle_timeout_s: float = 30.0
    answer_timeout_s: float = 600.0
    study_timeout_s: float = 4 * 3600.0


@dataclass(frozen=True, slots=True)
class StudyQuery:
    """One exact match: `keyword` is StudyInstanceUID, AccessionNumber, PatientID or StudyID."""

    keyword: str
    value: str

    def __post_init__(self) -> None:
        if not self.value.strip() or any(sign in self.value for sign in "*?\\"):
            raise PacsError("a search needs one exact value: not blank, without *, ? and \\", code="bad_query")


@dataclass(frozen=True, slots=True)
class InstanceName:
    """One instance of a study; `label` is what a message calls it."""

    series_uid: str
    sop_uid: str
    label: str


class Pacs:
    """A DICOMweb server at one of the listed addresses."""

    def __init__(
        self,
        url: str,
        *,
        allowed: Sequence[str],
        credentials: Credentials | None = None,
        ca_file: Path | None = None,
        limits: PacsLimits | None = None,
    ) -> None:
        self.host = host_of(url)
        self.limits = limits or PacsLimits()
        if not is_allowed(url, allowed):
            raise PacsError(f"{self.host} is not on the list of addresses that may be asked", code="not_allowed")
        self._allowed = tuple(allowed)
        self._answer_bytes = self.limits.max_answer_bytes
        self._session = open_session(credentials=credentials, ca_file=ca_file)
        self._client = DICOMwebClient(
            url=url.rstrip("/"),
            session=self._session,
            callback=self._guard,
            timeout=(min(_CONNECT_TIMEOUT_S, self.limits.idle_timeout_s), self.limits.idle_timeout_s),
        )
        self._client.set_http_retry_params(retry=False)  # `ask` does it, for lost connections as well

    def __enter__(self) -> "Pacs":
        return self

    def __exit__(self, *error: object) -> None:
        """Close the connections."""
        self._session.close()

    def find_studies(self, query: StudyQuery) -> list[str]:
        """The UIDs of the studies that match exactly; a server that ignores the search cannot add others."""

        def search(offset: int | None) -> list[Any]:
            filters = {query.keyword: query.value}
            return self._client.search_for_studies(search_filters=filters, fields=[query.keyword], offset=offset)

        tag = DICOMwebClient.lookup_tag(query.keyword)
        uids: dict[str, None] = {}
        for study in self._pages(search, limit=self.limits.max_studies):
            if _text(study, tag) == query.value.strip() and (uid := _text(study, "0020000D")):
                uids[uid] = None
        return list(uids)

    def list_instances(self, study_uid: str) -> list[InstanceName]:
        """All instances of a study, series by series."""

        def search(offset: int | None) -> list[Any]:
            return self._client.search_for_series(study_instance_uid=study_uid, offset=offset)

        names: dict[str, InstanceName] = {}
        for position, series in enumerate(self._pages(search, limit=self.limits.max_instances), start=1):
            series_uid = _text(series, "0020000E")
            label = f"series {_number(series, '00200011') or f'at position {position}'}"
            for name in self._instances_of(study_uid, series_uid, label):
                names.setdefault(name.sop_uid, name)
            self._check_count(len(names))
        return list(names.values())

    def retrieve(self, study_uid: str, name: InstanceName, path: Path) -> int:
        """Fetch one instance in the syntax it is kept in; `path` appears when it is whole. Returns its bytes."""

        def fetch() -> Dataset:
            return self._client.retrieve_instance(study_uid, name.series_uid, name.sop_uid, media_types=_AS_KEPT)

        self._answer_bytes = self.limits.max_instance_bytes
        try:
            dataset = self._ask(fetch)
        finally:
            self._answer_bytes = self.limits.max_answer_bytes
        if (dataset.get("StudyInstanceUID"), dataset.get("SOPInstanceUID")) != (study_uid, name.sop_uid):
            raise PacsError(f"{self.host} sent something else than {name.label}", code="bad_answer")
        return self._ask(lambda: _save(dataset, path))

    def _instances_of(self, study_uid: str, series_uid: str, label: str) -> Iterator[InstanceName]:
        def search(offset: int | None) -> list[Any]:
            return self._client.search_for_instances(
                study_instance_uid=study_uid, series_instance_uid=series_uid, offset=offset
            )

        for position, instance in enumerate(self._pages(search, limit=self.limits.max_instances), start=1):
            number = _number(instance, "00200013") or f"at position {position}"
            if sop_uid := _text(instance, "00080018"):
                yield InstanceName(series_uid=series_uid, sop_uid=sop_uid, label=f"{label}, image {number}")

    def _pages(self, search: Callable[[int | None], list[Any]], *, limit: int) -> list[_Row]:
        """Every page of a search; a server that repeats a page, because it knows no offsets, ends it."""
        rows: dict[str, _Row] = {}
        for _ in range(self.limits.max_pages):
            answer = self._ask(partial(search, len(rows) or None))
            fresh = {repr(row): row for row in answer if isinstance(row, dict) and repr(row) not in rows}
            if not fresh:
                return list(rows.values())
            rows |= fresh
            if len(rows) > limit:
                raise PacsError(f"{self.host} lists more than {limit:,} matches; ask more narrowly", code="too_many")
        raise PacsError(f"{self.host} lists more than {self.limits.max_pages:,} pages of matches", code="too_many")

    def _check_count(self, n_instances: int) -> None:
        if n_instances > self.limits.max_instances:
            raise PacsError(f"a study has more than {self.limits.max_instances:,} instances", code="too_many")

    def _ask(self, question: Callable[[], _Answer]) -> _Answer:
        try:
            with quiet_pydicom():
                return ask(question, host=self.host)
        except _UNREADABLE as error:
            raise PacsError(
                f"{self.host} answered what cannot be read ({type(error).__name__})", code="bad_answer"
            ) from None

    def _guard(self, response: requests.Response, *_: Any, **__: Any) -> None:
        check_redirect(response, allowed=self._allowed)
        bound_body(response, Bounds(max_bytes=self._answer_bytes, timeout_s=self.limits.answer_timeout_s))


def _text(row: _Row, tag: str) -> str:
    """The first value of an attribute in DICOM JSON (PS3.18 F.2), empty without one."""
    attribute = row.get(tag)
    values = attribute.get("Value") if isinstance(attribute, dict) else None
    return str(values[0]).strip() if isinstance(values, list) and values and values[0] is not None else ""


def _number(row: _Row, tag: str) -> str:
    """The same, when it is a whole number: what else stands there might not belong into a message."""
    text = _text(row, tag)
    return text if text.isdecimal() and len(text) <= 9 else ""


def _save(dataset: Dataset, path: Path) -> int:
    """Write the instance beside `path`, then move it there when it is on the disk. Returns its size in bytes."""
    unfinished = path.with_suffix(".part")
    with open(unfinished, "wb", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
        dataset.save_as(file, enforce_file_format=True)
        file.flush()
        os.fsync(file.fileno())
        n_bytes = file.tell()
    unfinished.replace(path)
    return n_bytes
