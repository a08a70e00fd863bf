"""Whatever is done to them, the memory world and the Postgres world answer alike."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Sequence
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine

from tests import postgres_servers
from tests.worlds.conftest import PostgresHarness
from tests.worlds.test_agreement import Agreement
from workflow_runtime.worlds.base import Delivery, World
from workflow_runtime.worlds.memory import MemoryWorld

_URL: list[str] = []


class PostgresAgreement(Agreement):
    """The rules are those that SQLite is put to; only the worlds are others."""

    def __init__(self) -> None:
        RuleBasedStateMachine.__init__(self)
        self.folder = Path(tempfile.mkdtemp(prefix="worlds-agree-"))
        self.loop = asyncio.new_event_loop()
        if not _URL:
            _URL.append(postgres_servers.fresh_url())
        harness = PostgresHarness(_URL[0])
        self.loop.run_until_complete(harness.empty())
        memory = MemoryWorld()
        self.loop.run_until_complete(memory.open())
        self.worlds: tuple[World, World] = (memory, self.loop.run_until_complete(harness.make()))
        self.in_hand: list[Sequence[Delivery]] = []


TestPostgresAgreement = PostgresAgreement.TestCase
TestPostgresAgreement.settings = settings(
    max_examples=30, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
)
