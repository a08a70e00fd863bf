"""A night of killing: workers of the project in ``fixtures/night`` on one storage, their sudden ends, and what must hold in the morning."""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg

PROJECT = Path(__file__).parents[2] / "fixtures" / "night"
TABLES = """
CREATE TABLE bodies (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    step bigint NOT NULL,
    name text NOT NULL,
    worker text NOT NULL,
    during tstzrange NOT NULL,
    EXCLUDE USING gist (int8range(step, step, '[]') WITH &&, during WITH &&)
);
CREATE TABLE met (step text NOT NULL, worker text NOT NULL, at timestamptz NOT NULL DEFAULT clock_timestamp());
"""
DIED = "UPDATE bodies SET during = tstzrange(lower(during), clock_timestamp()) WHERE worker = $1 AND upper_inf(during)"
MET = """
SELECT met.step, met.worker, met.at::text, bodies.worker, lower(during)::text, upper(during)::text FROM met
JOIN bodies ON bodies.name = met.step ORDER BY met.at
"""
PATIENCE = 60.0
"""Seconds until something that should happen at once is taken for something that does not."""


@dataclass
class Night:
    """``world`` is the storage's URL, ``ledger`` that of the database in which steps say when they run."""

    folder: Path
    world: str
    ledger: str
    deaths: Counter[str] = field(default_factory=Counter)
    _workers: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    _numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    @property
    def project(self) -> Path:
        """Where the project is, built."""
        return self.folder / "project"

    def prepare(self) -> None:
        """Copy and build the project, and make the ledger's tables."""
        shutil.copytree(PROJECT, self.project)
        self._python("-m", "workflow_build", "-q")
        asyncio.run(self._ask(TABLES))

    def hire(self) -> None:
        """Start one more worker."""
        name = f"w{next(self._numbers)}"
        with (self.folder / f"{name}.log").open("wb") as log:
            command = [sys.executable, "-m", "workflow_runtime", "worker", "night._workflow"]
            self._workers[name] = subprocess.Popen(
                command, cwd=self.project, env=self._environment(name), stdout=log, stderr=log
            )

    def kill_one(self, chance: random.Random) -> None:
        """End a worker without a word, note in the ledger that its bodies are over, and start another in its place."""
        name = chance.choice(sorted(self._workers))
        process = self._workers.pop(name)
        process.kill()
        process.wait(PATIENCE)
        asyncio.run(self._bury(name))
        self.deaths["worker"] += 1
        self.hire()

    def drive(self, runs: int, at_once: int) -> subprocess.Popen[bytes]:
        """Start the process that starts the runs and waits for them."""
        with (self.folder / "drive.out").open("wb") as out, (self.folder / "drive.err").open("wb") as err:
            command = [sys.executable, "drive.py", str(runs), str(at_once)]
            return subprocess.Popen(command, cwd=self.project, env=self._environment("driver"), stdout=out, stderr=err)

    def live_through(
        self,
        chance: random.Random,
        *,
        workers: int,
        runs: int,
        at_once: int,
        pause: float,
        disasters: Sequence[Callable[[], str]] = (),
        between: float = 20.0,
        limit: float,
    ) -> dict[str, Any]:
        """Do all runs while a worker is killed every ``pause`` seconds or so, and one of ``disasters`` strikes every ``between``.

        Gives what the driver found. Raises ``AssertionError`` when it has not ended after ``limit`` seconds.
        """
        for _ in range(workers):
            self.hire()
        driver = self.drive(runs, at_once)
        deadline = time.monotonic() + limit
        strikes_at = time.monotonic() + between * chance.uniform(0.5, 1.0)
        try:
            while driver.poll() is None:
                assert time.monotonic() < deadline, f"not over after {limit} s:\n{self.said('drive.err')}"
                time.sleep(pause * chance.uniform(0.3, 1.7))
                self.replace_the_fallen()
                self.kill_one(chance)
                if disasters and time.monotonic() > strikes_at:
                    self.deaths[chance.choice(disasters)()] += 1
                    strikes_at = time.monotonic() + between * chance.uniform(0.5, 1.5)
        finally:
            driver.kill()
            driver.wait(PATIENCE)
        return dict(json.loads(self.said("drive.out")))

    def replace_the_fallen(self) -> None:
        """Start others in the place of workers that could not begin, the storage being down; as a supervisor does."""
        for name in [name for name, process in self._workers.items() if process.poll() is not None]:
            assert "WorldError" in self.said(f"{name}.log"), self.said(f"{name}.log")
            del self._workers[name]
            self.hire()

    def dismiss(self) -> None:
        """Have all workers end in an orderly way, those included that have just been hired."""
        self.replace_the_fallen()
        for name, process in self._workers.items():
            deadline = time.monotonic() + PATIENCE
            while "messages at once" not in self.said(f"{name}.log"):
                assert time.monotonic() < deadline, f"{name} does not begin:\n{self.said(f'{name}.log')}"
                time.sleep(0.05)
            process.send_signal(signal.SIGTERM)
        for name, process in self._workers.items():
            assert process.wait(PATIENCE) == 0, self.said(f"{name}.log")
        self._workers.clear()

    def close(self) -> None:
        """Leave no process behind."""
        for process in self._workers.values():
            process.kill()
            process.wait(PATIENCE)

    def history(self) -> str:
        """What ``workflow_runtime check`` says. Raises ``AssertionError`` when it finds a fault."""
        return self._python("-m", "workflow_runtime", "check").strip()

    def overlaps(self) -> list[Any]:
        """Steps of which two executions met: the step, who came second and when, who was there, since when, until when."""
        return [tuple(row) for row in asyncio.run(self._ask(MET))]

    def bodies(self) -> int:
        """How many bodies ran."""
        return int(asyncio.run(self._ask("SELECT count(*) FROM bodies"))[0][0])

    def said(self, name: str) -> str:
        """What stands in a file of the night's."""
        return (self.folder / name).read_text("utf-8", "replace")

    async def _bury(self, name: str) -> None:
        """What a dead process has sent may still be on its way: its bodies end when the server has none of its connections left."""
        deadline = time.monotonic() + PATIENCE
        while await self._ask("SELECT 1 FROM pg_stat_activity WHERE application_name = $1", name):
            assert time.monotonic() < deadline, f"the ledger keeps connections of {name}, which is dead"
            await asyncio.sleep(0.01)
        await self._ask(DIED, name)

    async def _ask(self, sql: str, *arguments: object) -> list[Any]:
        connection = await asyncpg.connect(self.ledger)
        try:
            if arguments or sql.lstrip().startswith("SELECT"):
                return list(await connection.fetch(sql, *arguments))
            await connection.execute(sql)  # several statements, which a prepared one can not be
            return []
        finally:
            await connection.close()

    def _environment(self, name: str) -> Mapping[str, str]:
        own = {key: value for key, value in os.environ.items() if not key.startswith(("WORKFLOW", "COV", "PYTEST"))}
        return own | {"WORKFLOW_WORLD": self.world, "NIGHT_LEDGER": self.ledger, "NIGHT_WORKER": name}

    def _python(self, *arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, *arguments],
            cwd=self.project,
            env=self._environment("test"),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout
