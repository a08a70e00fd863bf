"""What the commands print of worlds that others have written to, and what they make of a reader that leaves."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from workflow_runtime.__main__ import main
from workflow_runtime.events import Event, EventKind
from workflow_runtime.worlds.base import Limit, Message
from workflow_runtime.worlds.sqlite import SqliteWorld

EVIL = "\x1b]0;owned\x07\u202egnp.exe\u2066\r\n\x9b31m"


@pytest.fixture
def database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the commands look; nothing is there yet."""
    monkeypatch.setenv("WORKFLOW_WORLD", f"sqlite:///{tmp_path / 'runs.db'}")
    return tmp_path / "runs.db"


def fill(database: Path, workflow: str, runs: Sequence[str], limit: Limit | None = None) -> None:
    """Runs whose first messages have been due for a minute."""

    async def work() -> None:
        world = SqliteWorld(database)
        await world.open()
        for run in runs:
            data = {"workflow": workflow, "bundle": "b", "input": {"args": []}, "seed": "s"}
            message = Message(f"wmsg_{run}", run, due=time.time() - 60, limit=limit)
            await world.create_run(run, Event(EventKind.RUN_CREATED, time.time() - 60, "", data), message)
        await world.close()

    asyncio.run(work())


@pytest.mark.parametrize(
    "arguments",
    [("inspect",), ("inspect", "wrun_1"), ("inspect", "wrun_"), ("cancel", "wrun_"), ("pause", "x")],
    ids=str,
)
def test_no_name_that_others_gave_does_anything_in_a_terminal(
    arguments: tuple[str, ...], database: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fill(database, f"workflow//app//{EVIL}", ["wrun_1", "wrun_2"])
    main(arguments)
    said = "".join(capsys.readouterr())

    assert said
    assert [char for char in said if not (char.isprintable() or char == "\n")] == []


def test_a_workflow_that_is_paused_is_named_safely(database: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fill(database, "workflow//app//main", ["wrun_1"])

    assert main(["pause", f"workflow//app//{EVIL}"]) == 0
    main(["health"])
    assert [char for char in "".join(capsys.readouterr()) if not (char.isprintable() or char == "\n")] == []


def test_messages_that_only_a_limit_keeps_back_are_no_sign_that_nobody_works(
    database: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fill(database, "workflow//app//main", ["wrun_1", "wrun_2"], Limit("workflow//app//main", 1, of_run=True))
    assert main(["health"]) == 0
    assert "2 due, 0 in hand" in capsys.readouterr().out

    fill(database, "workflow//app//main", ["wrun_3"])
    assert main(["health"]) == 1


def test_a_reader_that_has_seen_enough_is_no_failure(database: Path) -> None:
    fill(database, "workflow//app//main", [f"wrun_{number}" for number in range(1000)])
    reader, writer = os.pipe()
    command = [sys.executable, "-m", "workflow_runtime", "inspect", "--limit", "1000"]
    with subprocess.Popen(command, stdout=writer, stderr=subprocess.PIPE, text=True) as process:
        os.close(writer)
        os.read(reader, 1)
        os.close(reader)
        _, said = process.communicate()

    assert (process.returncode, said) == (0, "")


def test_a_package_that_is_not_there_is_said_so_with_where_to_run_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "kiosk_that_lacks").mkdir()
    (tmp_path / "kiosk_that_lacks" / "__init__.py").write_text("import no_such_library\n")

    for package in ("no_such_shop", "no_such_shop._workflow"):
        assert main(["worker", package]) == 1
        said = f"there is no package {package}: run this in the project's folder, after workflow-build"
        assert said in capsys.readouterr().err
    assert main(["worker", "kiosk_that_lacks"]) == 1
    assert "ModuleNotFoundError: No module named 'no_such_library'" in capsys.readouterr().err
