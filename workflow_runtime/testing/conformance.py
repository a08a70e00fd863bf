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

_PARTS = (
    "run_promises",
    "beginning_promises",
    "listing_promises",
    "removal_promises",
    "log_promises",
    "step_promises",
    "queue_promises",
    "delivery_promises",
    "flow_promises",
    "pause_promises",
    "hook_promises",
    "family_promises",
    "stream_promises",
)
pytest.register_assert_rewrite(*(f"workflow_runtime.testing.{part}" for part in _PARTS))

from workflow_runtime.testing.beginning_promises import BeginningPromises  # after their asserts have been announced
from workflow_runtime.testing.delivery_promises import DeliveryPromises
from workflow_runtime.testing.family_promises import FamilyPromises
from workflow_runtime.testing.flow_promises import LimitPromises, PriorityPromises, RunLimitPromises
from workflow_runtime.testing.harness import Harness
from workflow_runtime.testing.hook_promises import HookPromises
from workflow_runtime.testing.listing_promises import ListingPromises
from workflow_runtime.testing.log_promises import LogPromises
from workflow_runtime.testing.pause_promises import PausePromises
from workflow_runtime.testing.queue_promises import QueuePromises
from workflow_runtime.testing.removal_promises import RemovalPromises
from workflow_runtime.testing.run_promises import RunPromises
from workflow_runtime.testing.step_promises import StepPromises
from workflow_runtime.testing.stream_promises import StreamPromises
from workflow_runtime.worlds.base import World


@pytest.mark.asyncio
class WorldConformance(
    RunPromises,
    BeginningPromises,
    ListingPromises,
    RemovalPromises,
    LogPromises,
    StepPromises,
    QueuePromises,
    DeliveryPromises,
    PriorityPromises,
    LimitPromises,
    RunLimitPromises,
    PausePromises,
    HookPromises,
    FamilyPromises,
    StreamPromises,
):
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
