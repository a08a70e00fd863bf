"""Which functions are workflows and steps."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace

import pytest

from workflow_build.discover import discover
from workflow_build.model import Config, Functions
from workflow_build.scan import scan


@pytest.fixture
def find(project: Callable[..., Config]) -> Callable[..., Functions]:
    """Discover in files, or in one text as ``m.py``."""

    def run(files: dict[str, str | bytes] | str | bytes) -> Functions:
        return discover(scan(project({"m.py": files} if isinstance(files, str | bytes) else files)))

    return run


def ids(found: Functions) -> list[str]:
    return [function.id for function in found.functions]


def codes(found: Functions) -> list[str]:
    return [finding.code for finding in found.diagnostics]


@pytest.mark.parametrize(
    "text",
    [
        "from workflow_runtime import step\n@step\ndef f(): ...\n",
        "from workflow_runtime import step\n@step()\ndef f(): ...\n",
        "from workflow_runtime import step as s\n@s(max_retries=3)\nasync def f(): ...\n",
        "import workflow_runtime\n@workflow_runtime.step\ndef f(): ...\n",
        "import workflow_runtime as w\n@w.step(max_retries=1)\ndef f(): ...\n",
        "import workflow_runtime.marking\n@workflow_runtime.marking.step\ndef f(): ...\n",
        "from workflow_runtime.marking import step\n@step\ndef f(): ...\n",
        "from workflow_runtime import marking\n@marking.step\ndef f(): ...\n",
        "from workflow_runtime import *\n@step\ndef f(): ...\n",
        "try:\n    from workflow_runtime import step\nexcept ImportError:\n    raise\n@step\ndef f(): ...\n",
        "import workflow_runtime as w\nmine = w.step\n@mine\ndef f(): ...\n",
        "from workflow_runtime import step\nmine = step(max_retries=9)\n@mine\ndef f(): ...\n",
        "from workflow_runtime import step\nif True:\n    @step\n    def f(): ...\n",
        "from workflow_runtime import step\ntry:\n    @step\n    def f(): ...\nfinally:\n    pass\n",
        "from workflow_runtime import step\nimport functools\n@functools.cache\n@step\ndef f(): ...\n",
        'def f():\n    "use step"\n    return 1\n',
        'async def f():\n    """use step"""\n    "What it does."\n',
        '\n\n# a comment\ndef f(\n    a, b\n):\n    "use step"; return 1\n',
        'from workflow_runtime import step\n@step\ndef f():\n    "use step"\n',
    ],
)
def test_a_step_is_found_however_it_is_marked(find: Callable[..., Functions], text: str) -> None:
    found = find(text)
    assert (ids(found), codes(found)) == (["step//m//f"], [])


@pytest.mark.parametrize(
    "text",
    [
        "# workflow_runtime\nfrom celery import step\n@step\ndef f(): ...\n",
        "# workflow_runtime\ndef step(f): return f\n@step\ndef f(): ...\n",
        "import workflow_runtime as w\n@w.sleep\ndef f(): ...\n",
        "import workflow_runtime as w\n@w.other.step\ndef f(): ...\n",
        "from workflow_runtime import step\ndef outer(step):\n    @step\n    def f(): ...\n",
        "from workflow_runtime import sleep\nx = sleep\n",
        'def f():\n    x = "use step"\n',
    ],
)
def test_what_only_looks_alike_is_not_marked(find: Callable[..., Functions], text: str) -> None:
    found = find(text)
    assert (ids(found), codes(found)) == ([], [])


def test_a_marker_is_followed_through_modules_of_the_project_that_do_not_name_it(
    find: Callable[..., Functions],
) -> None:
    found = find(
        {
            "shop/__init__.py": "",
            "shop/marks.py": "from workflow_runtime import step as durable, workflow\n",
            "shop/compat.py": "from .marks import durable as task\n",
            "shop/api/__init__.py": "from ..compat import task\n",
            "shop/a.py": "from shop.marks import durable\n@durable\ndef a(): ...\n",
            "shop/b.py": "import shop.compat as c\n@c.task(max_retries=1)\ndef b(): ...\n",
            "shop/c.py": "from shop import api\n@api.task\ndef c(): ...\n",
            "shop/d.py": "from shop.marks import *\n@workflow\nasync def d(): ...\n",
            "shop/e.py": "from other.marks import durable\n@durable\ndef e(): ...\n",
        }
    )
    assert ids(found) == ["step//shop.a//a", "step//shop.b//b", "step//shop.c//c", "workflow//shop.d//d"]


def test_modules_that_import_each_other_are_no_endless_loop(find: Callable[..., Functions]) -> None:
    found = find(
        {
            "a.py": "from b import step\n# workflow_runtime\n@step\ndef f(): ...\n",
            "b.py": "from a import step\n# workflow_runtime\n",
        }
    )
    assert ids(found) == []


def test_what_is_known_of_a_function(find: Callable[..., Functions]) -> None:
    found = find(
        """
        from workflow_runtime import step

        # höher
        @step(max_retries=3, retry=backoff())
        async def größe(ä, /, b: int = 1, *args, c, **kw) -> str:
            return ""
        """
    )
    (function,) = found.functions
    assert function.parameters == ("ä", "b", "c", "args", "kw")
    assert function.options == {"max_retries": 3}
    assert function.is_async
    place = function.location
    assert (place.path, place.line, place.column) == ("m.py", 6, 1)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("from workflow_runtime import step\n@step\nclass F: ...\n", "WB106"),
        ("from workflow_runtime import step\nf = step(lambda: 1)\n", "WB106"),
        ("from workflow_runtime import step\ndef g(): ...\nf = step(g)\n", "WB106"),
        ("from workflow_runtime import step\ndef make(g):\n    return step(g, 1)\n", "WB106"),
        ("from workflow_runtime import workflow\n@workflow\ndef f(): ...\n", "WB103"),
        ("from workflow_runtime import step\n@step\ndef f():\n    if 1:\n        yield 1\n", "WB104"),
        ("from workflow_runtime import step\n@step\nasync def f():\n    yield 1\n", "WB104"),
        ("from workflow_runtime import workflow\n@workflow\nasync def f():\n    x = yield\n", "WB104"),
        ("from workflow_runtime import step, workflow\n@step\n@workflow\nasync def f(): ...\n", "WB107"),
        ('from workflow_runtime import step\n@step\nasync def f():\n    "use workflow"\n', "WB107"),
        ('def f():\n    "Doc."\n    "use step"\n', "WB107"),
        ('"use step"\n', "WB107"),
        ('def f():\n    return 1\n    "use step"\n', "WB107"),
        ('def f(): "use step"\n', "WB107"),
        ('def f():\n    "use steps"\n', "WB108"),
        ('def f():\n    "use_step"\n', "WB108"),
        ('# workflow_runtime\ndef f():\n    "use wrkflow"\n', "WB108"),
        ("from workflow_runtime import workflow\nimport x\n@x.y\n@workflow\nasync def f(): ...\n", "WB112"),
    ],
)
def test_what_is_marked_and_not_supported_is_said_and_left_out(
    find: Callable[..., Functions], text: str, code: str
) -> None:
    found = find(text)
    assert (ids(found), codes(found)) == ([], [code])
    (finding,) = found.diagnostics
    assert finding.location is not None
    assert finding.message
    assert finding.hint


def test_a_generator_inside_of_a_step_is_its_own_matter(find: Callable[..., Functions]) -> None:
    found = find(
        "from workflow_runtime import step\n@step\ndef f():\n    def g():\n        yield 1\n    return list(g())\n"
    )
    assert ids(found) == ["step//m//f"]


def test_a_module_that_can_not_be_imported_by_name_holds_no_steps(find: Callable[..., Functions]) -> None:
    found = find({"my-script.py": "from workflow_runtime import step\n@step\ndef f(): ...\n"})
    assert (ids(found), codes(found)) == ([], ["WB106"])


def test_the_second_of_two_equal_ids_is_reported_and_the_first_is_kept(find: Callable[..., Functions]) -> None:
    found = find("from workflow_runtime import step\n@step\ndef f(): ...\n@step\ndef f(): ...\n")
    assert ids(found) == ["step//m//f"]
    (finding,) = found.diagnostics
    assert (finding.code, finding.location and finding.location.line) == ("WB105", 5)
    assert "m.py:3" in finding.message


@pytest.mark.parametrize(
    ("data", "line", "words"),
    [
        (b"import workflow_runtime\nx = '\0'\n", 2, "null character"),
        (b"import workflow_runtime\nx = '\xe9'\n", 2, "can not be decoded"),
        (b"# coding: klingon\nimport workflow_runtime\n", 1, "can not be decoded"),
        (b"import workflow_runtime\n\nx = " + b"(" * 3000 + b")" * 3000, 3, "not valid Python"),
        (b"import workflow_runtime\n\nx = (1,\n", 3, "not valid Python"),
        (b"import workflow_runtime\nif 1:\nx = 1\n", 3, "not valid Python"),
        (b"import workflow_runtime\nx = " + b"-" * 20000 + b"1\n", 1, "nested too deeply"),
        (b"import workflow_runtime\nx = " + b"a." * 20000 + b"a\n", 1, "nested too deeply"),
    ],
    ids=["null", "latin-1", "cookie", "parentheses", "unbalanced", "indentation", "minus", "dots"],
)
def test_a_hostile_candidate_is_a_finding_with_its_line(
    find: Callable[..., Functions], data: bytes, line: int, words: str
) -> None:
    found = find(data)
    (finding,) = found.diagnostics
    assert (finding.code, finding.location and finding.location.line) == ("WB110", line)
    assert words in finding.message


@pytest.mark.parametrize(
    "data",
    [
        "# coding: latin-1\nfrom workflow_runtime import step\n@step\ndef f(): return 'é'\n".encode("latin-1"),
        "\ufefffrom workflow_runtime import step\n@step\ndef f(): ...\n".encode(),
        b"from workflow_runtime import step\r\n@step\r\ndef f():\r\n    return 1\r\n",
        b"from workflow_runtime import step\r@step\rdef f():\r    return 1\r",
        b"from workflow_runtime import step\n\x0c\n@step\ndef f():\n\treturn '\\d'",
    ],
    ids=["latin-1", "bom", "crlf", "cr", "form feed"],
)
def test_every_encoding_and_newline_that_python_reads_is_read(find: Callable[..., Functions], data: bytes) -> None:
    found = find(data)
    assert (ids(found), codes(found)) == (["step//m//f"], [])


def test_the_order_of_the_files_does_not_matter(project: Callable[..., Config]) -> None:
    files = {
        f"m{n}.py": f"from workflow_runtime import step\n@step\ndef f{n}(): ...\n@step\nclass C: ...\n"
        for n in range(9)
    }
    sources = scan(project(files | {"n.py": "from m3 import step\n@step\ndef g(): ...\n"}))
    shuffled = list(sources.files)
    random.Random(5).shuffle(shuffled)
    assert discover(sources) == discover(replace(sources, files=tuple(shuffled)))


def test_modules_that_all_import_everything_from_each_other_take_no_longer(find: Callable[..., Functions]) -> None:
    names = [f"m{n}" for n in range(40)]
    stars = "".join(f"from {name} import *\n" for name in names)
    files: dict[str, str | bytes] = {
        f"{name}.py": f"# workflow_runtime\n{stars}@step\ndef f(): ...\n" for name in names
    }
    assert ids(find(files)) == []
    assert len(ids(find(files | {"m7.py": "from workflow_runtime import step\n"}))) == 39
