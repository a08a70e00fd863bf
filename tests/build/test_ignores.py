"""Comments that ignore findings."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from workflow_build.build import Result
from workflow_build.build import build as build_project
from workflow_build.cli import cli
from workflow_build.model import Config, Severity
from workflow_build.rules.examples import files_of
from workflow_build.rules.ignoring import IGNORE_RULES

Project = Callable[..., Config]
HEAD = "import time\nfrom workflow_runtime import workflow\n@workflow\nasync def remind():\n"
SLEEP = "    time.sleep(1)  "


def built(project: Project, files: dict[str, str | bytes]) -> Result:
    return build_project(project(files, targets=()), with_routes=False)


def codes(result: Result) -> list[str]:
    return [found.code for found in result.diagnostics]


@pytest.mark.parametrize(
    "body",
    [
        f"{SLEEP}# workflow-build: ignore[WB102] the clock is a fake\n",
        f"{SLEEP}#workflow-build:ignore[WB102]: the clock is a fake\n",
        f"{SLEEP}# noqa: ASYNC251  # workflow-build: ignore[wb102, WB101] the clock is a fake\n",
        "    # workflow-build: ignore[WB102] the clock is a fake\n    time.sleep(1)\n",
        "    # workflow-build: ignore[WB102] the clock is a fake\n    # and this is about something else\n\n    time.sleep(1)\n",
        "    x = (\n        time.sleep(1)  # workflow-build: ignore[WB102] the clock is a fake\n    )\n",
    ],
)
def test_a_comment_ignores_the_finding_of_its_line_or_of_the_line_below(project: Project, body: str) -> None:
    result = built(project, {"m.py": HEAD + body})

    assert [one.finding.code for one in result.suppressed] == ["WB102"]
    assert [one.reason for one in result.suppressed] == ["the clock is a fake"]
    assert "WB102" not in codes(result)
    assert not result.failed
    assert "m.py" not in result.output.written
    assert result.output.written


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (f"{SLEEP}# workflow-build: ignore[WB101] another one\n", ["WB102", "WB191"]),
        (f"{SLEEP}\n    # workflow-build: ignore[WB102] below it\n    return 1\n", ["WB102", "WB191"]),
        (f"{SLEEP}\n    return '# workflow-build: ignore[WB102] in a string'\n", ["WB102"]),
        (f"    '''\n    # workflow-build: ignore[WB102] x\n'''\n{SLEEP}\n", ["WB102"]),
        (f"{SLEEP}# workflow-build: ignore[WB102]\n", ["WB102", "WB193"]),
        (f"{SLEEP}# workflow-build: ignore[WB102] - \n", ["WB102", "WB193"]),
        (f"{SLEEP}# workflow-build: ignore because I say so\n", ["WB102", "WB192"]),
        (f"{SLEEP}# workflow-build: ignore[] because I say so\n", ["WB102", "WB192"]),
        (f"{SLEEP}# workflow-build: ignore[WB12] because I say so\n", ["WB102", "WB192"]),
    ],
)
def test_any_other_comment_ignores_nothing_and_says_why(project: Project, body: str, expected: list[str]) -> None:
    result = built(project, {"m.py": HEAD + body})

    assert codes(result) == expected
    assert result.failed
    assert not result.suppressed


def test_each_code_of_a_comment_is_judged_by_itself(project: Project) -> None:
    result = built(project, {"m.py": HEAD + f"{SLEEP}# workflow-build: ignore[WB102, WB101, WB1002] fake clock\n"})

    assert [(found.code, found.message) for found in result.diagnostics] == [
        ("WB191", "nothing of WB101 is found here to be ignored"),
        ("WB192", "WB1002 is no code of a finding"),
    ]
    assert result.diagnostics[1].hint == "did you mean WB102?"
    assert {found.severity for found in result.diagnostics} == {Severity.WARNING}
    assert not result.failed


def test_comments_about_routes_are_judged_only_when_routes_are_read(project: Project) -> None:
    files = {
        "shop/__init__.py": "",
        "shop/orders.py": HEAD + "    return 1\n",
        "shop/main.py": "from fastapi import FastAPI\nfrom shop._workflow.fastapi import mount\n"
        "app = FastAPI()  # workflow-build: ignore[WB502] for the move\nmount(app)\n",
    }
    config = project(files, app="shop.main:app")

    assert codes(build_project(config, with_routes=False)) == []
    assert codes(build_project(config)) == ["WB191"]


def test_findings_about_the_app_can_be_ignored_where_the_app_is_made(project: Project) -> None:
    files = {
        "shop/__init__.py": "",
        "shop/orders.py": HEAD + "    return 1\n",
        "shop/main.py": "from fastapi import FastAPI\n"
        "app = FastAPI()  # workflow-build: ignore[WB501] the worker is a process of its own\n",
    }

    result = build_project(project(files, app="shop.main:app"))

    assert codes(result) == []
    assert [one.finding.code for one in result.suppressed] == ["WB501"]


def test_a_file_that_is_no_python_has_no_comments_and_no_crash(project: Project) -> None:
    broken = HEAD + "    x = '''\n# workflow-build: ignore[WB110] it is not mine\n"

    assert codes(built(project, {"m.py": broken, "ok.py": HEAD + "    return 1\n"})) == ["WB110"]


def test_json_shows_what_is_ignored_with_its_reason(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    config = project({"m.py": HEAD + f"{SLEEP}# workflow-build: ignore[WB102] fake clock\n"})
    monkeypatch.chdir(config.project)

    content = json.loads(CliRunner().invoke(cli, ["--format", "json", "--no-routes"]).stdout)

    (one,) = content["suppressed"]
    assert (one["code"], one["reason"], one["location"]["line"]) == ("WB102", "fake clock", 5)
    assert "WB102" not in [found["code"] for found in content["diagnostics"]]
    assert content["ok"] is True


def examples(kind: str) -> list[Any]:
    found = [(rule, n, text) for rule in IGNORE_RULES for n, text in enumerate(getattr(rule, kind))]
    return [pytest.param(rule, text, id=f"{rule.code}-{n}") for rule, n, text in found]


@pytest.mark.parametrize(("rule", "text"), examples("invalid"))
def test_a_rule_finds_its_invalid_examples(project: Project, rule: Any, text: str) -> None:
    found = [one for one in built(project, {**files_of(text)}).diagnostics if one.code == rule.code]
    assert found
    assert {one.severity for one in found} == {rule.severity}


@pytest.mark.parametrize(("rule", "text"), examples("valid"))
def test_a_rule_is_content_with_its_valid_examples(project: Project, rule: Any, text: str) -> None:
    result = built(project, {**files_of(text)})
    assert rule.code not in codes(result)
    assert Path(result.config.out).is_dir()
