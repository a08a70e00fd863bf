"""The tool that runs the compiler over other people's packages."""

from __future__ import annotations

import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

TOOL = Path(__file__).parents[2] / "tools" / "scan_packages.py"
SOURCE = """\
import os

import engine


@engine.task
async def charge(cents): ...


@engine.flow(
    name="checkout",
)
def checkout(cents):
    charge(cents)
    return os.getpid()
"""


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(TOOL), *map(str, arguments)], capture_output=True, text=True, check=False
    )


def test_wheels_sdists_and_folders_are_read_and_counted(tmp_path: Path) -> None:
    plain, packed = tmp_path / "plain", tmp_path / "packed"
    plain.mkdir()
    packed.mkdir()
    (plain / "code.py").write_text(SOURCE)
    with zipfile.ZipFile(packed / "shop-1.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr("shop/a.py", SOURCE)
        wheel.writestr("shop/b.py", "x = 1\n")
    with tarfile.open(packed / "bank-2.tar.gz", "w:gz") as archive:
        archive.add(plain / "code.py", "bank-2/bank.py")

    done = run(plain, packed)

    assert (done.returncode, done.stderr) == (0, "")
    rows = [[cell.strip() for cell in line.strip("|").split("|")][:6] for line in done.stdout.splitlines()[2:]]
    assert sorted(rows) == [
        ["bank 2", "1", "0", "0", "0", "none"],
        ["plain", "1", "0", "0", "0", "none"],
        ["shop 1.0", "2", "0", "0", "0", "none"],
    ]


def test_functions_that_another_engine_marks_are_marked_in_a_copy(tmp_path: Path) -> None:
    (tmp_path / "code.py").write_text(SOURCE)

    done = run("--workflow", "engine.flow", "--step", "engine.task", tmp_path)

    assert "WB120 code.py:14 step charge is called" in done.stdout
    assert "    charge(cents)" in done.stdout
    assert "| 1 | 1 | 1 WB101, 1 WB120 |" in done.stdout
    assert (tmp_path / "code.py").read_text() == SOURCE
