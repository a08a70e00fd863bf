"""The rules about names that lead nowhere: imports within the project, options of markers, directives in the wrong place."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

Build = Callable[..., Any]
MARK = "from workflow_runtime import step, workflow\n"
FLOW = "@workflow\nasync def w(): ...\n"


def messages(built: Any, code: str) -> list[tuple[str, str]]:
    return [(one.message, one.hint) for one in built.diagnostics if one.code == code]


def test_a_misspelled_name_of_a_module_of_the_project_is_found_at_the_name(build: Build) -> None:
    text = MARK + "from shop.bank import refund, chrage\n@workflow\nasync def w(): return chrage()\n"
    built = build({"shop/bank.py": "def charge(): ...\ndef refund(): ...\n", "shop/orders.py": text})
    assert messages(built, "WB125") == [("module shop.bank has no chrage", "did you mean charge?")]
    place = next(one.location for one in built.diagnostics if one.code == "WB125")
    assert (place.path, place.line, place.column) == ("shop/orders.py", 2, 31)


def test_a_misspelled_module_is_found_in_place_of_the_advice_about_purity(build: Build) -> None:
    text = MARK + "from shop.bnak import charge\n@workflow\nasync def w(): return charge(), charge()\n"
    built = build({"shop/__init__.py": "", "shop/bank.py": "def charge(): ...\n", "shop/orders.py": text})
    ((message, hint),) = messages(built, "WB125")
    assert message == "there is no module shop.bnak among the files of the project"
    assert hint.startswith("did you mean shop.bank? If it is there")
    assert "WB101" not in built.codes


def test_a_module_that_is_not_read_is_said_to_be_so(build: Build) -> None:
    text = MARK + "from shop.generated_pb2 import X\n@workflow\nasync def w(): return X\n"
    ((message, hint),) = messages(build({"shop/__init__.py": "", "shop/orders.py": text}), "WB125")
    assert message == "there is no module shop.generated_pb2 among the files of the project"
    assert "ignored by git or excluded, move what uses it into a step" in hint


@pytest.mark.parametrize(
    "bank",
    [
        "from other import *\n",
        "def __getattr__(name): ...\n",
        "globals().update(charge=1)\n",
        "try:\n    def charge(): ...\nexcept ImportError: ...\n",
        "if True:\n    charge = 1\n",
        "for charge in (): ...\n",
        "import sys\nsetattr(sys.modules[__name__], 'charge', 1)\n",
        "with open('x') as charge: ...\n",
        "charge: int\n",
        "(charge := 1)\n",
        "import os as charge\n",
        "match 1:\n    case charge: ...\n",
        "def set():\n    global charge\n    charge = 1\n",
    ],
)
def test_a_name_that_a_module_may_have_is_left_alone(build: Build, bank: str) -> None:
    text = MARK + "from shop.bank import charge\n@step\ndef s(): charge()\n" + FLOW
    assert "WB125" not in build({"shop/__init__.py": "", "shop/bank.py": bank, "shop/orders.py": text}).codes


@pytest.mark.parametrize(
    "line",
    [
        "from shop import bank",
        "from shop import compiled_speedups",
        "from shop._version import version",
        "from shop import *",
        "try:\n    from shop.bank import chrage\nexcept ImportError: ...",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from shop.bank import chrage",
        "from . import bank",
        "from .bank import charge",
        "from shop.broken import chrage",
        "from namespace.part import x",
        "from shop.bank import __doc__",
    ],
)
def test_imports_of_what_may_be_there_are_left_alone(build: Build, line: str) -> None:
    text = f"{MARK}{line}\n@step\ndef s(): ...\n{FLOW}"
    files = {
        "shop/__init__.py": "",
        "shop/bank.py": "def charge(): ...\n",
        "shop/broken.py": "def (:\n",
        "shop/orders.py": text,
        "namespace/other.py": "",
    }
    assert "WB125" not in build(files).codes


def test_an_option_that_a_marker_does_not_have_is_found_with_the_one_that_was_meant(build: Build) -> None:
    text = (
        "import workflow_runtime as w\nfrom workflow_runtime import step as durable\n"
        "@durable(retries=5)\ndef a(): ...\n@w.step(max_retry=backoff())\ndef b(): ...\n"
        "@w.workflow(name='x')\nasync def c(): ...\n@durable(max_retries=5)\ndef d(): ...\n"
    )
    assert messages(build({"m.py": text}), "WB126") == [
        ("@step has no option retries", "did you mean max_retries?"),
        ("@step has no option max_retry", "did you mean max_retries?"),
        ("@workflow has no option name", "write `@workflow` without arguments"),
    ]


def test_options_of_markers_that_only_look_alike_are_left_alone(build: Build) -> None:
    text = (
        MARK + "from prefect import task, flow\n@task(retries=5)\ndef a(): ...\n@flow(name='x')\ndef b(): ...\n" + FLOW
    )
    assert "WB126" not in build({"m.py": text}).codes


@pytest.mark.parametrize(
    ("body", "before"),
    [
        ("    x = 1\n    'use step'\n", "other statements"),
        ("    import os\n    'use workflow'\n    return os\n", "other statements"),
        ("    '''Doc.'''\n    'use step'\n", "the docstring"),
        ("    '''Doc.'''\n    x = 1\n    'use step'\n", "other statements"),
    ],
)
def test_a_directive_that_is_not_first_is_found(build: Build, body: str, before: str) -> None:
    found = messages(build({"m.py": f"def f():\n{body}"}), "WB107")
    assert [message for message, _ in found] == [f"f: a directive after {before} marks nothing"]


def test_a_directive_that_is_first_may_be_said_again(build: Build) -> None:
    assert "WB107" not in build({"m.py": "def f():\n    'use step'\n    'use step'\n"}).codes
