"""The guard, against the tools that prune Python: whatever they do, a process registers every step or says which one is gone."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType

import pytest

from workflow_build.build import build
from workflow_build.config import Flags, load

GOLDEN = Path(__file__).parent / "golden" / "fastapi_shop" / "project"
STEPS = (
    "step//shop.payments//cancel",
    "step//shop.payments//charge",
    "step//shop.stock//cancel",
    "step//shop.stock//reserve",
)
BAIT = 'import json\nimport shop.payments\nimport shop.stock as stock\n\nassert json, "used"\n'
"""A module with the imports that such tools are there to remove, to see that they were at work."""

REPORT = "import json, sys; from shop._workflow.fastapi import service, STEPS; print(json.dumps(sorted(STEPS)))"
RUFF = ("ruff", "check", "--no-cache", "--fix", "-q")
TOOLS = MappingProxyType(
    {
        "ruff --fix": (*RUFF, "."),
        "ruff --fix --unsafe-fixes": (*RUFF, "--unsafe-fixes", "."),
        "ruff --select ALL --unsafe-fixes": (*RUFF, "--unsafe-fixes", "--select", "ALL", "."),
        "ruff --ignore-noqa": (*RUFF, "--unsafe-fixes", "--ignore-noqa", "."),
        "ruff --select ALL --ignore-noqa": (*RUFF, "--unsafe-fixes", "--select", "ALL", "--ignore-noqa", "."),
        "autoflake": (
            "autoflake",
            "--in-place",
            "--recursive",
            "--remove-all-unused-imports",
            "--remove-unused-variables",
            ".",
        ),
        "pycln": ("pycln", "--all", "--quiet", "."),
    }
)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    project = tmp_path_factory.mktemp("built") / "project"
    shutil.copytree(GOLDEN, project, ignore=shutil.ignore_patterns("__pycache__"))
    (project / "bait.py").write_text(BAIT)
    result = build(load(project, Flags()), with_routes=False)
    assert not result.failed
    assert tuple(step.id for step in result.functions.steps) == STEPS
    return project


@pytest.fixture
def shop(built: Path, tmp_path: Path) -> Path:
    """A built project of this test's own."""
    return shutil.copytree(built, tmp_path / "project")


@pytest.fixture(scope="module")
def unimport() -> Iterator[Path]:
    """The Python of an environment with unimport, which wants older versions of what the compiler needs."""
    with tempfile.TemporaryDirectory(prefix="unimport-") as folder:
        yield environment(Path(folder) / "venv", "unimport>=1.5")


def environment(folder: Path, *packages: str) -> Path:
    """The Python of a new environment with these packages. Where nobody insists, no network is a reason to skip."""
    run(sys.executable, "-m", "venv", str(folder))
    python = folder / ("Scripts" if os.name == "nt" else "bin") / "python"
    done = run(str(python), "-m", "pip", "install", "-q", "--disable-pip-version-check", *packages)
    if done.returncode != 0:
        assert not os.environ.get("CI"), done.stderr
        pytest.skip(f"{', '.join(packages)} can not be installed: {(done.stderr.splitlines() or ['?'])[-1]}")
    return python


def run(*command: str, cwd: Path | None = None, **variables: str) -> subprocess.CompletedProcess[str]:
    own = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "COVERAGE", "WORKFLOW"))}
    return subprocess.run(command, cwd=cwd, env=own | variables, capture_output=True, text=True, check=False)


def registered(shop: Path, *flags: str) -> tuple[str, ...]:
    """The steps that a new process of the shop registers."""
    done = run(sys.executable, "-B", *flags, "-c", REPORT, cwd=shop)
    assert done.returncode == 0, done.stderr
    return tuple(json.loads(done.stdout))


def refusal(shop: Path) -> str:
    """What a process of the shop that must not start says."""
    done = run(sys.executable, "-B", "-c", REPORT, cwd=shop)
    assert done.returncode != 0, f"it started with {done.stdout}"
    return done.stderr


def written(shop: Path) -> dict[str, bytes]:
    output = shop / "shop" / "_workflow"
    return {path.relative_to(output).as_posix(): path.read_bytes() for path in output.rglob("*.*") if path.is_file()}


@pytest.mark.parametrize("tool", TOOLS)
def test_every_step_is_registered_after(tool: str, shop: Path) -> None:
    assert find_spec(TOOLS[tool][0]), f"{TOOLS[tool][0]} is not installed; it is among the test extras"

    done = run(sys.executable, "-m", *TOOLS[tool], cwd=shop)

    assert "import shop.payments" not in (shop / "bait.py").read_text(), (
        f"it pruned nothing:\n{done.stdout}{done.stderr}"
    )
    assert registered(shop) == STEPS


@pytest.mark.parametrize("tool", ["ruff --fix", "ruff --fix --unsafe-fixes", "autoflake", "pycln"])
def test_the_output_stays_as_it_was_byte_for_byte_after(tool: str, shop: Path) -> None:
    before = written(shop)

    run(sys.executable, "-m", *TOOLS[tool], cwd=shop)

    assert written(shop) == before


def test_every_step_is_registered_and_no_byte_changed_after_unimport(unimport: Path, shop: Path) -> None:
    before = written(shop)

    done = run(str(unimport), "-m", "unimport", "-r", "--include-star-import", ".", cwd=shop)

    assert "import shop.payments" not in (shop / "bait.py").read_text(), (
        f"it pruned nothing:\n{done.stdout}{done.stderr}"
    )
    assert registered(shop) == STEPS
    assert written(shop) == before


def test_every_step_is_registered_and_no_byte_changed_after_isort(shop: Path) -> None:
    before = written(shop)

    run(sys.executable, "-m", "isort", "--profile", "black", "-q", ".", cwd=shop)

    assert (shop / "bait.py").read_text() != BAIT
    assert registered(shop) == STEPS
    assert written(shop) == before


def test_every_step_is_registered_after_isort_has_split_each_import_and_put_them_in_another_order(shop: Path) -> None:
    before = written(shop)

    run(sys.executable, "-m", "isort", "--force-single-line-imports", "--reverse-sort", "-q", ".", cwd=shop)

    assert written(shop) != before
    assert registered(shop) == STEPS


@pytest.mark.parametrize("flag", ["-O", "-OO"])
def test_every_step_is_registered_under(flag: str, shop: Path) -> None:
    assert registered(shop, flag) == STEPS


@pytest.mark.parametrize("flag", ["-O", "-OO"])
def test_a_missing_step_is_refused_by_name_under(flag: str, shop: Path) -> None:
    (shop / "shop" / "payments.py").unlink()

    done = run(sys.executable, "-B", flag, "-c", REPORT, cwd=shop)

    assert done.returncode != 0
    assert STEPS[1] in done.stderr


def test_every_step_is_registered_from_bytecode_without_sources(shop: Path) -> None:
    run(sys.executable, "-OO", "-m", "compileall", "-b", "-q", "shop", cwd=shop)
    for path in shop.rglob("*.py"):
        path.unlink()

    assert registered(shop, "-OO") == STEPS


def cut(*lines: str) -> Callable[[Path], None]:
    """Takes lines out of ``step_registrations.py``, as somebody who tidies up would."""

    def edit(shop: Path) -> None:
        path = shop / "shop" / "_workflow" / "step_registrations.py"
        text = path.read_text()
        for line in lines:
            assert text.count(line) == 1
            text = text.replace(line, "")
        path.write_text(text)

    return edit


def remove_step(shop: Path) -> None:
    path = shop / "shop" / "payments.py"
    path.write_text(path.read_text().replace("def charge(", "def charge_card("))


def remove_module(shop: Path) -> None:
    (shop / "shop" / "payments.py").unlink()


def keep_only_the_empty_table(shop: Path) -> None:
    path = shop / "shop" / "_workflow" / "step_registrations.py"
    path.write_text(path.read_text().partition("try:")[0])


@pytest.mark.parametrize(
    "edit",
    [
        pytest.param(cut("    from shop.payments import charge\n"), id="its import line is deleted"),
        pytest.param(cut('    STEPS.add("step//shop.payments//charge", charge)\n'), id="its registration is deleted"),
        pytest.param(
            cut("    from shop.payments import charge\n", '    STEPS.add("step//shop.payments//charge", charge)\n'),
            id="both are deleted",
        ),
        pytest.param(remove_step, id="the function has another name"),
        pytest.param(remove_module, id="its module is deleted"),
        pytest.param(keep_only_the_empty_table, id="all registrations are deleted"),
    ],
)
def test_a_process_refuses_to_start_and_names_the_step_when(edit: Callable[[Path], None], shop: Path) -> None:
    edit(shop)

    assert STEPS[1] in refusal(shop)


def test_a_process_refuses_to_start_and_names_the_file_when_the_registrations_are_emptied(shop: Path) -> None:
    (shop / "shop" / "_workflow" / "step_registrations.py").write_text("")

    assert "cannot import name 'STEPS' from 'shop._workflow.step_registrations'" in refusal(shop)


def test_a_process_refuses_to_start_and_names_the_file_when_the_registrations_are_gone(shop: Path) -> None:
    (shop / "shop" / "_workflow" / "step_registrations.py").unlink()

    assert "No module named 'shop._workflow.step_registrations'" in refusal(shop)


@pytest.mark.parametrize("content", ["", None], ids=["emptied", "gone"])
def test_a_worker_refuses_to_start_and_names_the_file_when_the_registrations_are(
    content: str | None, shop: Path
) -> None:
    path = shop / "shop" / "_workflow" / "step_registrations.py"
    path.unlink() if content is None else path.write_text(content)

    done = run(
        sys.executable, "-m", "workflow_runtime", "worker", "shop._workflow", cwd=shop, WORKFLOW_WORLD="memory://"
    )

    assert done.returncode != 0
    assert "shop._workflow.step_registrations" in done.stderr


PROGRAM = """\
import asyncio
import json

from workflow_runtime import start

from shop._workflow.fastapi import STEPS, service
from shop.orders import checkout


async def main() -> None:
    async with service.lifespan():
        run = await start(checkout, "tok_1", "unicorn")
        await run.result(timeout=60)
        print(json.dumps({"steps": sorted(STEPS), "status": await run.status()}))


asyncio.run(main())
"""
FREEZERS = MappingProxyType(
    {
        "pyinstaller": (
            *("PyInstaller", "--noconfirm", "--log-level", "ERROR", "--collect-data", "workflow_runtime"),
            *("--distpath", "frozen", "--workpath", "work", "--specpath", "work", "program.py"),
        ),
        "cx_Freeze": ("cx_Freeze", "build_exe", "--silent", "--build-exe", "frozen/program", "--script", "program.py"),
    }
)


@pytest.mark.soak
@pytest.mark.timeout(600)
@pytest.mark.parametrize("freezer", FREEZERS)
@pytest.mark.parametrize("world", ["memory://", "sqlite:///runs.db"])
def test_a_frozen_program_registers_every_step_and_runs_a_workflow_from_its_bundle(
    freezer: str, world: str, shop: Path, tmp_path: Path
) -> None:
    python = environment(tmp_path / "venv", freezer, "fastapi", "pydantic")
    site = run(str(python), "-c", "import sysconfig; print(sysconfig.get_path('purelib'))").stdout.strip()
    shutil.copytree(Path(__file__).parents[2] / "workflow_runtime", Path(site) / "workflow_runtime")
    (shop / "program.py").write_text(PROGRAM)
    made = run(str(python), "-m", *FREEZERS[freezer], cwd=shop)
    assert made.returncode == 0, made.stdout + made.stderr
    shutil.move(shop / "frozen", tmp_path / "frozen")
    shutil.rmtree(shop)  # nothing of the sources is left for it to read
    shutil.rmtree(tmp_path / "venv")

    done = run(str(tmp_path / "frozen" / "program" / "program"), cwd=tmp_path, WORKFLOW_WORLD=world)

    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == {"steps": [*STEPS], "status": "completed"}
    assert "tok_1 paid" in done.stdout, "the step that gives the money back has not run"
