"""What a bundle's text is: the user's own lines on their own numbers, and nothing that is not reached."""

from __future__ import annotations
import __future__

import ast
import asyncio
import inspect
import random
import sys
import traceback
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from workflow_build.bundle import bundle
from workflow_build.cache.memory import Memory
from workflow_build.discover import discover
from workflow_build.errors import BuildError
from workflow_build.model import Config
from workflow_build.resolve import resolve
from workflow_build.scan import scan
from workflow_build.syntax.source import decode

HEAD = "from workflow_runtime import step, workflow\n"


@pytest.fixture
def cut(build: Callable[..., Any]) -> Callable[[str | bytes], str]:
    """The text of ``m.py`` in the bundle of its workflow."""

    def run(text: str | bytes) -> str:
        found: str = build({"m.py": text}).texts()["m"]
        compile(found, "m.py", "exec", dont_inherit=True)
        return found

    return run


def run_module(text: str, **names: object) -> dict[str, Any]:
    """Execute a bundle's module as the runtime does, steps being ``(id, stub)`` pairs."""
    flags = __future__.annotations.compiler_flag
    space: dict[str, Any] = {"__workflow_step__": lambda step: lambda stub: (step, stub), **names}
    exec(compile(text, "/project/m.py", "exec", flags=flags, dont_inherit=True), space)  # noqa: S102 - what is tested
    return space


def test_kept_lines_stand_where_they_stood_and_the_rest_is_blank(cut: Callable[..., str]) -> None:
    assert cut(
        '"""Doc."""\n# c\nfrom __future__ import annotations\n'
        "import json, heavy\nfrom workflow_runtime import (\n    step as s,\n    workflow,\n)\n"
        "__all__ = ['w']\n\n@s(\n    max_retries=3,\n)\n@other\n\n# c\nasync def charge(\n    card: str,\n"
        "    cents: int = heavy.call(\n        1,\n    ),\n    *,\n    key='k',\n) -> str:\n    '''Doc.'''\n\n    return heavy.x\n\n"
        "heavy.configure()\n# about w\n@workflow\nasync def w():\n    # kept\n    return json.dumps(await charge('x'))\n\n\nprint(1)\n"
    ) == (
        "\n\nfrom __future__ import annotations\n"
        "import json\n\n\n\n\n"
        '\n\n@__workflow_step__("step//m//charge")\n\n\n\n\n\nasync def charge(\n    card: str,\n'
        "    cents: int = (...\n\n),\n    *,\n    key=...,\n) -> str:\n    ...\n\n\n\n"
        "\n\n\nasync def w():\n    # kept\n    return json.dumps(await charge('x'))\n"
    )  # fmt: skip


@pytest.mark.parametrize(
    ("before", "kept"),
    [
        ("x = 1; y = 2\n", 'x = 1; ""\n'),
        ("y = 2; x = 1\n", '""; x = 1\n'),
        ("y = (1,\n 2); x = (3,\n 4)\n", '(""\n); x = (3,\n 4)\n'),
        ("x = 1; \\\n y = 2\n", 'x = 1; \\\n ""\n'),
        ("import json, re; x = 1; y = 2;\n", '""; x = 1; "";\n'),
        ("from json import (dumps,\n loads); x = dumps(1)\n", "from json import (dumps\n); x = dumps(1)\n"),
        ("from json import dumps, \\\n loads\nx = dumps(1)\n", "from json import (dumps\n)\nx = dumps(1)\n"),
        ("from json import dumps, loads # why\nx = dumps(1)\n", "from json import dumps # why\nx = dumps(1)\n"),
        ("from json import (\n  # c\n  dumps, # c\n\n  loads,\n)\nx = dumps(1)\n", "from json import (dumps\n\n\n\n\n)\nx = dumps(1)\n"),
        ("y = '''\n\n'''\nx = '''a\n\tb\n\x0c'''\n", "\n\n\nx = '''a\n\tb\n\x0c'''\n"),
        ("\x0c\nx = 1\n\x0c\n", "\nx = 1\n"),
        ("y = 'Zürich'\nx = 'höher'\n", "\nx = 'höher'\n"),
        ("if 1:\n\tx = 1\nelse:\n\tx = 2 # c\n", "if 1:\n\tx = 1\nelse:\n\tx = 2 # c\n"),
        ("if 1: y = 1; x = 2\n", "if 1: y = 1; x = 2\n"),
        ("class A:\n    z = 1\n    # c\n\n    # c\nx = A()\n", "class A:\n    z = 1\n\n\n\nx = A()\n"),
        ("x = 1\n\x0cfrom json import dumps, loads\ny = dumps(x)\n", "x = 1\n"),
        ("def y():\n    return 1\n    # tail\n\n# lone\nx = 1\n", "\n\n\n\n\nx = 1\n"),
    ],
)  # fmt: skip
def test_odd_layouts_keep_their_lines(cut: Callable[..., str], before: str, kept: str) -> None:
    workflow = "async def w(): return x\n"
    assert cut(HEAD + before + "@workflow\n" + workflow) == ("\n" + kept.rstrip("\n") + "\n" * (
        before.count("\n") - kept.rstrip("\n").count("\n") + 1
    ) + workflow)  # fmt: skip


@pytest.mark.parametrize(
    "step",
    [
        "@step\ndef s(a: int, b: str = 'x') -> int:\n    return 1\n",
        "@step\ndef s(a: int, b: str = 'x') -> int: return 1\n",
        "@step(\n)\n@other\ndef s(a: int, b: str = 'x') -> int:\n\n    return 1\n",
        "def s(a: int, b: str = 'x') -> int:\n    'use step'\n",
        "def s(a: int, b: str = 'x') -> int:\n    # c\n\n    'use step'; return 1\n    # c\n",
        "@other\ndef s(a: int, b: str = 'x') -> int:\n    'use step'\n    return 1\n",
        "if True:\n    def s(a: int, b: str = 'x') -> int:\n        'use step'\n        # c\n\n    # c\n",
        "if True:\n    def s(a: int, b: str = 'x') -> int:\n        'use step'\n        # c\n\n    # c\n    y = 1\n# c\n",
        "if True:\n    @step\n    def s(a: int, b: str = 'x') -> int:\n\n        return 1\nelse:\n    s = None\n",
        "if True:\n    def s(a: int, b: str = 'x') -> int:\n        'use step'\n        return 1\n    y = 1\n",
        "try:\n\n    @step\n    def s(a: int, b: str = 'x') -> int: return 1\nexcept E:\n    def t(): ...\n",
        "\n@step  # why\n\n\n# c\ndef s(\n    a: int, # c\n    b: str = '''\nx''',\n) -> int:\n    return 1\n",
    ],
)
def test_a_step_becomes_a_stub_on_its_own_lines(cut: Callable[..., str], step: str) -> None:
    tail = "def after(): raise ValueError\n@workflow\nasync def w(): return s, after\n"
    source = HEAD + step + tail
    text = cut(source)
    assert (
        text.split("\n")[source.split("\n").index("def after(): raise ValueError")] == "def after(): raise ValueError"
    )
    assert (
        text.split("\n")[source.split("\n").index("async def w(): return s, after")] == "async def w(): return s, after"
    )
    marked, stub = run_module(text)["s"]
    assert marked == "step//m//s"
    assert stub.__annotations__ == {"a": "int", "b": "str", "return": "int"}
    assert stub.__defaults__ == (...,)
    assert stub(1) in (None, ...)
    assert "return 1" not in text


def test_parameters_of_every_kind_stay(cut: Callable[..., str]) -> None:
    text = cut(HEAD + "@step\nasync def s(a, /, b=1, *c, d, e=f(2), **g): ...\n@workflow\nasync def w(): return s\n")
    assert "async def s(a, /, b=..., *c, d, e=..., **g): ..." in text


@pytest.mark.parametrize("newline", ["\r\n", "\r"])
def test_every_newline_is_one_newline_character(cut: Callable[..., str], newline: str) -> None:
    source = (
        HEAD
        + "import heavy, json\nx = '''a\nb'''\n@step\ndef s(a):\n    return 1\n@workflow\nasync def w(): return s, x\n"
    )
    assert cut(source.replace("\n", newline).encode()) == cut(source)


def test_a_file_without_a_last_newline_is_cut_like_one_with(cut: Callable[..., str]) -> None:
    source = HEAD + "@workflow\nasync def w(): return 1"
    assert cut(source) == cut(source + "\n") == "\n\nasync def w(): return 1\n"


def test_a_declared_encoding_is_followed(cut: Callable[..., str]) -> None:
    source = "# coding: latin-1\n" + HEAD + "x = 'é'\n@workflow\nasync def w(): return x\n"
    assert cut(source.encode("latin-1")) == "\n\nx = 'é'\n\nasync def w(): return x\n"


def test_a_traceback_from_workflow_code_names_the_users_lines(cut: Callable[..., str]) -> None:
    source = (
        "import heavy\n"
        + HEAD
        + "\n\n\ndef unused():\n    ...\n\ndef deep(x):\n    '''doc\n    more'''\n    return (\n        1 +\n"
        "        x.missing\n    )\n\n@step(\n    max_retries=1\n)\ndef s():\n    heavy.x\n\n@workflow\nasync def w():\n    y = 1\n    return deep(y)\n"
    )
    space = run_module(cut(source))
    with pytest.raises(AttributeError) as caught:
        asyncio.run(space["w"]())
    frames = [(f.name, f.lineno, f.filename) for f in traceback.extract_tb(caught.value.__traceback__)][-2:]
    lines = source.split("\n")
    assert [(name, lines[(line or 0) - 1].strip()) for name, line, _ in frames] == [
        ("w", "return deep(y)"),
        ("deep", "x.missing"),
    ]
    assert {filename for *_, filename in frames} == {"/project/m.py"}


@pytest.mark.parametrize("seed", range(5))
def test_our_own_modules_cut_at_random_keep_every_line(build: Callable[..., Any], seed: int) -> None:
    rng = random.Random(seed)
    root = Path(__file__).parent.parent.parent / "workflow_build"
    files: dict[str, str | bytes] = {}
    for path in rng.sample(sorted(root.rglob("*.py")), 6):
        text = path.read_text("utf-8")
        names = [node.name for node in ast.parse(text).body if isinstance(node, ast.FunctionDef | ast.ClassDef)]
        chosen = rng.sample(names, min(3, len(names)))
        module = path.stem if path.stem != "__init__" else "init"
        body = f"\nfrom workflow_runtime import workflow\n@workflow\nasync def w_{module}(): return {', '.join(chosen) or '1'}\n"
        files[f"{module}.py"] = text + body
    built = build(files)
    for workflow in built.bundles.workflows:
        for module in workflow.bundle.modules:
            tree = ast.parse(module.source)
            original = decode(files[module.path].encode()).split("\n")  # type: ignore[union-attr]
            for node in tree.body:
                if not isinstance(node, ast.Import | ast.ImportFrom):
                    for number in range(node.lineno, (node.end_lineno or 0) + 1):
                        assert module.source.split("\n")[number - 1] == original[number - 1]


def test_equal_input_gives_equal_bundles_in_any_order(project: Callable[..., Config]) -> None:
    files = {f"m{n}.py": f"{HEAD}from m{(n + 1) % 5} import f{(n + 1) % 5}\nimport os, json\ndef f{n}(): json.x\n@step\ndef s(): ...\n@workflow\nasync def w(): f{(n + 1) % 5}(), s()\n" for n in range(5)}  # fmt: skip
    config = project(files)
    sources = scan(config)
    shuffled = list(sources.files)
    random.Random(1).shuffle(shuffled)
    inputs = (sources, replace(sources, files=tuple(shuffled)))
    results = [bundle(given, resolve(given, discover(given), config), config) for given in inputs]
    assert results[0] == results[1]
    assert len({workflow.bundle.hash for workflow in results[0].workflows}) == 5


def test_what_is_not_reached_does_not_change_the_hash(build: Callable[..., Any]) -> None:
    source = HEAD + "x = 1\n@step\ndef s(): return {}\n@workflow\nasync def w(): return x, s\n"
    hashes = [
        build({"m.py": source.format(body), "n.py": other}).bundles.workflows[0].bundle.hash
        for body, other in (("1", ""), ("2", "y = 1"))
    ]
    assert hashes[0] == hashes[1]


@pytest.mark.parametrize("indent", ["  ", "\t", "        "])
def test_code_is_rewritten_in_its_own_indentation(cut: Callable[..., str], indent: str) -> None:
    step = f"if True:\n{indent}@step\n{indent}def s():\n{indent}{indent}return 1\n"
    workflow = f"@workflow\nasync def w():\n{indent}return await s()\n"

    assert f"{indent}def s():\n{indent}{indent}...\n" in cut(HEAD + step + workflow)


def test_lines_that_libcst_would_lose_are_kept(cut: Callable[..., str]) -> None:
    assert (
        cut("\\\nx = 1\n" + HEAD + "@workflow\nasync def w(): return x\n") == "\nx = 1\n\n\nasync def w(): return x\n"
    )


@pytest.mark.parametrize("odd", ["if 1:\n  \\\n  @step\n  def x(): ...\n", "@step\n\\\ndef x(): ...\n"])
def test_code_that_can_not_be_rewritten_is_an_error_that_names_the_file(build: Callable[..., Any], odd: str) -> None:
    with pytest.raises(BuildError, match=r"m\.py can not be rewritten"):
        build({"m.py": HEAD + odd + "@workflow\nasync def w(): return x\n"})


def test_running_out_of_stack_is_an_error_that_names_the_file(build: Callable[..., Any], tmp_path: Path) -> None:
    built = build(
        {"m.py": HEAD + "@step\ndef x(a=" + "[" * 90 + "]" * 90 + "): ...\n@workflow\nasync def w(): return x\n"}
    )
    config = Config(tmp_path, (tmp_path,), tmp_path / "out", ())
    sources = replace(built.sources, memory=Memory())

    def deeper(frames: int) -> object:
        return deeper(frames - 1) if frames else bundle(sources, built.program, config)

    used = len(inspect.stack())
    with pytest.raises(BuildError, match=r"m\.py can not be rewritten: it is nested too deeply"):
        deeper(sys.getrecursionlimit() - used - 180)


STATELESS: Mapping[str, str] = {
    "constants": "A = 1\nB = -A\nC = ('x', b'y', None, True, 1.5 + 2j)\n",
    "alias": "import json\nA = json.dumps\nB = list[int] | None\n",
    "function": "def f(a, b=1, *, c='x'):\n    d = {}\n    d['x'] = a\n    return [d]\n",
    "class": "class A:\n    x: int = 1\n    def __init__(self):\n        self.y = []\n        self.y.append(1)\n",
    "dataclass": "from dataclasses import dataclass, field\n@dataclass(frozen=True)\nclass A:\n    x: int\n    y: list[int] = field(default_factory=list)\n",
    "pydantic": "from pydantic import BaseModel, Field, field_validator\nclass A(BaseModel):\n    x: list[int] = []\n    y: int = Field(gt=0)\n"
    "    @field_validator('y')\n    @classmethod\n    def check(cls, y): return y\nA.model_rebuild()\n",
    "enum": "import enum\nclass A(enum.StrEnum):\n    X = 'x'\n    Y = enum.auto()\n",
    "typing": "from typing import NewType, TypeVar\nA = NewType('A', str)\nT = TypeVar('T', bound=int)\n",
    "regex": "import re\nA = re.compile('x')\n",
    "error": "class A(Exception):\n    'Doc.'\n",
}
STATEFUL: Mapping[str, str] = {
    "dict": "A = {}\n",
    "list": "A = [1]\n",
    "tuple of lists": "A = ([],)\n",
    "call": "import itertools\nA = itertools.count()\n",
    "own call": "class B: ...\nA = B()\n",
    "global": "A = 1\ndef f():\n    global A\n    A = 2\n",
    "cache": "import functools\n@functools.lru_cache\ndef A(): ...\n",
    "renamed cache": "from functools import cache as c\ndef A(f): return c(f)\n",
    "default": "def A(x=[]): ...\n",
    "nested default": "class A:\n    def f(self, x={}): ...\n",
    "class attribute": "class A:\n    x = []\n",
    "assigned class attribute": "class A:\n    x = 1\n    def f(self): A.x = 2\n",
    "assigned through cls": "class A:\n    @classmethod\n    def f(cls): cls.x = 2\n",
    "assigned through type": "class A:\n    def f(self): type(self).x = 2\n",
    "assigned through __class__": "class A:\n    def f(self): self.__class__.x = 2\n",
    "setattr": "class A: ...\ndef f(): setattr(A, 'x', 1)\nB = f\n",
    "function attribute": "def A(): A.count = 1\n",
    "if": "if True:\n    A = 1\n",
    "singleton": "class A:\n    def __new__(cls):\n        cls.one = 1\n",
    "own decorator": "def d(f): return f\n@d\ndef A(): ...\n",
    "shadowed decorator": "def property(f): return f\nclass A:\n    @property\n    def x(self): ...\n",
    "star": "from math import *\nA = pi\n",
    "metaclass": "class M(type): ...\nclass A(metaclass=M()): ...\n",
    "loop in class": "class A:\n    for x in (1,): pass\n",
}


@pytest.mark.parametrize("name", STATELESS)
def test_modules_that_hold_nothing_that_changes_are_shared(build: Callable[..., Any], name: str) -> None:
    assert _is_stateless(build, STATELESS[name])


@pytest.mark.parametrize("name", STATEFUL)
def test_modules_that_may_hold_state_are_not_shared(build: Callable[..., Any], name: str) -> None:
    assert not _is_stateless(build, STATEFUL[name])


def _is_stateless(build: Callable[..., Any], text: str) -> bool:
    names = sorted({node.id for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Name)})
    defined = [node.name for node in ast.parse(text).body if isinstance(node, ast.FunctionDef | ast.ClassDef)]
    used = [name for name in (*names, *defined) if (name[0].isupper() and len(name) == 1) or name in ("f", "d")]
    built = build(
        {
            "n.py": text,
            "m.py": f"{HEAD}import n\n@workflow\nasync def w(): return {', '.join(f'n.{u}' for u in used)}\n",
        }
    )
    (workflow,) = built.bundles.workflows
    stateless: bool = workflow.bundle.stateless
    return stateless
