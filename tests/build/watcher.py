"""A running ``workflow-build --watch``, and a project for it, for tests."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path

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
NOTHING: Mapping[str, str] = {}


class Watcher:
    """The process, and all that it says. Nothing here depends on how fast it is."""

    def __init__(self, project: Path, *flags: str, environment: Mapping[str, str] = NOTHING) -> None:
        """Start it."""
        command = [
            sys.executable,
            "-W",
            "error::ResourceWarning",
            "-m",
            "workflow_build",
            os.fspath(project),
            "--watch",
        ]
        settings = {
            **os.environ,
            "PYTHONPATH": os.fspath(REPOSITORY),
            "PYTHONUNBUFFERED": "1",
            "CI": "1",
            **environment,
        }
        self.process = subprocess.Popen(
            [*command, *flags], env=settings, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        self.lines: list[str] = []
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as output:
            self.lines.extend(iter(output.readline, ""))

    @property
    def text(self) -> str:
        """All that it has said."""
        return "".join(self.lines)

    def until(self, happened: Callable[[], object]) -> None:
        """Wait for it; ``happened`` may find files that are not there yet."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            try:
                if happened():
                    return
            except (OSError, ValueError):
                pass
            assert self.process.poll() is None, self.text
            time.sleep(0.02)
        raise AssertionError(f"it did not happen\n{self.text}")

    def said(self, text: str, times: int = 1) -> Callable[[], bool]:
        """Whether so many lines have the text."""
        return lambda: sum(text in line for line in self.lines) >= times

    def end(self, number: int) -> str:
        """Send the signal, and give all that was said."""
        self.process.send_signal(number)
        self.process.wait(PATIENCE)
        self.reader.join(PATIENCE)
        assert "ResourceWarning" not in self.text
        assert "Exception ignored" not in self.text
        return self.text

    def kill(self) -> None:
        """End it, whatever it does."""
        self.process.kill()
        self.process.wait()
        self.reader.join()


def make_shop(folder: Path) -> Path:
    """Write the project."""
    for name, text in FILES.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def edit(path: Path, text: str) -> None:
    """Change a file at once, as many editors do: nobody ever sees half of it."""
    beside = path.with_name(f".{path.name}.swp")
    beside.write_text(text)
    beside.replace(path)


def steps(shop: Path) -> list[str]:
    """The steps in the manifest."""
    content = json.loads((shop / "shop" / "_workflow" / "manifest.json").read_text())
    return sorted(step["qualname"] for step in content["steps"])


def flow(shop: Path) -> str:
    """The path of the flow route, as the app has it."""
    return str(json.loads((shop / "shop" / "_workflow" / "config.json").read_text())["queue"]["flow"])
