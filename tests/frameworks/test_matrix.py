"""The docs' table of targets says what the tests hold. After a change: ``pytest tests/frameworks/test_matrix.py --update-golden``."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from tests.frameworks.targets import matrix, target_names

PAGE = Path(__file__).parents[2] / "docs" / "frameworks.md"
TABLE = re.compile(r"(?s)(?<=<!-- matrix -->\n).*(?=<!-- /matrix -->)")


def test_the_docs_have_the_table_of_all_targets(pytestconfig: pytest.Config) -> None:
    text = PAGE.read_text("utf-8")
    if pytestconfig.getoption("--update-golden"):
        text = TABLE.sub(lambda _: matrix(), text)
        PAGE.write_text(text, "utf-8")

    assert TABLE.findall(text) == [matrix()]


def test_every_target_is_in_the_table() -> None:
    project = tomllib.loads((PAGE.parents[1] / "pyproject.toml").read_text("utf-8"))["project"]

    assert set(target_names()) == set(project["entry-points"]["workflow_build.adapters"])
