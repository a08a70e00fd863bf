"""A program that runs, and is asked for one row at a time."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.peers.nats import nats_server
from benchmarks.peers.plan import HERE, Peer, python_of, restate_server
from benchmarks.peers.postgres import postgres_server


@dataclass(frozen=True, slots=True)
class Session:
    """A peer that is ready to be measured."""

    peer: Peer
    version: str
    rows: tuple[str, ...]
    process: subprocess.Popen[str]

    def measure(self, row: str) -> float | str:
        """The row's figure, or what went wrong."""
        assert self.process.stdin is not None
        try:
            self.process.stdin.write(f"{row}\n")
            self.process.stdin.flush()
            answer = _answer(self.process)
        except (BrokenPipeError, json.JSONDecodeError):
            return "the program ended"
        return str(answer["error"]) if "error" in answer else float(answer["value"])


@contextmanager
def session(peer: Peer, folder: Path, environment: Mapping[str, str]) -> Iterator[Session]:
    """Install, start, and in the end stop a peer. Raises ``SystemExit`` when it does not get ready."""
    with ExitStack() as stack:
        home = folder / "state" / peer.key
        home.mkdir(parents=True, exist_ok=True)
        known = {"folder": str(home)}
        if peer.needs("postgres"):
            known["postgres"] = stack.enter_context(postgres_server(home))
        if peer.needs("nats"):
            known["nats"] = stack.enter_context(nats_server(home))
        if peer.needs("restate"):
            known["restate"] = str(restate_server(folder) or "")
        given = {name: value.format(**known) for name, value in peer.environment.items()}
        log = stack.enter_context((home / "program.log").open("w"))
        process = subprocess.Popen(
            [str(python_of(peer, folder)), peer.program, *peer.arguments],
            cwd=HERE / "programs",
            env={**environment, **given},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
        stack.callback(_stop, process)
        try:
            hello = _answer(process)
        except json.JSONDecodeError:
            log.flush()
            said = (home / "program.log").read_text("utf-8", "replace")[-2000:]
            raise SystemExit(f"{peer.key} did not get ready:\n{said}") from None
        yield Session(peer, hello["about"]["version"], tuple(hello["rows"]), process)


def _answer(process: subprocess.Popen[str]) -> Any:
    assert process.stdout is not None
    return json.loads(process.stdout.readline())


def _stop(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    with suppress(BrokenPipeError):
        process.stdin.close()
    with suppress(subprocess.TimeoutExpired):
        process.wait(10)
    process.kill()
    process.wait()
