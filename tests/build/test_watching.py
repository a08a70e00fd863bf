"""``--watch``, as a process of its own with real edits."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="sends POSIX signals")

ORDERS = """\
from workflow_runtime import step, workflow


@step
async def charge(cents: int) -> int:
    return cents


@workflow
async def checkout(cents: int) -> int:
    return await charge(cents)
"""


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    (tmp_path / "pyproject.toml").write_text('[tool.workflow-build]\ntargets = ["fastapi"]\n', "utf-8")
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "__init__.py").touch()
    (tmp_path / "shop" / "orders.py").write_text(ORDERS, "utf-8")
    return tmp_path


def registrations(shop: Path) -> str:
    path = shop / "shop" / "_workflow" / "step_registrations.py"
    return path.read_text("utf-8") if path.is_file() else ""


def soon(what: Callable[[], bool], watching: subprocess.Popen[str]) -> None:
    """Wait until it is so; a generous limit, for slow machines."""
    until = time.monotonic() + 60
    while not what():
        assert watching.poll() is None, watching.communicate()
        assert time.monotonic() < until
        time.sleep(0.02)


@contextmanager
def watched(shop: Path) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "workflow_build", "--watch", "--no-routes"]
    environment = {**os.environ, "CI": "1"}
    process = subprocess.Popen(
        command, cwd=shop, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def test_an_edit_is_built_and_an_error_keeps_the_last_good_output(shop: Path) -> None:
    with watched(shop) as process:
        soon(lambda: "charge" in registrations(shop), process)
        orders = shop / "shop" / "orders.py"

        orders.write_text(ORDERS.replace("charge", "collect"), "utf-8")
        soon(lambda: "collect" in registrations(shop), process)

        orders.write_text(ORDERS + "def broken(:\n", "utf-8")
        time.sleep(1)
        assert "collect" in registrations(shop)

        orders.write_text(ORDERS.replace("charge", "take"), "utf-8")
        soon(lambda: "take" in registrations(shop), process)


def test_a_new_file_in_a_new_folder_is_built_and_a_deleted_one_is_dropped(shop: Path) -> None:
    with watched(shop) as process:
        soon(lambda: "charge" in registrations(shop), process)
        (shop / "shop" / "bank").mkdir()
        (shop / "shop" / "bank" / "__init__.py").touch()
        added = shop / "shop" / "bank" / "fees.py"
        added.write_text(
            "from workflow_runtime import step\n\n\n@step\nasync def fee() -> int:\n    return 1\n", "utf-8"
        )
        soon(lambda: "fee" in registrations(shop), process)

        added.unlink()
        soon(lambda: "fee" not in registrations(shop), process)


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_it_ends_cleanly_when_told_to(shop: Path, how: signal.Signals) -> None:
    with watched(shop) as process:
        soon(lambda: "charge" in registrations(shop), process)
        process.send_signal(how)
        said, _ = process.communicate(timeout=60)

    assert process.returncode == 0, said
    assert "Traceback" not in said
    assert "stopped" in said


def test_errors_are_shown_with_their_place(shop: Path) -> None:
    with watched(shop) as process:
        soon(lambda: "charge" in registrations(shop), process)
        (shop / "shop" / "orders.py").write_text(ORDERS + "def broken(:\n", "utf-8")
        time.sleep(2)
        process.send_signal(signal.SIGINT)
        said, _ = process.communicate(timeout=60)

    assert "shop/orders.py:12" in said
    assert "WB110" in said
