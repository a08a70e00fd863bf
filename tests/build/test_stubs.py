"""Steps that are methods or nested become stubs on their own lines, however the file is laid out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

HEAD = "from dataclasses import dataclass\nfrom workflow_runtime import step, workflow\n"
TAIL = "def after(): raise ValueError\n@workflow\nasync def w(): return after, use\n"


def lines_of(source: str, text: str) -> list[tuple[str, str]]:
    """The lines that are not as they were and not blank: before and after."""
    pairs = zip(source.split("\n"), text.split("\n"), strict=False)
    return [(old.strip(), new.strip()) for old, new in pairs if new.strip() and old != new]


STUBS = {
    "two spaces": "@dataclass\nclass use:\n  x: int\n  @step\n  def f(self, a=1):\n    return 1\n  # c\n\n  y: int = 2\n",
    "tabs": "@dataclass\nclass use:\n\tx: int\n\t@staticmethod\n\t@step(\n\t\tmax_retries=1\n\t)\n\tdef f(a=1):\n\t\treturn 1\n\n\ty: int = 2\n",
    "directive": "@dataclass\nclass use:\n    x: int\n    def f(self):\n        'use step'\n\n        # c\n        return 1\n    y: int = 2\n",
    "directive, classmethod": "@dataclass\nclass use:\n    @classmethod\n    # c\n    def f(cls, a=1):\n        'use step'\n        return 1\n    y: int = 2\n",
    "one line": "@dataclass\nclass use:\n    @classmethod\n    @step\n    def f(cls, a=1): return 1\n    y: int = 2\n",
    "last in the class": "@dataclass\nclass use:\n    x: int\n    @step\n    async def f(self):\n\n        return 1\n    # tail\n",
    "nested, two spaces": "def use(x):\n  if x:\n    @step\n    def f(a=x):\n      return a, x\n    return f\n",
    "nested, one line": "def use(x):\n    @step\n    def f(a=x): return a, x\n    return f\n",
    "nested, directive": "def use(x):\n    def f(a=x):\n        'use step'\n        return a, x\n    return f\n",
    "nested, long defaults": "def use(x):\n    @step\n    def f(a=(x,\n        x), *, b=[\n      1]):\n        return a, x\n    return f\n",
    "nested, last": "def use(x):\n    for y in x:\n        @step\n        def f():\n            return y\n            # tail\n",
    "nested in a method": "class use:\n    def g(self):\n        @step\n        def f(a):\n            return a, self\n        return f\n",
    "beside each other": "class use:\n    @staticmethod\n    @step\n    def f(): ...\n    @staticmethod\n    @step\n    def g():\n        return 1\n",
}


@pytest.mark.parametrize("name", STUBS)
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_a_stub_stands_on_the_lines_of_its_step(build: Callable[..., Any], name: str, newline: str) -> None:
    source = HEAD + STUBS[name] + TAIL
    built = build({"m.py": source.replace("\n", newline).encode()})
    assert [finding.message for finding in built.diagnostics if finding.severity == "error"] == []
    text = built.texts()["m"]
    compile(text, "m.py", "exec", dont_inherit=True)
    ours = [new for _, new in lines_of(source, text) if "..." not in new and "__workflow_step__" not in new]
    assert [line for line in ours if not line.startswith("from ") and line != ")"] == []
    assert text.count("__workflow_step__") == len(built.functions.steps) > 0
    for kept in ("def after(): raise ValueError", "async def w(): return after, use", "y: int = 2", "return f"):
        assert [line.strip() for line in text.split("\n")].count(kept) == source.count(kept + "\n")
        for number, line in enumerate(source.split("\n")):
            assert line.strip() != kept or text.split("\n")[number].strip() == kept


def test_defaults_of_a_nested_step_stay_and_those_of_a_method_go(build: Callable[..., Any]) -> None:
    text = build({"m.py": HEAD + STUBS["nested, one line"] + TAIL}).texts()["m"]
    assert "def f(a=x): ..." in text
    text = build({"m.py": HEAD + STUBS["one line"] + TAIL}).texts()["m"]
    assert "def f(cls, a=...): ..." in text


def test_what_a_step_reads_is_not_reached_through_a_method_or_a_nested_step(build: Callable[..., Any]) -> None:
    source = (
        f"{HEAD}import requests\n@dataclass\nclass A:\n    x: int\n    @step\n    def f(self): return requests.get(self.x)\n"
        "@workflow\nasync def w(x):\n    @step\n    def g(): return requests.post(x)\n    return await A(1).f(), await g()\n"
    )
    built = build({"m.py": source})
    assert built.diagnostics == ()
    assert "requests" not in built.texts()["m"]


def test_what_the_default_of_a_nested_step_reads_is_reached(build: Callable[..., Any]) -> None:
    source = f"{HEAD}import requests\n@workflow\nasync def w(x):\n    @step\n    def g(a=requests.get(1)): ...\n    return await g()\n"
    assert "WB101" in build({"m.py": source}).codes
