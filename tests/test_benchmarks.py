"""The benchmark of the runtime measures what it says: one case of each kind gives a figure, and what is shown and written has all of them."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path

import pytest

from benchmarks.cold_start import framework_imports, seconds, write_handlers
from benchmarks.measured.cases import Case, cases
from benchmarks.measured.floor import floor, load_and_replay_time, machine_overhead, replay_time
from benchmarks.measured.flows import register
from benchmarks.measured.report import Row, Target, as_json, show


def one_of_each_kind() -> list[Case]:
    """The first case of each group, or of each function that measures."""
    found: dict[object, Case] = {}
    for case in cases():
        measure = case.measure
        found.setdefault((case.group, measure.func if isinstance(measure, partial) else measure), case)
    return list(found.values())


@pytest.mark.parametrize("case", one_of_each_kind(), ids=lambda case: f"{case.group}: {case.name}")
async def test_a_case_gives_a_figure(case: Case) -> None:
    assert await case.measure(register()) > 0


async def test_the_floor_and_the_machine_give_figures() -> None:
    assert min(floor(), machine_overhead(), replay_time(), await load_and_replay_time()) > 0


def test_the_report_has_every_row_and_says_which_promise_was_missed(capsys: pytest.CaptureFixture[str]) -> None:
    rows = [Row("streams", "first byte", "ms", [3.0, 1.0, 2.0])]
    targets = [
        Target("a step in a row costs", "floors", 2.0, 1.5),
        Target("the machine's part", "µs", 50.0, 60.0),
        Target("steps of 16 runs at once", "steps/s", 100.0, 200.0, at_least=True),
    ]
    show(rows, targets)
    printed = capsys.readouterr().out.splitlines()
    assert [line.split()[-1] for line in printed[-3:]] == ["kept", "MISSED", "kept"]
    written = json.loads(as_json(rows, targets))
    assert [row["median"] for row in written["rows"]] == [2.0]
    assert [target["met"] for target in written["targets"]] == [True, False, True]


def test_a_handler_is_imported_beside_what_it_imports_of_its_framework(tmp_path: Path) -> None:
    handler = write_handlers(tmp_path) / "flask.py"
    bare = framework_imports(handler)
    assert "from flask import Blueprint, Flask, Response, request" in bare.splitlines()
    assert "workflow_runtime" not in bare
    assert min(seconds(tmp_path, bare), seconds(tmp_path, "import shop._workflow.flask")) > 0
