"""The conformance suite is worth something only when it is run whole, and as it is."""

from __future__ import annotations

import ast
import inspect
import re
from pathlib import Path

import pytest

from workflow_runtime.testing.conformance import WorldConformance
from workflow_runtime.worlds.base import Delivery, World

PROMISES = {name for name, _ in inspect.getmembers(WorldConformance, inspect.isfunction) if name.startswith("test_")}
HERE = Path(__file__).parent


def subclasses() -> list[tuple[str, set[str]]]:
    """Each subclass of the suite in this folder, with the names that it defines."""
    found = []
    for path in sorted(HERE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.ClassDef) and "WorldConformance" in [ast.unparse(base) for base in node.bases]:
                names = {getattr(inner, "name", "") for inner in node.body}
                names |= {
                    target.id
                    for target in ast.walk(node)
                    if isinstance(target, ast.Name) and isinstance(target.ctx, ast.Store)
                }
                found.append((node.name, names))
    return found


def test_both_worlds_of_the_package_are_put_to_the_suite() -> None:
    assert {"TestMemoryWorld", "TestSqliteWorld"} <= {name for name, _ in subclasses()}


@pytest.mark.parametrize(("name", "defined"), subclasses(), ids=lambda value: value if isinstance(value, str) else "")
def test_no_subclass_overrides_a_promise(name: str, defined: set[str]) -> None:
    assert not {own for own in defined if own.startswith("test_")}, f"{name} must take the promises as they are"


def test_no_part_of_the_suite_hides_a_promise_of_another() -> None:
    parts = [vars(part) for part in WorldConformance.__mro__]
    for promise in PROMISES:
        assert sum(promise in part for part in parts) == 1, promise


@pytest.mark.parametrize("interface", [World, Delivery])
def test_every_method_of_the_interface_is_in_some_promise(interface: type) -> None:
    folder = Path(inspect.getfile(WorldConformance)).parent
    source = "".join(path.read_text("utf-8") for path in folder.glob("*.py"))
    methods = [
        name for name in vars(interface) if not name.startswith("_") and inspect.isfunction(getattr(interface, name))
    ]
    assert len(methods) > 2
    assert [name for name in methods if not re.search(rf"\.{name}\(", source)] == []


async def test_the_suite_asks_for_its_harness() -> None:
    with pytest.raises(NotImplementedError, match="override the fixture"):
        await anext(inspect.unwrap(WorldConformance.harness)(WorldConformance()))
