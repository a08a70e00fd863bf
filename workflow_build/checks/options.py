"""Options that markers are given and do not have, and values that these can not have."""

from __future__ import annotations

import ast
import difflib
import inspect
import re
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any

import workflow_runtime
from workflow_build.checks.code import Code
from workflow_build.model import Diagnostic
from workflow_build.rules.names import IMPOSSIBLE_OPTION, UNKNOWN_OPTION
from workflow_build.syntax.nodes import walk
from workflow_build.syntax.options import NOT_LITERAL, POLICIES, literal_of

MARKERS = ("step", "workflow")

_DECORATOR = re.compile(r"(?m)^[ \t]*@([\w.]+)[ \t]*\((.*)$")
_KEYWORD = re.compile(r"(\w+)[ \t]*=(?!=)")
_COMMON = re.compile(r"max_retries[ \t]*=[ \t]*\d")
"""What is right in any case."""
_ADVICE = "correct the value"


@cache
def _known(marker: str) -> tuple[str, ...]:
    """What the marker takes, as the runtime itself says, which takes longer to load than to check a small project by it."""
    parameters = inspect.signature(getattr(workflow_runtime, marker)).parameters.values()
    return tuple(parameter.name for parameter in parameters if parameter.kind is inspect.Parameter.KEYWORD_ONLY)


def may_have_wrong_options(text: str) -> bool:
    """Whether some decorator in the source may have an option that its marker has not, or a wrong one: then it is worth to look closer."""
    for name, given in _DECORATOR.findall(text):
        if ")" not in given or "workflow" in name or _KEYWORD.search(_COMMON.sub("", given)):
            return True
    return False


def impossible_options(code: Code) -> Iterator[Diagnostic]:
    """Values of options, in the statement's decorators, at which the marker itself would raise."""
    for node in walk(code.node):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            for call in (found for found in node.decorator_list if isinstance(found, ast.Call)):
                runtime, _, marker = code.outside(call.func).partition(".")
                if runtime == workflow_runtime.__name__ and marker in MARKERS:
                    yield from _impossible(code, node, call, marker)


def _impossible(
    code: Code, node: ast.FunctionDef | ast.AsyncFunctionDef, call: ast.Call, marker: str
) -> Iterator[Diagnostic]:
    for word in call.keywords:
        if word.arg not in _known(marker):
            continue
        found, advice = _problem(code, marker, word.arg, word.value), _ADVICE
        direct = call is node.decorator_list[-1] and isinstance(node, ast.FunctionDef)
        if not found and word.arg == "timeout" and direct and not _is_none(word.value):
            found = f"{node.name} is no async function, and nothing can stop the thread that it runs in: it can have no timeout"
            advice = f"give what it waits for a timeout of its own, or write `async def {node.name}(…)`"
        if found:
            yield IMPOSSIBLE_OPTION.at(code.place(word.value), marker=marker, problem=found, advice=advice)


def _problem(code: Code, marker: str, option: str, value: ast.expr) -> str:
    """What the runtime says to the value, as far as reading tells what that is; empty when it takes it."""
    try:
        parts = value.values if isinstance(value, ast.Dict) and option == "retry" else [value]
        for part in parts:
            getattr(workflow_runtime, marker)(**{option: _value(code, part)})
    except NOT_LITERAL as error:
        return "" if isinstance(error, _Unknown) else str(error)
    return ""


class _Unknown(ValueError):
    """Only running the code tells the value."""


def _value(code: Code, node: ast.expr) -> Any:
    runtime, _, name = code.outside(node.func).partition(".") if isinstance(node, ast.Call) else ("", "", "")
    try:
        if isinstance(node, ast.Call) and runtime == workflow_runtime.__name__ and name in POLICIES:
            words = {word.arg: literal_of(word.value) for word in node.keywords if word.arg}
            arguments = [literal_of(argument) for argument in node.args]
        else:
            return literal_of(node)
    except NOT_LITERAL as error:
        raise _Unknown from error
    return getattr(workflow_runtime, name)(*arguments, **words)


def _is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def unknown_options(code: Code) -> Iterator[Diagnostic]:
    """Keywords of markers, in the statement's decorators, that the marker does not have."""
    for call in _decorating(walk(code.node)):
        runtime, _, marker = code.outside(call.func).partition(".")
        if runtime != workflow_runtime.__name__ or marker not in MARKERS:
            continue
        for word in call.keywords:
            if word.arg and word.arg not in _known(marker):
                yield UNKNOWN_OPTION.at(
                    code.place(word.value), marker=marker, option=word.arg, advice=_advice(marker, word.arg)
                )


def _decorating(nodes: Iterable[ast.AST]) -> Iterator[ast.Call]:
    for node in nodes:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield from (found for found in node.decorator_list if isinstance(found, ast.Call))


def _advice(marker: str, option: str) -> str:
    meant = difflib.get_close_matches(option, _known(marker), 1)
    return f"did you mean {meant[0]}?" if meant else f"it has {', '.join(_known(marker))}"
