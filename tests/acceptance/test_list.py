"""The list itself: no case without a test or a reason, and the page says what is so."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.acceptance import PAGE, WORLDS, Proof, page, problems, proofs


def test_each_case_of_the_list_is_tested_or_excused_with_a_reason() -> None:
    assert problems(proofs()) == []


def test_the_page_says_what_is_tested() -> None:
    assert PAGE.read_text("utf-8") == page(proofs()), "run `python tools/acceptance.py` and review what it changed"


@pytest.mark.parametrize(
    ("cases", "not_here", "problem"),
    [
        ({"a": "x", "b": "x"}, {}, "b: neither tested nor excused"),
        ({"a": "x"}, {"a": "why"}, "a: tested, and excused as well"),
        ({"a": "x", "b": "x"}, {"b": " "}, "b: excused without a reason"),
        ({}, {}, "a: not in the list"),
    ],
)
def test_what_is_wrong_with_the_list_is_told(cases: dict[str, str], not_here: dict[str, str], problem: str) -> None:
    assert problems([Proof("test_a", Path("test_a.py"), ("a",), tuple(WORLDS))], cases, not_here) == [problem]
