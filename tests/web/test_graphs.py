"""A run along the graph of its workflow."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.inspect.shop import DECLINED, Scribe
from workflow_runtime.events import EventKind
from workflow_runtime.seeing.timeline import timeline
from workflow_runtime.web import manifests
from workflow_runtime.web.graphs import Node, graph_page

WORKFLOW = "workflow//shop//main"


def node(kind: str, name: str, label: str = "", **more: Any) -> dict[str, Any]:
    return {"id": name, "kind": kind, "label": label or name, "location": {"path": "shop.py", "line": 7}, **more}


def step(name: str, at: str = "", **more: Any) -> dict[str, Any]:
    return node("step", at or f"step-{name}", name, function=f"step//shop.payments//{name}", **more)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with a manifest of a workflow: a; if x: b, else nothing; b; sleep; return."""
    nodes = [
        node("start", "start", "main"),
        step("a"),
        node("branch", "branch", "if", arms=["x", "else"]),
        step("b", "step-b", parent="branch", arm=0),
        node("return", "return-1", "early", parent="branch", arm=0),
        step("c"),
        step("b", "step-b-2"),
        node("sleep", "sleep", "2 s"),
        node("return", "return-2", "late"),
        node("end", "end"),
    ]
    entry = {"id": WORKFLOW, "bundle": "b" * 16, "graph": {"nodes": nodes, "edges": []}}
    steps = [
        {"id": "step//shop.payments//a", "options": {"max_retries": 7}},
        {"id": "step//shop.payments//b", "options": {}},
    ]
    folder = tmp_path / "shop" / "_workflow"
    folder.mkdir(parents=True)
    (folder / "manifest.json").write_text(json.dumps({"workflows": [entry], "steps": steps}), "utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(manifests, "registered_projects", tuple)
    return folder


def flat(nodes: list[Node]) -> dict[str, Node]:
    found = {}
    for one in nodes:
        found[one.id] = one
        for arm in one.arms:
            found |= flat(arm.nodes)
    return found


def run_of(*names: str, ends: bool = True) -> Scribe:
    run = Scribe("wrun_A", WORKFLOW).begin()
    for name in names:
        run.later(0.1).complete(run.call(name))
    if ends:
        run.add(EventKind.RUN_COMPLETED, output=None)
    return run


def test_each_node_has_what_became_of_it(project: Path) -> None:
    run = Scribe("wrun_A", WORKFLOW).begin()
    a = run.call("a")
    run.later(1).retry(a, DECLINED, 1)
    run.later(1).start(a, 2)
    run.later(1).fail(a, DECLINED, 2)
    found = flat(graph_page(timeline(run.log()))["nodes"])

    assert found["step-a"].state == "failed"
    assert found["step-a"].key == a
    assert found["step-a"].facts == "2 attempts · 3.00 s"
    assert not found["step-c"].reached


def test_calls_go_to_the_next_place_that_fits(project: Path) -> None:
    early, late = run_of("a", "b"), run_of("a", "c", "b")

    assert [one.id for one in flat(graph_page(timeline(early.log()))["nodes"]).values() if one.rows] == [
        "step-a",
        "step-b",
    ]
    found = flat(graph_page(timeline(late.log()))["nodes"])
    assert [one.id for one in found.values() if one.rows] == ["step-a", "step-c", "step-b-2"]
    assert found["step-b-2"].shared
    assert not found["step-c"].shared


def test_the_way_on_which_nothing_is_counts_as_taken(project: Path) -> None:
    found = flat(graph_page(timeline(run_of("a", "c", "b").log()))["nodes"])

    assert [arm.reached for arm in found["branch"].arms] == [False, True]
    assert found["return-2"].reached
    assert not found["return-1"].reached


def test_what_the_graph_does_not_have_is_listed(project: Path) -> None:
    page = graph_page(timeline(run_of("a", "surprise").log()))

    assert [row.name for row in page["unseen"]] == ["surprise"]


def test_a_run_of_another_build_says_so(project: Path) -> None:
    assert not graph_page(timeline(run_of("a").log()))["other_build"]
    run = Scribe("wrun_A", WORKFLOW, created={"bundle": "c" * 16}).begin()
    assert graph_page(timeline(run.log()))["other_build"]


@pytest.mark.parametrize("text", ["", "{", "[]", '{"workflows": 3}', '{"workflows": [3, {"id": 7}]}'])
def test_a_manifest_that_is_none_is_no_graph(text: str, project: Path) -> None:
    (project / "manifest.json").write_text(text, "utf-8")

    assert graph_page(timeline(run_of("a").log()))["nodes"] == []


def test_the_manifest_says_how_often_a_step_is_retried(project: Path) -> None:
    assert manifests.retries_of("step//shop.payments//a") == 7
    assert manifests.retries_of("step//shop.payments//b") == 3
    assert manifests.retries_of("step//shop.payments//nobody") is None


def test_a_path_is_told_from_the_projects_folder(project: Path) -> None:
    folder = project.parents[1]

    assert manifests.short_path(f"{folder}/shop/steps.py") == "shop/steps.py"
    assert manifests.short_path("/elsewhere/steps.py") == "/elsewhere/steps.py"
    assert manifests.short_path(f"{folder}2/steps.py") == f"{folder}2/steps.py"
