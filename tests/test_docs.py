"""What the documentation says of the code: names of tests, variables and messages are those that there are."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
GUIDE = (ROOT / "docs" / "guide.md").read_text("utf-8")
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])


def source(*folders: str) -> Iterator[str]:
    """The text of each module in the folders."""
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*.py")):
            yield path.read_text("utf-8")


@cache
def names_of_tests() -> frozenset[str]:
    """The names of all test functions; those of the promises of storages stand in the package."""
    texts = source("tests", "fixtures", "workflow_runtime/testing")
    return frozenset(name for text in texts for name in re.findall(r"(?m)^\s*(?:async )?def (test_\w+)", text))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_test_that_a_page_names_is_there(page: Path) -> None:
    named = set(re.findall(r"`(test_\w+)`", page.read_text("utf-8")))

    assert sorted(named - names_of_tests()) == []


def test_every_page_can_be_found_from_the_readme() -> None:
    """By links, from page to page."""
    found: set[Path] = set()
    waiting = [ROOT / "README.md"]
    while waiting:
        page = waiting.pop()
        if page in found or page not in PAGES:
            continue
        found.add(page)
        links = re.findall(r"\]\(([^)#\s]+\.md)", page.read_text("utf-8"))
        waiting.extend((page.parent / link).resolve() for link in links if "://" not in link)

    assert [page.relative_to(ROOT).as_posix() for page in PAGES if page not in found] == []


def test_every_environment_variable_is_in_the_table() -> None:
    read = {name for text in source("workflow_runtime") for name in re.findall(r'"(WORKFLOW_[A-Z_]+)"', text)}
    table = GUIDE.partition("\n## Environment variables\n")[2]

    assert read
    assert read == set(re.findall(r"(?m)^\| `(\w+)` \|", table))


def test_the_symptoms_are_messages_that_we_give() -> None:
    sources = "\n".join(source("workflow_runtime", "workflow_build", "adapters"))
    table = GUIDE.partition("\n## Troubleshooting\n")[2].partition("\n## ")[0]
    symptoms = re.findall(r"(?m)^\| `([^`]+)` \|", table)
    pythons_own = {"No module named 'shop._workflow'", "coroutine 'step charge' was never awaited"}

    assert symptoms
    assert [said for said in symptoms if said not in pythons_own and said not in sources] == []


def test_every_name_that_is_imported_from_the_runtime_is_told_of() -> None:
    """Somewhere in the pages, by its name."""
    import workflow_runtime

    said = "\n".join(page.read_text("utf-8") for page in PAGES)

    assert [name for name in workflow_runtime.__all__ if not re.search(rf"\b{name}\b", said)] == []


def test_the_runtime_exports_each_name_once_and_in_order() -> None:
    import workflow_runtime
    from workflow_runtime import errors

    names = workflow_runtime.__all__
    kinds = [
        sorted(n for n in names if fits(n))
        for fits in (str.isupper, lambda n: n[0].isupper() and not n.isupper(), str.islower)
    ]

    assert names == [name for kind in kinds for name in kind]
    assert len(set(names)) == len(names)
    assert set(errors.__all__) <= set(names)
