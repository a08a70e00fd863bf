"""Limits of workflows on their way: from the decorator into the manifest, and into what a process knows of its project."""

from __future__ import annotations

import ast
import json
from collections.abc import Callable
from typing import Any

import pytest

from workflow_build.emit import emit
from workflow_build.model import Config

HEAD = "import workflow_runtime as w\nfrom workflow_runtime import workflow\n\n"
LIMITED = "@workflow(concurrency=3, rate='10/minute')\nasync def main(x: int) -> int:\n    return x\n"


def project_call(text: str) -> dict[str, Any]:
    """The keywords of the ``Project`` in a written ``__init__.py`` that are literals."""
    (call,) = [n for n in ast.walk(ast.parse(text)) if isinstance(n, ast.Call) and ast.unparse(n.func) == "Project"]
    plain = ("workflows", "steps", "limits")
    return {word.arg: ast.literal_eval(word.value) for word in call.keywords if word.arg in plain and word.arg}


@pytest.fixture
def written(build: Callable[..., Any], project: Callable[..., Config]) -> Callable[[str], dict[str, str]]:
    def write(text: str) -> dict[str, str]:
        files = {"app.py": HEAD + text}
        built = build(files)
        assert built.codes == []
        return emit(project(files), built.functions, built.bundles)

    return write


def test_the_limits_of_a_workflow_are_in_the_written_package(written: Callable[[str], dict[str, str]]) -> None:
    texts = written(LIMITED + "@w.workflow\nasync def free() -> None: ...\n")
    told = project_call(texts["__init__.py"])
    assert told["limits"] == {"workflow//app//main": {"concurrency": 3, "rate": "10/minute"}}
    workflows = {told["id"]: told.get("options") for told in json.loads(texts["manifest.json"])["workflows"]}
    assert workflows == {"workflow//app//main": {"concurrency": 3, "rate": "10/minute"}, "workflow//app//free": None}


def test_a_project_without_limits_does_not_speak_of_them(written: Callable[[str], dict[str, str]]) -> None:
    texts = written("@workflow\nasync def main() -> None: ...\n")
    assert "limits" not in project_call(texts["__init__.py"])
    assert "options" not in json.loads(texts["manifest.json"])["workflows"][0]


def test_another_limit_is_another_build_with_the_same_bundle(written: Callable[[str], dict[str, str]]) -> None:
    before, after = (
        json.loads(written(text)["manifest.json"])
        for text in (LIMITED, LIMITED.replace("concurrency=3", "concurrency=4"))
    )
    assert before["build"] != after["build"]
    assert before["workflows"][0]["bundle"] == after["workflows"][0]["bundle"]


def test_a_limited_workflow_is_cut_as_any_other(build: Callable[..., Any]) -> None:
    texts = [
        build({"app.py": f"{HEAD}{mark}\nasync def main(x: int) -> int:\n    return x\n"}).texts()["app"]
        for mark in ("@workflow(concurrency=3)", "@workflow")
    ]
    assert texts[0] == texts[1]


@pytest.mark.parametrize(
    "text",
    [
        "MOST = 3\n@workflow(concurrency=MOST)\nasync def main() -> None: ...\n",
        "@workflow(**{'concurrency': 3})\nasync def main() -> None: ...\n",
        "limited = workflow(concurrency=3)\n@limited\nasync def main() -> None: ...\n",
    ],
    ids=["a name", "unpacked", "an alias that holds it"],
)
def test_a_limit_that_reading_does_not_tell_is_found(build: Callable[..., Any], text: str) -> None:
    (finding,) = build({"app.py": HEAD + text}).diagnostics
    assert finding.code == "WB107"
    assert "must be literals" in finding.message
