"""The rules, each by its own examples, and what they say."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from workflow_build.model import Severity
from workflow_build.rules import RULES, SOURCE_RULES, Rule, index, page
from workflow_build.rules.examples import files_of
from workflow_runtime.sandbox.purity import is_pure

PAGES = Path(__file__).parent.parent.parent / "docs" / "errors"
HEAD = "from workflow_runtime import step, workflow\n"


def examples(kind: str) -> list[Any]:
    found = [(rule, n, text) for rule in SOURCE_RULES for n, text in enumerate(getattr(rule, kind))]
    return [pytest.param(rule, text, id=f"{rule.code}-{n}") for rule, n, text in found]


@pytest.mark.parametrize(("rule", "text"), examples("invalid"))
def test_a_rule_finds_its_invalid_examples(build: Callable[..., Any], rule: Rule, text: str) -> None:
    found = [finding for finding in build(files_of(text)).diagnostics if finding.code == rule.code]
    assert found
    assert {finding.severity for finding in found} == {rule.severity}


@pytest.mark.parametrize(("rule", "text"), examples("valid"))
def test_a_rule_is_content_with_its_valid_examples(build: Callable[..., Any], rule: Rule, text: str) -> None:
    assert rule.code not in build(files_of(text)).codes


def test_every_rule_has_examples_and_a_code_of_its_own() -> None:
    assert len({rule.code for rule in RULES}) == len(RULES)
    assert all(rule.valid and rule.invalid for rule in SOURCE_RULES)


def test_the_pages_are_made_from_the_rules() -> None:
    expected = {"README.md": index(RULES), **{f"{rule.code}.md": page(rule) for rule in RULES}}
    assert {path.name: path.read_text("utf-8") for path in PAGES.glob("*.md")} == expected, (
        "run `python tools/error_pages.py` and review what it changed"
    )


def test_an_impure_use_is_said_with_its_path_and_place(build: Callable[..., Any]) -> None:
    built = build(
        {
            "shop/prices.py": "import requests\n\ndef price(item):\n    return requests.get(item)\n",
            "shop/orders.py": HEAD
            + "from shop.prices import price\n@workflow\nasync def checkout(): return price(1)\n",
        }
    )
    (finding,) = built.diagnostics
    assert finding.code == "WB101"
    assert finding.message == (
        "workflow checkout uses requests.get, which is not pure: checkout → price → requests.get"
    )
    assert finding.trail == ("checkout", "price")
    place = finding.location
    assert (place.path, place.line, place.column, place.end_line, place.end_column) == ("shop/prices.py", 4, 12, 4, 24)


IMPURE = "import os, enum\nfrom dataclasses import dataclass\nfrom typing import TYPE_CHECKING\n"
IMPURE_CLASS = f"{IMPURE}@dataclass\nclass A:\n    x: str = os.sep\n"


@pytest.mark.parametrize(
    "text",
    [
        IMPURE_CLASS + "@step\ndef s() -> A: ...\n@workflow\nasync def w(): await s()\n",
        IMPURE_CLASS + "@step\ndef s() -> 'list[A] | None': ...\n@workflow\nasync def w(): await s()\n",
        IMPURE_CLASS + "As = dict[str, A]\n@step\ndef s() -> As: ...\n@workflow\nasync def w(): await s()\n",
        IMPURE_CLASS + "@workflow\nasync def w(*, a: A): ...\n",
        IMPURE_CLASS + "@dataclass\nclass B:\n    a: A\n@workflow\nasync def w(b: B): ...\n",
        IMPURE_CLASS + "@dataclass\nclass B(A): ...\n@workflow\nasync def w(b: B): ...\n",
        IMPURE_CLASS
        + "@dataclass\nclass B:\n    @step\n    def s(self) -> A: ...\n@workflow\nasync def w(): await B().s()\n",
        f"{IMPURE}class A(enum.Enum):\n    X = os.sep\n@workflow\nasync def w(a: A): ...\n@workflow\nasync def v(a: A): ...\n",
        (
            "import numpy as np\nfrom pydantic import BaseModel\nclass A(BaseModel):\n    x: np.ndarray\n"
            "@workflow\nasync def w(a: A): return a\n"
        ),
    ],
)
def test_a_class_that_values_need_and_that_can_not_be_loaded_is_one_finding(
    build: Callable[..., Any], text: str
) -> None:
    (finding,) = build({"m.py": HEAD + text}).diagnostics
    assert finding.code == "WB128"
    assert "objects of A " in finding.message or "objects of B " in finding.message
    line = next(n for n, part in enumerate((HEAD + text).split("\n"), 1) if "os.sep" in part or "np.ndarray" in part)
    assert finding.location.line == line


@pytest.mark.parametrize(
    "text",
    [
        IMPURE_CLASS + "@step\ndef s(a: A): ...\n@workflow\nasync def w(): await s(None)\n",
        IMPURE_CLASS + "def f(a: A) -> A: ...\n@workflow\nasync def w(): f(1)\n",
        f"{IMPURE}class A:\n    x = os.sep\n@step\ndef s() -> A: ...\n@workflow\nasync def w(): await s()\n",
        f"{IMPURE}@dataclass\nclass A:\n    def x(self): return os.sep\n@workflow\nasync def w(a: A): ...\n",
    ],
)
def test_a_class_that_no_value_needs_may_be_what_it_is(build: Callable[..., Any], text: str) -> None:
    assert build({"m.py": HEAD + text}).codes == []


@pytest.mark.parametrize(
    ("package", "may_be_pure"),
    [("os", False), ("pathlib", False), ("subprocess", False), ("requests", False), ("polars", True)],
)
def test_what_is_known_not_to_be_pure_is_never_advised_to_be_declared_so(
    build: Callable[..., Any], package: str, may_be_pure: bool
) -> None:
    built = build({"m.py": f"{HEAD}import {package}\n@workflow\nasync def w(): {package}.x()\n"})
    (finding,) = built.diagnostics
    assert finding.hint.startswith(f"move the code that uses {package}.x into a step")
    assert ("`pure`" in finding.hint) is may_be_pure


REFUSED = {
    "break in except*": ("for _ in ():\n    try: ...\n    except* ValueError:\n        break\n", 5),
    "return in except*": ("def f():\n    try: ...\n    except* ValueError:\n        return 1\n", 5),
    "return outside": ("return 1\n", 2),
    "await outside": ("def f():\n    await g()\n", 3),
    "continue outside": ("def f():\n    continue\n", 3),
    "two of one parameter": ("def f(a, a): ...\n", 2),
    "global too late": ("def f():\n    x = 1\n    global x\n", 4),
    "nonlocal of nothing": ("def f():\n    nonlocal x\n", 3),
    "no such future": ("def f(): ...\nfrom __future__ import annotations\n", 3),
    "star in a function": ("def f():\n    from os import *\n", 3),
}


@pytest.mark.parametrize("name", REFUSED)
@pytest.mark.parametrize("where", ["marked", "reached"])
def test_what_only_the_compiler_of_python_refuses_is_found_with_its_line(
    build: Callable[..., Any], name: str, where: str
) -> None:
    text, line = REFUSED[name]
    flow = "async def w():\n    K\n"
    files = {
        "marked": {"m.py": f"K = 1\n{text}{HEAD}@workflow\n{flow}"},
        "reached": {"k.py": f"K = 1\n{text}", "m.py": f"{HEAD}from k import K\n@workflow\n{flow}"},
    }[where]
    found = [finding for finding in build(files).diagnostics if finding.code == "WB110"]
    assert [(finding.location.path, finding.location.line) for finding in found] == [
        ("m.py" if where == "marked" else "k.py", line)
    ]


def test_what_many_workflows_share_is_found_once(build: Callable[..., Any]) -> None:
    flows = "".join(f"@workflow\nasync def w{n}(): f()\n" for n in range(5))
    assert build({"m.py": f"{HEAD}import os\ndef f(): os.getcwd()\n{flows}"}).codes == ["WB101"]


def test_what_a_statement_needs_of_one_package_to_be_loaded_is_one_finding(build: Callable[..., Any]) -> None:
    table = "import sqlalchemy as sa, boto3\nT = sa.Table('t', sa.Column('a', sa.Text), boto3.x)\n"
    use = "@workflow\nasync def w():\n    T.insert(sa.text('a'), sa.text('b'))\n"
    built = build({"m.py": HEAD + table + use})
    assert [found.location.line for found in built.diagnostics] == [3, 3, 6, 6]


@pytest.mark.parametrize(
    "text",
    [
        "import numpy as np\n@workflow\nasync def w(x: np.ndarray) -> 'np.ndarray': return x\n",
        "import boto3\n@workflow\nasync def w(): ...\n",
        "import boto3\nclass A:\n    def f(self): return boto3.client()\n@workflow\nasync def w(a: A) -> A: return a\n",
        "import boto3\nfrom dataclasses import dataclass\n@dataclass\nclass A:\n    x: boto3.X\n@workflow\nasync def w(): return A(1)\n",
        "import boto3\nCLIENT = boto3.client()\n@step\ndef s(): return CLIENT\n@workflow\nasync def w(): await s()\n",
        (
            "import time, random, uuid, datetime, asyncio, secrets\n@workflow\nasync def w():\n"
            "    await asyncio.sleep(1)\n    return time.time(), random.random(), uuid.uuid4(), datetime.datetime.now()\n"
        ),
        (
            "import urllib.parse, collections.abc, sys, io, pathlib\n@workflow\nasync def w():\n    return (\n"
            "        urllib.parse.quote(''), collections.abc.Mapping, sys.version_info >= (3, 12), io.StringIO(), pathlib.PurePath())\n"
        ),
        "from pydantic import BaseModel, Field\nclass A(BaseModel):\n    x: int = Field(gt=1)\n@workflow\nasync def w(): return A(x=2)\n",
        "import numpy\n@workflow\nasync def w(numpy): return numpy.array\n",
        "import logging\nlog = logging.getLogger(__name__)\n@workflow\nasync def w(): log.info('x')\n",
        "@workflow\nasync def w(open): return open('x')\n",
        "try:\n    import orjson\nexcept ImportError:\n    orjson = None\nelse:\n    X = 1\n@workflow\nasync def w(): ...\n",
    ],
)
def test_there_are_no_false_alarms(build: Callable[..., Any], text: str) -> None:
    assert build({"m.py": HEAD + text}).codes == []


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("import os\n@workflow\nasync def w(): return os.environ['X']\n", ["WB101"]),
        ("import sys\n@workflow\nasync def w(): return sys.argv\n", ["WB101"]),
        ("from os import environ as e\n@workflow\nasync def w(): return e\n", ["WB101"]),
        ("import os\n@workflow\nasync def w(x=os.environ): ...\n", ["WB101"]),
        ("import boto3\nCLIENT = boto3.client()\n@workflow\nasync def w(): return CLIENT\n", ["WB101"]),
        ("import boto3\nclass A:\n    def f(self): return boto3.x\n@workflow\nasync def w(): return A()\n", ["WB101"]),
        ("import boto3\nclass A(boto3.B): ...\n@workflow\nasync def w(): return A()\n", ["WB101"]),
        (
            (
                "import numpy as np\nfrom pydantic import BaseModel\nclass A(BaseModel): ...\nclass B(A):\n    x: np.ndarray\n"
                "@workflow\nasync def w(): return B()\n"
            ),
            ["WB101"],
        ),
        ("import boto3\n@boto3.cached\ndef f(): ...\n@workflow\nasync def w(): return f()\n", ["WB101"]),
        ("@workflow\nasync def w():\n    import requests\n    requests.get('')\n", ["WB101"]),
        ("@workflow\nasync def w():\n    from requests import get\n    get('')\n", ["WB101"]),
        ("import asyncio\n@workflow\nasync def w(): asyncio.run(f())\n", ["WB102"]),
        ("from time import sleep as s\n@workflow\nasync def w(): s(1)\n", ["WB102"]),
        ("@workflow\nasync def w(): input()\n", ["WB102"]),
        ("from codecs import open\n@workflow\nasync def w(): open('x')\n", ["WB102"]),
        ("from shutil import *\n@workflow\nasync def w(): rmtree('x')\n", ["WB101"]),
    ],
)
def test_what_workflow_code_must_not_do_is_found(build: Callable[..., Any], text: str, codes: list[str]) -> None:
    assert build({"m.py": HEAD + text}).codes == codes


def test_what_the_user_declares_pure_is_pure(build: Callable[..., Any]) -> None:
    text = HEAD + "import babel.numbers\n@workflow\nasync def w(): return babel.numbers.x\n"
    assert build({"m.py": text}).codes == ["WB101"]
    assert build({"m.py": text}, pure=("babel",)).codes == []


def test_no_workflow_is_said_with_where_was_looked(build: Callable[..., Any]) -> None:
    (finding,) = build({"src/shop/a.py": "x = 1\n"}, root="src").diagnostics
    assert (finding.code, finding.message) == ("WB109", "no workflow found under src")


def test_no_workflow_is_not_said_when_an_error_explains_it(build: Callable[..., Any]) -> None:
    assert build({"m.py": HEAD + "@workflow\ndef w(): ...\n"}).codes == ["WB103"]


def test_an_unused_step_is_a_hint(build: Callable[..., Any]) -> None:
    (finding,) = build({"m.py": HEAD + "@step\ndef s(): ...\n@workflow\nasync def w(): ...\n"}).diagnostics
    assert (finding.code, finding.severity) == ("WB111", Severity.HINT)


@pytest.mark.parametrize(
    ("name", "pure"),
    [
        ("json", True),
        ("json.decoder", True),
        ("json.tool", False),
        ("jsonschema", False),
        ("urllib", False),
        ("urllib.parse", True),
        ("urllib.request", False),
        ("logging.handlers", False),
        ("workflow_runtime.anything", True),
        ("pydantic.v1.main", True),
        ("sys", False),
        ("sys.version_info.major", True),
        ("time", True),
        ("time.sleep", False),
        ("os", False),
        ("threading", False),
        ("subprocess", False),
        ("", False),
    ],
)
def test_purity_covers_what_is_in_a_package_and_nothing_that_only_begins_alike(name: str, pure: bool) -> None:
    assert is_pure(name) is pure


def test_replacements_cover_their_submodules() -> None:
    assert is_pure("asyncio.tasks")
    assert not is_pure("timeit")
