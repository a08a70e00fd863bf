"""The table of peers: whoever is best is marked, and a floor never is."""

from __future__ import annotations

import json
from xml.etree import ElementTree

from benchmarks.peers.plan import PEERS
from benchmarks.peers.plot import svg
from benchmarks.peers.table import Column, as_json, markdown

BY_KEY = {peer.key: peer for peer in PEERS}


def columns() -> list[Column]:
    return [
        Column(BY_KEY["floor-sqlite"], "sqlite 3", {"seq-1": [0.1], "throughput-16": [9000.0]}),
        Column(BY_KEY["ours-sqlite"], "1", {"seq-1": [3.0, 9.0, 2.0], "throughput-16": [900.0]}),
        Column(BY_KEY["restate"], "2", {"seq-1": [4.0], "throughput-16": [1000.0]}, {"all-10": "it broke"}),
    ]


def test_the_lowest_time_and_the_highest_rate_are_marked_and_no_floor() -> None:
    text = markdown(columns(), 3)

    assert "| 1 step, ms | 0.1 | **3.0** | 4.0 |" in text
    assert "| steps per second, 16 runs at once | 9,000 | 900 | **1,000** |" in text
    assert "Best in: Restate (its own server) 1, workflow-build (SQLite) 1." in text


def test_a_row_that_failed_is_told_and_one_that_nobody_has_is_left_out() -> None:
    text = markdown(columns(), 3)

    assert "failed `all-10`: it broke" in text
    assert "10 steps at once" not in text


def test_a_line_may_be_a_peer() -> None:
    text = markdown(columns(), 3, lines_are_peers=True)

    assert "| | 1 step, ms | steps per second, 16 runs at once |" in text
    assert "| workflow-build (SQLite) | **3.0** | 900 |" in text


def test_the_json_has_every_sample() -> None:
    data = json.loads(as_json(columns(), 3))

    assert data["peers"]["ours-sqlite"]["samples"]["seq-1"] == [3.0, 9.0, 2.0]


def test_the_picture_is_well_formed_and_has_a_bar_for_each_figure() -> None:
    picture = ElementTree.fromstring(svg(columns(), ["seq-1", "throughput-16", "race-10"]))

    assert len(picture.findall("{http://www.w3.org/2000/svg}rect")) == 6
