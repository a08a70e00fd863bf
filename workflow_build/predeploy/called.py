"""Which steps the workflow code of a bundle can call, and how: read from its text."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from inspect import Signature

from workflow_build.cut.registration import REGISTER
from workflow_build.errors import BuildError
from workflow_build.predeploy.signatures import signature_of
from workflow_runtime.bundles import Bundle, BundleModule

_Definition = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, slots=True)
class CalledStep:
    """A step as a bundle knows it."""

    id: str
    signature: Signature
    captured: frozenset[str]
    """The captured values that a call brings along, for a nested step."""


@lru_cache(maxsize=256)
def called_steps(bundle: Bundle) -> tuple[CalledStep, ...]:
    """The steps that the bundle's code can call, sorted by id; one with several definitions is there for each.

    Raises ``BuildError`` when this Python can not read the code.
    """
    found = [step for module in bundle.modules if REGISTER in module.source for step in _in(_parsed(module).body)]
    return tuple(sorted(found, key=lambda step: step.id))


def _parsed(module: BundleModule) -> ast.Module:
    try:
        return ast.parse(module.source, module.path)
    except SyntaxError as error:
        raise BuildError(
            f"the code that a live run started with has syntax that this Python lacks ({module.path}:{error.lineno}); use the "
            "Python that the app runs on"
        ) from error


def _in(body: Sequence[ast.stmt]) -> Iterator[CalledStep]:
    """The stubs in a block, and in the blocks inside of it."""
    definitions: dict[str, _Definition] = {}
    for node in body:
        if isinstance(node, _Definition):
            definitions[node.name] = node
            for decorator in node.decorator_list:
                yield from _step(decorator, node)
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call):
            for given in node.value.args:
                if isinstance(given, ast.Name) and given.id in definitions:
                    yield from _step(node.value.func, definitions[given.id])
        for _, inner in ast.iter_fields(node):
            if isinstance(inner, list):
                yield from _in([one for one in inner if isinstance(one, ast.stmt)])
                for holder in inner:
                    if isinstance(holder, ast.ExceptHandler | ast.match_case):
                        yield from _in(holder.body)


def _step(node: ast.expr, definition: _Definition) -> Iterator[CalledStep]:
    """The step that ``node``, a call of what the sandbox provides, makes of the definition."""
    match node:
        case ast.Call(func=ast.Name(id=name), args=[ast.Constant(value=str(step_id)), *more]) if name == REGISTER:
            is_class_method = any(isinstance(one, ast.Name) and one.id == "classmethod" for one in more)
            signature = signature_of(definition.args, without_first=is_class_method)
            yield CalledStep(step_id, signature, frozenset(_captured(node)))


def _captured(node: ast.Call) -> Iterator[str]:
    for keyword in node.keywords:
        match keyword.value:
            case ast.Lambda(body=ast.Dict(keys=keys)):
                yield from (key.value for key in keys if isinstance(key, ast.Constant) and isinstance(key.value, str))
