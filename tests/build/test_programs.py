"""Random programs: what plain Python makes of one, the bundle of it makes on the machine.

The same result, or the same exception (class and message) raised through the same lines of the user's file.
"""

from __future__ import annotations

import asyncio
import re
import sys
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from tests.build.grammar import STEPS, programs
from workflow_build.bundle import bundle
from workflow_build.discover import discover
from workflow_build.model import Config, SourceFile, Sources
from workflow_build.resolve import resolve
from workflow_runtime.bundles import Bundle
from workflow_runtime.events import RUN_ENDS, Event, EventKind
from workflow_runtime.machine.machine import Machine
from workflow_runtime.nested import nested_step, with_captured
from workflow_runtime.sandbox.program import load_program
from workflow_runtime.values import decode_call, encode, encode_call, encode_error

NAME = "random_program"
PATH = f"{NAME}.py"
ROOT = Path("/project")


@dataclass(frozen=True)
class Outcome:
    """How a program ended: what it returned, or what it raised and through which lines."""

    value: object = None
    error: str = ""
    lines: tuple[tuple[str, int], ...] = ()


class Original:
    """The program as plain Python has it."""

    def __init__(self, text: str) -> None:
        heavy = ModuleType("heavy_module")
        heavy.warm_up = lambda: None  # type: ignore[attr-defined]  # what the steps call
        self.module = ModuleType(NAME)
        sys.modules.update({NAME: self.module, "heavy_module": heavy})
        exec(compile(text, str(ROOT / PATH), "exec"), self.module.__dict__)  # noqa: S102 - what is tested

    def run(self, *arguments: int) -> Outcome:
        """Run ``main`` on a loop of asyncio's own, with its steps in place."""
        main = self.module.main.__wrapped__
        try:
            return Outcome(encode(asyncio.run(main(*arguments))))
        except Exception as error:  # noqa: BLE001 - whatever it raises is its outcome
            frames = traceback.extract_tb(error.__traceback__)
            lines = [(frame.name, frame.lineno or 0) for frame in frames if frame.filename.endswith(PATH)]
            return Outcome(error=_shown(encode_error(error)), lines=_without_steps(lines))

    def step(self, step_id: str) -> Any:
        """The real function of a step."""
        path, _, name = step_id.split("//")[2].partition(".<locals>.")
        found: Any = self.module
        for part in path.split("."):
            found = getattr(found, part)
        return nested_step(found, name, max_retries=0) if name else found


def compiled(text: str) -> Bundle:
    sources = Sources((SourceFile(PATH, NAME, False, text.encode(), candidate=True),))
    config = Config(ROOT, (ROOT,), ROOT / "_workflow", ())
    functions = discover(sources)
    assert functions.diagnostics == ()
    (built,) = bundle(sources, resolve(sources, functions, config), config).workflows
    return built.bundle


class Replayed:
    """The program's bundle, run by the machine; its steps are the original's."""

    def __init__(self, bundle: Bundle, original: Original) -> None:
        self.bundle, self.original = bundle, original
        self.machine = Machine("wrun_1", load_program(bundle, ROOT))
        self.log: list[Event] = []
        self.loop = asyncio.new_event_loop()

    def run(self, *arguments: int) -> Outcome:
        """Answer the steps in the order in which they were asked for."""
        call = encode_call(arguments, {}, where="main")
        data = {"workflow": self.bundle.workflow, "bundle": self.bundle.hash, "input": call, "seed": "s"}
        self.append(Event(EventKind.RUN_CREATED, 1.0, "", data))
        self.append(Event(EventKind.RUN_STARTED, 1.0))
        waiting: list[Event] = []
        while not self.machine.ended:
            waiting += self.commit()
            if waiting:
                self.append(self.loop.run_until_complete(self.answer(waiting.pop(0))))
        self.commit()
        self.loop.close()
        self.replay()
        end = self.log[-1]
        if end.kind is EventKind.RUN_COMPLETED:
            return Outcome(end.data["output"])
        error = end.data["error"]
        found = re.findall(rf'File ".*{PATH}", line (\d+), in (\S+)', error.get("stack", ""))
        return Outcome(error=_shown(error), lines=_without_steps([(name, int(line)) for line, name in found]))

    def append(self, event: Event) -> None:
        landed = Event(event.kind, event.time, event.entity, event.data, len(self.log) + 1)
        self.log.append(landed)
        if event.kind not in RUN_ENDS:
            self.machine.feed(landed)

    def commit(self) -> list[Event]:
        """Put what was decided into the log; gives the steps among it."""
        decided = [command.event(1.0) for command in self.machine.commands]
        for event in decided:
            self.append(event)
        return [event for event in decided if event.kind is EventKind.STEP_CREATED]

    async def answer(self, created: Event) -> Event:
        function, call = self.original.step(created.data["step"]), created.data["input"]
        try:
            args, kwargs = decode_call(call, function, where="step")
            output = encode(await with_captured(function, call)(*args, **kwargs))
        except Exception as error:  # noqa: BLE001 - what a step raises is its outcome
            return Event(EventKind.STEP_FAILED, 1.0, created.entity, {"attempt": 1, "error": encode_error(error)})
        return Event(EventKind.STEP_COMPLETED, 1.0, created.entity, {"attempt": 1, "output": output})

    def replay(self) -> None:
        """A fresh machine accepts the whole log."""
        twin = Machine("wrun_1", load_program(self.bundle, ROOT))
        for event in self.log[:-1]:
            twin.feed(event)
        assert [(command.kind, command.data.get("output")) for command in twin.commands] == [
            (self.log[-1].kind, self.log[-1].data.get("output"))
        ]
        twin.drop()
        self.machine.drop()


def _shown(error: Any) -> str:
    inner = [_shown(part) for part in error.get("errors", ())]
    cause = f" from {_shown(error['cause'])}" if "cause" in error else ""
    return f"{error['type'].rpartition('.')[2]}: {error['message']}{inner or ''}{cause}"


def _without_steps(lines: list[tuple[str, int]]) -> tuple[tuple[str, int], ...]:
    return tuple((name, line) for name, line in lines if name not in STEPS)


def agree(text: str, a: int, b: int) -> None:
    """Plain Python and the machine come to the same end."""
    expected = Original(text).run(a, b)
    original = Original(text)  # what the first run left behind in its module is no part of the second

    assert Replayed(compiled(text), original).run(a, b) == expected


@pytest.fixture(autouse=True)
def forget_the_modules() -> Iterator[None]:
    """The programs take names in ``sys.modules``, where steps' classes are looked up."""
    yield
    for name in (NAME, "heavy_module"):
        sys.modules.pop(name, None)


NUMBERS = st.integers(-4, 9)
HEALTH = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]


@pytest.mark.timeout(120)  # sixty programs, each built and run, some 0.1 s each; machines are slow at times
@seed(20240)
@settings(max_examples=60, deadline=None, database=None, suppress_health_check=HEALTH, print_blob=True)
@given(programs(), NUMBERS, NUMBERS)
def test_a_bundle_does_what_the_program_does(text: str, a: int, b: int) -> None:
    agree(text, a, b)


@pytest.mark.soak
@settings(max_examples=5000, deadline=None, suppress_health_check=HEALTH)
@given(programs(), NUMBERS, NUMBERS)
def test_a_bundle_does_what_the_program_does_for_long(text: str, a: int, b: int) -> None:
    agree(text, a, b)
