"""``--watch`` when something goes wrong, and how it ends."""

from __future__ import annotations

import gc
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.build.watcher import FILES, REFUND, REPOSITORY, Watcher, edit, make_shop, steps
from workflow_build import watch as module
from workflow_build.errors import BuildError
from workflow_build.session import Session

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="sends POSIX signals")


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    return make_shop(tmp_path / "project")


def test_errors_keep_the_last_good_output_and_that_is_said_once(shop: Path, watch: Callable[..., Watcher]) -> None:
    watcher = watch(shop, "--no-routes")
    before = (shop / "shop" / "_workflow" / "manifest.json").read_bytes()
    orders = shop / "shop" / "orders.py"
    for number in range(2):
        edit(orders, f"def broken(:  # {number}\nfrom workflow_runtime import workflow\n")
        watcher.until(watcher.said("nothing was written", number + 1))
    edit(orders, FILES["shop/orders.py"])
    watcher.until(watcher.said("up to date"))

    text = watcher.end(signal.SIGINT)

    assert (shop / "shop" / "_workflow" / "manifest.json").read_bytes() == before
    assert "shop/orders.py:1:" in text
    assert text.count("what was written before stays") == 1
    assert text.count("is not valid Python") == 1


def test_what_it_writes_itself_and_what_git_ignores_builds_nothing(shop: Path, watch: Callable[..., Watcher]) -> None:
    (shop / "venv").mkdir()
    (shop / "venv" / "pyvenv.cfg").write_text("home = here\n")
    watcher = watch(shop, "--no-routes")
    watcher.until(watcher.said("with uvicorn"))  # the last line of the first build
    count = len(watcher.lines)
    (shop / "venv" / "a.py").write_text(REFUND)
    (shop / "shop" / ".hidden.py").write_text(REFUND)
    (shop / "shop" / "notes.txt").write_text("hello")
    (shop / "shop" / "_workflow" / "stray.py").write_text("x = 1\n")
    edit(shop / "shop" / "unrelated.py", "X = 2\n")
    watcher.until(watcher.said("up to date"))

    text = watcher.end(signal.SIGTERM)

    assert len(text.splitlines()) == count + 2, text  # the one edit that counts, and the end


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "kill"])
def test_it_ends_cleanly(shop: Path, watch: Callable[..., Watcher], number: int) -> None:
    watcher = watch(shop, "--no-routes")

    text = watcher.end(number)

    assert watcher.process.returncode == 0
    assert text.splitlines()[-1].endswith("stopped")
    assert "Traceback" not in text


def test_a_project_that_goes_away_and_comes_back_is_built_again(shop: Path, watch: Callable[..., Watcher]) -> None:
    watcher = watch(shop, "--no-routes")
    shop.rename(shop.with_name("gone"))
    watcher.until(watcher.said("is not a folder"))

    shop.with_name("gone").rename(shop)
    file = shop / "shop" / "steps.py"
    watcher.until(watcher.said("up to date"))
    file.write_text(file.read_text() + REFUND.partition("\n")[2])
    watcher.until(lambda: steps(shop) == ["charge", "refund"])


def test_an_app_that_hangs_holds_up_neither_a_rebuild_nor_the_end(shop: Path, watch: Callable[..., Watcher]) -> None:
    note = shop / "started"
    (shop / "shop" / "prefix.py").write_text(
        f"import os, pathlib, time\npathlib.Path({os.fspath(note)!r}).write_text(str(os.getpid()))\ntime.sleep(600)\n"
    )
    watcher = watch(shop)
    watcher.until(lambda: note.read_text())
    file = shop / "shop" / "steps.py"
    file.write_text(file.read_text() + REFUND.partition("\n")[2])
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


def test_folders_that_come_and_go_leave_no_handles_behind(shop: Path, watch: Callable[..., Watcher]) -> None:
    watcher = watch(shop, "--no-routes")
    handles = Path(f"/proc/{watcher.process.pid}/fd")
    if not handles.is_dir():
        pytest.skip("this system does not list the open files of a process")
    inner = shop / "shop" / "inner"
    before = len(list(handles.iterdir()))
    for number in range(6):
        inner.mkdir()
        (inner / "late.py").write_text(REFUND.replace("refund", f"refund{number}"))
        watcher.until(lambda: steps(shop) == ["charge", f"refund{number}"])  # noqa: B023 called before the next round
        shutil.rmtree(inner)
        watcher.until(lambda: steps(shop) == ["charge"])

    watcher.until(lambda: len(list(handles.iterdir())) <= before)  # once it is idle again
    watcher.end(signal.SIGINT)


def test_a_system_that_lets_nothing_be_watched_is_told_of(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*folders: str, **settings: object) -> Iterator[None]:
        raise OSError("OS file watch limit reached")
        yield

    monkeypatch.setattr(module, "changes_below", refuse)
    session = Session(shop)

    with pytest.raises(
        BuildError, match=r"1 folders? can not be watched: OS file watch limit.*WATCHFILES_FORCE_POLLING"
    ):
        list(module.rebuilds(session, threading.Event()))
    session.close()


def test_where_the_system_tells_of_no_changes_the_folders_are_looked_through(
    shop: Path, watch: Callable[..., Watcher]
) -> None:
    """As it is for folders that a container has from another machine."""
    watcher = watch(shop, "--no-routes", environment={"WATCHFILES_FORCE_POLLING": "1"})
    (shop / "shop" / "late.py").write_text(REFUND)
    watcher.until(lambda: steps(shop) == ["charge", "refund"])

    watcher.end(signal.SIGTERM)


def test_a_process_that_began_without_collecting_garbage_does_so_while_it_watches(shop: Path) -> None:
    stop, session = threading.Event(), Session(shop)
    gc.disable()
    try:
        happening = module.rebuilds(session, stop)
        next(happening)
        for _ in range(100):  # ready for edits it is some rounds later
            next(happening)
            if gc.isenabled():
                break
        assert gc.isenabled()
        stop.set()
        assert [one for one in happening if one is not None] == []
    finally:
        session.close()
        gc.unfreeze()
        gc.enable()
