"""Serve an app as Vercel's functions do: by Vercel's own runtime, which says over a socket where it listens. Arguments: a port, ``module:attribute``."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

PART = 64 * 1024


def main(port: int, app: str) -> None:
    """Hand all connections to ``port`` on to the runtime, until it ends."""
    module, _, attribute = app.partition(":")
    file = f"{module.replace('.', '/')}.py"
    with tempfile.TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX) as platform:
        platform.bind(f"{folder}/ipc")
        platform.listen()
        environment = {
            "VERCEL_IPC_PATH": f"{folder}/ipc",
            "__VC_HANDLER_MODULE_NAME": module,
            "__VC_HANDLER_ENTRYPOINT": file,
            "__VC_HANDLER_ENTRYPOINT_ABS": str(Path.cwd() / file),
            "__VC_HANDLER_VENDOR_DIR": "_vendor",
            "__VC_HANDLER_VARIABLE_NAME": attribute,
        }
        command = [sys.executable, "-c", "import sys; sys.path.insert(0, ''); import vercel_runtime.vc_init"]
        runtime = subprocess.Popen(command, env={**os.environ, **environment})
        inner = listening_at(platform.accept()[0])
        with socket.create_server(("127.0.0.1", port)) as server:
            threading.Thread(target=accept, args=(server, inner), daemon=True).start()
            runtime.wait()


def listening_at(connection: socket.socket) -> int:
    """The port that the runtime names, once its app is imported. What it logs from then on is printed."""
    reader = connection.makefile("rb")
    said = b""
    while not (said.endswith(b"\0") and b'"server-started"' in said):
        said += reader.read(1) or sys.exit("the runtime ended before it listened")
    threading.Thread(target=lambda: [print(line) for line in reader], daemon=True).start()
    started = next(one for one in said.split(b"\0") if b'"server-started"' in one)
    return int(json.loads(started)["payload"]["httpPort"])


def accept(server: socket.socket, port: int) -> None:
    """Connect each client to what listens on ``port``."""
    while True:
        client = server.accept()[0]
        inner = socket.create_connection(("127.0.0.1", port))
        for one, other in ((client, inner), (inner, client)):
            threading.Thread(target=copy, args=(one, other), daemon=True).start()


def copy(source: socket.socket, to: socket.socket) -> None:
    """All bytes of one direction, and that they have ended."""
    with contextlib.suppress(OSError):  # one of both has gone
        while part := source.recv(PART):
            to.sendall(part)
    with contextlib.suppress(OSError):
        to.shutdown(socket.SHUT_WR)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
