"""Real NATS servers for tests: one, or a cluster on loopback, with their files in a folder of the test's own."""

from __future__ import annotations

import asyncio
import atexit
import hashlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import nats
import nats.errors

BINARY = Path(sys.executable).parent / "nats-server"
_SOON = 30.0  # seconds


def free_port() -> int:
    """A port that nobody has at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


@dataclass(frozen=True, slots=True)
class Machine:
    """Where a server runs: ``inside`` stands before its command, clients find it at ``host``, and it finds the others at ``others``."""

    host: str = "127.0.0.1"
    others: tuple[str, ...] = ("127.0.0.1", "127.0.0.1", "127.0.0.1")
    listen: str = "127.0.0.1"
    """Where it listens for the others."""
    inside: tuple[str, ...] = ()


@dataclass
class NatsServer:
    """One server process; ``more`` is put into its configuration as it is."""

    folder: Path
    name: str = "n1"
    more: str = ""
    sync: str = "2m"
    """The server's ``sync_interval``."""
    port: int = field(default_factory=free_port)
    monitor: int = field(default_factory=free_port)
    machine: Machine = field(default_factory=Machine)
    process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        """Host and port."""
        return f"{self.machine.host}:{self.port}"

    def start(self) -> None:
        """Start it and return when it takes connections."""
        self.folder.mkdir(parents=True, exist_ok=True)
        configuration = self.folder / f"{self.name}.conf"
        configuration.write_text(
            f'server_name: {self.name}\nlisten: "{self.address}"\nhttp: "{self.machine.host}:{self.monitor}"\n'
            f'jetstream {{ store_dir: "{self.folder / self.name}", sync_interval: "{self.sync}" }}\n{self.more}\n',
            "utf-8",
        )
        with (self.folder / f"{self.name}.log").open("ab") as log:
            command = [*self.machine.inside, str(BINARY), "-c", str(configuration)]
            self.process = subprocess.Popen(command, stdout=log, stderr=log)
        deadline = time.monotonic() + _SOON
        while not _answers(self.machine.host, self.port):
            assert self.process.poll() is None, (self.folder / f"{self.name}.log").read_text("utf-8")
            assert time.monotonic() < deadline, f"{self.name} takes no connections"
            time.sleep(0.02)

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        assert self.process is not None
        self.process.send_signal(number)

    def stop(self) -> None:
        """Have it stand still, and return when it does; ``SIGCONT`` has it go on."""
        assert self.process is not None
        self.signal(signal.SIGSTOP)
        os.waitid(os.P_PID, self.process.pid, os.WSTOPPED | os.WNOWAIT)

    def kill(self) -> None:
        """End it as a power cut of the process would."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def request(self, subject: str) -> Mapping[str, Any]:
        """What JetStream answers to an empty request."""

        async def ask() -> bytes:
            connection = await nats.connect(f"nats://{self.address}", connect_timeout=2, max_reconnect_attempts=1)
            try:
                return (await connection.request(subject, timeout=5)).data
            finally:
                await connection.close()

        found: Mapping[str, Any] = json.loads(asyncio.run(ask()))
        return found

    def stream(self, name: str) -> Mapping[str, Any]:
        """What the stream's leader says of it. Raises ``OSError`` when none answers."""
        try:
            return self.request(f"$JS.API.STREAM.INFO.{name}")
        except nats.errors.Error as error:
            raise OSError(f"no answer: {error}") from error

    def monitored(self, path: str) -> Mapping[str, Any]:
        """What its monitoring says at ``path``."""
        with urllib.request.urlopen(f"http://{self.machine.host}:{self.monitor}/{path}", timeout=5) as answer:
            found: Mapping[str, Any] = json.load(answer)
        return found


def fresh_url(name: str, lease: float = 3.0) -> str:
    """The URL of a namespace of that name on a server that all tests of this process share."""
    namespace = hashlib.sha256(name.encode()).hexdigest()[:16]
    return f"nats://{_shared().address}?namespace={namespace}&lease={lease}"


@cache
def _shared() -> NatsServer:
    folder = tempfile.TemporaryDirectory(prefix="nats-")
    server = NatsServer(Path(folder.name))
    server.start()
    atexit.register(folder.cleanup)
    atexit.register(server.kill)  # first: what was registered last is called first
    return server


@contextmanager
def one_server(folder: Path, more: str = "", sync: str = "2m") -> Iterator[NatsServer]:
    """A server that takes connections while the block lasts."""
    server = NatsServer(folder, more=more, sync=sync)
    server.start()
    try:
        yield server
    finally:
        server.kill()


@contextmanager
def servers_of_one(folder: Path, sync: str = "2m") -> Iterator[Sequence[NatsServer]]:
    """A server as a cluster of one."""
    with one_server(folder, sync=sync) as server:
        yield [server]


@contextmanager
def cluster_of_three(
    folder: Path, sync: str = "2m", machines: Sequence[Machine] = (Machine(),) * 3
) -> Iterator[Sequence[NatsServer]]:
    """Three servers that have elected a leader, while the block lasts."""
    ports = [free_port() for _ in machines]
    servers = []
    for number, (machine, port) in enumerate(zip(machines, ports, strict=True), 1):
        routes = ", ".join(f'"nats://{host}:{at}"' for host, at in zip(machine.others, ports, strict=True))
        cluster = f'cluster {{ name: c, listen: "{machine.listen}:{port}", routes: [{routes}] }}'
        servers.append(NatsServer(folder, f"n{number}", cluster, sync, machine=machine))
    try:
        for server in servers:
            server.start()
        _wait_for_a_leader(servers)
        yield servers
    finally:
        for server in servers:
            server.kill()


def _wait_for_a_leader(servers: Sequence[NatsServer]) -> None:
    deadline = time.monotonic() + _SOON
    while True:
        known = servers[0].monitored("jsz").get("meta_cluster", {})
        if known.get("leader") and known.get("cluster_size") == len(servers):
            return
        assert time.monotonic() < deadline, f"no leader was elected: {known}"
        time.sleep(0.05)


def _answers(host: str, port: int) -> bool:
    try:
        socket.create_connection((host, port), 0.2).close()
    except OSError:
        return False
    return True
