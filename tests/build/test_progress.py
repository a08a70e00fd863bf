"""What a build shows while it takes long: on a terminal, as a real process has it, and nowhere else."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from workflow_build.build import Options
from workflow_build.commands import progress as command
from workflow_build.session import Session

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="a terminal is a pty here")

REPOSITORY = Path(__file__).parents[2]
STAGES = ["reading files", "checking", "cutting bundles", "reading the app's routes"]
ROUTES = STAGES[-1].encode()
ERASED = b"\x1b[2K"
FILES = {
    "pyproject.toml": '[project]\nname = "shop"\nversion = "1"\n',
    "shop/__init__.py": "",
    "shop/orders.py": (
        "from workflow_runtime import step, workflow\n\n\n@step\nasync def charge(cents: int) -> int:\n    return cents\n\n\n"
        "@workflow\nasync def checkout(cents: int) -> int:\n    return await charge(cents)\n"
    ),
    "shop/main.py": (
        "import time\nfrom fastapi import FastAPI\nfrom shop._workflow.fastapi import mount\n\n"
        "time.sleep(2)\napp = FastAPI()\nmount(app)\n"
    ),
}
"""A project whose build takes two seconds at least."""


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    return tmp_path


def on_a_terminal(shop: Path, *flags: str, **environment: str) -> tuple[bytes, str]:
    """What a build writes to a terminal that is its standard error, and to its standard output, which is a file."""
    terminal, end = os.openpty()
    cleared = {name: value for name, value in os.environ.items() if name != "CI"}
    command = [sys.executable, "-m", "workflow_build", os.fspath(shop), *flags]
    settings = {**cleared, "TERM": "xterm", "PYTHONPATH": os.fspath(REPOSITORY), **environment}
    said = shop.parent / f"{shop.name}.out"
    with said.open("wb") as output, subprocess.Popen(command, env=settings, stdout=output, stderr=end) as build:
        os.close(end)
        shown = b"".join(iter(lambda: read(terminal), b""))
        os.close(terminal)
    assert build.returncode == 0, shown
    return shown, said.read_text("utf-8")


def read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 4096)
    except OSError:  # on Linux, nobody has the other end any more
        return b""


def test_a_long_build_shows_what_it_is_at_and_leaves_nothing(shop: Path) -> None:
    shown, said = on_a_terminal(shop)

    assert ROUTES in shown
    *_, last = shown.split(ERASED)
    assert last == b""
    assert said.splitlines() == ["1 workflow, 1 step → shop/_workflow (fastapi)  7 files written"]


@pytest.mark.parametrize("flags", [["--quiet"], ["--format", "json"], ["--format", "sarif"], ["--format", "github"]])
def test_whoever_wants_it_quiet_or_for_a_program_gets_none(shop: Path, flags: list[str]) -> None:
    assert on_a_terminal(shop, *flags)[0] == b""


def test_continuous_integration_gets_none(shop: Path) -> None:
    assert on_a_terminal(shop, CI="true")[0] == b""


def test_a_terminal_that_can_not_erase_gets_none(shop: Path) -> None:
    assert on_a_terminal(shop, TERM="dumb")[0] == b""


def test_what_is_no_terminal_gets_none(shop: Path) -> None:
    environment = {**os.environ, "TERM": "xterm", "PYTHONPATH": os.fspath(REPOSITORY)}
    environment.pop("CI", None)
    command = [sys.executable, "-m", "workflow_build", os.fspath(shop)]

    done = subprocess.run(command, env=environment, capture_output=True, check=True)

    assert done.stderr == b""


def test_a_short_build_shows_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal, end = os.openpty()
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.setattr(command, "AFTER_SECONDS", 1000)
    with open(end, "w") as stream:  # noqa: PTH123 a number has no path
        monkeypatch.setattr(sys, "stderr", stream)
        with command.progress(is_wanted=True) as tell:
            tell("checking")
    shown = read(terminal)
    os.close(terminal)

    assert shown == b""


def test_each_part_of_a_build_is_told_as_it_begins(shop: Path) -> None:
    (shop / "shop" / "main.py").write_text(FILES["shop/main.py"].replace("time.sleep(2)\n", ""))
    told: list[str] = []
    session = Session(shop)
    session.build(Options(tell=told.append))
    session.close()

    assert told == STAGES


def test_the_line_says_what_the_build_is_at_now(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal, end = os.openpty()
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(command, "AFTER_SECONDS", 0)
    with open(end, "w") as stream:  # noqa: PTH123 a number has no path
        monkeypatch.setattr(sys, "stderr", stream)
        with command.progress(is_wanted=True) as tell:
            shown = b""
            for stage in STAGES:
                tell(stage)
                while stage.encode() not in shown:
                    shown += os.read(terminal, 4096)
    os.close(terminal)

    found = [shown.index(stage.encode()) for stage in STAGES]
    assert found == sorted(found)
