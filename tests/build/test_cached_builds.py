"""What the cache must never change: the result."""

from __future__ import annotations

import random
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

HEAD = "from workflow_runtime import step, workflow\nfrom shop.rates import rate\n\n\n"
STEP = "@step\nasync def {name}(n: int) -> int:\n    return n + {number}\n\n\n"
FLOW = "@workflow\nasync def flow_{name}(n: int) -> int:\n    return rate() + await {name}(n)\n\n\n"


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    project = tmp_path / "project"
    (project / "shop").mkdir(parents=True)
    (project / "pyproject.toml").write_text('[tool.workflow-build]\ntargets = ["fastapi"]\n', "utf-8")
    (project / "shop" / "__init__.py").touch()
    (project / "shop" / "rates.py").write_text("RATE = 1\n\n\ndef rate() -> int:\n    return RATE\n", "utf-8")
    for name in "abcd":
        write(project, name, 1)
    return project


def write(project: Path, name: str, number: int, *, lines: int = 0) -> None:
    text = HEAD + "# a comment\n" * lines + STEP.format(name=name, number=number) + FLOW.format(name=name)
    (project / "shop" / f"{name}.py").write_text(text, "utf-8")


def build(project: Path, *flags: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "workflow_build", "--prune-bundles", *flags]
    return subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)


def output(project: Path) -> dict[str, bytes]:
    out = project / "shop" / "_workflow"
    return {
        path.relative_to(out).as_posix(): path.read_bytes()
        for path in sorted(out.rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
    }


def cold(project: Path) -> dict[str, bytes]:
    """What a build without any cache makes of a copy."""
    copy = project.parent / "copy"
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(project, copy, ignore=shutil.ignore_patterns("_workflow", ".workflow-build", "__pycache__"))
    done = build(copy, "--no-cache")
    assert done.returncode == 0, done.stdout + done.stderr
    return output(copy)


def test_a_cached_build_is_byte_for_byte_a_cold_one_after_any_edit(shop: Path) -> None:
    chance = random.Random(3)
    for _ in range(6):
        done = build(shop)
        assert done.returncode == 0, done.stdout + done.stderr
        assert output(shop) == cold(shop)
        match chance.randrange(4):
            case 0:
                write(shop, chance.choice("abcd"), chance.randrange(100))
            case 1:
                write(shop, chance.choice("abcd"), 1, lines=chance.randrange(5))
            case 2:
                number = chance.randrange(100)
                (shop / "shop" / "rates.py").write_text(
                    f"RATE = {number}\n\n\ndef rate() -> int:\n    return RATE\n", "utf-8"
                )
            case _:
                write(shop, f"e{chance.randrange(3)}", 5)


def test_a_damaged_cache_heals_itself(shop: Path) -> None:
    assert build(shop).returncode == 0
    kept = [path for path in (shop / ".workflow-build").rglob("*") if path.is_file() and path.name != ".gitignore"]
    assert kept
    for damage in (b"", b"\x00garbage" * 100):
        for path in kept:
            path.write_bytes(damage)
        write(shop, "a", 7)
        done = build(shop)
        assert done.returncode == 0, done.stdout + done.stderr
        assert "Traceback" not in done.stderr
        assert output(shop) == cold(shop)


def test_the_cache_keeps_itself_out_of_git(shop: Path) -> None:
    assert build(shop).returncode == 0
    assert "*" in (shop / ".workflow-build" / ".gitignore").read_text("utf-8").split()


def test_without_the_cache_nothing_is_kept(shop: Path) -> None:
    assert build(shop, "--no-cache").returncode == 0
    assert not (shop / ".workflow-build").exists()


def test_builds_at_the_same_time_share_one_cache(shop: Path) -> None:
    command = [sys.executable, "-m", "workflow_build"]
    together = [subprocess.Popen(command, cwd=shop, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) for _ in range(4)]
    said = [process.communicate()[0] for process in together]
    assert [process.returncode for process in together] == [0] * 4, said
    assert output(shop) == cold(shop)


def test_settings_of_a_platform_that_come_later_are_seen(shop: Path) -> None:
    (shop / "pyproject.toml").write_text("", "utf-8")
    (shop / "shop" / "main.py").write_text("from fastapi import FastAPI\n\napp = FastAPI()\n", "utf-8")
    (shop / "api").mkdir()
    (shop / "api" / "index.py").write_text("from fastapi import FastAPI\n\napp = FastAPI()\n", "utf-8")
    assert "(fastapi)" in build(shop, "--no-routes").stdout

    (shop / "vercel.json").write_text("{}", "utf-8")
    assert "(vercel)" in build(shop, "--no-routes").stdout
