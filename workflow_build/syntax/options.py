"""What a marker is given, as far as reading tells: literals, and the retry policies of the runtime."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from workflow_build.syntax.reads import chain_of

POLICIES = frozenset({"constant", "linear", "exponential"})
NO_RETRY = "NO_RETRY"
RETRY = "retry"

Meaning = Callable[[ast.expr], str]
"""The name of the runtime or of Python that an expression certainly stands for, as in ``exponential`` and ``ValueError``; else empty."""

NOT_LITERAL = (ValueError, TypeError, SyntaxError, MemoryError, RecursionError)
"""What ``ast.literal_eval`` raises for anything else."""


@dataclass(frozen=True, slots=True)
class Given:
    """The arguments of a marker."""

    literals: Mapping[str, object] = field(default_factory=dict)
    retry: str = ""
    """The policy, by the runtime's own names; classes of errors that are neither the runtime's nor Python's, as they are written."""
    unread: tuple[str, ...] = ()
    """Those that mean something only where they are written, or that only running the code tells; ``**`` for unpacked ones."""


def given_to(marks: Sequence[ast.expr], meaning: Meaning) -> Given:
    """What the first of the marks is given, and what in any of them could not be read."""
    found = [_given(mark, meaning) for mark in marks]
    if len(found) < 2:
        return found[0] if found else Given()
    return Given(found[0].literals, found[0].retry, tuple(name for one in found for name in one.unread))


def literal_of(node: ast.expr) -> object:
    """The value of a literal. Raises one of ``NOT_LITERAL``."""
    return ast.literal_eval(node)


def is_error(name: str) -> bool:
    """Whether Python has a class of errors of that name."""
    found = getattr(builtins, name, None)
    return isinstance(found, type) and issubclass(found, BaseException)


def _given(mark: ast.expr, meaning: Meaning) -> Given:
    literals: dict[str, object] = {}
    retry, unread = "", []
    for keyword in mark.keywords if isinstance(mark, ast.Call) else ():
        try:
            literals[keyword.arg or "**"] = ast.literal_eval(keyword.value)
        except NOT_LITERAL:
            if keyword.arg == RETRY:
                retry, travels = _retry(keyword.value, meaning)
                unread += [] if travels else [RETRY]
            else:
                unread.append(keyword.arg or "**")
    if "**" in literals:
        del literals["**"]
        unread.append("**")
    return Given(literals, retry, tuple(unread))


def _retry(node: ast.expr, meaning: Meaning) -> tuple[str, bool]:
    """The policy's text, empty when there is none to be read, and whether it means the same anywhere."""
    if not isinstance(node, ast.Dict):
        policy = _policy(node, meaning)
        return policy, bool(policy)
    rules, travels = [], True
    for key, value in zip(node.keys, node.values, strict=True):
        kind, policy = key and (meaning(key) or ".".join(chain_of(key) or ())), _policy(value, meaning)
        if not kind or not policy:
            return "", False
        travels = travels and bool(key and meaning(key))
        rules.append(f"{kind}: {policy}")
    return f"{{{', '.join(rules)}}}", travels


def _policy(node: ast.expr, meaning: Meaning) -> str:
    if not isinstance(node, ast.Call):
        return NO_RETRY if meaning(node) == NO_RETRY else ""
    name = meaning(node.func)
    try:
        values = [(keyword.arg, literal_of(keyword.value)) for keyword in node.keywords]
        arguments = [repr(literal_of(argument)) for argument in node.args]
    except NOT_LITERAL:
        return ""
    if name not in POLICIES or any(word is None for word, _ in values):
        return ""
    return f"{name}({', '.join([*arguments, *(f'{word}={value!r}' for word, value in values)])})"
