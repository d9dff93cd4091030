"""Claims about an engine that only another Python has: that Python runs them, pytest reads what it found.

A module of claims ends with `asyncio.run(report(...))`; each claim is an async function that asserts.
"""

import asyncio
import json
import os
import subprocess
import sys
import traceback
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
# Nobody is called, and vLLM starts sooner (scripts/vllm-cpu says the same to its server).
QUIET = {
    "HF_HUB_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "VLLM_NO_USAGE_STATS": "1",
    "DO_NOT_TRACK": "1",
    "TORCHDYNAMO_DISABLE": "1",
    "VLLM_CPU_KVCACHE_SPACE": "1",
    "VLLM_CPU_OMP_THREADS_BIND": "nobind",
    "OMP_NUM_THREADS": "1",
}
CLAIM_S = 60
MARK = "CLAIMS "


def run(python: Path, module: str, *options: str, timeout_s: float) -> Mapping[str, str]:
    """What is wrong with each claim of the module, nothing with those that hold."""
    command = [python, "-m", module, *options]
    env = {**os.environ, **QUIET, "PYTHONPATH": str(ROOT)}
    ran = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=timeout_s)
    assert ran.returncode == 0, ran.stderr[-5000:]
    said = next(line for line in ran.stdout.splitlines() if line.startswith(MARK))  # engines print as well
    found: Mapping[str, str] = json.loads(said.removeprefix(MARK))
    return found


async def report(claims: Sequence[Callable[..., Awaitable[None]]], *given: Any) -> None:
    """Print what is wrong with each claim."""
    found = {}
    for claim in claims:
        try:
            await asyncio.wait_for(claim(*given), CLAIM_S)
            found[claim.__name__] = ""
        except Exception:  # noqa: BLE001  # whatever it is, the test shows it
            found[claim.__name__] = traceback.format_exc()
    sys.stdout.write(f"\n{MARK}{json.dumps(found)}\n")
    sys.stdout.flush()
