"""Control words of chat templates in a report: broken up, so that no engine takes them for the end of a turn.

Engines make one text of a conversation and look for these words in all of it. A report that holds "<|im_end|>" would
otherwise end its turn there, and go on as whoever it likes. A blank after the first character is enough: the word is
not in the text any more, and a reader still sees what was there.
"""

import re
from typing import Final

_NAMES: Final = "|".join(
    [
        "s|bos|eos|pad|unk|mask|sop|eop",  # Llama 2, Mistral, Gemma, GLM
        "(?:start|end)_of_(?:turn|image)|unused[0-9]+|[a-z]+_soft_token",  # Gemma
        "think|tool_call|tool_response",  # Qwen and others
        "[a-z_]+_token",  # Cohere
    ]
)
_BRACKETS: Final = "|".join(
    [
        "INST|SYSTEM_PROMPT|AVAILABLE_TOOLS|TOOL_[A-Z]+|ARGS|CALL_ID|THINK|IMG(?:_[A-Z]+)?|MODEL_SETTINGS",  # Mistral
        "PREFIX|MIDDLE|SUFFIX|BEGIN_OF_[A-Z]+",
        "[gs]MASK",  # GLM
    ]
)
_CONTROL: Final = re.compile(
    r"<(?=[|｜]"  # ChatML, Llama 3, Phi, GLM, gpt-oss; DeepSeek with its own wide bar
    r"|[\w▁/]+[|｜]>"  # Gemma 4
    r"|</?SYS>>"  # Llama 2
    rf"|/?(?:{_NAMES})>)"
    rf"|\[(?=/?(?:{_BRACKETS})\])",
    re.IGNORECASE,
)
RULE: Final = _CONTROL.pattern


def has_controls(text: str) -> bool:
    """Whether there is a control word in the text."""
    return _CONTROL.search(text) is not None


def without_controls(text: str) -> str:
    """The text with a blank after the first character of each control word; mostly the text as it is."""
    return _CONTROL.sub(r"\g<0> ", text)
