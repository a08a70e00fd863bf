"""A small project for tests of what stands around a service: its workflow doubles a number, and writes it to a stream."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from workflow_runtime import get_writable, process, step, workflow
from workflow_runtime.bundles import Bundle, BundleModule
from workflow_runtime.identity import workflow_of
from workflow_runtime.project import Project, Registrations, register_project
from workflow_runtime.service import Service

SOURCE = """
from workflow_runtime import create_webhook

@__workflow_step__("step//doubling//double")
async def double(n): ...

async def doubled(n, token=""):
    if token:
        with create_webhook(token=token) as hook:
            request = await hook
            n += len(request.body)
            return [await double(n), request.method, request.url, request.headers.get("x-twice")]
    return await double(n)
"""


@workflow
async def doubled(n: int, token: str = "") -> object:
    """What is run is its bundle."""
    raise NotImplementedError


@step
async def double(n: int) -> int:
    """Also writes the number, and the double, to the default stream."""
    for value in (n, n * 2):
        await get_writable().write(value)
    return n * 2


def make_service(root: Path) -> Service:
    """The service of the project, as a handler module makes it."""
    bundle = Bundle(workflow_of(doubled).workflow, True, (), (BundleModule(__name__, "doubling.py", False, SOURCE),))
    workflows, bundles = {f"workflow//{__name__}//doubled": bundle.hash}, {bundle.hash: lambda: bundle}
    project = Project("doubling._workflow", root, "build-1", workflows, ["step//doubling//double"], bundles)
    steps = Registrations()
    steps.add("step//doubling//double", double)
    return Service(register_project(project), steps)


@contextmanager
def own_world(monkeypatch: pytest.MonkeyPatch, folder: Path) -> Iterator[None]:
    """A process without a world yet, whose world will be in that folder."""
    monkeypatch.setenv("WORKFLOW_WORLD", f"sqlite:///{folder / 'runs.db'}")
    monkeypatch.setattr(process, "_world", None)
    monkeypatch.setattr(process, "_holders", 0)
    monkeypatch.setattr(process, "_idle_handlers", set())
    yield
