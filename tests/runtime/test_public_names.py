"""The package's public names, which are imported when the first of them is asked for."""

from __future__ import annotations

import subprocess
import sys

import pytest

import workflow_runtime


def test_every_public_name_is_there_and_no_other() -> None:
    for name in workflow_runtime.__all__:
        assert getattr(workflow_runtime, name) is not None
    assert set(workflow_runtime.__all__) <= set(dir(workflow_runtime))
    with pytest.raises(AttributeError, match="no attribute 'stepp'"):
        _ = workflow_runtime.stepp  # type: ignore[attr-defined]  # it is not there


@pytest.mark.parametrize("name", workflow_runtime.__all__)
def test_a_type_checker_and_python_mean_the_same_by_a_name(name: str) -> None:
    """The module that the package's text imports it from is where Python finds it."""
    import ast
    from importlib import import_module
    from pathlib import Path

    text = Path(workflow_runtime.__file__).read_text("utf-8")
    homes = [
        node.module
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.ImportFrom) and name in [alias.name for alias in node.names]
    ]

    assert len(homes) == 1
    assert getattr(import_module(str(homes[0])), name) is getattr(workflow_runtime, name)


def test_importing_the_package_imports_nothing_else_of_it() -> None:
    script = (
        "import sys, workflow_runtime; print([name for name in sys.modules if name.startswith('workflow_runtime.')]);"
        "from workflow_runtime import step; print('workflow_runtime.builtin' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert done.stdout == "[]\nTrue\n"


def test_a_name_that_somebody_has_put_there_stays_when_the_others_are_imported() -> None:
    script = "import workflow_runtime as w; w.sleep = 'theirs'; print(w.start is not None, w.sleep)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert done.stdout == "True theirs\n"
