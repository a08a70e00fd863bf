"""The examples of the rules about apps, each built and read as a user's project would be."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from workflow_build.build import build
from workflow_build.config import Flags, load
from workflow_build.rules import Rule
from workflow_build.rules.routes import ROUTE_RULES

ORDERS = "from workflow_runtime import workflow\n\n\n@workflow\nasync def checkout() -> None: ...\n"


def examples() -> list[Any]:
    invalid = [(rule, n, text) for rule in ROUTE_RULES for n, text in enumerate(rule.invalid)]
    return [pytest.param(rule, text, id=f"{rule.code}-{n}") for rule, n, text in invalid]


def codes(folder: Path, main: str) -> dict[str, str]:
    package = folder / "shop"
    package.mkdir()
    for name, text in {"__init__.py": "", "orders.py": ORDERS, "main.py": main}.items():
        (package / name).write_text(text)
    result = build(load(folder, Flags(targets=("fastapi",), app="shop.main:app")))
    return {found.code: found.severity for found in result.diagnostics}


@pytest.mark.parametrize(("rule", "text"), examples())
def test_a_rule_finds_its_invalid_examples(tmp_path: Path, rule: Rule, text: str) -> None:
    assert codes(tmp_path, text)[rule.code] == rule.severity


@pytest.mark.parametrize("text", sorted({text for rule in ROUTE_RULES for text in rule.valid}))
def test_nothing_is_found_in_valid_examples(tmp_path: Path, text: str) -> None:
    assert codes(tmp_path, text) == {}
