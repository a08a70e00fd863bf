"""What is rewritten as text comes out as libcst would have it, or is left to libcst."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from workflow_build.cut.plain import plain_function, plain_import
from workflow_build.cut.statement import rewritten_statement
from workflow_build.model import Function, FunctionKind, KeptStatement, Location


def both(
    text: str, names: tuple[str, ...] | None = None, *, is_stub: bool = False
) -> tuple[list[str] | None, list[str]]:
    """The statement rewritten as text, and by libcst: an import with these names, or else a step, or the signature of a workflow."""
    (node,) = ast.parse(text).body
    lines = text.split("\n")[: node.end_lineno]
    if isinstance(node, ast.Import | ast.ImportFrom):
        kept = KeptStatement(0, names)
        return plain_import(node, names or (), lines), [*rewritten_statement(lines, 1, {0: kept}, [])]
    assert isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    kind = FunctionKind.WORKFLOW if is_stub else FunctionKind.STEP
    mark = Function(kind, "shop.pay", node.name, Location("shop/pay.py", node.lineno), True, ())
    inner = [None for part in ast.walk(node) if isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef)][1:]
    kept = KeptStatement(0, None, is_stub)
    return plain_function(node, mark, lines, is_stub=is_stub), [
        *rewritten_statement(lines, 1, {0: kept}, [mark, *inner])
    ]


@pytest.mark.parametrize(
    "text",
    [
        "@step\nasync def charge(card: str, total: Decimal = Decimal(0)) -> str:\n    return card\n",
        "@step(max_retries=5)  # often\n@other\ndef charge(\n    card: str,\n    *,\n    total=(1, 2),\n) -> str:\n    return card\n",
        '@step(\n    max_retries=5,\n)\ndef charge(card, /, *cards, **more):\n    """Money."""\n    # soon\n    return card\n',
        'async def charge(card="a"):\n    "use step"\n    return card\n\n\n',
        'def charge() -> dict[str, int]:\n\t"use step"\n\tdef inner(): ...\n\n\treturn 1\n',
    ],
)
def test_steps_of_the_usual_form_need_no_second_parser(text: str) -> None:
    plain, rewritten = both(text)

    assert plain == rewritten


def test_nor_do_signatures_of_workflows() -> None:
    plain, rewritten = both(
        "@workflow\nasync def pay(card: str = 'a', *, tip=None) -> str:\n  return await f(card)\n", is_stub=True
    )

    assert plain == rewritten == ["", "async def pay(card: str = ..., *, tip=...) -> str:", "  ..."]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("import a, b.c, d as e", ("b", "e")),
        ("from a import b, c as d, e", ("d",)),
        ("from a import b, c as d, e  # why", ("b", "e")),
        ("from . import b, c", ("c",)),
        ("from ..a.b import c, d", ("c", "d")),
        ("from a import (\n    b,\n    c as d,\n    e,\n)", ("b", "d")),
        ("from a import (\n    b, c,\n    e\n)", ("e",)),
        ("from a import (\n    b,\n    c,\n)", ("b", "c")),
    ],
)
def test_nor_do_imports(text: str, names: tuple[str, ...]) -> None:
    plain, rewritten = both(text, names)

    assert plain == rewritten


DECORATORS = st.lists(
    st.sampled_from(
        ["@step\n", "@step  # why\n", "# above\n", "@step(\n    a=1,  # one\n)\n", "\n", "@ step\n", "@a.b(c)(d)\n"]
    ),
    max_size=3,
)
HEADS = st.sampled_from(["def", "async def", "async  def", "def\t"])
DEFAULTS = [
    "",
    "=1",
    " = 1",
    ": int=1",
    ": int = (1)",
    "=(1, 2)",
    "=-x",
    "=(yes and no)",
    "='#'",
    "='é'",
    "=lambda: 1",
    "=[i for i in x]",
    "=(i for i in x)",
    "=\n 1",
    "= f(\n)",
    ": 'a\\nb'",
    ": dict[str:\n  int]",
    "=x[1:]",
]
PARAMETERS = st.lists(st.sampled_from(DEFAULTS), max_size=4)
BETWEEN = st.sampled_from([", ", ",", " ,", ",\n    ", ",  # and\n    ", ",\n\n  ", ",\f "])
ENDS = st.sampled_from(
    [
        "):",
        ") -> int:",
        ",):",
        "\n):",
        ")->'a:' :",
        ") :",
        "):  # well",
        "): ",
        ") -> dict[\n  str, int]:",
        ") -> x[1:\n 2]:",
        ") \\\n :",
    ]
)
BODIES = st.sampled_from(
    [
        "\n    return 1\n",
        '\n    """Text:\n\n    more."""\n',
        "\n  x = 1\n  # last\n",
        "\n\tpass\n",
        "\n\n    pass\n",
        "\n    # first\n    pass\n",
        "\n    @a\n    def b():\n      pass\n    return 1\n",
        " return 1\n",
        " x = {1:\n 2}\n",
        "\n    x = 1; y = 2\n",
        "\n \t pass\n",
        "\n\f    pass\n",
        "\n    if x:\n     pass\n",
        "\n\n\n    pass\n\n\n",
    ]
)


@st.composite
def functions(draw: st.DrawFn) -> str:
    """A function in an odd layout, which may be no Python."""
    parameters = [f"p{number}{default}" for number, default in enumerate(draw(PARAMETERS))]
    between = draw(BETWEEN)
    star = draw(st.sampled_from(["", "*, ", "*args, ", "q, /, "])) if parameters else ""
    text = f"{draw(HEADS)} charge({star}{between.join(parameters)}{draw(ENDS)}{draw(BODIES)}"
    return "".join(draw(DECORATORS)).lstrip("\n") + text


@settings(max_examples=600, deadline=None)
@given(text=functions(), is_stub=st.booleans())
@example(text="def charge(p: dict[str:\n  int]): return p\n", is_stub=False)
@example(text="def charge(p):  # so:\n    return p\n", is_stub=False)
def test_whatever_the_layout_of_a_function_the_text_is_that_of_libcst(text: str, is_stub: bool) -> None:
    try:
        ast.parse(text)
        if text.startswith("#"):
            return  # comments above are no part of the statement
        plain, rewritten = both(text, is_stub=is_stub)
    except (SyntaxError, ValueError):
        return

    assert plain is None or plain == rewritten


NAMES = st.lists(st.sampled_from(["a", "b", "c as d", "e  as f", "g"]), min_size=1, max_size=4, unique=True)
SPACES = st.sampled_from([", ", ",", " , ", ",\n    ", ", # and\n  ", ",\n\n", ", \\\n "])


@settings(max_examples=400, deadline=None)
@given(
    st.sampled_from(
        ["from x import ", "from  x import ", "from .x import", "from . import ", "import ", "from x import\t"]
    ),
    st.sampled_from(
        [
            ("", ""),
            ("(", ")"),
            ("(\n    ", "\n)"),
            ("(\n    ", ",\n)"),
            ("( ", " )"),
            ("(\n  # first\n  ", ",  # last\n)"),
        ]
    ),
    NAMES,
    SPACES,
    st.sampled_from(["", " ", "  # why", "\t#", ";"]),
    st.integers(1, 15),
)
def test_whatever_the_layout_of_an_import_the_text_is_that_of_libcst(
    head: str, around: tuple[str, str], names: list[str], space: str, end: str, chosen: int
) -> None:
    text = f"{head}{around[0]}{space.join(names)}{around[1]}{end}"
    bound = tuple(name.split()[-1] for number, name in enumerate(names) if chosen >> number & 1)
    try:
        plain, rewritten = both(text, bound) if bound else (None, [])
    except (SyntaxError, ValueError):
        return

    assert plain is None or plain == rewritten


SHOP = """
from workflow_runtime import (
    step,
    workflow,
)


@step(max_retries=2)
async def charge(card: str, total: int = 3) -> str:
    return card


@workflow
async def order(card: str) -> str:
    return await charge(card)
"""


def test_a_build_of_the_usual_forms_does_not_load_libcst(tmp_path: Path) -> None:
    (tmp_path / "shop.py").write_text(SHOP)
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "shop"\n')
    check = (
        "import sys; from pathlib import Path; from workflow_build.config import Flags, load; from workflow_build.build import build\n"
        "result = build(load(Path(sys.argv[1]), Flags(targets=('fastapi',))), with_routes=False)\n"
        "print('manifest.json' in result.output.written, 'libcst' in sys.modules)"
    )

    done = subprocess.run(
        [sys.executable, "-c", check, os.fspath(tmp_path)],
        env={**os.environ, "PYTHONPATH": os.fspath(Path(__file__).parents[2])},
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout == "True False\n"
