"""The files that ``python -m benchmarks`` writes have every figure, and Markdown and pictures are well formed."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from benchmarks.measured.bars import Bar, Group, picture
from benchmarks.measured.report import Row, Target
from benchmarks.peers.plan import WEB
from benchmarks.peers.table import Column
from benchmarks.sets import SETS, Found
from benchmarks.written import as_json, as_markdown, groups, write

BY_KEY = {peer.key: peer for peer in WEB}
SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture
def found() -> dict[str, Found]:
    rows = [Row("steps in a row", "1 step", "ms", [3.0, 1.0, 2.0]), Row("throughput", "16 runs", "steps/s", [900.0])]
    targets = [Target("replay", "ms", 300.0, 120.0), Target("rate", "steps/s", 1000.0, 900.0, at_least=True)]
    columns = [
        Column(BY_KEY["fastapi-sqlite"], "1", {"seq-1": [3.0], "throughput-16": [900.0]}),
        Column(BY_KEY["fastapi-nats"], "1", {"seq-1": [4.0], "throughput-16": [1200.0]}),
    ]
    return {"runtime": Found(rows, targets), "web": Found(columns=columns)}


def test_the_json_has_every_sample_of_every_set(found: dict[str, Found]) -> None:
    data = json.loads(as_json(found, 3))

    assert data["sets"]["runtime"]["rows"][0]["samples"] == [3.0, 1.0, 2.0]
    assert [target["met"] for target in data["sets"]["runtime"]["targets"]] == [True, False]
    assert data["sets"]["web"]["peers"]["fastapi-nats"]["samples"]["throughput-16"] == [1200.0]
    assert data["version"] == 1
    assert data["machine"]["processors"] > 0


def test_the_markdown_says_what_was_promised_measured_and_best(found: dict[str, Found]) -> None:
    lines = as_markdown(found, 3).splitlines()

    assert "## Promises: 1 of 2 kept" in lines
    assert "| rate | ≥ 1,000.0 steps/s | 900.0 | **missed** |" in lines
    assert "| 1 step | 2.0 | 1.0 | 3.0 | ms |" in lines
    assert "| FastAPI on uvicorn (SQLite) | **3.0** | 900 |" in lines
    assert "| FastAPI on uvicorn (NATS) | 4.0 | **1,200** |" in lines
    assert "## What the words mean" in lines
    assert any(line.startswith("Best in: ") for line in lines)


def test_every_line_of_a_table_has_as_many_cells_as_its_head(found: dict[str, Found]) -> None:
    heads = 0
    width = 0
    for line in as_markdown(found, 3).splitlines():
        if not line.startswith("|"):
            width = 0
        elif not width:
            width, heads = line.count("|"), heads + 1
        else:
            assert line.count("|") == width, line
    assert heads == 3


def test_there_is_a_file_for_people_one_for_programs_and_a_picture_of_each_set(
    found: dict[str, Found], tmp_path: Path
) -> None:
    text = write(found, 3, tmp_path / "new")

    assert {path.name for path in (tmp_path / "new").iterdir()} == {
        "results.json",
        "results.md",
        "runtime.svg",
        "web.svg",
    }
    assert (tmp_path / "new" / "results.md").read_text("utf-8") == text
    bars = ElementTree.parse(tmp_path / "new" / "web.svg").findall(f".//{SVG}rect")
    assert len(bars) == 4


def test_a_picture_compares_only_what_has_one_unit(found: dict[str, Found]) -> None:
    rows = [*found["runtime"].rows, Row("throughput", "nothing", "steps/s", [0.0])]

    assert [(group.title, len(group.bars)) for group in groups(rows)] == [
        ("steps in a row, ms", 1),
        ("throughput, steps/s", 1),
    ]


def test_a_longer_bar_is_a_greater_figure_and_names_are_text() -> None:
    drawn = ElementTree.fromstring(picture([Group("a & b", [Bar("<one>", 1.0), Bar("two", 30.0), Bar("three", 1e6)])]))
    widths = [float(bar.attrib["width"]) for bar in drawn.findall(f"{SVG}rect")]

    assert widths == sorted(widths)
    assert len(set(widths)) == 3
    assert [text.text for text in drawn.findall(f"{SVG}text")][:2] == ["a & b", "<one>"]


def test_a_set_that_is_not_there_is_refused_with_those_that_are() -> None:
    command = [sys.executable, "-m", "benchmarks", "--only", "compiler,speed"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=Path(__file__).parents[2])

    assert done.returncode == 2
    assert f"there is no speed; there are {', '.join(SETS)}" in done.stderr
