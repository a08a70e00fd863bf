"""Machines with a cable between each two, all of them on this one: network namespaces, whose links can be pulled out and put back.

``APART`` stands before the command of the process that wants them. That is machine 0; it has a network and processes of its own, so whatever
ends it, or who has started it, ends all that runs in there, and the namespaces with that. No address is seen outside.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

APART = ("setpriv", "--pdeathsig", "KILL", "unshare", "--net", "--pid", "--fork", "--kill-child", "--mount-proc")
HERE = 0
"""The machine of the process itself."""
_SOON = 10.0  # seconds


@dataclass(frozen=True, slots=True)
class Network:
    """The machines, each by the process that keeps its namespace."""

    keepers: tuple[int, ...]

    def inside(self, machine: int) -> tuple[str, ...]:
        """What stands before a command that is to run on that machine."""
        return ("nsenter", f"--net=/proc/{self.keepers[machine]}/ns/net", "--")

    def address(self, machine: int, seen_from: int) -> str:
        """Under which address another machine knows that one."""
        low, high = sorted((machine, seen_from))
        return f"10.77.{10 * low + high}.{machine + 1}"

    def pull(self, one: int, other: int) -> None:
        """Pull out the cable between two machines: what is sent is lost, and nobody is told."""
        self._turn(one, other, "down")

    def plug(self, one: int, other: int) -> None:
        """Put the cable back."""
        self._turn(one, other, "up")

    def lay(self, one: int, other: int) -> None:
        """Lay a cable between two machines that have none."""
        _run("ip", "link", "add", _end(one, other), "type", "veth", "peer", "name", _end(other, one))
        for near, far in ((one, other), (other, one)):
            _run("ip", "link", "set", _end(near, far), "netns", str(self.keepers[near]))
            self._on(near, "ip", "addr", "add", f"{self.address(near, far)}/24", "dev", _end(near, far))
            self._on(near, "ip", "link", "set", _end(near, far), "up")

    def _turn(self, one: int, other: int, how: str) -> None:
        # At one end only: at the other the cable has no signal, and the system there goes on as if nobody answered.
        low, high = sorted((one, other))
        self._on(high, "ip", "link", "set", _end(high, low), how)

    def _on(self, machine: int, *command: str) -> None:
        _run(*self.inside(machine), *command)


@contextmanager
def network(machines: int) -> Iterator[Network]:
    """That many machines, this one included. Only for a process that was started ``APART``, and must be so. Raises ``OSError``."""
    keepers = [subprocess.Popen(["unshare", "--net", "sleep", "infinity"]) for _ in range(machines - 1)]
    try:
        for keeper in keepers:
            _wait_until_apart(keeper)
        made = Network((os.getpid(), *(keeper.pid for keeper in keepers)))
        for machine in range(machines):
            _run(*made.inside(machine), "ip", "link", "set", "lo", "up")
        for one, other in combinations(range(machines), 2):
            made.lay(one, other)
        yield made
    finally:
        for keeper in keepers:
            keeper.kill()
            keeper.wait()


def refusal() -> str | None:
    """Why this machine lets nobody have such a network; None when it does."""
    try:
        tried = subprocess.run(
            [*APART, sys.executable, "-m", "tests.soak.cables"], capture_output=True, text=True, check=False
        )
    except OSError as error:
        return str(error)
    said = [line for line in tried.stderr.splitlines() if line]
    return None if tried.returncode == 0 else (said[-1] if said else f"unshare ended with {tried.returncode}")


def _wait_until_apart(keeper: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + _SOON
    while Path(f"/proc/{keeper.pid}/ns/net").readlink() == Path("/proc/self/ns/net").readlink():
        if keeper.poll() is not None or time.monotonic() > deadline:
            raise OSError("a machine more could not be made: unshare --net does not work here")
        time.sleep(0.01)


def _end(near: int, far: int) -> str:
    return f"cable{near}to{far}"


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise OSError(f"{' '.join(command)}: {done.stderr.strip()}")


if __name__ == "__main__":
    with network(3) as tried:
        tried.pull(1, 2)
        tried.plug(1, 2)
