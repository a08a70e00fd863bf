"""Options of steps on their way: from the decorator into the manifest and, for nested steps, into the registrations."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from workflow_build.discover import discover
from workflow_build.emit import emit
from workflow_build.model import Binding, Bundles, Config, Functions
from workflow_build.scan import scan
from workflow_runtime.marking import options_of

HEAD = """
import builtins
import workflow_runtime as w
from workflow_runtime import NO_RETRY, StepTimeoutError, exponential as growing, step

class Mine(Exception): ...
patient = growing(60)
"""

POLICIES = [
    ("growing(1)", "exponential(1)"),
    ("w.linear('1 s', step=5, cap=60, jitter=0.5)", "linear('1 s', step=5, cap=60, jitter=0.5)"),
    ("w.retries.constant(\n        5,\n    )", "constant(5)"),
    ("NO_RETRY", "NO_RETRY"),
    (
        "{StepTimeoutError: NO_RETRY, ConnectionResetError: growing(1.5), w.RetryableError: w.constant('5 min')}",
        "{StepTimeoutError: NO_RETRY, ConnectionResetError: exponential(1.5), RetryableError: constant('5 min')}",
    ),
]


@pytest.fixture
def found(project: Callable[..., Config]) -> Callable[[str], Functions]:
    return lambda text: discover(scan(project({"m.py": HEAD + text})))


def written(functions: Functions) -> dict[str, str]:
    project = Path("/project")
    return emit(Config(project, (project,), project / "shop" / "_workflow", ()), functions, Bundles(()))


@pytest.mark.parametrize(("given", "text"), POLICIES)
def test_the_manifest_tells_the_policy_by_the_runtimes_own_names(found: Any, given: str, text: str) -> None:
    functions = found(f"@step(max_retries=2, retry={given}, timeout='5 s')\nasync def f(): ...\n")
    (told,) = json.loads(written(functions)["manifest.json"])["steps"]
    assert told["options"] == {"max_retries": 2, "timeout": "5 s", "retry": text}


@pytest.mark.parametrize(
    ("given", "text"),
    [("{Mine: NO_RETRY, OSError: w.constant(1)}", "{Mine: NO_RETRY, OSError: constant(1)}"), ("patient", None)],
)
def test_what_is_the_projects_own_is_told_as_it_is_written_if_it_can_be(found: Any, given: str, text: Any) -> None:
    functions = found(f"@step(retry={given})\nasync def f(): ...\n")
    (told,) = json.loads(written(functions)["manifest.json"])["steps"]
    assert told["options"].get("retry") == text


@pytest.mark.parametrize("policy", [given for given, _ in POLICIES])
def test_a_nested_step_is_registered_with_the_very_options_of_its_marker(
    found: Any, policy: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = f"timeout='90 s', retry={policy}, max_retries=7"
    text = (
        f"def outer(n):\n    @step({options})\n    async def inner(): return n\n    return inner\n"
        f"@step({options})\nasync def beside(): ...\n"
    )
    functions = found(text)
    assert functions.diagnostics == ()
    (tmp_path / "m.py").write_text(HEAD + text)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "m", raising=False)
    scope: dict[str, Any] = {"__name__": "registrations"}
    exec(written(functions)["step_registrations.py"], scope)  # noqa: S102 - running what was written is the test
    nested, beside = scope["STEPS"].find("step//m//outer.<locals>.inner"), scope["STEPS"].find("step//m//beside")
    monkeypatch.delitem(sys.modules, "m", raising=False)
    assert options_of(nested) == options_of(beside)
    assert options_of(nested).timeout == 90


@pytest.mark.parametrize("length", [79, 88, 120, 200])
def test_formatters_leave_registrations_with_policies_alone(found: Any, length: int) -> None:
    bodies = [
        f"def outer{number}():\n    @step(retry={policy}, timeout='5 s')\n    async def inner(): ...\n"
        for number, (policy, _) in enumerate(POLICIES)
    ]
    text = written(found("".join(bodies)))["step_registrations.py"]
    command = [sys.executable, "-m", "ruff", "format", "--isolated", f"--line-length={length}", "-"]
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=True)
    assert done.stdout == text


def test_only_nested_steps_bring_the_runtimes_names_into_the_registrations(found: Any) -> None:
    functions = found("@step(retry=growing(1))\nasync def f(): ...\n")
    assert "import workflow_runtime\n" not in written(functions)["step_registrations.py"]
    nested = replace(functions.steps[0], qualname="outer.<locals>.f", binding=Binding.NESTED)
    assert "import workflow_runtime\n" in written(Functions((nested,)))["step_registrations.py"]
