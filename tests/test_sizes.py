"""The size budget: a file is one idea, a function fits on a screen."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FILE_LINES = 400
FUNCTION_LINES = 50
PRODUCT = ("workflow_build", "workflow_runtime", "adapters", "tools")
TESTS = ("tests", "benchmarks")


def python_files(*folders: str) -> list[Path]:
    """Python files of our own; what stands under a golden folder is the compiler's output."""
    found = (path for folder in folders for path in (ROOT / folder).rglob("*.py"))
    return sorted(path for path in found if "golden" not in path.parts)


def too_long_functions(source: str) -> Iterator[str]:
    """Name, line and length of each function over the limit, decorators not counted."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno is not None:
            length = node.end_lineno - node.lineno + 1
            if length > FUNCTION_LINES:
                yield f"{node.lineno}: {node.name} has {length} lines"


def name_of(path: Path) -> str:
    """The path as a test id."""
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("path", python_files(*PRODUCT, *TESTS), ids=name_of)
def test_a_file_keeps_to_its_lines(path: Path) -> None:
    assert len(path.read_text("utf-8").splitlines()) <= FILE_LINES, "split it: a file is one idea"


@pytest.mark.parametrize("path", python_files(*PRODUCT), ids=name_of)
def test_functions_keep_to_their_lines(path: Path) -> None:
    assert not list(too_long_functions(path.read_text("utf-8"))), "split them"


def test_the_rule_sees_a_function_that_is_too_long() -> None:
    body = "    pass\n" * FUNCTION_LINES

    assert list(too_long_functions(f"class C:\n    async def f(self):\n{body.replace('    ', '        ')}")) == [
        f"2: f has {FUNCTION_LINES + 1} lines"
    ]
    assert not list(too_long_functions(f"def f():\n{'    pass' + chr(10)}" + "    pass\n" * (FUNCTION_LINES - 2)))


def test_the_rule_sees_the_product() -> None:
    names = {name_of(path) for path in python_files(*PRODUCT)}

    assert {"workflow_build/model.py", "workflow_runtime/errors.py", "adapters/fastapi.py"} <= names
