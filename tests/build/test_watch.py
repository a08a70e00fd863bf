"""``--watch`` as its users meet it: a real process, real edits. Nothing here depends on how fast it is."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
PATIENCE = 60.0
FILES = {
    "pyproject.toml": '[project]\nname = "shop"\nversion = "1"\n',
    "shop/__init__.py": "",
    "shop/steps.py": "from workflow_runtime import step\n\n\n@step\nasync def charge(cents: int) -> int:\n    return cents\n",
    "shop/orders.py": (
        "from shop.steps import charge\nfrom workflow_runtime import workflow\n\n\n"
        "@workflow\nasync def checkout(cents: int) -> int:\n    return await charge(cents)\n"
    ),
    "shop/main.py": (
        "from fastapi import FastAPI\nfrom shop import prefix\nfrom shop._workflow.fastapi import router\n\n"
        "app = FastAPI()\napp.include_router(router, prefix=prefix.PREFIX)\n"
    ),
    "shop/prefix.py": 'PREFIX = "/one"\n',
    "shop/unrelated.py": "X = 1\n",
}
REFUND = "from workflow_runtime import step\n\n\n@step\ndef refund() -> None: ...\n"


class Watcher:
    """A running ``workflow-build --watch``."""

    def __init__(self, project: Path, *flags: str) -> None:
        command = [sys.executable, "-m", "workflow_build", os.fspath(project), "--watch", *flags]
        environment = {**os.environ, "PYTHONPATH": os.fspath(REPOSITORY), "PYTHONUNBUFFERED": "1"}
        self.process = subprocess.Popen(
            command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        self.lines: list[str] = []
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        self.lines.extend(iter(self.process.stdout.readline, ""))

    def until(self, happened: Callable[[], object]) -> None:
        """Wait for it; ``happened`` may find files that are not there yet."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            try:
                if happened():
                    return
            except (OSError, ValueError):
                pass
            assert self.process.poll() is None, "".join(self.lines)
            time.sleep(0.02)
        raise AssertionError("".join(["it did not happen\n", *self.lines]))

    def said(self, text: str, times: int = 1) -> Callable[[], bool]:
        """Whether so many lines have the text."""
        return lambda: sum(text in line for line in self.lines) >= times

    def end(self, number: int) -> str:
        """Send the signal, and give all that was printed."""
        self.process.send_signal(number)
        self.process.wait(PATIENCE)
        self.reader.join(PATIENCE)
        return "".join(self.lines)


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        path = tmp_path / "project" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path / "project"


@pytest.fixture
def start(shop: Path) -> Iterator[Callable[..., Watcher]]:
    running: list[Watcher] = []

    def begin(*flags: str) -> Watcher:
        running.append(Watcher(shop, *flags))
        running[-1].until(running[-1].said("shop/_workflow (fastapi)"))
        return running[-1]

    yield begin
    for one in running:
        one.process.kill()
        one.process.wait()


def steps(shop: Path) -> list[str]:
    content = json.loads((shop / "shop" / "_workflow" / "manifest.json").read_text())
    return [step["qualname"] for step in content["steps"]]


def flow(shop: Path) -> str:
    return str(json.loads((shop / "shop" / "_workflow" / "config.json").read_text())["queue"]["flow"])


def test_edits_new_folders_renames_and_removals_are_built(shop: Path, start: Callable[..., Watcher]) -> None:
    watcher = start("--no-routes")
    module = shop / "shop" / "steps.py"
    module.write_text(module.read_text() + REFUND.partition("\n")[2])
    watcher.until(lambda: steps(shop) == ["charge", "refund"])

    module.write_text(FILES["shop/steps.py"])
    watcher.until(lambda: steps(shop) == ["charge"])

    inner = shop / "shop" / "inner" / "most"
    inner.mkdir(parents=True)
    (inner / "late.py").write_text(REFUND)
    watcher.until(lambda: steps(shop) == ["charge", "refund"])

    (inner / "late.py").write_text(REFUND.replace("refund", "repay"))
    watcher.until(lambda: steps(shop) == ["charge", "repay"])

    inner.rename(shop / "shop" / "moved")
    watcher.until(lambda: "shop.moved.late" in (shop / "shop" / "_workflow" / "step_registrations.py").read_text())

    shutil.rmtree(shop / "shop" / "moved")
    watcher.until(lambda: steps(shop) == ["charge"])


def test_a_file_that_an_editor_replaces_is_seen_as_an_edit(shop: Path, start: Callable[..., Watcher]) -> None:
    watcher = start("--no-routes")
    for number in range(3):
        beside = shop / "shop" / f".steps.{number}.swp"
        beside.write_text(FILES["shop/steps.py"] + f"\n\n@step\ndef s{number}() -> None: ...\n")
        beside.replace(shop / "shop" / "steps.py")
        watcher.until(lambda: steps(shop) == ["charge", f"s{number}"])  # noqa: B023 called before the next round


def test_errors_keep_the_last_good_output_and_that_is_said_once(shop: Path, start: Callable[..., Watcher]) -> None:
    watcher = start("--no-routes")
    before = (shop / "shop" / "_workflow" / "manifest.json").read_bytes()
    orders = shop / "shop" / "orders.py"
    for number in range(2):
        orders.write_text(f"def broken(:  # {number}\nfrom workflow_runtime import workflow\n")
        watcher.until(watcher.said("nothing was written", number + 1))
    orders.write_text(FILES["shop/orders.py"])
    watcher.until(watcher.said("up to date"))

    text = watcher.end(signal.SIGINT)

    assert (shop / "shop" / "_workflow" / "manifest.json").read_bytes() == before
    assert text.count("what was written before stays") == 1
    assert text.count("is not valid Python") == 2  # each time with the place that it then has


def test_settings_are_read_again(shop: Path, start: Callable[..., Watcher]) -> None:
    (shop / "shop" / "more.py").write_text(REFUND)
    watcher = start("--no-routes")
    watcher.until(lambda: steps(shop) == ["charge", "refund"])
    settings = shop / "pyproject.toml"

    settings.write_text(FILES["pyproject.toml"] + '\n[tool.workflow-build]\nexclude = ["shop/more.py"]\n')
    watcher.until(lambda: steps(shop) == ["charge"])

    settings.write_text(FILES["pyproject.toml"] + "\n[tool.workflow-build]\nexclude = 3\n")
    watcher.until(watcher.said("must be a list of strings"))

    settings.write_text(FILES["pyproject.toml"])
    (shop / ".gitignore").write_text("more.py\n")
    watcher.until(watcher.said("up to date"))
    (shop / ".gitignore").write_text("")
    watcher.until(lambda: steps(shop) == ["charge", "refund"])


def test_what_it_writes_itself_and_what_git_ignores_builds_nothing(shop: Path, start: Callable[..., Watcher]) -> None:
    (shop / "venv").mkdir()
    (shop / "venv" / "pyvenv.cfg").write_text("home = here\n")
    watcher = start("--no-routes")
    count = len(watcher.lines)
    (shop / "venv" / "a.py").write_text(REFUND)
    (shop / "shop" / ".hidden.py").write_text(REFUND)
    (shop / "shop" / "notes.txt").write_text("hello")
    (shop / "shop" / "_workflow" / "stray.py").write_text("x = 1\n")
    (shop / "shop" / "unrelated.py").write_text("X = 2\n")
    watcher.until(watcher.said("up to date"))

    text = watcher.end(signal.SIGTERM)

    assert len(text.splitlines()) == count + 2, text  # the one edit that counts, and the end


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "kill"])
def test_it_ends_cleanly(start: Callable[..., Watcher], number: int) -> None:
    watcher = start("--no-routes")

    text = watcher.end(number)

    assert watcher.process.returncode == 0
    assert text.splitlines()[-1].endswith("stopped")
    assert "Traceback" not in text


def test_a_project_that_goes_away_and_comes_back_is_built_again(shop: Path, start: Callable[..., Watcher]) -> None:
    watcher = start("--no-routes")
    shop.rename(shop.with_name("gone"))
    watcher.until(watcher.said("is not a folder"))

    shop.with_name("gone").rename(shop)
    module = shop / "shop" / "steps.py"
    watcher.until(watcher.said("up to date"))
    module.write_text(module.read_text() + REFUND.partition("\n")[2])
    watcher.until(lambda: steps(shop) == ["charge", "refund"])


def test_routes_are_read_again_when_the_app_has_changed_and_not_otherwise(
    shop: Path, start: Callable[..., Watcher]
) -> None:
    watcher = start()
    watcher.until(lambda: flow(shop) == "/one/.well-known/workflow/v1/flow")
    watcher.until(watcher.said("routes: /one"))
    config = shop / "shop" / "_workflow" / "config.json"

    config.unlink()
    (shop / "shop" / "unrelated.py").write_text("X = 2\n")
    watcher.until(watcher.said("up to date"))
    (shop / "shop" / "prefix.py").write_text('PREFIX = "/two"\n')
    watcher.until(lambda: flow(shop) == "/two/.well-known/workflow/v1/flow")

    (shop / "shop" / "prefix.py").write_text("raise RuntimeError('not today')\n")
    watcher.until(watcher.said("not today"))
    (shop / "shop" / "prefix.py").write_text('PREFIX = "/three"\n')
    watcher.until(lambda: flow(shop) == "/three/.well-known/workflow/v1/flow")

    text = watcher.end(signal.SIGINT)
    assert text.count("--reload-exclude") == 1
    assert text.count("routes: /two") == 1
    assert watcher.process.returncode == 0


def test_an_app_that_hangs_holds_up_neither_a_rebuild_nor_the_end(shop: Path, start: Callable[..., Watcher]) -> None:
    note = shop / "started"
    (shop / "shop" / "prefix.py").write_text(
        f"import os, pathlib, time\npathlib.Path({os.fspath(note)!r}).write_text(str(os.getpid()))\ntime.sleep(600)\n"
    )
    watcher = start()
    watcher.until(lambda: note.read_text())
    module = shop / "shop" / "steps.py"
    module.write_text(module.read_text() + REFUND.partition("\n")[2])
    watcher.until(lambda: steps(shop) == ["charge", "refund"])

    watcher.end(signal.SIGINT)

    assert watcher.process.returncode == 0
    with pytest.raises(ProcessLookupError):
        os.kill(int(note.read_text()), 0)


def test_watching_and_only_checking_do_not_go_together(shop: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "workflow_build", os.fspath(shop), "--watch", "--check"],
        env={**os.environ, "PYTHONPATH": os.fspath(REPOSITORY)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 2
    assert "give one of them" in done.stderr
