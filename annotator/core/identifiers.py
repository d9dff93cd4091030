"""Keep patients apart without keeping who they are."""

import hashlib
import hmac
import re
from functools import lru_cache
from typing import Final

# Names of columns without case, blanks and punctuation.
_IDENTIFYING: Final = re.compile(
    r"(?:patient|pat|subject)?(?:id|key|name|firstname|lastname|surname|birthdate|dob|dateofbirth|birthday|address|phone"
    r"|email|number|no|ssn|insurance(?:id|number|no)?)"
    r"|mrn|medicalrecord(?:number|no|id)?|hospital(?:number|no|id)|nhs(?:number|no)?|pid|patients?|forename|givenname"
    r"|familyname|fullname"
)


def patient_key(*, secret: str, scope: str, patient_id: str | None, report_id: str) -> str:
    """64 hexadecimal digits that are the same for all reports of a patient in one `scope`, and tell nobody who it is.

    A report without a patient counts as a patient of its own. HMAC-SHA256 (RFC 2104).
    """
    said = f"{scope}|report|{report_id}" if patient_id is None else f"{scope}|patient|{patient_id}"
    return hmac.new(secret.encode(), said.encode(), hashlib.sha256).hexdigest()


@lru_cache(maxsize=4096)
def names_a_person(column: str) -> bool:
    """Whether a column of this name holds what identifies a patient."""
    return _IDENTIFYING.fullmatch(re.sub(r"[\W_]+", "", column).casefold()) is not None
