"""Functions stay under 40 lines, views under 20: read from the source.

A function counts from its `def` line to its last line, docstring and comments included, decorators not. A view counts
without signature and docstring: from the first line of its body to the last.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("annotator", "labeling", "vision", "scripts", "benchmarks")
MODULES = [
    path.relative_to(ROOT).as_posix()
    for folder in FOLDERS
    for path in sorted(ROOT.glob(f"{folder}/**/*.py"))
    if "migrations" not in path.parts
]
VIEWS = [path for path in MODULES if path.startswith("annotator/views/")] + ["annotator/api/views.py"]
MAX_FUNCTION_LINES = 39
MAX_VIEW_LINES = 19


def functions(path: str) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    return (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def lines_of(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    return (node.end_lineno or 0) - node.lineno + 1


def lines_of_body(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    body = node.body[1:] if ast.get_docstring(node) is not None else node.body
    return (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0


@pytest.mark.parametrize("path", MODULES)
def test_functions_stay_under_40_lines(path: str) -> None:
    long = {node.name: lines_of(node) for node in functions(path)}
    assert {name: lines for name, lines in long.items() if lines > MAX_FUNCTION_LINES} == {}


@pytest.mark.parametrize("path", VIEWS)
def test_views_stay_under_20_lines(path: str) -> None:
    long = {node.name: lines_of_body(node) for node in functions(path)}
    assert {name: lines for name, lines in long.items() if lines > MAX_VIEW_LINES} == {}


def test_lines_are_counted_as_stated() -> None:
    [node] = ast.parse('@x\ndef f(\n    a,\n):\n    """Say."""\n    # why\n    b = a\n    return b\n').body
    assert isinstance(node, ast.FunctionDef)
    assert (lines_of(node), lines_of_body(node)) == (7, 2)
