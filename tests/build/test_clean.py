"""``workflow-build clean``: it removes what builds wrote, and not one file more."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from workflow_build.build import Options, build
from workflow_build.cli import cli
from workflow_build.config import Flags, load
from workflow_build.session import Session

ORDERS = """\
from workflow_runtime import step, workflow


@step
async def charge(cents: int) -> int:
    return cents


@workflow
async def checkout(cents: int) -> int:
    return await charge(cents)
"""
MAIN = "from fastapi import FastAPI\nfrom shop._workflow.fastapi import mount\n\napp = FastAPI()\nmount(app)\n"


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A project before its first build."""
    package = tmp_path / "shop"
    package.mkdir()
    for name, text in {"__init__.py": "", "orders.py": ORDERS, "main.py": MAIN}.items():
        (package / name).write_text(text)
    return tmp_path


def rebuild(project: Path, *, with_routes: bool = False) -> Path:
    """Build, and give the output folder."""
    config = load(project, Flags())
    assert not build(config, with_routes=with_routes).failed
    return config.out


def clean(project: Path, *flags: str) -> Result:
    return CliRunner().invoke(cli, ["clean", str(project), *flags])


def tree(folder: Path) -> dict[str, bytes]:
    """The files below a folder, the compiler's cache left out."""
    files = (path for path in folder.rglob("*") if path.is_file() and ".workflow-build" not in path.parts)
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def test_after_it_the_project_is_as_before_the_first_build(shop: Path) -> None:
    before = tree(shop)
    rebuild(shop, with_routes=True)
    script = "import shop._workflow.fastapi, shop._workflow.bundles as b; [load() for load in b.BUNDLES.values()]"
    own = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    subprocess.run([sys.executable, "-c", script], cwd=shop, env=own, check=True)
    assert list((shop / "shop" / "_workflow" / "bundles" / "__pycache__").glob("b_*.pyc"))

    done = clean(shop)

    assert done.exit_code == 0, done.output
    assert {name: data for name, data in tree(shop).items() if "__pycache__" not in name} == before
    assert not (shop / "shop" / "_workflow").exists()


def test_files_that_no_build_wrote_stay_and_are_named(shop: Path) -> None:
    out = rebuild(shop)
    mine = {"notes.txt": b"mine", "bundles/b_nothex.py": b"mine", "bundles/deep/x.py": b"", "__pycache__/mine.pyc": b""}
    for name, data in mine.items():
        (out / name).parent.mkdir(exist_ok=True)
        (out / name).write_bytes(data)

    done = clean(shop)

    assert tree(out) == mine
    assert (
        "kept, since no build wrote them: __pycache__/mine.pyc, bundles/b_nothex.py, bundles/deep/x.py" in done.stdout
    )


def test_bundles_of_earlier_builds_stay_until_asked_for(shop: Path) -> None:
    out = rebuild(shop)
    orders = shop / "shop" / "orders.py"
    orders.write_text(orders.read_text().replace("await charge(cents)", "await charge(2 * cents)"))
    rebuild(shop)
    before = tree(out)

    refused = clean(shop)

    assert refused.exit_code == 1
    assert "1 bundle of earlier builds" in refused.stderr
    assert tree(out) == before
    assert clean(shop, "--bundles").exit_code == 0
    assert not out.exists()


def test_a_second_time_there_is_nothing_to_remove(shop: Path) -> None:
    rebuild(shop)
    clean(shop)

    again = clean(shop)

    assert (again.exit_code, again.stdout) == (0, "shop/_workflow: nothing to remove\n")


def test_a_folder_that_is_not_ours_is_left_alone(shop: Path) -> None:
    out = shop / "shop" / "_workflow"
    out.mkdir()
    (out / "__init__.py").write_text("mine")
    (out / "manifest.json").write_text('{"tool": "something else", "files": ["__init__.py"]}')
    before = tree(shop)

    assert "nothing to remove" in clean(shop).stdout
    assert tree(shop) == before


@pytest.mark.parametrize("name", ["../orders.py", "..\\orders.py", "notes.txt", "/etc/hosts.py", "sub/x.py"])
def test_a_manifest_that_lists_what_is_not_ours_is_not_believed(name: str, shop: Path) -> None:
    out = rebuild(shop)
    (out / "notes.txt").write_text("mine")
    (out / "sub").mkdir()
    (out / "sub" / "x.py").write_text("mine")
    manifest = json.loads((out / "manifest.json").read_text())
    (out / "manifest.json").write_text(json.dumps({**manifest, "files": [*manifest["files"], name]}))

    clean(shop)

    assert (shop / "shop" / "orders.py").read_text() == ORDERS
    assert tree(out) == {"notes.txt": b"mine", "sub/x.py": b"mine"}


@pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege there")
def test_nothing_behind_a_link_is_removed(shop: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    out = rebuild(shop)
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "bundles"
    (out / "bundles").rename(elsewhere)
    (out / "bundles").symlink_to(elsewhere)
    before = tree(elsewhere)

    done = clean(shop)

    assert done.exit_code == 1
    assert "symbolic link" in done.stderr
    assert tree(elsewhere) == before


def test_a_build_after_it_writes_the_same_bytes(shop: Path) -> None:
    out = rebuild(shop)
    before = tree(out)

    clean(shop)

    assert tree(rebuild(shop)) == before


def run(project: Path) -> None:
    """Build as the command does, with its cache."""
    with closing(Session(project)) as session:
        assert not session.build(Options(with_routes=False)).failed


def test_the_cache_goes_too_and_nothing_else_in_its_folder(shop: Path) -> None:
    before = set(shop.rglob("*"))
    run(shop)
    (shop / ".workflow-build" / "mine.txt").write_text("mine")

    done = clean(shop)

    assert done.stdout.splitlines()[1:] == [".workflow-build: the cache is removed"]
    assert [path.name for path in (shop / ".workflow-build").rglob("*")] == ["mine.txt"]
    (shop / ".workflow-build" / "mine.txt").unlink()
    run(shop)
    clean(shop)
    assert {path for path in shop.rglob("*") if "__pycache__" not in path.parts} == before


def test_a_cache_without_output_is_removed(shop: Path) -> None:
    run(shop)
    shutil.rmtree(shop / "shop" / "_workflow")

    assert clean(shop).stdout == ".workflow-build: the cache is removed\n"
    assert clean(shop).stdout == "shop/_workflow: nothing to remove\n"


def test_when_bundles_stand_in_the_way_the_cache_stays_as_well(shop: Path) -> None:
    run(shop)
    orders = shop / "shop" / "orders.py"
    orders.write_text(orders.read_text().replace("await charge(cents)", "await charge(2 * cents)"))
    run(shop)

    assert clean(shop).exit_code == 1
    assert (shop / ".workflow-build" / "cache").is_dir()
