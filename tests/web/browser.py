"""A real browser without a window, and a real server for it to ask."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from selenium.webdriver import Chrome
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
DRIVER = shutil.which("chromedriver")
MISSING = "no Chromium with its driver is on this machine: apt-get install chromium chromium-driver"
PATIENCE = 30.0
_FLAGS = (
    *("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-dev-shm-usage"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync", "--hide-scrollbars"),
    *("--force-color-profile=srgb", "--lang=en-GB"),
)


@contextmanager
def browser(width: int = 1400, height: int = 900, *, dark: bool = False) -> Iterator[Chrome]:
    """A browser with a profile of its own, which notes what its pages say on the console."""
    options = Options()
    options.binary_location = CHROMIUM or ""
    for flag in (*_FLAGS, f"--window-size={width},{height}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    made = Chrome(options=options, service=Service(DRIVER, env={**os.environ, "TZ": "UTC"}))
    try:
        screen = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        made.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", screen)
        scheme = {"features": [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]}
        made.execute_cdp_cmd("Emulation.setEmulatedMedia", scheme)
        yield made
    finally:
        made.quit()


@contextmanager
def serving(folder: Path, world: Path, *arguments: str, port: int = 0) -> Iterator[str]:
    """``python -m workflow_runtime web`` on that SQLite file, on any free port unless one is given; gives its URL."""
    if not port:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
    own = {name: value for name, value in os.environ.items() if not name.startswith(("WORKFLOW", "COVERAGE"))}
    url = world.relative_to(folder) if world.is_relative_to(folder) else world
    command = [sys.executable, "-m", "workflow_runtime", "web", *arguments, "--port", str(port)]
    settings = {**own, "WORKFLOW_WORLD": f"sqlite:///{url}"}
    server = subprocess.Popen(command, cwd=folder, env=settings, stdout=subprocess.DEVNULL)
    try:
        address = f"http://localhost:{port}"
        _wait_for(address, server)
        yield address
    finally:
        server.terminate()
        server.wait(PATIENCE)


def _wait_for(address: str, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        assert server.poll() is None, "the page's server went away"
        try:
            if httpx.get(address, timeout=5).status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.05)
    raise AssertionError("the page's server never answered")


def until(page: Chrome, script: str, *arguments: Any) -> Any:
    """What ``script`` gives, as soon as that is true."""
    deadline = time.monotonic() + PATIENCE
    while not (found := page.execute_script(f"return {script}", *arguments)):
        assert time.monotonic() < deadline, f"it never came: {script}"
        time.sleep(0.02)
    return found


def nodes(page: Chrome) -> int:
    """How many elements the page has."""
    found: int = page.execute_script("return document.getElementsByTagName('*').length")
    return found


def logged(page: Chrome, kind: str) -> list[dict[str, Any]]:
    """What the browser has noted since the last time: ``browser`` or ``performance``."""
    untyped: Any = page
    found: list[dict[str, Any]] = untyped.get_log(kind)
    return found


def complaints(page: Chrome) -> list[str]:
    """What the console says: scripts that failed, and what the page's own policy kept it from."""
    return [str(entry["message"]) for entry in logged(page, "browser")]
