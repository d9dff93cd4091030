"""Python that stays to run one program after another on the database of its environment; a start takes seconds.

It reads a list of arguments a line, as JSON, and answers whether the program ended well and what it said.
"""

import contextlib
import io
import json
import runpy
import sys
import traceback

import django
from django.db import connections


def run(arguments: list[str]) -> None:
    """Run a file, `-m` and a module, or `-c` and a text, as Python does."""
    first, *rest = arguments
    if first in ("-c", "-m"):
        what, *rest = rest
        sys.argv = [first, *rest]
        if first == "-m":
            runpy.run_module(what, run_name="__main__")
        else:
            exec(compile(what, "<program>", "exec"), {"__name__": "__main__"})  # noqa: S102
    else:
        sys.argv = [first, *rest]
        runpy.run_path(first, run_name="__main__")


def answer(arguments: list[str]) -> dict[str, object]:
    """What is said of a run."""
    said = io.StringIO()
    is_done = False
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        try:
            run(arguments)
            is_done = True
        except (Exception, SystemExit):  # noqa: BLE001
            traceback.print_exc()
        finally:
            connections.close_all()
    return {"is_done": is_done, "said": said.getvalue()}


if __name__ == "__main__":
    django.setup()
    for line in sys.stdin:
        print(json.dumps(answer(json.loads(line))), flush=True)  # noqa: T201
