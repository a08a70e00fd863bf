"""Options that markers are given and do not have."""

from __future__ import annotations

import ast
import difflib
import inspect
import re
from collections.abc import Iterable, Iterator

import workflow_runtime
from workflow_build.checks.code import Code
from workflow_build.model import Diagnostic
from workflow_build.rules.names import UNKNOWN_OPTION

KNOWN = {
    name: tuple(
        parameter.name
        for parameter in inspect.signature(getattr(workflow_runtime, name)).parameters.values()
        if parameter.kind is inspect.Parameter.KEYWORD_ONLY
    )
    for name in ("step", "workflow")
}
"""What each marker takes, as the runtime itself says."""

_DECORATOR = re.compile(r"(?m)^[ \t]*@([\w.]+)[ \t]*\((.*)$")
_KEYWORD = re.compile(r"(\w+)[ \t]*=(?!=)")


def may_have_unknown_options(text: str) -> bool:
    """Whether some decorator in the source may have a keyword that its marker has not: then it is worth to look which marker it is."""
    for name, given in _DECORATOR.findall(text):
        words = _KEYWORD.findall(given)
        if ")" not in given or "workflow" in name or not set(words).issubset(KNOWN["step"]):
            return True
    return False


def unknown_options(code: Code) -> Iterator[Diagnostic]:
    """Keywords of markers, in the statement's decorators, that the marker does not have."""
    for call in _decorating(ast.walk(code.node)):
        runtime, _, marker = code.outside(call.func).partition(".")
        if runtime != workflow_runtime.__name__ or marker not in KNOWN:
            continue
        for word in call.keywords:
            if word.arg and word.arg not in KNOWN[marker]:
                yield UNKNOWN_OPTION.at(
                    code.place(word.value), marker=marker, option=word.arg, advice=_advice(marker, word.arg)
                )


def _decorating(nodes: Iterable[ast.AST]) -> Iterator[ast.Call]:
    for node in nodes:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield from (found for found in node.decorator_list if isinstance(found, ast.Call))


def _advice(marker: str, option: str) -> str:
    known = KNOWN[marker]
    if not known:
        return f"write `@{marker}` without arguments"
    meant = difflib.get_close_matches(option, known, 1)
    return f"did you mean {meant[0]}?" if meant else f"it has {', '.join(known)}"
