"""The conformance suite of worlds: one test for each promise that ``workflow_runtime.worlds.base`` makes.

An author of a world subclasses it in a test file, and overrides nothing but the fixture::

    class TestMyWorld(WorldConformance):
        @pytest_asyncio.fixture
        async def harness(self, tmp_path):
            yield MyHarness(tmp_path)
"""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

_PARTS = ("run_promises", "log_promises", "step_promises", "queue_promises")
pytest.register_assert_rewrite(*(f"workflow_runtime.testing.{part}" for part in _PARTS))

from workflow_runtime.testing.harness import Harness  # after its asserts have been announced to pytest
from workflow_runtime.testing.log_promises import LogPromises
from workflow_runtime.testing.queue_promises import QueuePromises
from workflow_runtime.testing.run_promises import RunPromises
from workflow_runtime.testing.step_promises import StepPromises
from workflow_runtime.worlds.base import World


@pytest.mark.asyncio
class WorldConformance(RunPromises, LogPromises, StepPromises, QueuePromises):
    """All promises. A subclass gives the ``harness``."""

    @pytest_asyncio.fixture
    async def harness(self) -> AsyncIterator[Harness]:
        """The storage under test, empty."""
        raise NotImplementedError("override the fixture `harness` in your subclass of WorldConformance")
        yield

    @pytest_asyncio.fixture
    async def world(self, harness: Harness) -> AsyncIterator[World]:
        """An opened world on the storage."""
        world = await harness.make()
        yield world
        await world.close()

    @pytest_asyncio.fixture
    async def other(self, harness: Harness) -> AsyncIterator[World]:
        """Another worker's world on the same storage."""
        world = await harness.make()
        yield world
        await world.close()
