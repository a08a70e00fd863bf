"""One small project per feature of the language: the written tree is compared byte for byte, held to what it promises, and run.

A case is a folder under ``golden/`` with ``project/``, ``expected/`` and ``expected.json``, which says how its workflows end. ``expected/`` has
the bundles and the registrations; the rest of the written tree is the same for all, and ``golden/fastapi_shop`` has it.
``pytest tests/build/test_features.py --update-golden`` rewrites ``expected/``: review the diff like code.
"""

from __future__ import annotations

import ast
import importlib
import json
import os
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from workflow_build import bundle, scan
from workflow_build.build import Result, build
from workflow_build.config import Flags, load
from workflow_build.discover import discover
from workflow_build.resolve import resolve
from workflow_runtime.events import Event, EventKind
from workflow_runtime.handler.handler import Handler
from workflow_runtime.handler.options import HandlerOptions
from workflow_runtime.worker import Worker
from workflow_runtime.worlds.base import Message
from workflow_runtime.worlds.memory import MemoryWorld

GOLDEN = Path(__file__).parent / "golden"
REPOSITORY = Path(__file__).parents[2]
FEATURES = sorted(path.parent.name for path in GOLDEN.glob("*/expected.json"))


def needed_python(feature: str) -> tuple[int, ...]:
    """What the case's pyproject.toml asks for; cases about new syntax ask for a new Python."""
    text = (GOLDEN / feature / "project" / "pyproject.toml").read_text("utf-8")
    wanted = text.partition('requires-python = ">=')[2].partition('"')[0] or "3.11"
    return tuple(map(int, wanted.split(".")))


RUNNABLE = [feature for feature in FEATURES if sys.version_info >= needed_python(feature)]
RUNS = [
    (feature, number)
    for feature in RUNNABLE
    for number in range(len(json.loads((GOLDEN / feature / "expected.json").read_text("utf-8"))))
]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Path, Result]]:
    """Every case, built side by side."""
    base = tmp_path_factory.mktemp("features")
    found = {}
    for feature in RUNNABLE:
        project = base / feature
        shutil.copytree(GOLDEN / feature / "project", project, ignore=shutil.ignore_patterns("__pycache__"))
        found[feature] = project, build(load(project, Flags()), with_routes=False)
    return found


def written(out: Path) -> dict[str, str]:
    files = [out / "step_registrations.py", *sorted((out / "bundles").glob("b_*.py"))]
    return {path.relative_to(out).as_posix(): path.read_bytes().decode() for path in files if path.is_file()}


@pytest.mark.parametrize("feature", RUNNABLE)
def test_the_written_tree_is_the_expected_one(
    built: dict[str, tuple[Path, Result]], feature: str, pytestconfig: pytest.Config
) -> None:
    _, result = built[feature]
    assert [f"{found.code} {found.message}" for found in result.diagnostics if found.severity == "error"] == []
    actual, expected = written(result.config.out), GOLDEN / feature / "expected"
    if pytestconfig.getoption("--update-golden"):
        shutil.rmtree(expected, ignore_errors=True)
        for name, text in actual.items():
            (expected / name).parent.mkdir(parents=True, exist_ok=True)
            (expected / name).write_bytes(text.encode())

    assert actual == written(expected), "run with --update-golden and review the diff, if this is meant"


@pytest.mark.parametrize("feature", RUNNABLE)
def test_a_second_build_changes_no_byte(built: dict[str, tuple[Path, Result]], feature: str) -> None:
    project, _ = built[feature]

    assert build(load(project, Flags()), with_routes=False).output.written == ()


@pytest.mark.parametrize("feature", RUNNABLE)
def test_another_place_and_another_order_of_files_give_the_same_bundles(
    built: dict[str, tuple[Path, Result]], feature: str, tmp_path: Path
) -> None:
    shutil.copytree(GOLDEN / feature / "project", tmp_path / "other", ignore=shutil.ignore_patterns("__pycache__"))
    config = load(tmp_path / "other", Flags())
    sources = scan.scan(config)
    files = list(sources.files)
    random.Random(feature).shuffle(files)
    shuffled = replace(sources, files=tuple(files))
    functions = discover(shuffled)
    bundles = bundle.bundle(shuffled, resolve(shuffled, functions, config), config)

    expected = {path.stem for path in (built[feature][1].config.out / "bundles").glob("b_*.py")}
    assert {f"b_{found.bundle.hash}" for found in bundles.workflows} == expected


@pytest.mark.parametrize("feature", RUNNABLE)
def test_kept_lines_are_the_users_own(built: dict[str, tuple[Path, Result]], feature: str) -> None:
    project, _ = built[feature]
    for module in _modules(built[feature][1].config.out):
        if module["source"]:
            ast.parse(module["source"])
            original = (project / module["path"]).read_text("utf-8").split("\n")
            for number, line in enumerate(module["source"].split("\n")):
                own = line.strip()
                is_ours = not own or own in {"...", ")", '""'} or "__workflow_step__" in own or "..." in own
                assert is_ours or own.rstrip("(") in original[number] or own.startswith(("from ", "import ")), line


def _modules(out: Path) -> Iterator[dict[str, Any]]:
    for path in sorted((out / "bundles").glob("b_*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "BundleModule":
                yield {str(keyword.arg): ast.literal_eval(keyword.value) for keyword in node.keywords}


@pytest.fixture
def importable(built: dict[str, tuple[Path, Result]], monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """All cases can be imported; what was imported of them is forgotten afterwards."""
    for _, result in built.values():
        for root in result.config.roots:
            monkeypatch.syspath_prepend(str(root))
    before = set(sys.modules)
    yield
    for name in set(sys.modules) - before:
        origin = getattr(sys.modules[name], "__file__", None) or ""
        if any(str(project) in origin for project, _ in built.values()):
            del sys.modules[name]


@pytest.mark.usefixtures("importable")
@pytest.mark.parametrize(("feature", "number"), RUNS, ids=[f"{feature}-{number}" for feature, number in RUNS])
async def test_it_runs(built: dict[str, tuple[Path, Result]], feature: str, number: int) -> None:
    out = built[feature][1].config.out
    root = max((r for r in built[feature][1].config.roots if out.is_relative_to(r)), key=lambda r: len(r.parts))
    package = ".".join(out.relative_to(root).parts)
    expected = json.loads((GOLDEN / feature / "expected.json").read_text("utf-8"))[number]
    project: Any = importlib.import_module(package).PROJECT
    steps = importlib.import_module(f"{package}.step_registrations").STEPS
    steps.require(project.steps)

    end = await run_to_the_end(
        project.workflows[expected["workflow"]], expected["workflow"], expected["arguments"], steps
    )

    if "error" in expected:
        assert end.kind is EventKind.RUN_FAILED
        error = end.data["error"]
        assert f"{error['type'].rpartition('.')[2]}: {error['message']}".startswith(expected["error"])
    else:
        assert end.kind is EventKind.RUN_COMPLETED, json.dumps(end.data, indent=1)
        assert json.loads(json.dumps(end.data["output"])) == expected["result"]


async def run_to_the_end(bundle_hash: str, workflow: str, arguments: list[object], steps: Any) -> Event:
    """The last event of a run on the memory world, live and replay compared all the way."""
    world = MemoryWorld()
    await world.open()
    with ThreadPoolExecutor(2) as threads:
        handler = Handler(world, steps, threads, HandlerOptions(check_replay=True))
        data = {"workflow": workflow, "bundle": bundle_hash, "seed": "s", "input": {"args": arguments}}
        await world.create_run(
            "wrun_1", Event(EventKind.RUN_CREATED, time.time(), "", data), Message("wmsg_1", "wrun_1")
        )
        async with Worker(world, handler).running():
            await world.wait_for_end("wrun_1", 20)
        end = (await world.load("wrun_1")).events[-1]
    await world.close()
    return end


def run_tool(built: dict[str, tuple[Path, Result]], *arguments: str) -> None:
    """One tool over the output of all cases, as a user would run it, away from this repository's settings."""
    folders = [str(result.config.out) for _, result in built.values()]
    roots = sorted({str(root) for _, result in built.values() for root in result.config.roots})
    environment = {**os.environ, "MYPYPATH": os.pathsep.join([str(REPOSITORY), *roots])}
    done = subprocess.run(
        [sys.executable, "-m", *arguments, *folders],
        cwd=next(iter(built.values()))[0].parent,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{' '.join(arguments)}\n{done.stdout}{done.stderr}"


def test_linters_and_formatters_find_nothing(built: dict[str, tuple[Path, Result]]) -> None:
    run_tool(built, "ruff", "check", "--isolated", "--no-cache")
    for width in ("79", "120"):
        run_tool(built, "ruff", "format", "--isolated", "--no-cache", "--line-length", width, "--check")


def test_type_checkers_find_nothing(built: dict[str, tuple[Path, Result]]) -> None:
    cache = str(REPOSITORY / ".mypy_cache" / "golden")
    options = ["--strict", "--explicit-package-bases", "--namespace-packages", "--follow-imports=silent"]
    run_tool(built, "mypy", *options, "--cache-dir", cache)
