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
        ("@workflow has no option name", "it has concurrency, rate"),
    ]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("max_retries=-1", "max_retries must be a whole number from 0, not -1"),
        ("max_retries=None", "max_retries must be a whole number from 0, not None"),
        ("timeout='3 parsecs'", "timeout: '3 parsecs' is no duration"),
        ("retry=5", "retry must be constant(…), linear(…)"),
        ("retry=w.exponential(1, cap=0.5)", "cap must be at least as long as the first wait, not 0.5"),
        ("retry=exponential(1, jitter=2)", "jitter must be a number from 0 to 1, not 2"),
        ("retry={Mine: exponential(1, base=2)}", "got an unexpected keyword argument 'base'"),
        ("max_retries=1, retry={Mine: 5, ValueError: w.NO_RETRY}", "retry must be constant(…), linear(…)"),
        ("\n    max_retries=1,\n    timeout=-1,\n", "timeout must not be below zero, but is -1"),
        ("concurrency=0", "concurrency must be a whole number from 1, not 0"),
        ("rate='often'", "rate must be how many and in what time, as in '10/second'"),
    ],
)
def test_a_value_that_an_option_can_not_have_is_found_with_the_words_of_the_runtime(
    build: Build, given: str, said: str
) -> None:
    head = "import workflow_runtime as w\nfrom workflow_runtime import exponential, step\nclass Mine(Exception): ...\n"
    ((message, _),) = messages(build({"m.py": f"{head}@step({given})\nasync def a(): ...\n"}), "WB130")
    assert message.startswith("@step: ")
    assert said in message


def test_a_limit_that_a_workflow_can_not_have_is_found(build: Build) -> None:
    text = "import workflow_runtime as w\n@w.workflow(concurrency=True)\nasync def a(): ...\n"
    ((message, _),) = messages(build({"m.py": text}), "WB130")
    assert message.startswith("@workflow: concurrency must be a whole number from 1, not True")


def test_a_timeout_of_a_step_in_a_thread_is_found(build: Build) -> None:
    text = MARK + "@step(timeout=limit())\ndef a(): ...\ndef outer():\n    @step(timeout=5)\n    def b(): ...\n"
    assert messages(build({"m.py": text}), "WB130") == [
        (
            f"@step: {name} is no async function, and nothing can stop the thread that it runs in: it can have no timeout",
            f"give what it waits for a timeout of its own, or write `async def {name}(…)`",
        )
        for name in "ab"
    ]


@pytest.mark.parametrize(
    "given",
    [
        "max_retries=limit",
        "max_retries=5, retry=patient",
        "retry=exponential(first())",
        "retry=exponential(*first)",
        "retry={Mine: exponential('1 s', cap='5 min', jitter=0.5), **more}",
        "timeout='1 min 30 s', retry=NO_RETRY",
        "**more",
        "retry=other.exponential(-1)",
    ],
)
def test_values_that_are_right_or_that_reading_can_not_tell_are_left_alone(build: Build, given: str) -> None:
    head = "import other\nfrom workflow_runtime import NO_RETRY, exponential, step\n"
    assert "WB130" not in build({"m.py": f"{head}@step({given})\nasync def a(): ...\n"}).codes


def test_a_timeout_below_another_decorator_is_left_to_the_runtime(build: Build) -> None:
    text = MARK + "@step(timeout=5)\n@made_async\ndef a(): ...\n@step(timeout=None)\ndef b(): ...\n"
    assert "WB130" not in build({"m.py": text}).codes


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
