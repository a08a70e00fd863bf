"""Emitted text: the same for the same input, formatted as it comes, and nothing that a name or a source says can break out of it."""

from __future__ import annotations

import ast
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflow_build import literals
from workflow_build.emit import emit, emitted_build, output_package
from workflow_build.errors import BuildError
from workflow_build.model import (
    BuiltWorkflow,
    Bundles,
    Config,
    Function,
    FunctionKind,
    Functions,
    Location,
)
from workflow_runtime.bundles import Bundle, BundleModule

PROJECT = Path("/project")
CONFIG = Config(PROJECT, (PROJECT,), PROJECT / "shop" / "_workflow", ("fastapi",))


def step(module: str, name: str, **options: object) -> Function:
    place = Location(f"{module}.py", 3)
    return Function(FunctionKind.STEP, module, name, place, is_async=True, parameters=(), options=options)


def built(source: str) -> BuiltWorkflow:
    function = Function(FunctionKind.WORKFLOW, "shop.orders", "checkout", Location("shop/orders.py", 9), True, ())
    module = BundleModule("shop.orders", "shop/orders.py", is_package=False, source=source)
    bundle = Bundle(function.id, True, (), (module,))
    return BuiltWorkflow(function, bundle, (), bundle.hash)


def emitted(*steps: Function, source: str = "x = 1\n", retained: tuple[str, ...] = ()) -> dict[str, str]:
    workflow = built(source)
    return emit(CONFIG, Functions((workflow.function, *steps)), Bundles((workflow,)), retained)


def registrations(*steps: Function) -> str:
    return emitted(*steps)["step_registrations.py"]


def bundle_in(files: dict[str, str], name: str) -> object:
    scope: dict[str, object] = {}
    exec(compile(files[name], name, "exec"), scope)  # noqa: S102 - running what was written is the test
    return scope["BUNDLE"]


def test_all_files_are_there_and_compile() -> None:
    files = emitted(step("shop.payments", "charge"))
    hash_ = built("x = 1\n").bundle.hash

    assert list(files) == [
        "__init__.py",
        f"bundles/{'__init__'}.py",
        f"bundles/b_{hash_}.py",
        "fastapi.py",
        "manifest.json",
        "step_registrations.py",
    ]
    for name, text in files.items():
        assert text.endswith("\n")
        if name.endswith(".py"):
            ast.parse(text)


def test_the_order_in_which_functions_were_found_does_not_matter_to_registrations() -> None:
    one, two, three = step("shop.a", "charge"), step("shop.b", "charge"), step("shop.a", "refund")

    assert registrations(one, two, three) == registrations(three, two, one)


def test_each_step_is_imported_by_name_and_used() -> None:
    text = registrations(step("shop.payments", "charge"), step("shop.payments", "refund"))

    assert "    from shop.payments import charge, refund\n" in text
    assert '    STEPS.add("step//shop.payments//charge", charge)\n' in text
    assert '    STEPS.add("step//shop.payments//refund", refund)\n' in text


def test_equal_names_of_two_modules_are_told_apart() -> None:
    text = registrations(step("shop.a", "charge"), step("shop.b", "charge"), step("shop.b", "shop_a_charge"))

    assert "from shop.a import charge as shop_a_charge_2\n" in text
    assert "from shop.b import charge as shop_b_charge\n" in text
    assert 'STEPS.add("step//shop.a//charge", shop_a_charge_2)' in text


@pytest.mark.parametrize("name", ["STEPS", "error", "Registrations"])
def test_a_step_that_is_named_like_something_of_ours_replaces_nothing(name: str) -> None:
    assert f"from shop import {name} as shop_{name}\n" in registrations(step("shop", name))


def test_a_step_in_a_class_is_reached_through_the_class() -> None:
    text = registrations(step("shop.payments", "Payments.charge"))

    assert "from shop.payments import Payments\n" in text
    assert 'STEPS.add("step//shop.payments//Payments.charge", Payments.charge)' in text


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("shop.my-module", "charge"),
        ("shop", 'x"); import os; os.system("id'),
        ("shop\nimport os", "x"),
        ("class.shop", "x"),
        ("shop", "outer.<lambda>.inner"),
        ("", "x"),
    ],
)
def test_a_name_that_no_import_can_say_is_refused_with_its_place(module: str, name: str) -> None:
    with pytest.raises(BuildError, match=r"\.py:3: step .*rename"):
        emitted(step(module, name))


def test_handler_expects_every_step() -> None:
    texts = emitted(step("shop.a", "charge"), step("shop.b", "refund"))

    steps = '        steps=[\n            "step//shop.a//charge",\n            "step//shop.b//refund",\n        ],\n'
    assert steps in texts["__init__.py"]
    assert "Service(PROJECT, STEPS)" in texts["fastapi.py"]


def test_retained_bundles_stay_listed_and_do_not_change_the_build() -> None:
    old = "0" * 16

    assert f'"{old}": _load_{old},' in emitted(retained=(old,))["bundles/__init__.py"]
    assert emitted_build(emitted(retained=(old,))) == emitted_build(emitted())


def test_the_build_id_follows_the_workflow_code() -> None:
    assert emitted_build(emitted(source="x = 1\n")) != emitted_build(emitted(source="x = 2\n"))


def test_the_manifest_says_all_options_the_same_in_every_process() -> None:
    found = step(
        "shop", "charge", max_retries=5, on={"b", "a"}, wait=float("inf"), raw=b"x", nested=(None, {1: "\ud800"})
    )

    options = json.loads(emitted(found)["manifest.json"])["steps"][0]["options"]

    assert options == {
        "max_retries": 5,
        "on": ["'a'", "'b'"],
        "wait": "inf",
        "raw": "b'x'",
        "nested": [None, {"1": "\ud800"}],
    }


def test_a_nested_root_gives_the_package_name_from_the_innermost() -> None:
    src = PROJECT / "src"
    config = Config(PROJECT, (PROJECT, src), src / "shop" / "_workflow", ())

    assert output_package(config) == "shop._workflow"


HOSTILE = [
    '"""',
    '""""""',
    'x = """a\n"""\n',
    'end with a quote "',
    "back\\slash \\",
    "trailing space \n\t\n  ",
    "\r\n\r\f\x00\u2028\u202e\ud800\U0001f600",
    "{{ 7 * 7 }} {% raw %} {# x #}",
    "",
    "\n\n\nx = 1\n\n\n",
]


@pytest.mark.parametrize("source", HOSTILE)
def test_a_bundle_module_gives_back_exactly_the_bundle(source: str) -> None:
    workflow = built(source)
    name = f"bundles/b_{workflow.bundle.hash}.py"
    text = emitted(source=source)[name]

    assert bundle_in({name: text}, name) == workflow.bundle
    assert all(line == line.rstrip() for line in text.splitlines())


@given(st.text() | st.text(alphabet="\"\\\n x'"))
def test_any_text_survives_as_a_literal(text: str) -> None:
    assert ast.literal_eval(literals.literal(text)) == text
    assert ast.literal_eval(literals.text_literal(text)) == text
    assert "\n" not in literals.literal(text)
