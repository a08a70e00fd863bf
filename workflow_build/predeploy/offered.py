"""The steps of the new build with their signatures, read from the source."""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from inspect import Signature

from workflow_build.model import Binding, Function, Functions, Sources
from workflow_build.predeploy.called import CalledStep
from workflow_build.predeploy.live import OpenCall
from workflow_build.predeploy.signatures import change, misfit, signature_of
from workflow_build.syntax.nodes import walk


@dataclass(frozen=True, slots=True)
class OfferedStep:
    """A step of the new build, with a signature for each of its definitions. A process has one of them, and nobody knows here which:
    a call is good when it fits one.
    """

    signatures: tuple[Signature, ...]
    captured: tuple[str, ...]

    def misfit(self, call: OpenCall) -> str | None:
        """Why a recorded call does not fit; None when it does."""
        args, kwargs = (None,) * call.args, dict.fromkeys(call.kwargs)
        problems = [misfit(signature, args, kwargs) for signature in self.signatures]
        return _if_all(problems) or self._lacks(call.captured)

    def change(self, old: CalledStep) -> str | None:
        """Why a call as an older build makes it may not fit; None when every one does."""
        problems = [change(old.signature, signature) for signature in self.signatures]
        return _if_all(problems) or self._lacks(old.captured)

    def _lacks(self, given: Iterable[str]) -> str | None:
        missing = sorted(set(self.captured) - set(given))
        return f"it captures {', '.join(missing)}, which the call does not bring along" if missing else None


def _if_all(problems: Sequence[str | None]) -> str | None:
    return problems[0] if all(problems) else None


def offered_steps(functions: Functions, sources: Sources) -> Mapping[str, OfferedStep]:
    """The steps by id."""
    texts = {file.path: file.data for file in sources.files}
    definitions: dict[str, dict[int, ast.arguments]] = {}
    for path in {step.location.path for step in functions.steps}:
        definitions[path] = _definitions(texts[path])
    return {step.id: _offered(step, definitions[step.location.path]) for step in functions.steps}


def _offered(step: Function, definitions: Mapping[int, ast.arguments]) -> OfferedStep:
    without_first = step.binding is Binding.CLASS
    found = (signature_of(definitions[line], without_first=without_first) for line in step.lines)
    return OfferedStep(tuple(found), step.captured)


def _definitions(data: bytes) -> dict[int, ast.arguments]:
    """The parameters of each function of a file, by the line of its ``def``."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tree = ast.parse(data)
    return {node.lineno: node.args for node in walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
