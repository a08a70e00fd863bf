"""Real servers for tests: a project that is built by the real command, and a process that can be killed."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import httpx

PATIENCE = 60.0
"""Seconds until what must happen is taken not to happen."""
HEALTH = "/.well-known/workflow/v1/health"


def copy_project(fixture: Path, folder: Path) -> Path:
    """A copy of the fixture's sources in ``folder``, which must not be there yet."""
    shutil.copytree(fixture, folder, ignore=shutil.ignore_patterns("_workflow", "__pycache__", ".workflow*"))
    return folder


def build(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """``workflow-build`` in that folder, however it ends."""
    command = [sys.executable, "-m", "workflow_build", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


@contextmanager
def listening() -> Iterator[socket.socket]:
    """A socket that server processes inherit, so that they all answer at one address."""
    with socket.create_server(("127.0.0.1", 0), backlog=128) as listener:
        listener.set_inheritable(True)
        yield listener


def address(listener: socket.socket) -> str:
    """The URL of what answers there."""
    return f"http://127.0.0.1:{listener.getsockname()[1]}"


def environment(settings: Mapping[str, str], *not_ours: str) -> dict[str, str]:
    """What a server's process sees: ``settings``, and nothing of the tester's that begins with WORKFLOW or one of
    ``not_ours``.
    """
    own = {
        name: value for name, value in os.environ.items() if not name.startswith(("WORKFLOW", "COVERAGE", *not_ours))
    }
    return own | dict(settings)


def launch(
    app: str, folder: Path, listener: socket.socket, settings: Mapping[str, str], log: Path
) -> subprocess.Popen[bytes]:
    """A server's process; it may take a while until it answers."""
    number = listener.fileno()
    command = [sys.executable, "-m", "uvicorn", app, "--fd", str(number), "--log-level", "warning"]
    with log.open("ab") as output:
        return subprocess.Popen(
            command, cwd=folder, env=dict(settings), stdout=output, stderr=output, pass_fds=(number,)
        )


def wait_until_ready(process: subprocess.Popen[bytes], url: str, log: Path, ready: tuple[int, ...] = (200,)) -> None:
    """Return once the server's health has one of these statuses; fail with its log when it never has."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        assert process.poll() is None, f"the server went away:\n{tail(log)}"
        try:
            if httpx.get(url + HEALTH, timeout=2).status_code in ready:
                return
        except httpx.TransportError:
            pass  # nobody listens yet
        time.sleep(0.02)
    raise AssertionError(f"the server never got ready:\n{tail(log)}")


def kill(process: subprocess.Popen[bytes]) -> None:
    """SIGKILL, and wait until the process is gone."""
    process.send_signal(signal.SIGKILL)
    process.wait()


def tail(log: Path) -> str:
    """The end of what a server has printed."""
    return log.read_text("utf-8", "replace")[-4000:]
