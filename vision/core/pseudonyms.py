"""Keyed, repeatable stand-ins for what identifies a patient: UIDs, patient ids and dates.

Each stand-in is a keyed hash (HMAC-SHA256) of what it replaces, so files imported on different days still refer to each
other, and nobody without the secret can go back or test a guess. A part of each stand-in is a keyed checksum of the
rest: a value that was replaced before is recognised and left alone, so replacing twice is replacing once.
"""

import hashlib
import hmac
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

_UID_ROOT: Final = "2.25."
_UID_HASH_BITS: Final = 96
_UID_CHECK_BITS: Final = 32
_ID_PREFIX: Final = "P-"
_ID_HASH_DIGITS: Final = 14
_ID_CHECK_DIGITS: Final = 6
_MAX_SHIFT_DAYS: Final = 5 * 365


@dataclass(frozen=True, slots=True)
class Pseudonyms:
    """Makes the stand-ins of one scope (a project) under one secret."""

    secret: str
    scope: str

    def uid(self, uid: str) -> str:
        """`2.25.<128 bits>` for a UID; the same for the same UID, and itself for a stand-in made here before.

        Source: ISO/IEC 9834-8 and DICOM PS3.5 B.2 (UIDs under 2.25, at most 64 characters).
        """
        uid = uid.strip(" \0")
        if not uid or self.is_own_uid(uid):
            return uid
        head = int(self._hex("uid", uid)[: _UID_HASH_BITS // 4], 16)
        return f"{_UID_ROOT}{head << _UID_CHECK_BITS | self._uid_check(head)}"

    def is_own_uid(self, uid: str) -> bool:
        """Whether `uid` is a stand-in made here."""
        number = uid.removeprefix(_UID_ROOT)
        if number == uid or not (number.isascii() and number.isdigit()) or len(number) > 39:
            return False
        head, check = divmod(int(number), 1 << _UID_CHECK_BITS)
        return head >> _UID_HASH_BITS == 0 and check == self._uid_check(head)

    def patient_id(self, patient_id: str) -> str:
        """`P-` and 20 hexadecimal digits for a patient id; an empty id stays empty."""
        patient_id = patient_id.strip(" \0")
        if not patient_id or self.is_own_patient_id(patient_id):
            return patient_id
        head = self._hex("patient", patient_id)[:_ID_HASH_DIGITS]
        return f"{_ID_PREFIX}{head}{self._hex('patient check', head)[:_ID_CHECK_DIGITS]}"

    def is_own_patient_id(self, patient_id: str) -> bool:
        """Whether `patient_id` is a stand-in made here."""
        digits = patient_id.removeprefix(_ID_PREFIX)
        if digits == patient_id or len(digits) != _ID_HASH_DIGITS + _ID_CHECK_DIGITS:
            return False
        head, check = digits[:_ID_HASH_DIGITS], digits[_ID_HASH_DIGITS:]
        return hmac.compare_digest(self._hex("patient check", head)[:_ID_CHECK_DIGITS].encode(), check.encode())

    def shift_days(self, patient: str) -> int:
        """Days, -1 to -1825, by which all dates of a patient move; never 0."""
        return -1 - int(self._hex("dates", patient.strip(" \0")), 16) % _MAX_SHIFT_DAYS

    def _uid_check(self, head: int) -> int:
        return int(self._hex("uid check", str(head))[: _UID_CHECK_BITS // 4], 16)

    def _hex(self, purpose: str, value: str) -> str:
        message = "\0".join((self.scope, purpose, value)).encode("utf-8", "surrogateescape")
        return hmac.new(self.secret.encode(), message, hashlib.sha256).hexdigest()


def shifted_date(text: str, days: int) -> str | None:
    """A DICOM date (`20240131`, or the old `2024.01.31`) moved by `days`; None where it is no date."""
    digits = text.strip(" \0").replace(".", "")
    if len(digits) != 8 or not (digits.isascii() and digits.isdigit()):
        return None
    try:
        moved = date(int(digits[:4]), int(digits[4:6]), int(digits[6:])) + timedelta(days=days)
    except (ValueError, OverflowError):
        return None
    return f"{moved:%Y%m%d}".zfill(8)


def shifted_datetime(text: str, days: int) -> str | None:
    """A DICOM date and time moved by whole `days`: the time and the zone stay; None where there is no full date."""
    text = text.strip(" \0")
    day = shifted_date(text[:8], days)
    rest = text[8:]
    return None if day is None or not set(rest) <= set("0123456789.+-") else day + rest
