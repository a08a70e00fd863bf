"""A built shop of one target: a server process that can be killed, and what its customers can do."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from tests import serving
from tests.frameworks.pushing import due_messages, pushing
from tests.frameworks.targets import SHARED, Server, Target

PATIENCE = serving.PATIENCE
WEBHOOK = "/.well-known/workflow/v1/webhook"
FLOW = "/.well-known/workflow/v1/flow"


@dataclass
class Shop:
    """One shop with a database of its own."""

    target: Target
    server: Server
    folder: Path
    data: Path
    port: int
    process: subprocess.Popen[bytes] | None = field(default=None)

    @property
    def url(self) -> str:
        """Where the server answers."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def flow(self) -> str:
        """Where a queue pushes to."""
        return f"{self.url}{self.target.prefix}{FLOW}"

    @property
    def environment(self) -> dict[str, str]:
        """What the shop's processes see."""
        settings = {
            "WORKFLOW_WORLD": f"sqlite:///{self.data / 'workflow.db'}",
            "SHOP_LEDGER": str(self.data / "ledger.txt"),
            **self.target.environment,
        }
        return serving.environment(settings, "SHOP")

    def start(self) -> None:
        """Start the server, and return once it answers and its worker runs."""
        words = {"port": str(self.port), "python": sys.executable}
        command = [part.format_map(words) for part in self.server.command]
        with (self.data / "server.log").open("ab") as output:
            self.process = subprocess.Popen(
                command, cwd=self.folder, env=self.environment, stdout=output, stderr=output, start_new_session=True
            )
        serving.wait_until_ready(self.process, self.url + self.target.prefix, self.data / "server.log")

    def kill(self) -> None:
        """SIGKILL for the server and all its children, as when the power fails."""
        assert self.process
        with suppress(ProcessLookupError):  # it has stopped by itself
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.process = None

    def place(self, order: str) -> str:
        """Order something; gives the run's id."""
        answer = httpx.post(f"{self.url}/orders", json={"id": order}, timeout=30)
        assert answer.status_code == 202, self.story(answer)
        run_id: str = answer.json()["run"]
        return run_id

    def show(self, run_id: str) -> dict[str, Any]:
        """Where the run stands."""
        answer = httpx.get(f"{self.url}/orders/{run_id}", timeout=30)
        assert answer.status_code == 200, self.story(answer)
        found: dict[str, Any] = answer.json()
        return found

    def wait_until_idle(self) -> None:
        """Return once nobody has anything to do: all that the run has been told of is stored."""
        deadline = time.monotonic() + PATIENCE
        while due_messages(self.data / "workflow.db"):
            assert time.monotonic() < deadline, f"there is always something to do\n{self.log()}"
            time.sleep(0.01)

    def wait(self, run_id: str) -> dict[str, Any]:
        """What the run gave, once it has ended."""
        deadline = time.monotonic() + PATIENCE
        while (shown := self.show(run_id))["status"] in ("pending", "running"):
            assert time.monotonic() < deadline, f"{shown}\n{self.log()}"
            time.sleep(0.05)
        assert shown["status"] == "completed", f"{shown}\n{self.log()}"
        result: dict[str, Any] = shown["result"]
        return result

    def call(self, order: str, method: str, content: str) -> httpx.Response:
        """Call the order's webhook, as soon as it is there."""
        url = f"{self.url}{self.target.prefix}{WEBHOOK}/bank-{order}"
        deadline = time.monotonic() + PATIENCE
        while (answer := httpx.request(method, url, content=content, timeout=30)).status_code == 404:
            assert time.monotonic() < deadline, f"the webhook never came\n{self.log()}"
            time.sleep(0.05)
        return answer

    def ledger(self) -> list[str]:
        """What the steps noted."""
        path = self.data / "ledger.txt"
        return path.read_text("utf-8").splitlines() if path.is_file() else []

    def log(self) -> str:
        """The end of what the servers printed."""
        return serving.tail(self.data / "server.log")

    def story(self, answer: httpx.Response) -> str:
        """An answer that was not expected, with what the server says."""
        return f"{answer.status_code} {answer.text}\n{self.log()}"


def build(target: Target, folder: Path, python: str = sys.executable) -> Path:
    """A copy of the fixture over the shared workflows, that ``workflow-build`` has been run on."""
    for source in (SHARED, target.folder):
        shutil.copytree(source, folder, ignore=shutil.ignore_patterns("_workflow", "__pycache__"), dirs_exist_ok=True)
    done = subprocess.run(
        [python, "-m", "workflow_build"],
        cwd=folder,
        env=serving.environment(target.environment, "SHOP"),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


@contextmanager
def open_shop(target: Target, server: Server, built: Path, data: Path) -> Iterator[Shop]:
    """A shop whose server answers. It is killed when the block is left."""
    data.mkdir()
    with serving.listening() as listener:
        port = listener.getsockname()[1]  # servers differ in how they take a socket, and all take a port
    shop = Shop(target, server, built, data, port)
    queue = (
        pushing(data / "workflow.db", shop.flow, target.environment["WORKFLOW_SECRET"])
        if target.pushed
        else nullcontext()
    )
    try:
        shop.start()
        with queue:
            yield shop
    finally:
        if shop.process:
            shop.kill()
