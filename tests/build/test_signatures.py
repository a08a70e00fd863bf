"""Signatures read from source, and which changes of one leave the calls of the other whole."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator
from itertools import product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workflow_build.predeploy.signatures import change, misfit, signature_of

NAMES = ("a", "b", "c")


def parsed(parameters: str) -> inspect.Signature:
    """The signature of ``def f(<parameters>)``, read from its text."""
    definition = ast.parse(f"def f({parameters}): ...").body[0]
    assert isinstance(definition, ast.FunctionDef)
    return signature_of(definition.args)


def compiled(parameters: str) -> inspect.Signature:
    """What Python itself says of ``def f(<parameters>)``."""
    space: dict[str, Any] = {}
    exec(f"def f({parameters}): ...", space)  # noqa: S102 - the text is the test's own
    return inspect.signature(space["f"])


@pytest.mark.parametrize(
    "parameters",
    ["", "a", "a, b=1", "a, /, b", "a, /, b=1, *, c", "*rest, c=2", "a, **more", "a, b=1, /, *rest, c, **more"],
)
def test_a_signature_read_from_text_is_the_one_that_python_makes(parameters: str) -> None:
    read, made = parsed(parameters), compiled(parameters)

    assert [(p.name, p.kind, p.default is p.empty) for p in read.parameters.values()] == [
        (p.name, p.kind, p.default is p.empty) for p in made.parameters.values()
    ]


def test_a_class_method_is_called_without_its_class() -> None:
    definition = ast.parse("def f(cls, /, a): ...").body[0]
    assert isinstance(definition, ast.FunctionDef)

    assert list(signature_of(definition.args, without_first=True).parameters) == ["a"]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("a", "a, b=1"),
        ("a", "a, *, b=1"),
        ("a", "a=1"),
        ("a, *, b", "a, b"),
        ("a, /", "z, /"),
        ("a", "a, *rest, **more"),
        ("a, *rest", "a, *others"),
        ("a, **more", "a, **others"),
        ("*, b, c", "*, c, b"),
    ],
)
def test_what_leaves_every_call_whole_is_no_change(old: str, new: str) -> None:
    assert change(parsed(old), parsed(new)) is None


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("a", "b", "'a' now goes to 'b'"),
        ("a, b", "a", "too many"),
        ("a", "a, b", "missing.*'b'"),
        ("a", "a, *, b", "missing.*'b'"),
        ("a=1", "a", "missing.*'a'"),
        ("a, b", "b, a", "'a' now goes to 'b'"),
        ("a", "a, /", "'a'"),
        ("a", "*, a", "too many"),
        ("a, *rest", "a", "too many"),
        ("a, *rest", "a, b=1, *rest", "now goes to 'b'"),
        ("a, **more", "a", "unexpected"),
    ],
)
def test_what_can_break_a_call_is_told_with_its_reason(old: str, new: str, said: str) -> None:
    problem = change(parsed(old), parsed(new))

    assert problem is not None
    with pytest.raises(AssertionError, match=said):
        raise AssertionError(problem)


@st.composite
def signatures(draw: st.DrawFn) -> str:
    """Parameters of any kind, in a valid order."""
    names = list(draw(st.permutations(NAMES)))[: draw(st.integers(0, 3))]
    kinds = sorted(draw(st.lists(st.sampled_from([0, 1, 2]), min_size=len(names), max_size=len(names))))
    has_rest, has_more = draw(st.booleans()), draw(st.booleans())
    optional_from = draw(st.integers(0, len(names)))
    parts: list[str] = []
    for kind in (0, 1, 2):
        if kind == 2:
            parts += ["*rest"] if has_rest else ["*"] if 2 in kinds else []
        for index, (name, own) in enumerate(zip(names, kinds, strict=True)):
            if own == kind:
                parts.append(f"{name}=0" if index >= optional_from else name)
        if kind == 0 and 0 in kinds:
            parts.append("/")
    return ", ".join([*parts, *(["**more"] if has_more else [])])


def all_calls() -> Iterator[tuple[tuple[str, ...], dict[str, str]]]:
    """Every call with up to four arguments by place and any of the names, and one that no parameter has."""
    for count in range(5):
        for chosen in product([False, True], repeat=4):
            names = [name for name, is_in in zip((*NAMES, "other"), chosen, strict=True) if is_in]
            yield tuple(f"<{index}>" for index in range(count)), {name: f"<{name}>" for name in names}


def places(signature: inspect.Signature, args: tuple[str, ...], kwargs: dict[str, str]) -> dict[str, str]:
    """Where each value lands, by the kind of place for those that callers can not name."""
    found: dict[str, str] = {}
    for name, value in signature.bind(*args, **kwargs).arguments.items():
        kind = signature.parameters[name].kind
        if kind is inspect.Parameter.VAR_POSITIONAL:
            found |= dict.fromkeys(value, "*")
        elif kind is inspect.Parameter.VAR_KEYWORD:
            found |= dict.fromkeys(value.values(), "**")
        else:
            found[value] = "" if kind is inspect.Parameter.POSITIONAL_ONLY else name
    return found


@settings(max_examples=400, deadline=None)
@given(signatures(), signatures())
def test_where_no_change_is_told_every_call_of_the_old_one_fits_the_new_one(old: str, new: str) -> None:
    before, after = parsed(old), parsed(new)
    if change(before, after) is not None:
        return

    # A keyword that only **more took, and that names a parameter now, is what a parameter added with a default is for.
    by_name = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    added = set(after.parameters) - {name for name, p in before.parameters.items() if p.kind in by_name}
    for args, kwargs in all_calls():
        if misfit(before, args, kwargs) is None and not added & set(kwargs):
            assert misfit(after, args, kwargs) is None, (old, new, args, kwargs)
            moved = {value: name for value, name in places(before, args, kwargs).items() if name not in ("", "*", "**")}
            assert moved.items() <= places(after, args, kwargs).items(), (old, new, args, kwargs)


@settings(max_examples=100, deadline=None)
@given(signatures())
def test_a_signature_is_no_change_of_itself(parameters: str) -> None:
    assert change(parsed(parameters), parsed(parameters)) is None
