"""Bytes of the SQLite file that are not what was written: said so, with what to do, and right again when they are."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from workflow_runtime.errors import WorldError
from workflow_runtime.testing.harness import append, kinds, new_run, step_created
from workflow_runtime.worlds.sqlite import SqliteWorld

DAMAGED = "the database is damaged; stop all processes and restore it from a backup"
NOTE = "a note of one run"


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[SqliteWorld]:
    world = SqliteWorld(tmp_path / "world.db")
    await world.open()
    yield world
    await world.close()


def replace(path: Path, old: bytes, new: bytes) -> None:
    """Overwrite bytes that the file has in one place."""
    content = path.read_bytes()
    assert content.count(old) == 1
    assert len(old) == len(new)
    path.write_bytes(content.replace(old, new))


@pytest.mark.parametrize(
    "damage", [b'"a note of one ru\x00\x01', b'{a note of one run"', b'"\xff\xfe note of one run"'[:19]], ids=repr
)
async def test_a_value_that_can_not_be_read_is_named_as_damage_and_concerns_its_own_run(
    world: SqliteWorld, tmp_path: Path, damage: bytes
) -> None:
    run, other = await new_run(world), await new_run(world)
    await append(world, run.id, step_created("step_000001", NOTE))
    await append(world, other.id, step_created("step_000001", "another"))
    await world.close()
    sound = f'"{NOTE}"'.encode()
    replace(tmp_path / "world.db", sound, damage)
    await world.open()
    with pytest.raises(WorldError, match=DAMAGED) as caught:
        await world.load(run.id)
    assert str(tmp_path / "world.db") in str(caught.value)
    assert len(await kinds(world, other.id)) == 2
    await world.close()
    replace(tmp_path / "world.db", damage, sound)
    await world.open()
    assert len(await kinds(world, run.id)) == 2
