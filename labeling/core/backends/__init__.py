"""Language-model engines behind one interface of two methods."""

from labeling.core.backends.records import (
    PASSING,
    Answer,
    Backend,
    BackendError,
    Choice,
    ChoiceLogits,
    Constraint,
    JsonForm,
    Message,
    Pattern,
    Sampling,
    Trouble,
    Usage,
)

__all__ = [
    "PASSING",
    "Answer",
    "Backend",
    "BackendError",
    "Choice",
    "ChoiceLogits",
    "Constraint",
    "JsonForm",
    "Message",
    "Pattern",
    "Sampling",
    "Trouble",
    "Usage",
]
