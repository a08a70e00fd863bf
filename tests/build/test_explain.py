"""``--explain``, and the pages that it prints."""

from __future__ import annotations

import pytest
from click.testing import CliRunner, Result

from workflow_build.cli import cli
from workflow_build.rules import RULES, Rule, page


def run(*arguments: str) -> Result:
    return CliRunner().invoke(cli, arguments, prog_name="workflow-build")


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.code)
def test_every_code_is_explained_by_its_page(rule: Rule) -> None:
    done = run("--explain", rule.code)

    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout == page(rule)
    assert rule.why in done.stdout
    assert done.stdout.index("## What to do") > max(done.stdout.find("## Found"), done.stdout.find("## Not found"))
    assert all(example.strip() in done.stdout for example in (*rule.valid, *rule.invalid))


def test_the_case_of_a_code_does_not_matter_and_the_folder_neither() -> None:
    assert run("nowhere", "--explain", "wb104").stdout.startswith("# WB104: ")


@pytest.mark.parametrize(
    ("code", "expected"),
    [("WB1004", "did you mean WB104?"), ("102", "did you mean WB102?"), ("E501", "did you mean WB501?")],
)
def test_an_unknown_code_gets_the_one_that_was_meant(code: str, expected: str) -> None:
    done = run("--explain", code)

    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr == f"workflow-build: unknown code {code!r}; {expected}\n"


def test_a_code_that_is_like_none_gets_the_range_of_codes() -> None:
    assert "codes go from WB101 to WB5" in run("--explain", "nonsense").stderr


def test_the_page_is_formatted_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.delenv("NO_COLOR", raising=False)

    assert "```" not in run("--explain", "WB102").stdout
