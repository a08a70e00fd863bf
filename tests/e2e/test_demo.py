"""``make demo`` shows what it should, and leaves nothing behind."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

DEMO = Path(__file__).parents[2] / "tools" / "demo.py"

pytestmark = pytest.mark.timeout(180)


def start(temporary: Path) -> subprocess.Popen[str]:
    """The demo, as it is started from a terminal, with its temporary files in a folder of ours."""
    environment = os.environ | {"TMPDIR": str(temporary)}
    return subprocess.Popen([sys.executable, DEMO], env=environment, stdout=subprocess.PIPE, text=True)


def test_the_demo_ends_with_the_completed_order(tmp_path: Path) -> None:
    with start(tmp_path) as demo:
        told, _ = demo.communicate()

    assert demo.returncode == 0, told
    assert "Order completed: 3 items, 21.25" in told
    assert re.search(r"print_label #1 .* killed\s", told)
    assert re.search(r"print_label #2 .* done\s", told)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_demo_leaves_no_server_and_no_files(tmp_path: Path, how: signal.Signals) -> None:
    with start(tmp_path) as demo:
        assert demo.stdout
        port = next(int(found[1]) for line in demo.stdout if (found := re.search(r"http://127\.0\.0\.1:(\d+)", line)))
        next(line for line in demo.stdout if "POST /orders" in line)
        demo.send_signal(how)
        demo.communicate()

    assert demo.returncode == 130
    assert not list(tmp_path.iterdir())
    with pytest.raises(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port), timeout=5):
        pass
