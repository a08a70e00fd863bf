"""Where a marked function may stand, and what it is called there; ``docs/what-is-found.md`` is the table of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from workflow_build.discover import discover
from workflow_build.model import Binding, Config, Functions
from workflow_build.scan import scan

HEAD = "from workflow_runtime import step, workflow\n"
W = "import workflow_runtime as w\n"
DATA = "from dataclasses import dataclass\n@dataclass\n"
CALLED = "@workflow\nasync def w(): ...\n"


@pytest.fixture
def find(project: Callable[..., Config]) -> Callable[[str], Functions]:
    """Discover in one text as ``m.py``."""
    return lambda text: discover(scan(project({"m.py": text})))


@pytest.mark.parametrize(
    ("text", "qualname", "binding"),
    [
        ("class F:\n    @staticmethod\n    @step\n    def f(): ...\n", "F.f", Binding.STATIC),
        ('class F:\n    @staticmethod\n    def f():\n        "use step"\n', "F.f", Binding.STATIC),
        ("class F:\n    @classmethod\n    @step\n    def f(cls): ...\n", "F.f", Binding.CLASS),
        ("class F:\n    @step\n    def f(self): ...\n", "F.f", Binding.INSTANCE),
        ('class F:\n    def f(self):\n        "use step"\n', "F.f", Binding.INSTANCE),
        ("class F:\n    class G:\n        @step\n        def f(self): ...\n", "F.G.f", Binding.INSTANCE),
        ("if True:\n    class F:\n        @step\n        def f(self): ...\n", "F.f", Binding.INSTANCE),
        ("class F:\n    if True:\n        @step\n        def f(self): ...\n", "F.f", Binding.INSTANCE),
        ("def outer():\n    @step\n    def f(): ...\n", "outer.<locals>.f", Binding.NESTED),
        ("def outer():\n    with x:\n        @step\n        def f(): ...\n", "outer.<locals>.f", Binding.NESTED),
        ("def outer():\n    @step(max_retries=2)\n    def f(): ...\n", "outer.<locals>.f", Binding.NESTED),
        ("class F:\n    def g(self):\n        @step\n        def f(): ...\n", "F.g.<locals>.f", Binding.NESTED),
        ("def a():\n    def b():\n        @step\n        def f(): ...\n", "a.<locals>.b.<locals>.f", Binding.NESTED),
        (
            "def a():\n    from workflow_runtime import step as s\n    @s\n    def f(): ...\n",
            "a.<locals>.f",
            Binding.NESTED,
        ),
    ],
)
def test_a_step_is_found_where_it_stands(
    find: Callable[[str], Functions], text: str, qualname: str, binding: Binding
) -> None:
    found = find(HEAD + text)
    assert found.diagnostics == ()
    assert [(function.id, function.binding) for function in found.functions] == [(f"step//m//{qualname}", binding)]


def test_a_workflow_may_be_a_static_method(find: Callable[[str], Functions]) -> None:
    found = find(HEAD + "class F:\n    @staticmethod\n    @workflow\n    async def f(): ...\n")
    assert [function.id for function in found.functions] == ["workflow//m//F.f"]


@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        ("class F:\n    @workflow\n    async def f(self): ...\n", "WB106", "method F.f"),
        ("class F:\n    @classmethod\n    @workflow\n    async def f(cls): ...\n", "WB106", "method F.f"),
        ("class F:\n    @workflow\n    @staticmethod\n    async def f(): ...\n", "WB107", "put @staticmethod first"),
        ("class F:\n    @step\n    @classmethod\n    def f(cls): ...\n", "WB107", "put @classmethod first"),
        ("class F:\n    @property\n    @step\n    def f(self): ...\n", "WB106", "method F.f"),
        ("class F:\n    @staticmethod\n    @step\n    def __f(): ...\n", "WB107", "private"),
        ("def outer():\n    @workflow\n    async def f(): ...\n", "WB106", "nested function outer.<locals>.f"),
        ("def outer():\n    class F:\n        @step\n        def f(self): ...\n", "WB106", "method outer.<locals>.F.f"),
        ("def outer():\n    @step\n    @other\n    def f(): ...\n", "WB107", "another decorator: @other"),
        ("def outer(n):\n    @step(max_retries=n)\n    def f(): ...\n", "WB107", "max_retries: the arguments of a nested"),
        ("def outer(n):\n    @step(**n)\n    def f(): ...\n", "WB107", "**: the arguments"),
        ("def outer(n):\n    @step(**{'a': 1})\n    def f(): ...\n", "WB107", "**: the arguments"),
        ("def outer(n):\n    @step(timeout=n, retry=n)\n    def f(): ...\n", "WB107", "timeout, retry: the arg"),
        ("from workflow_runtime import constant\ndef outer(n):\n    @step(retry=constant(n))\n    def f(): ...\n", "WB107", "retry: the arguments"),
        ("from workflow_runtime import constant\ndef outer(constant):\n    @step(retry=constant(5))\n    def f(): ...\n", "WB107", "retry: the"),
        (W + "class Mine(Exception): ...\ndef outer():\n    @step(retry={Mine: w.NO_RETRY})\n    def f(): ...\n", "WB107", "retry:"),
        (W + "def outer(OSError):\n    @step(retry={OSError: w.NO_RETRY})\n    def f(): ...\n", "WB107", "retry: the"),
        (W + "def outer(m):\n    @step(retry={OSError: w.NO_RETRY, **m})\n    def f(): ...\n", "WB107", "retry: the"),
        ("s = step(max_retries=2)\ndef outer():\n    @s\n    def f(): ...\n", "WB107", "alias that holds arguments"),
        ("def outer():\n    if 1:\n        @step\n        def f(): ...\n    else:\n        def f(): ...\n", "WB107", "once"),
        ("def outer():\n    n = 1\n    @step\n    def f():\n        nonlocal n\n        n = 2\n", "WB107", "assigns to n"),
        ("def outer():\n    import json\n    @step\n    def f(): return json\n", "WB107", "the import json"),
        ("def outer():\n    def g(): ...\n    @step\n    def f(): return g\n", "WB107", "captures g"),
        ("def outer():\n    @step\n    def f(): return f\n", "WB107", "captures f"),
        ("class F:\n    def g(self):\n        @step\n        def f(): return super()\n", "WB107", "super()"),
        ("def outer():\n    @step\n    def f():\n        yield 1\n", "WB104", "generator"),
        ("from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    @step\n    def f(): ...\n", "WB107", "type checkers"),
        ("if __name__ == '__main__':\n    @step\n    def f(): ...\n", "WB107", "scripts"),
    ],
)  # fmt: skip
def test_what_can_not_be_found_again_is_refused_by_name(
    find: Callable[[str], Functions], text: str, code: str, words: str
) -> None:
    found = find(HEAD + text)
    assert [function.id for function in found.functions if function.id.endswith("f")] == []
    (finding,) = found.diagnostics
    assert finding.code == code
    assert words in f"{finding.message}; {finding.hint}"


@pytest.mark.parametrize(
    "text",
    [
        "d = functools.partial(step, max_retries=3)\n",
        "@functools.partial(step, max_retries=3)\ndef f(): ...\n",
        "def durable(f): return step(max_retries=5)(f)\n@durable\ndef f(): ...\n",
        "def g(): ...\nf = step(max_retries=3)(g)\n",
        "marks = [step]\n@marks[0]\ndef f(): ...\n",
        "a, b = step, 1\n@a\ndef f(): ...\n",
        "@(step if x else None)\ndef f(): ...\n",
        "@(durable := step)\ndef f(): ...\n",
        "if x:\n    durable = step\n@durable\ndef f(): ...\n",
        "def outer(mark=step):\n    @mark\n    def f(): ...\n",
    ],
)
def test_a_marker_that_is_used_in_a_way_that_can_not_be_followed_is_said(
    find: Callable[[str], Functions], text: str
) -> None:
    (finding,) = find(f"import functools\n{HEAD}{text}").diagnostics
    assert (finding.code, "can not be followed" in finding.message) == ("WB107", True)


@pytest.mark.parametrize(
    "again",
    [
        "f = 3\n",
        "def f(): ...\n",
        "del f\n",
        "f = print(f)\n",
        "class f: ...\n",
        "from x import f\n",
        "if x:\n    f = 1\n",
        "for f in (): ...\n",
    ],
)
def test_a_function_whose_name_is_bound_again_is_refused(find: Callable[[str], Functions], again: str) -> None:
    found = find(f"{HEAD}@step\ndef f(): ...\n{again}")
    assert found.functions == ()
    (finding,) = found.diagnostics
    assert (finding.code, "f: its name is bound again in line 4" in finding.message) == ("WB107", True)


@pytest.mark.parametrize(
    "more",
    [
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    def f(): ...\n",
        "f.x = 1\n",
        "def g():\n    f = 1\n",
        "class F:\n    f = 1\n",
        "x = [f for f in ()]\n",
    ],
)
def test_a_name_that_stays_what_it_is_is_none(find: Callable[[str], Functions], more: str) -> None:
    assert find(f"{HEAD}f = 1\n@overload\ndef f(): ...\n@step\ndef f(): ...\n{more}").diagnostics == ()


def test_a_second_directive_is_said_to_mark_nothing(find: Callable[[str], Functions]) -> None:
    (finding,) = find("def f():\n    'use step'\n    'use workflow'\n").diagnostics
    assert "a directive after another one marks nothing" in finding.message


def test_a_module_that_is_named_by_a_keyword_is_refused(project: Callable[..., Config]) -> None:
    files = {"class/__init__.py": "", "class/m.py": f"{HEAD}@step\ndef f(): ...\n"}
    (finding,) = discover(scan(project(files))).diagnostics
    assert (finding.code, "can not be imported" in finding.message) == ("WB106", True)


@pytest.mark.parametrize(
    "text",
    [
        "x = [step for step in range(3)]\n",
        "f = lambda step: step\n",
        "def f(step): return step, [step]\n",
        "def f(): return step.__doc__\n",
        "def f(x): return x is step\n",
        "class F:\n    step: int = 1\n    def f(self): return self.step\n",
        "__all__ = ['step']\n",
        "durable: object = step(max_retries=2)\n@durable\ndef f(): ...\n",
    ],
)
def test_a_name_that_marks_nothing_is_left_alone(find: Callable[[str], Functions], text: str) -> None:
    assert find(HEAD + text).diagnostics == ()


@pytest.mark.parametrize(
    ("text", "captured"),
    [
        ("def outer(a, b):\n    c = 1\n    @step\n    def f(x): return a + c + x + len(G)\n", ("a", "c")),
        ("def outer(a):\n    def mid(b):\n        @step\n        def f(): return a, b\n", ("a", "b")),
        ("def outer(a):\n    @step\n    def f(): return [b for b in a]\n", ("a",)),
        ("def outer(a):\n    @step\n    def f():\n        a = 2\n        return a\n", ()),
        ("def outer(a):\n    @step\n    def f(x=a) -> a: ...\n", ()),
        ("def outer(a):\n    @step\n    def f():\n        def g(): return a\n        return g()\n", ("a",)),
        ("class F:\n    x = 1\n    def g(self):\n        @step\n        def f(): return self, x\n", ("self",)),
    ],
)
def test_what_a_nested_step_captures_is_known(
    find: Callable[[str], Functions], text: str, captured: tuple[str, ...]
) -> None:
    (function,) = find(HEAD + text).functions
    assert function.captured == captured


@pytest.mark.parametrize(
    "text",
    [
        "if x:\n    @step\n    def f(): ...\nelse:\n    @step\n    def f(): ...\n",
        "if x:\n    @step\n    def f(): ...\nelif y:\n    @step\n    def f(): ...\nelse:\n    @step\n    def f(): ...\n",
        "try:\n    @step\n    def f(): ...\nexcept E:\n    @step\n    def f(): ...\n",
        "match x:\n    case 1:\n        @step\n        def f(): ...\n    case _:\n        @step\n        def f(): ...\n",
        "with x:\n    if y:\n        @step\n        def f(): ...\n    else:\n        @step\n        def f(): ...\n",
    ],
)
def test_a_definition_in_each_branch_is_one_step(find: Callable[[str], Functions], text: str) -> None:
    found = find(HEAD + text)
    assert found.diagnostics == ()
    assert [function.id for function in found.functions] == ["step//m//f"]
    (function,) = found.functions
    assert [line for line, code in enumerate((HEAD + text).split("\n"), 1) if "def f" in code] == list(function.lines)


@pytest.mark.parametrize(
    "text",
    [
        "if x:\n    @step\n    def f(): ...\n    @step\n    def f(): ...\n",
        "if x:\n    @step\n    def f(): ...\n@step\ndef f(): ...\n",
        "try:\n    @step\n    def f(): ...\nfinally:\n    @step\n    def f(): ...\n",
        "if x:\n    @step\n    def f(): ...\nif not x:\n    @step\n    def f(): ...\n",
    ],
)
def test_two_definitions_that_may_both_run_are_two_functions_with_one_id(
    find: Callable[[str], Functions], text: str
) -> None:
    assert [finding.code for finding in find(HEAD + text).diagnostics] == ["WB105"]


FIT = {
    "dataclass": DATA + "class F:\n",
    "dataclass, renamed": "import dataclasses as d\n@d.dataclass(frozen=True)\nclass F:\n",
    "pydantic": "from pydantic import BaseModel\nclass F(BaseModel):\n",
    "enum": "import enum\nclass F(enum.Enum):\n    A = 1\n",
    "named tuple": "from typing import NamedTuple\nclass F(NamedTuple):\n    a: int\n",
    "attrs": "from attrs import define\n@define\nclass F:\n",
    "msgspec": "import msgspec\nclass F(msgspec.Struct):\n",
    "subclass": DATA + "class G: ...\nclass F(G):\n",
    "generic": "from typing import Generic, TypeVar\nfrom pydantic import BaseModel\nT = TypeVar('T')\nclass F(BaseModel, Generic[T]):\n",
    "inner": DATA
    + "class G:\n    a: int\n    @dataclass\n    class F:\n        b: int\n        @step\n        def f(self): ...\nclass F(G):\n",
}
UNFIT = {
    "plain": "class F:\n",
    "object": "class F(object):\n",
    "protocol": "from typing import Protocol\nclass F(Protocol):\n",
    "abc": "from abc import ABC\nclass F(ABC):\n",
    "plain subclass": "class G: ...\nclass F(G):\n",
    "error": "class F(ValueError):\n",
    "itself": "class F(F):\n",
    "metaclass": DATA + "class F(metaclass=M):\n",
}  # fmt: skip


@pytest.mark.parametrize("name", FIT)
def test_a_method_of_a_class_made_of_fields_can_be_a_step(build: Callable[..., Any], name: str) -> None:
    built = build({"m.py": f"{HEAD}{FIT[name]}    @step\n    def f(self): ...\n{CALLED}"})
    assert set(built.codes) <= {"WB111"}


@pytest.mark.parametrize("name", UNFIT)
def test_a_method_of_any_other_class_is_refused_by_name(build: Callable[..., Any], name: str) -> None:
    built = build({"m.py": f"{HEAD}class M(type): ...\n{UNFIT[name]}    @step\n    def f(self): ...\n{CALLED}"})
    (finding,) = [finding for finding in built.diagnostics if finding.code != "WB111"]
    assert finding.code == "WB106"
    assert "method F.f, whose class F " in finding.message


def test_a_base_in_another_module_is_followed(build: Callable[..., Any]) -> None:
    files = {
        "base.py": "from pydantic import BaseModel as Model\n",
        "other.py": "from base import Model\nclass Base(Model): ...\n",
        "m.py": f"{HEAD}import other\nclass F(other.Base):\n    @step\n    def f(self): ...\n{CALLED}",
    }
    assert set(build(files).codes) <= {"WB111"}
