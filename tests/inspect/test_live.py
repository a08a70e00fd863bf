"""The commands, as real processes, on a project that is built by the real command and worked on by a real worker."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.serving import PATIENCE, build, environment

ORDERS = """
from pathlib import Path

from workflow_runtime import FatalError, create_hook, get_writable, set_attributes, sleep, step, workflow


@step
async def reserve(order: str) -> str:
    with Path("reserved").open("a") as log:
        print(order, file=log)
    await get_writable().write(f"reserved {order}")
    return f"r-{order}"


@step
async def charge(order: str, cents: int) -> str:
    if Path("broken").exists():
        raise FatalError(f"no money for {order}")
    return f"{order}:{cents}"


@workflow
async def checkout(order: str, cents: int) -> str:
    await set_attributes({"order": order})
    await reserve(order)
    return await charge(order, cents)


@workflow
async def contract(name: str) -> bool:
    return await create_hook(bool, token=f"sign:{name}")


@workflow
async def rest(seconds: int) -> None:
    await sleep(seconds)
"""
PROJECT = '[project]\nname = "shop"\nversion = "1"\n[tool.workflow-build]\ntargets = ["worker"]\n'


@dataclass
class Shop:
    """The built project, and its commands."""

    folder: Path

    @property
    def settings(self) -> dict[str, str]:
        return environment({"TZ": "UTC", "WORKFLOW_WORLD": f"sqlite:///{self.folder / 'runs.db'}"})

    def run(self, *arguments: str, code: int = 0, **options: Any) -> str:
        """What the command prints, when it ends with that code."""
        command = [sys.executable, "-m", "workflow_runtime", *arguments]
        given = {"env": self.settings, "stdin": subprocess.DEVNULL, **options}
        done = subprocess.run(command, cwd=self.folder, capture_output=True, text=True, check=False, **given)
        assert done.returncode == code, done.stdout + done.stderr
        said: str = done.stdout if code == 0 else done.stdout + done.stderr
        return said

    def json(self, *arguments: str, code: int = 0) -> Any:
        return json.loads(self.run(*arguments, "--json", code=code))

    def start(self, *arguments: str) -> str:
        return self.run("start", *arguments).strip()

    def until(self, run_id: str, status: str) -> Any:
        """The run, once it has that status."""
        deadline = time.monotonic() + PATIENCE
        while (run := self.json("inspect", run_id)["run"])["status"] != status:
            assert time.monotonic() < deadline, run
            time.sleep(0.05)
        return run

    @contextmanager
    def worker(self) -> Iterator[None]:
        with self.process("worker", "shop._workflow"):
            yield

    @contextmanager
    def process(self, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
        command = [sys.executable, "-u", "-m", "workflow_runtime", *arguments]
        pipe = subprocess.PIPE
        with subprocess.Popen(command, cwd=self.folder, env=self.settings, stdout=pipe, stderr=pipe, bufsize=0) as one:
            try:
                yield one
            finally:
                one.kill()


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    folder = tmp_path_factory.mktemp("shop")
    (folder / "shop").mkdir()
    (folder / "shop" / "__init__.py").touch()
    (folder / "shop" / "orders.py").write_text(ORDERS)
    (folder / "pyproject.toml").write_text(PROJECT)
    built = build(folder)
    assert built.returncode == 0, built.stdout + built.stderr
    return Shop(folder)


def line(process: subprocess.Popen[bytes]) -> str:
    """The next line that the process prints. The pipe has no buffer on this side, which could have a line that ``select`` does not see."""
    assert process.stdout is not None
    ready, _, _ = select.select([process.stdout], [], [], PATIENCE)
    assert ready, "nothing was printed"
    return process.stdout.readline().decode().rstrip("\n")


def test_a_failed_run_is_retried_by_the_command_and_does_nothing_twice(shop: Shop) -> None:
    (shop.folder / "broken").touch()
    with shop.worker():
        old = shop.start("checkout", '"o1"', "5")
        failed = shop.until(old, "failed")
        (shop.folder / "broken").unlink()
        new = shop.run("retry", old[:20]).strip()
        done = shop.until(new, "completed")

        assert shop.run("retry", old).strip() == new
        assert "only a run that has failed" in shop.run("retry", new, code=1)
    assert (failed["error"]["message"], failed["retried_as"]) == ("no money for o1", None)
    assert (done["output"], done["retries"]) == ("o1:5", old)
    assert shop.json("inspect", old)["run"]["retried_as"] == new
    assert (shop.folder / "reserved").read_text() == "o1\n"
    assert f"run again as {new}" in shop.run("inspect", "run", old)
    assert f"runs {old} again" in shop.run("inspect", old[:15])  # of all that begin so, the last


def test_a_run_is_followed_from_its_start_to_its_end(shop: Shop) -> None:
    run_id = shop.start("contract", '"ct_1"')
    with shop.process("inspect", run_id, "--follow") as follower:
        assert "run_created" in line(follower)
        with shop.worker():
            while "hook_created" not in line(follower):
                pass
            waiting = shop.json("inspect", run_id)["run"]["now"]
            (hook,) = shop.json("inspect", "hooks")["hooks"]

            assert shop.run("resume", "sign:ct_1", "true").strip() == run_id
            while "run_completed" not in (last := line(follower)):
                pass
        assert follower.wait(PATIENCE) == 0
    assert last.split()[3] == "run_completed"
    assert waiting["text"].startswith("waits for hook sign:ct_1")
    assert waiting["tokens"] == ["sign:ct_1"]
    assert (hook["token"], hook["run_id"]) == ("sign:ct_1", run_id)
    assert "sign:ct_1" in shop.run("resume", "sign:ct_1", "true", code=1)


def test_on_a_terminal_a_run_is_drawn_again_until_it_has_ended(shop: Shop) -> None:
    run_id = shop.start("contract", '"ct_2"')
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "workflow_runtime", "inspect", run_id, "--follow"]
    settings = {**shop.settings, "COLUMNS": "100", "TERM": "xterm"}
    drawn = ""
    with (
        subprocess.Popen(command, cwd=shop.folder, env=settings, stdout=theirs, stderr=theirs) as follower,
        shop.worker(),
    ):
        os.close(theirs)
        resumed = False
        while follower.poll() is None:
            if select.select([ours], [], [], 0.1)[0]:
                try:
                    drawn += os.read(ours, 65536).decode("utf-8", "replace")
                except OSError:  # the other side is closed
                    break
            if not resumed and "waits for hook sign:ct_2" in drawn:
                resumed = bool(shop.run("resume", "sign:ct_2", "false"))
        assert follower.wait(PATIENCE) == 0
    os.close(ours)

    pictures = drawn.split("\x1b[H\x1b[J")
    assert "completed" in pictures[-1]
    assert "result" in pictures[-1]
    assert any("waiting" in picture for picture in pictures[:-1])


def test_runs_are_followed_as_they_change(shop: Shop) -> None:
    shop.run("cancel", shop.start("checkout", '"o7"', "1"))  # what is followed has to be there
    with shop.process("inspect", "--follow", "--json", "--workflow", "rest", "--since", "1 hour") as follower:
        run_id = shop.start("rest", "0")
        assert json.loads(line(follower))["run"]["status"] == "pending"
        with shop.worker():
            statuses = []
            while "completed" not in statuses:
                run = json.loads(line(follower))["run"]
                assert run["id"] == run_id
                statuses.append(run["status"])


def test_streams_are_shown_and_followed(shop: Shop) -> None:
    with shop.worker():
        run_id = shop.start("checkout", '"o2"', "7")
        shop.until(run_id, "completed")

    assert shop.json("inspect", "streams", run_id)["streams"] == [{"name": "default", "length": 1, "closed": True}]
    assert shop.run("inspect", "streams", run_id, "default", "--follow") == "reserved o2\n"
    assert json.loads(shop.run("inspect", "streams", run_id, "default", "--json"))["value"] == "reserved o2"


def test_one_run_or_many_are_cancelled(shop: Shop) -> None:
    one, two, three = (shop.start("rest", "3600") for _ in range(3))

    assert shop.json("cancel", one, "--reason", "why not")["cancelled"] == [one]
    assert shop.json("cancel", one, code=1)["ended"] == [one]
    assert "2 runs would be cancelled; add --yes" in shop.run("cancel", "--workflow", "rest", code=2)
    assert set(shop.json("cancel", "--workflow", "rest", "--yes")["cancelled"]) == {two, three}
    assert shop.json("cancel", "--workflow", "rest", "--yes")["cancelled"] == []
    assert shop.json("inspect", one)["run"]["reason"] == "why not"
    assert "name the runs" in shop.run("cancel", code=2)
    assert "has ended" in shop.run("cancel", "--status", "failed", "--yes", code=2)


def test_health_tells_of_a_queue_that_nobody_works_on(shop: Shop) -> None:
    import sqlite3

    run_id = shop.start("rest", "3600")
    assert shop.json("health")["healthy"]
    with sqlite3.connect(shop.folder / "runs.db") as database:
        database.execute("UPDATE messages SET ready_at = ready_at - 100 WHERE run_id = ?", (run_id,))
    database.close()
    said = shop.json("health", code=1)

    assert said["queue"]["due"] >= 1
    assert said["oldest_due"] > 90
    assert "nobody works" in shop.run("health", code=1)
    shop.run("cancel", run_id)
    assert shop.json("health")["healthy"]


def test_pausing_is_told_and_taken_back(shop: Shop) -> None:
    workflow = "workflow//shop.orders//rest"
    run_id = shop.start("rest", "0")

    assert shop.json("pause", "rest")["paused"] == [workflow]
    assert shop.json("pause")["paused"] == ["", workflow]
    assert shop.run("unpause") == f"paused: {workflow}\n"
    assert shop.json("health")["paused"] == [workflow]
    with shop.worker():
        other = shop.start("checkout", '"o3"', "7")
        shop.until(other, "completed")
        assert shop.json("inspect", run_id)["run"]["status"] == "pending"
        assert shop.run("unpause", workflow) == "paused: nothing\n"
        shop.until(run_id, "completed")
    assert "is no one workflow's name" in shop.run("pause", "nothing-like-it", code=1)


def test_a_step_that_was_renamed_while_its_run_waits_is_told_of(tmp_path: Path) -> None:
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "__init__.py").touch()
    (tmp_path / "pyproject.toml").write_text(PROJECT)
    for name in ("charge", "charge_card"):
        (tmp_path / "shop" / "orders.py").write_text(ORDERS.replace("charge(", f"{name}("))
        assert build(tmp_path).returncode == 0
        one = Shop(tmp_path)
        if name == "charge":
            run_id = one.start("checkout", '"o1"', "5")
    with one.worker():
        deadline = time.monotonic() + PATIENCE
        while "handed back" not in (told := one.json("inspect", run_id)["run"]["now"])["text"]:
            assert time.monotonic() < deadline, told
            time.sleep(0.2)
        shown = one.run("inspect", run_id)

    assert re.fullmatch(r"charge has been handed back \d+ times: it looks as if no .* this step", told["text"]), told
    assert list(told["handed_back"]) == ["step_000003"]
    assert "put step//shop.orders//charge back under that name" in shown
    (tmp_path / "shop" / "orders.py").write_text(ORDERS)
    assert build(tmp_path).returncode == 0
    with one.worker():
        assert one.until(run_id, "completed")["output"] == "o1:5"


def test_what_is_called_wrongly_says_what_to_write(shop: Shop) -> None:
    for run_id in (
        shop.start("checkout", '"o8"', "1"),
        shop.start("checkout", '"o9"', "1"),
    ):  # two ids that begin alike
        shop.run("cancel", run_id)
    for arguments, said in (
        (("start", "checkout", "o1", "5"), "an argument is no JSON"),
        (("inspect", "steps"), "steps of which run? Write: inspect steps RUN"),
        (("inspect", "bogus", "x"), "'bogus' can not be shown"),
        (("inspect", "runs", "--status", "done"), "'done' is no status"),
        (("inspect", "runs", "--since", "soon"), "'soon' is no time"),
        (("inspect", "runs", "--attribute", "x"), "'x' is no attribute; write name=value"),
        (("inspect", "--limit", "0"), "--limit is from 1 on"),
        (("resume", "t", "{"), "the payload is no JSON"),
    ):
        assert said in shop.run(*arguments, code=2)
    for arguments, said in (
        (
            ("start", "chekcout"),
            "no workflow 'chekcout'; there is checkout, contract, rest, or run workflow-build if it is new",
        ),
        (("start", "checkout"), "missing a required argument: 'order'"),
        (("inspect", "wrun_nope"), "error: no run wrun_nope in sqlite:///"),
        (("retry", "wrun_nope"), "no run wrun_nope"),
        (("inspect", "wrun_"), "the ids of several runs begin with wrun_"),
    ):
        assert said in shop.run(*arguments, code=1)


def test_where_there_is_no_world_none_is_made(shop: Shop, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "workflow_runtime", "inspect"]
    own = environment({"PYTHONPATH": os.pathsep.join(sys.path)})
    done = subprocess.run(command, cwd=tmp_path, env=own, capture_output=True, text=True, check=False)

    assert done.returncode == 1
    assert "there is no file" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_output_that_is_not_utf8_and_a_reader_that_leaves_do_no_harm(shop: Shop) -> None:
    run_id = shop.start("contract", '"Gr\\u00fc\\u00dfe \\u4e16"')
    settings = {**shop.settings, "PYTHONIOENCODING": "ascii"}

    assert "Gr\\xfc\\xdfe \\u4e16" in shop.run("inspect", run_id, env=settings)
    command = f"{sys.executable} -m workflow_runtime inspect events {run_id} | head -n 0"
    done = subprocess.run(
        command, shell=True, cwd=shop.folder, env=settings, capture_output=True, text=True, check=True
    )
    assert done.stderr == ""


def test_a_list_imports_nothing_that_only_running_needs(shop: Shop) -> None:
    """Which is what makes it quick."""
    shop.start("rest", "0")
    unwanted = (
        "workflow_runtime.machine",
        "workflow_runtime.values",
        "workflow_runtime.client",
        "rich.table",
        "jinja2",
    )
    script = (
        "import sys; from workflow_runtime.__main__ import main; main(['inspect']); "
        f"print([name for name in sys.modules if name.startswith({unwanted})], file=sys.stderr)"
    )
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, cwd=shop.folder, env=shop.settings, capture_output=True, text=True, check=True)

    assert "rest" in done.stdout
    assert done.stderr == "[]\n"
