"""A fresh build is never called stale, whatever the source looks like, and a change of workflow code always is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from workflow_runtime.project import Project
from workflow_runtime.staleness import changed_sources

SOURCE = """\
from workflow_runtime import (start,
    sleep, step,
    workflow)  # the runtime
import json; import os; LIMIT = 3; OTHER = os.sep

@step
async def charge(cents: int) -> int:  # cents of a euro
    return cents

@step(
    max_retries=3,  # often
)
async def refund(
    cents: int = len(
        os.sep
    ),  # all of it
) -> int:  # and back
    return cents

async def renew(cents: int) -> int:  # by a directive
    "use step"
    return cents

def once() -> int: return 1  # a line

@workflow  # as a run
async def other(
    n: int = len(
        os.sep
    ),
) -> int:  # of it
    '''All.

    \x0cOf it.'''
    return n

class Shop:
    @staticmethod
    @workflow  # as a run
    async def close(n: int) -> int:  # for today
        @step
        async def lock() -> int:  # the door
            return n
        return await lock()

@workflow
async def w(cents: int) -> str:  # keeps
    await charge(cents)  # once
    await refund(cents)
    await renew(cents)
    await start(other)
    await sleep(once())
    return json.dumps(LIMIT)
"""


@pytest.fixture
def stale(build: Callable[..., Any], tmp_path: Path) -> Callable[[str], tuple[str, ...]]:
    """What is said to have changed, once ``m.py`` is the text and was compiled as ``SOURCE``."""

    def run(text: str) -> tuple[str, ...]:
        built = build({"m.py": SOURCE.encode("utf-8")})
        (tmp_path / "m.py").write_text(text, "utf-8")
        bundles = {one.hash: (lambda bundle=one.bundle: bundle) for one in built.bundles.workflows}
        workflows = {one.function.id: one.hash for one in built.bundles.workflows}
        return changed_sources(Project("_workflow", tmp_path, "build-1", workflows, [], bundles))

    return run


def test_nothing_has_changed_right_after_a_build(stale: Callable[[str], tuple[str, ...]]) -> None:
    assert stale(SOURCE) == ()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("cents of a euro", "in cents"),
        ("    return cents\n\n@step", "    return 2\n\n@step"),
        ("=3,", "=4,"),
        ("OTHER", "ANOTHER"),
    ],
)
def test_what_no_bundle_holds_may_change(stale: Callable[[str], tuple[str, ...]], old: str, new: str) -> None:
    assert old in SOURCE
    assert stale(SOURCE.replace(old, new)) == ()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("sleep(once())", "sleep(2 * once())"),
        ("def once() -> int: return 1", "def once() -> int: return 2"),
        ("return await lock()", "return await lock() + 1"),
        ("\n@workflow  # as a run", "\n\n@workflow  # as a run"),
        ("    return n\n\nclass", "    return n + 1\n\nclass"),
    ],
)
def test_workflow_code_that_changed_is_said(stale: Callable[[str], tuple[str, ...]], old: str, new: str) -> None:
    assert old in SOURCE
    assert stale(SOURCE.replace(old, new)) == ("m.py",)
