"""Log lines say which run and step they are from, are said once, and print as text or JSON."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextvars import copy_context
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest

from workflow_runtime.events import Event
from workflow_runtime.logs import RunFields, configure_logging, current_fields, log_fields, runtime_logger
from workflow_runtime.machine.current import entered
from workflow_runtime.sandbox.saying import live_print, logging_module

if TYPE_CHECKING:
    from workflow_runtime.machine.machine import Machine

STEP = "step//shop.payments//charge"
RUN_LINE: dict[str, Any] = {"run_id": "wrun_1", "workflow": "workflow//shop.orders//checkout"}
STEP_LINE: dict[str, Any] = {"step": STEP, "step_id": "step_000001", "attempt": 2}


class FakeMachine:
    """As much of a machine as log lines ask about."""

    def __init__(self, *, replaying: bool) -> None:
        self.run_id = "wrun_1"
        self.created = {"workflow": "workflow//shop.orders//checkout"}
        self.replaying = replaying


def replayed(told: Any, events: Sequence[Event]) -> Machine:
    """A machine to which the story's events are old news."""
    twin: Machine = told.new_machine()
    for event in events:
        twin.feed(event, replaying=True)
    return twin


def machine(*, replaying: bool = False) -> Machine:
    return cast("Machine", FakeMachine(replaying=replaying))


@pytest.fixture
def lines() -> Iterator[Callable[..., Callable[[], str]]]:
    """``lines(style)`` configures logging to print into memory; what it gives reads what was printed."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level

    def configure(style: Any = None, **options: Any) -> Callable[[], str]:
        stream = io.StringIO()
        configure_logging(style, stream=stream, **options)
        return stream.getvalue

    yield configure
    root.handlers[:] = handlers
    root.setLevel(level)


def test_a_line_of_a_step_says_where_it_is_from(lines: Any) -> None:
    printed = lines("text")

    with log_fields(**RUN_LINE), log_fields(**STEP_LINE):
        logging.getLogger("shop.payments").warning("late %s", "again")

    assert printed().endswith(" WARNING shop.payments: late again [checkout wrun_1 charge step_000001 attempt 2]\n")


def test_a_line_from_outside_of_any_run_says_nothing_of_runs(lines: Any) -> None:
    printed = lines("text")

    logging.getLogger("shop").info("hello")

    assert printed().endswith(" INFO shop: hello\n")


def test_a_line_as_json_has_the_fields_that_are_known(lines: Any) -> None:
    printed = lines("json")

    with log_fields(**RUN_LINE):
        logging.getLogger("shop").info("paid", extra={"cents": 5, "odd": {1}})

    found = json.loads(printed())
    assert found.pop("time").endswith("+00:00")
    assert found == {"level": "INFO", "logger": "shop", "message": "paid", "cents": 5, "odd": "{1}", **RUN_LINE}


def test_json_is_one_line_whatever_is_said(lines: Any) -> None:
    printed = lines("json")
    try:
        raise ValueError("two\nlines")
    except ValueError:
        logging.getLogger("shop").exception("of\nno use")

    (line,) = printed().splitlines()
    assert "ValueError: two\nlines" in json.loads(line)["exception"]


def test_text_has_the_traceback_below_the_line(lines: Any) -> None:
    printed = lines("text")
    try:
        raise ValueError("no")
    except ValueError:
        with log_fields(**RUN_LINE):
            logging.getLogger("shop").exception("failed")

    first, *rest = printed().splitlines()
    assert first.endswith("shop: failed [checkout wrun_1]")
    assert rest[-1] == "ValueError: no"


async def test_tasks_and_threads_of_a_step_carry_its_fields() -> None:
    found: list[object] = []

    async def look() -> None:
        found.append(current_fields().step_id)

    with log_fields(**RUN_LINE, **STEP_LINE):
        await asyncio.create_task(look())
        thread = threading.Thread(target=copy_context().run, args=(lambda: found.append(current_fields().attempt),))
        thread.start()
        thread.join()

    assert found == ["step_000001", 2]
    assert current_fields().run_id is None


def test_the_runtimes_own_lines_carry_the_fields_under_any_configuration(caplog: pytest.LogCaptureFixture) -> None:
    with log_fields(**RUN_LINE, **STEP_LINE):
        runtime_logger("steps").warning("again")

    (record,) = caplog.records
    assert {name: vars(record)[name] for name in {**RUN_LINE, **STEP_LINE}} == {**RUN_LINE, **STEP_LINE}


def test_a_handler_of_ones_own_gets_the_fields_by_the_filter() -> None:
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.addFilter(RunFields())
    handler.setFormatter(logging.Formatter("%(run_id)s %(attempt)s %(message)s"))
    logger = logging.getLogger("of.my.own")
    logger.addHandler(handler)
    try:
        with log_fields(run_id="wrun_1"):
            logger.error("one")
            logger.error("two", extra={"run_id": "mine"})
    finally:
        logger.removeHandler(handler)

    assert stream.getvalue() == "wrun_1 None one\nmine None two\n"


def test_the_environment_chooses_the_style(lines: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKFLOW_LOG", "json")
    printed = lines()
    logging.getLogger("shop").info("x")
    assert json.loads(printed())["message"] == "x"

    monkeypatch.setenv("WORKFLOW_LOG", "xml")
    with pytest.raises(ValueError, match="WORKFLOW_LOG is 'xml', but must be one of text, json"):
        configure_logging()


def test_a_worker_says_so_when_the_style_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKFLOW_LOG", "xml")

    command = [sys.executable, "-m", "workflow_runtime", "worker", "nosuch._workflow"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert done.returncode == 2
    assert "must be one of text, json" in done.stderr


def test_a_worker_that_is_given_the_project_names_its_written_package(tmp_path: Path) -> None:
    (tmp_path / "shop" / "_workflow").mkdir(parents=True)
    for folder in (tmp_path / "shop", tmp_path / "shop" / "_workflow"):
        (folder / "__init__.py").touch()

    command = [sys.executable, "-m", "workflow_runtime", "worker", "shop"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)

    assert done.returncode == 1
    assert done.stderr.endswith("shop is not what workflow-build wrote; did you mean shop._workflow?\n")


def test_configuring_again_replaces_its_own_handler_and_no_other(lines: Any) -> None:
    other = logging.NullHandler()
    logging.getLogger().addHandler(other)
    first, second = lines("text"), lines("text")

    logging.getLogger("shop").info("once")

    assert (first(), second().count("once")) == ("", 1)
    assert other in logging.getLogger().handlers


def test_importing_the_runtime_configures_no_handler() -> None:
    code = "import logging, workflow_runtime.logs, workflow_runtime.service; print(logging.getLogger().handlers)"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_lines_of_workflow_code_are_said_live_with_the_runs_fields(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    module = logging_module()
    logger = module.getLogger("shop.orders")

    with entered(machine()):
        logger.info("a %s", "line")
        module.getLogger("shop").getChild("orders").info("of a child")
        module.warning("of the root")
        logging.LoggerAdapter(logger, {"mine": 1}).info("adapted")

    assert [(r.name, r.getMessage(), r.run_id) for r in caplog.records] == [  # type: ignore[attr-defined]  # what the runtime adds
        ("shop.orders", "a line", "wrun_1"),
        ("shop.orders", "of a child", "wrun_1"),
        ("root", "of the root", "wrun_1"),
        ("shop.orders", "adapted", "wrun_1"),
    ]
    assert caplog.records[0].filename == "test_logs.py"
    assert isinstance(logger, logging.Logger)


def test_lines_of_workflow_code_are_silent_on_replay_and_while_modules_load(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    module = logging_module()
    logger = module.getLogger("shop.orders")

    logger.error("a module loads")
    with entered(machine(replaying=True)):
        logger.error("again")
        logger.getChild("x").error("again")
        module.error("again")
        assert not logger.isEnabledFor(logging.CRITICAL)

    assert caplog.records == []


def test_the_level_is_that_of_the_users_own_logger(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING, "shop.quiet")
    logger = logging_module().getLogger("shop.quiet")

    with entered(machine()):
        logger.info("no")
        logger.warning("yes")

    assert [record.getMessage() for record in caplog.records] == ["yes"]


def test_what_workflow_code_prints_is_printed_once(capsys: pytest.CaptureFixture[str]) -> None:
    live_print("a module loads")
    with entered(machine(replaying=True)):
        live_print("again")
    with entered(machine()):
        live_print("live", 1, sep="-", end="!\n")

    assert capsys.readouterr().out == "live-1!\n"


def test_a_replayed_run_prints_nothing_again(story: Any, capsys: pytest.CaptureFixture[str]) -> None:
    told = story(
        """
        import logging
        async def main():
            print("before")
            await a(1)
            logging.getLogger("app").warning("between")
            await b(2)
            print("after")
        """,
        a=lambda x: x,
        b=lambda x: x,
    )
    told.play()
    assert capsys.readouterr().out == "before\nafter\n"

    twin = replayed(told, told.log[:-1])
    assert [command.kind for command in twin.commands] == ["run_completed"]
    twin.drop()

    assert capsys.readouterr().out == ""


def test_what_a_finally_block_says_while_a_machine_is_dropped_is_silent(
    story: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    told = story(
        """
        async def main():
            try:
                await a(1)
            finally:
                print("over")
        """,
        a=lambda x: x,
    )
    told.commit()
    told.machine.drop()
    assert capsys.readouterr().out == ""

    told.machine = replayed(told, told.log)
    told.play()
    assert capsys.readouterr().out == "over\n"
