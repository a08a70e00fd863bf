"""The acceptance app as tests see it: a server process, and HTTP."""

from __future__ import annotations

import json
import socket
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import httpx

from tests import serving
from tests.serving import PATIENCE

T = TypeVar("T")
V1 = "/.well-known/workflow/v1"
ENDINGS = ("_completed", "_failed", "_cancelled", "_continued")
"""What kinds of events that are outcomes end with."""


@dataclass
class App:
    """One built project with one world; its server listens at one address, however often it is killed."""

    folder: Path
    data: Path
    listener: socket.socket
    world: str
    """``WORKFLOW_WORLD``."""
    settings: dict[str, str] = field(default_factory=dict)
    ready: tuple[int, ...] = (200,)
    """Statuses of its health route that mean that it has started."""
    process: subprocess.Popen[bytes] | None = None
    client: httpx.Client = field(init=False)

    def __post_init__(self) -> None:
        self.url = serving.address(self.listener)
        self.client = httpx.Client(base_url=self.url, timeout=PATIENCE)

    def start(self) -> None:
        """Start a server process, and wait until it answers."""
        serving.wait_until_ready(self.launch(), self.url, self.data / "server.log", self.ready)

    def launch(self) -> subprocess.Popen[bytes]:
        """Start a server process. What is asked of it before it is ready waits."""
        ours = {
            "WORKFLOW_WORLD": self.world,
            "WORKFLOW_URL": self.url,
            "ACCEPTANCE_MARKS": str(self.marks_file),
        }
        seen = serving.environment(ours | self.settings, "ACCEPTANCE")
        log = self.data / "server.log"
        self.process = serving.launch("acceptance.main:app", self.folder, self.listener, seen, log)
        return self.process

    def kill(self) -> None:
        """SIGKILL, and wait until the process is gone."""
        assert self.process
        serving.kill(self.process)
        self.process = None

    def close(self) -> None:
        """Leave no process behind."""
        self.client.close()
        if self.process:
            self.kill()

    @property
    def marks_file(self) -> Path:
        """Where step bodies leave their marks."""
        return self.data / "marks.jsonl"

    def ask(self, method: str, path: str, **options: Any) -> Any:
        """The JSON of an answer that must be a success."""
        answer = self.client.request(method, path, **options)
        assert answer.is_success, f"{method} {path}: {answer.status_code} {answer.text}\n{self.log()}"
        return answer.json()

    def begin(self, workflow: str, *args: Any, **options: Any) -> str:
        """Start a workflow, as in ``basics.add_ten``, with options of ``start``; gives the run's id."""
        run: str = self.ask("POST", "/runs", json={"workflow": workflow, "args": args, "options": options})["run"]
        return run

    def end(self, run: str) -> Any:
        """How a run ended: ``status``, and ``result``, ``error`` or ``reason``."""
        answer = self.client.get(f"/runs/{run}/end", params={"timeout": PATIENCE / 2})
        assert answer.is_success, f"{answer.status_code} {answer.text}\n{self.story(run)}\n{self.log()}"
        check(self.events(run))
        return answer.json()

    def result(self, run: str) -> Any:
        """What a run returned; it must complete."""
        end = self.end(run)
        assert end["status"] == "completed", f"{end}\n{self.story(run)}\n{self.log()}"
        return end["result"]

    def run(self, workflow: str, *args: Any) -> Any:
        """Start a workflow, and give what it returns."""
        return self.result(self.begin(workflow, *args))

    def error(self, run: str) -> Any:
        """The exception that a run failed with: ``class``, ``message``, ``notes`` and ``cause``."""
        end = self.end(run)
        assert end["status"] == "failed", f"{end}\n{self.story(run)}"
        return end["error"]

    def info(self, run: str) -> Any:
        """What the world says of a run."""
        return self.ask("GET", f"/runs/{run}")

    def events(self, run: str, *kinds: str) -> list[dict[str, Any]]:
        """A run's events, or those of some kinds."""
        events: list[dict[str, Any]] = self.ask("GET", f"/runs/{run}/events")
        return [event for event in events if not kinds or event["kind"] in kinds]

    def story(self, run: str) -> str:
        """The log of a run in short."""
        return "\n".join(
            f"{event['slot']} {event['kind']} {event['entity']} {event['data']}"[:300] for event in self.events(run)
        )

    def steps(self, run: str, name: str) -> list[str]:
        """The kinds of the events of a run's steps of that name, after their creation."""
        events = self.events(run)
        found = {event["entity"] for event in events if event["data"].get("step", "").endswith(f"//{name}")}
        assert found, self.story(run)
        return [event["kind"] for event in events if event["entity"] in found and event["kind"] != "step_created"]

    def invocations(self, run: str) -> int:
        """How often the handler was called for a run that has ended."""
        count: int = self.ask("GET", f"/runs/{run}/invocations")
        return count

    def resume(self, token: str, payload: Any, **more: Any) -> str:
        """Send a payload to a live hook; gives the hook's run."""
        run: str = self.ask("POST", f"/hooks/{token}", json={"payload": payload, **more})["run"]
        return run

    def hook(self, token: str, run: str | None = None) -> Any:
        """The live hook with that token, of that run, once it is there."""

        def look() -> Any:
            answer = self.client.get(f"/hooks/{token}")
            found = answer.json() if answer.is_success else None
            return found if found and run in (None, found["run"]) else None

        return wait_for(look, lambda: f"no hook {token} of {run}\n{self.log()}")

    def no_hook(self, token: str) -> None:
        """Return once no live hook has the token."""
        wait_for(lambda: self.client.get(f"/hooks/{token}").status_code == 404, lambda: f"hook {token} stays")

    def event(self, run: str, kind: str, count: int = 1) -> dict[str, Any]:
        """The last of so many events of a kind, once they are there."""

        def look() -> dict[str, Any] | None:
            events = self.events(run, kind)
            return events[count - 1] if len(events) >= count else None

        return wait_for(look, lambda: f"no {kind}:\n{self.story(run)}")

    def marks(self, run: str) -> list[dict[str, Any]]:
        """What a run's step bodies have noted."""
        if not self.marks_file.exists():
            return []
        lines = map(json.loads, self.marks_file.read_text("utf-8").splitlines())
        return [line for line in lines if line["run"] == run]

    def mark(self, run: str, label: str) -> dict[str, Any]:
        """A run's mark with that label, once it is there."""
        return wait_for(
            lambda: next((mark for mark in self.marks(run) if mark["label"] == label), None),
            lambda: f"no mark {label!r}:\n{self.marks(run)}\n{self.story(run)}",
        )

    def chunks(
        self, run: str, name: str = "default", start: int = 0, last_seen: int | None = None
    ) -> list[tuple[int, Any]]:
        """A stream to its end, by server-sent events: the values, with their indexes."""
        headers = {} if last_seen is None else {"last-event-id": str(last_seen)}
        answer = self.client.get(f"/runs/{run}/streams/{name}/events", params={"start": start}, headers=headers)
        assert answer.is_success, f"{answer.status_code} {answer.text}"
        return parse_events(answer.text.splitlines())

    def log(self) -> str:
        """The end of what the server has printed."""
        return serving.tail(self.data / "server.log")


def check(events: Sequence[dict[str, Any]]) -> None:
    """Assert what holds for the log of any run that has ended: no hole, and one outcome for each thing."""
    ends = [event["entity"] for event in events if event["kind"].endswith(ENDINGS)]

    assert [event["slot"] for event in events] == [*range(1, len(events) + 1)]
    assert len(ends) == len(set(ends)), f"an outcome stands twice: {ends}"
    assert events[-1]["entity"] == ends[-1] == "", "the end is the last event"


def wait_for(look: Callable[[], T | None], complaint: Callable[[], str]) -> T:
    """What ``look`` gives, once that is neither None nor False."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if found := look():
            return found
        time.sleep(0.01)
    raise AssertionError(complaint())


def parse_events(lines: Sequence[str]) -> list[tuple[int, Any]]:
    """The indexes and values of server-sent events, the last of which must tell the end."""
    assert "event: end" in lines, lines
    indexes = [int(line.removeprefix("id: ")) for line in lines if line.startswith("id: ")]
    values = [json.loads(line.removeprefix("data: ")) for line in lines if line.startswith("data: ")]
    return list(zip(indexes, values[:-1], strict=True))
