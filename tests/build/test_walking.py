"""What makes builds fast changes nothing of what they find: faster walks, statements that are not looked at, patterns that are not asked."""

from __future__ import annotations

import ast
import os
import textwrap
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pathspec import GitIgnoreSpec

from workflow_build.model import FunctionKind, SourceFile
from workflow_build.syntax import nodes
from workflow_build.syntax.bindings import bindings_of
from workflow_build.syntax.importing import importing_lines
from workflow_build.syntax.module import analyse, unmarked
from workflow_build.syntax.silent import worth_a_look
from workflow_build.syntax.source import Parsed, parse
from workflow_build.walk import Ignore

OURS = sorted((Path(__file__).parents[2] / "workflow_build" / "syntax").glob("*.py"))
BESIDES_CODE = (ast.expr_context, ast.operator, ast.boolop, ast.unaryop, ast.cmpop)


def parsed(text: str) -> Parsed:
    found = parse(SourceFile("shop/a.py", "shop.a", False, textwrap.dedent(text).encode(), True))
    assert isinstance(found, Parsed)
    return found


@pytest.mark.parametrize("path", OURS, ids=lambda path: path.name)
def test_a_walk_is_that_of_the_standard_library_without_operators_and_contexts(path: Path) -> None:
    tree = ast.parse(path.read_text("utf-8"))

    assert list(nodes.walk(tree)) == [node for node in ast.walk(tree) if not isinstance(node, BESIDES_CODE)]


EVERYTHING = """
match x:
    case [1, *rest] if rest: pass
    case {"a": A(b=c), **others}: pass
    case None | B(): pass
async def f[T](a: int = 1, /, *args: int, b=2, **more) -> "x":
    async with a as b, c: await d
    async for i in j: yield i
    return {**a, "k": [k for k in l if m async for n in o]}, f"{x!r:>{y}}", lambda z=1: z, a[1:2], not -b, a < b <= c
try: raise E from e
except* (F, G) as g: del a.b, c[0]
else: global_ = (w := 1)
""".replace("f[T]", "f")


def test_no_kind_of_node_is_left_out() -> None:
    tree = ast.parse(EVERYTHING)

    assert list(nodes.walk(tree)) == [node for node in ast.walk(tree) if not isinstance(node, BESIDES_CODE)]


@pytest.mark.parametrize("path", OURS, ids=lambda path: path.name)
def test_names_are_found_without_a_look_at_expressions(path: Path) -> None:
    text = path.read_text("utf-8")
    if ":=" in text:
        pytest.skip("it has assignments in expressions")
    body = ast.parse(text).body

    assert bindings_of(body, "a", is_package=False, has_walrus=False) == bindings_of(body, "a", is_package=False)


def test_targets_of_every_kind_are_found_without_a_look_at_expressions() -> None:
    body = ast.parse("a, [b, *c] = x = y.z = w[0] = v\nfor d, (e, f) in g: pass\nwith h as (i, j): pass").body

    assert bindings_of(body, "a", is_package=False, has_walrus=False).names == set("abcxdefij")


@pytest.mark.parametrize(
    ("text", "looked_at"),
    [
        ("def f():\n    return 1", False),
        ("class A:\n    def f(self): return self.x", False),
        ("def f():\n    step(g)", True),
        ("@step\ndef f(): ...", True),
        ("class A:\n    @step\n    def f(self): ...", True),
        ('def f():\n    "use step"', True),
        ("def f():\n    'USE workflow'", True),
        ('def f():\n    "us" "e step"', True),
        ('def f():\n    "us""e step"', True),
        ('def f():\n    "\\x75se step"', True),
        ("def f():\n    from x import y", True),
        ('def f():\n    """Uses nothing."""', True),
        ('def f():\n    """Because."""', False),
        ("def f():\n    \uff53tep(g)", True),
        ("if x:\n    y()", True),
    ],
)
def test_only_definitions_that_can_hold_no_mark_are_passed_over(text: str, looked_at: bool) -> None:
    found = parsed(text)

    assert bool(worth_a_look(found, {"step"})) == looked_at
    assert worth_a_look(found, None) == found.tree.body, "when nobody knows the names, all are looked at"


def test_what_marked_functions_read_is_read_again_as_if_they_were_not_marked() -> None:
    found = parsed(
        """
        @step(retry=policy)
        def charge(card=default): return pay(card)
        def other(): return fee
        class Till:
            @step
            def open(self): return key
        """
    )
    marks = {3: FunctionKind.STEP, 7: FunctionKind.STEP}
    syntax = analyse(found, marks)

    assert [one.reads for one in unmarked(syntax, marks).statements] == [
        one.reads for one in analyse(found, {}).statements
    ]
    assert syntax.statements[0].reads == ()


def lines_that_import(data: bytes) -> list[bytes]:
    """Those that the parser says an import stands on."""
    lines = data.replace(b"\r\n", b"\n").split(b"\n")
    found = [node for node in ast.walk(ast.parse(data)) if isinstance(node, ast.Import | ast.ImportFrom)]
    return [line for node in found for line in lines[node.lineno - 1 : node.end_lineno]]


def importing(data: bytes) -> bytes:
    return importing_lines(SourceFile("a.py", "a", False, data, True))


@pytest.mark.parametrize(
    "path", [*OURS, *sorted(Path(os.__file__).parent.glob("*.py"))[:60]], ids=lambda path: path.name
)
def test_imports_are_found_without_parsing(path: Path) -> None:
    data = path.read_bytes()

    assert set(lines_that_import(data)) <= set(importing(data).replace(b"\r\n", b"\n").split(b"\n"))


PIECES = [
    "import aa",
    "from aa import bb",
    "from",
    "aa",
    "import",
    "from . import (",
    ")",
    "(",
    "bb,",
    "cc",
    ",",
    "x = 1",
]
MORE = [" ", " ", "; ", "'#'", '""" import """', "\n", "\r\n", "  # (\n", " # )\n", "\n\n", "\\\n", "\\\r\n"]


@settings(max_examples=600, deadline=None)
@given(st.lists(st.sampled_from([*PIECES, *MORE]), max_size=14).map("".join))
@example("from a \\\n import \\\n (b, # )\n cc,\n\n dd) ; import ee\n")
@example("import a # x\rfrom bb import (\n cc)\n")
@example("if x: import aa, \\\r\n bb\r\nfrom cc import (dd, # import )\r\n ee)\r\n")
def test_imports_in_any_layout_are_found_without_parsing(text: str) -> None:
    try:
        nodes = list(ast.walk(ast.parse(text.encode())))
    except SyntaxError:
        return
    imports = [node for node in nodes if isinstance(node, ast.Import | ast.ImportFrom)]
    modules = [node.module or "" for node in imports if isinstance(node, ast.ImportFrom)]
    found = importing(text.encode()).decode()

    assert all(name in found for name in [*modules, *(alias.name for node in imports for alias in node.names)])


def test_what_only_looks_like_an_import_costs_a_line_and_not_the_file() -> None:
    data = b'"""Unimportant (mostly)."""\nx = 1\nimport a\ny = 2\n'

    assert importing(data) == b'"""Unimportant (mostly)."""\nimport a\n'


PARTS = st.sampled_from(
    ["a", "b", "ab", ".py", ".log", "*", "**", "?", "/", "[ab]", "[!a]", "[]a]", "-", "_", "!", " "]
)
NAMES = st.lists(st.sampled_from(["a", "b", "ab", ".log", ".py", "/", " ", "-", "[", "!"]), min_size=1, max_size=6)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.lists(PARTS, min_size=1, max_size=5).map("".join), min_size=1, max_size=3), NAMES.map("".join))
def test_a_path_that_is_not_put_to_gits_patterns_matches_none_of_them(lines: list[str], name: str) -> None:
    try:
        spec = GitIgnoreSpec.from_lines(lines)
    except ValueError:
        return  # git would not read it either
    name = name.strip("/")

    if name:
        assert Ignore("/project", lines).says(f"/project/{name}", is_folder=False) == spec.check_file(name).include
