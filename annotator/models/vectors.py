"""Database rules that every stored label vector keeps (see `labeling.core.values` for the codes)."""

import re

from django.db import models
from django.db.models import Q
from django.db.models.functions import Length
from django.db.models.lookups import Exact

from labeling.core.values import STATE_CODES, URGENCY_CODES, VALUE_CODES


def vector_constraints(prefix: str, *, decided: bool) -> list[models.BaseConstraint]:
    """Constraints on the columns `values` and `urgencies`: known codes only, equal length, not empty.

    With `decided`, cells that are unreadable or not asked are not allowed either.
    """
    codes = VALUE_CODES if decided else STATE_CODES
    return [
        models.CheckConstraint(condition=Q(values__regex=f"^[{re.escape(codes)}]+\\Z"), name=f"{prefix}_value_codes"),
        models.CheckConstraint(
            condition=Q(urgencies__regex=f"^[{re.escape(URGENCY_CODES)}]+\\Z"), name=f"{prefix}_urgency_codes"
        ),
        models.CheckConstraint(condition=Exact(Length("values"), Length("urgencies")), name=f"{prefix}_vector_lengths"),
    ]
