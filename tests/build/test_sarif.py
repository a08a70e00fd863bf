"""``--format sarif`` and ``--format github``: what other programs read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from click.testing import CliRunner

from workflow_build.cli import cli
from workflow_build.rules import RULES

TEXT = {"type": "object", "required": ["text"], "properties": {"text": {"type": "string", "minLength": 1}}}
LEVEL = {"enum": ["none", "note", "warning", "error"]}
POSITIVE = {"type": "integer", "minimum": 1}
PHYSICAL = {
    "type": "object",
    "required": ["artifactLocation"],
    "properties": {
        "artifactLocation": {
            "type": "object",
            "required": ["uri"],
            "properties": {
                "uri": {"type": "string", "pattern": r"^(?![\w+.-]+:|/)[^\s\\]+$"},
                "uriBaseId": {"const": "PROJECT"},
            },
        },
        "region": {
            "type": "object",
            "required": ["startLine"],
            "properties": dict.fromkeys(("startLine", "startColumn", "endLine", "endColumn"), POSITIVE),
        },
    },
}
LOCATION = {"type": "object", "properties": {"physicalLocation": PHYSICAL, "message": TEXT}}
FLOW = {
    "type": "object",
    "required": ["threadFlows"],
    "properties": {
        "threadFlows": {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "required": ["locations"],
                "properties": {
                    "locations": {
                        "type": "array",
                        "minItems": 1,
                        "items": {"type": "object", "required": ["location"], "properties": {"location": LOCATION}},
                    }
                },
            },
        }
    },
}
RESULT = {
    "type": "object",
    "required": ["ruleId", "level", "message"],
    "properties": {
        "ruleId": {"type": "string"},
        "ruleIndex": {"type": "integer", "minimum": 0},
        "level": LEVEL,
        "message": TEXT,
        "locations": {"type": "array", "items": LOCATION},
        "codeFlows": {"type": "array", "items": FLOW},
        "suppressions": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["kind"],
                "properties": {
                    "kind": {"enum": ["inSource", "external"]},
                    "status": {"enum": ["accepted", "underReview", "rejected"]},
                    "justification": {"type": "string", "minLength": 1},
                },
            },
        },
    },
    "additionalProperties": False,
}
RULE = {
    "type": "object",
    "required": ["id", "shortDescription", "help"],
    "properties": {
        "id": {"type": "string"},
        "shortDescription": TEXT,
        "fullDescription": TEXT,
        "help": TEXT,
        "defaultConfiguration": {"type": "object", "properties": {"level": LEVEL}},
    },
}
ESSENTIAL = {
    "type": "object",
    "required": ["version", "runs"],
    "properties": {
        "version": {"const": "2.1.0"},
        "$schema": {"type": "string", "pattern": "sarif-schema-2.1.0.json$"},
        "runs": {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "required": ["tool", "results"],
                "properties": {
                    "tool": {
                        "type": "object",
                        "required": ["driver"],
                        "properties": {
                            "driver": {
                                "type": "object",
                                "required": ["name", "version", "rules"],
                                "properties": {"rules": {"type": "array", "items": RULE}},
                            }
                        },
                    },
                    "columnKind": {"enum": ["utf16CodeUnits", "unicodeCodePoints"]},
                    "invocations": {
                        "type": "array",
                        "items": {"type": "object", "required": ["executionSuccessful"]},
                    },
                    "results": {"type": "array", "items": RESULT},
                },
            },
        },
    },
}
"""What every reader of SARIF 2.1.0 relies on, after the published schema."""

FILES = {
    "shop/__init__.py": "",
    "shop/ünicode prices.py": "",
    "shop/prices.py": "import requests\n\n\ndef price(item):\n    return requests.get(item)\n",
    "shop/orders.py": "import time\n\nfrom shop.prices import price\nfrom workflow_runtime import step, workflow\n\n\n"
    "@workflow\nasync def checkout(item: str):\n    time.sleep(0)  # workflow-build: ignore[WB102] nothing is slept\n"
    "    return price(item)\n\n\n@step\ndef unused() -> None: ...\n",
}


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, text in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GITHUB_WORKSPACE", raising=False)
    return tmp_path


def output(*arguments: str) -> str:
    return CliRunner().invoke(cli, ["--no-routes", *arguments]).stdout


def sarif(*arguments: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(output("--format", "sarif", *arguments))
    jsonschema.validate(content, ESSENTIAL, cls=jsonschema.Draft202012Validator)
    return content["runs"][0]  # type: ignore[no-any-return]


def fix(shop: Path) -> None:
    (shop / "shop" / "prices.py").write_text("def price(item):\n    return 1\n")


def test_findings_have_their_rule_place_and_way_there(shop: Path) -> None:
    run = sarif()

    impure = next(result for result in run["results"] if result["ruleId"] == "WB101")
    assert run["tool"]["driver"]["rules"][impure["ruleIndex"]]["id"] == "WB101"
    (place,) = impure["locations"]
    assert place["physicalLocation"] == {
        "artifactLocation": {"uri": "shop/prices.py", "uriBaseId": "PROJECT"},
        "region": {"startLine": 5, "startColumn": 12, "endLine": 5, "endColumn": 24},
    }
    stops = impure["codeFlows"][0]["threadFlows"][0]["locations"]
    assert [
        (stop["location"]["message"]["text"], stop["location"]["physicalLocation"]["region"]["startLine"])
        for stop in stops
    ] == [("checkout", 8), ("calls price", 4), (impure["message"]["text"].splitlines()[0], 5)]
    assert run["invocations"] == [{"executionSuccessful": True, "exitCode": 1}]


def test_ignored_findings_are_there_as_suppressed(shop: Path) -> None:
    (one,) = [result for result in sarif()["results"] if "suppressions" in result]

    assert one["ruleId"] == "WB102"
    assert one["suppressions"] == [{"kind": "inSource", "status": "accepted", "justification": "nothing is slept"}]


def test_every_rule_is_described(shop: Path) -> None:
    rules = sarif()["tool"]["driver"]["rules"]

    assert [rule["id"] for rule in rules] == [*(rule.code for rule in RULES), "stale"]
    assert all(rule["help"]["text"] for rule in rules)
    assert "## What to do" in rules[0]["help"]["markdown"]


def test_a_fresh_project_has_only_hints(shop: Path) -> None:
    fix(shop)
    run = sarif()

    assert {result["level"] for result in run["results"] if "suppressions" not in result} <= {"note"}
    assert run["invocations"][0]["exitCode"] == 0


def test_stale_files_are_results(shop: Path) -> None:
    fix(shop)
    missing = [result for result in sarif("--check")["results"] if result["ruleId"] == "stale"]
    output()
    (shop / "shop" / "_workflow" / "manifest.json").write_text('{"tool": "workflow-build 0"}')
    changed = [result for result in sarif("--check")["results"] if result["ruleId"] == "stale"]

    assert [(len(result.get("locations", ())), result["message"]["text"]) for result in missing] == [
        (0, "shop/_workflow has not been built; run workflow-build")
    ]
    uris = [result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] for result in changed]
    assert uris == ["shop/_workflow/manifest.json"]


def test_github_gets_the_summary_and_then_one_error_for_each_stale_file(shop: Path) -> None:
    fix(shop)
    output()
    (shop / "shop" / "_workflow" / "__init__.py").write_text("changed\n")
    (shop / "shop" / "_workflow" / "step_registrations.py").unlink()

    summary, *commands = output("--check", "--format", "github").splitlines()

    assert summary == "2 files stale; run workflow-build"
    advice = "run workflow-build and commit the result"
    folder = "shop/_workflow"
    assert [command for command in commands if command.startswith("::error")] == [
        f"::error file={folder}/{name},title=stale::{folder}/{name} {problem}; {advice}"
        for name, problem in (
            ("__init__.py", "is not what a build would write"),
            ("step_registrations.py", "is missing"),
        )
    ]
    assert not any(line.startswith(("+", "-", "@@")) for line in commands)


def test_github_gets_one_error_when_nothing_was_ever_built(shop: Path) -> None:
    fix(shop)

    lines = output("--check", "--format", "github").splitlines()

    assert lines[0] == "shop/_workflow has not been built; run workflow-build"
    assert [line for line in lines if "stale" in line] == [
        "::error title=stale::shop/_workflow has not been built; run workflow-build"
    ]


def test_github_shows_the_way_to_a_finding_and_its_whole_range(shop: Path) -> None:
    (line,) = [line for line in output("--format", "github").splitlines() if "WB101" in line]

    assert line.startswith(
        "::error file=shop/prices.py,line=5,endLine=5,col=12,endColumn=24,title=WB101::workflow checkout"
    )
    assert line.endswith("%0Acheckout  shop/orders.py:8%0Aprice  shop/prices.py:4")
