"""What is installed: the wheel alone builds and runs a project, and brings no top-level name but its own two packages."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterator
from importlib.metadata import Distribution, distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parent.parent
IGNORED = shutil.ignore_patterns(
    ".git", ".venv*", "__pycache__", "*.egg-info", "build", "dist", ".*_cache", ".hypothesis", ".coverage*"
)
PROJECT_NEEDS = ("fastapi", "httpx", "pydantic", "uvicorn")
ORDER = """
import asyncio, json, sys
from fastapi.testclient import TestClient
import workflow_build, workflow_runtime
from shop.main import app

BASKET = {"customer": "ada@example.org", "card": "tok_1", "lines": [{"sku": "tea", "quantity": 2, "price": "4.50"}]}
with TestClient(app) as client:
    run = client.post("/orders", json=BASKET).json()["run"]
    while (answer := client.get(f"/orders/{run}").json())["status"] not in ("completed", "failed", "cancelled"):
        pass
print(json.dumps({"answer": answer, "files": [workflow_build.__file__, workflow_runtime.__file__]}))
"""

pytestmark = pytest.mark.timeout(300)


def run(*command: str | Path, cwd: Path, **environment: str) -> str:
    """What the command prints; its errors are part of the failure."""
    clean = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PYTHON", "COVERAGE", "WORKFLOW", "SHOP"))
    }
    done = subprocess.run(
        [*map(str, command)], cwd=cwd, env=clean | environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the sdist, and the wheel that is made from it."""
    source, out = tmp_path_factory.mktemp("source") / "repo", tmp_path_factory.mktemp("dist")
    shutil.copytree(ROOT, source, symlinks=True, ignore=IGNORED)
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", out, source, cwd=out)
    return out


@pytest.fixture(scope="module")
def wheel(built: Path) -> Path:
    """The wheel that came out of the sdist."""
    (found,) = built.glob("*.whl")
    return found


def closure(*names: str) -> Iterator[Distribution]:
    """Installed distributions by name, with all that they require."""
    waiting, seen = list(names), set[str]()
    while waiting:
        name = waiting.pop().lower().replace("_", "-")
        if name in seen:
            continue
        seen.add(name)
        found = distribution(name)
        needs = (Requirement(text) for text in found.requires or ())
        waiting += [need.name for need in needs if not need.marker or need.marker.evaluate({"extra": ""})]
        yield found


def copy(found: Distribution, site: Path) -> None:
    """Put an installed distribution into another environment; scripts and caches stay behind."""
    for file in found.files or ():
        if ".." not in file.parts and "__pycache__" not in file.parts:
            (site / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(str(file.locate()), site / file)


@pytest.fixture(scope="module")
def environment(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with the wheel, what the wheel says it needs, and what the shop needs; nothing of the repository."""
    root = tmp_path_factory.mktemp("environment")
    run(sys.executable, "-m", "venv", root, cwd=root)
    python = root / "bin" / "python"
    run(python, "-m", "pip", "install", "-q", "--no-deps", "--no-index", wheel, cwd=root)
    site = Path(run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=root).strip())
    requires = json.loads(
        run(
            python,
            "-c",
            "import json; from importlib.metadata import requires; print(json.dumps(requires('workflow-build')))",
            cwd=root,
        )
    )
    needs = [Requirement(text) for text in requires]
    declared = [need.name for need in needs if not need.marker or need.marker.evaluate({"extra": ""})]
    for found in closure(*declared, *PROJECT_NEEDS):
        copy(found, site)
    return root


def test_the_wheel_has_no_top_level_name_but_ours(wheel: Path) -> None:
    names = {name.split("/")[0] for name in zipfile.ZipFile(wheel).namelist()}
    (info,) = (name for name in names if name.endswith(".dist-info"))

    assert names == {"workflow_build", "workflow_runtime", info}


@pytest.mark.parametrize(
    ("folder", "inside"), [("adapters", "workflow_build/adapters"), ("templates", "workflow_build/templates")]
)
def test_the_wheel_has_every_adapter_and_template(wheel: Path, folder: str, inside: str) -> None:
    wanted = {
        f"{inside}/{path.relative_to(ROOT / folder).as_posix()}"
        for path in (ROOT / folder).rglob("*")
        if path.suffix in {".py", ".jinja"}
    }

    assert wanted
    assert wanted <= set(zipfile.ZipFile(wheel).namelist())


def test_the_wheel_has_what_the_packages_read_at_run_time(wheel: Path) -> None:
    packages = (ROOT / "workflow_build", ROOT / "workflow_runtime")
    wanted = {
        path.relative_to(ROOT).as_posix()
        for package in packages
        for path in package.rglob("*")
        if path.name == "py.typed" or path.suffix in {".py", ".sql", ".jinja"}
    }

    assert "workflow_runtime/py.typed" in wanted
    assert wanted <= set(zipfile.ZipFile(wheel).namelist())


def test_the_sdist_has_the_licence_and_each_real_folder_once(built: Path) -> None:
    (sdist,) = built.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        names = [name.split("/", 1)[1] for name in archive.getnames() if "/" in name]

    assert "LICENSE" in names
    assert len(names) == len(set(names))


def test_the_wheel_alone_builds_the_shop_and_runs_an_order(environment: Path, tmp_path: Path) -> None:
    shop = tmp_path / "shop"
    shutil.copytree(
        ROOT / "fixtures" / "fastapi_shop",
        shop,
        ignore=shutil.ignore_patterns("_workflow", "__pycache__", ".workflow*"),
    )
    python = environment / "bin" / "python"

    run(environment / "bin" / "workflow-build", cwd=shop)
    quick = {"SHOP_REVIEW_AFTER": "50ms", "SHOP_HEAVY_SECONDS": "0", "SHOP_STEP_SECONDS": "0"}
    told = json.loads(run(python, "-c", ORDER, cwd=shop, **quick).splitlines()[-1])

    assert told["answer"]["status"] == "completed", told
    assert told["answer"]["result"]["total"] == "9.00"
    assert all(Path(file).is_relative_to(environment) for file in told["files"])
