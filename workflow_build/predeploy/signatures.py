"""Signatures read from source, and whether the calls of one fit another. Nothing is imported."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from inspect import Parameter, Signature

Call = tuple[tuple[object, ...], dict[str, object]]
_UNLIKELY = "any_other_name_"
"""Stands for a keyword that only ``**kwargs`` takes."""


def signature_of(arguments: ast.arguments, *, without_first: bool = False) -> Signature:
    """The signature of a function with these parameters, annotations left out; ``without_first`` as a class method is called."""
    positional = [*arguments.posonlyargs, *arguments.args]
    bare = len(positional) - len(arguments.defaults)
    parameters = [
        Parameter(
            argument.arg,
            Parameter.POSITIONAL_ONLY if index < len(arguments.posonlyargs) else Parameter.POSITIONAL_OR_KEYWORD,
            default=Parameter.empty if index < bare else None,
        )
        for index, argument in enumerate(positional)
    ]
    if arguments.vararg:
        parameters.append(Parameter(arguments.vararg.arg, Parameter.VAR_POSITIONAL))
    for argument, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
        value = Parameter.empty if default is None else None
        parameters.append(Parameter(argument.arg, Parameter.KEYWORD_ONLY, default=value))
    if arguments.kwarg:
        parameters.append(Parameter(arguments.kwarg.arg, Parameter.VAR_KEYWORD))
    return Signature(parameters[1:] if without_first else parameters)


def misfit(signature: Signature, args: Sequence[object], kwargs: Mapping[str, object]) -> str | None:
    """Why a call does not fit the signature, in Python's words; None when it fits."""
    try:
        signature.bind(*args, **kwargs)
    except TypeError as error:
        return str(error)
    return None


def change(old: Signature, new: Signature) -> str | None:
    """Why a call that fits ``old`` may not fit ``new``, or give a value to another parameter; None when none can."""
    for args, kwargs in _calls(old):
        problem = misfit(new, args, kwargs)
        if problem is not None:
            return problem
        before, after = _places(old, args, kwargs), _places(new, args, kwargs)
        for value, name in before.items():
            if after[value] != name and not _is_nameless(old, name):
                return f"what was given to {name!r} now goes to {after[value]!r}"
    return None


def _calls(signature: Signature) -> Iterator[Call]:
    """Calls that differ in all that can matter: each parameter given by place, by name, and not at all where it need not be."""
    every = list(signature.parameters.values())
    has_rest = any(p.kind is Parameter.VAR_POSITIONAL for p in every)
    has_more = any(p.kind is Parameter.VAR_KEYWORD for p in every)
    for parameters in (every, [p for p in every if p.default is Parameter.empty]):
        places = [f"<{p.name}>" for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
        only_place = [f"<{p.name}>" for p in parameters if p.kind is p.POSITIONAL_ONLY]
        names: dict[str, object] = {p.name: f"<{p.name}>" for p in parameters if p.kind is p.KEYWORD_ONLY}
        either: dict[str, object] = {p.name: f"<{p.name}>" for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD}
        more: dict[str, object] = {_UNLIKELY: f"<{_UNLIKELY}>"} if has_more else {}
        yield tuple(places), {**names, **more}
        yield tuple(only_place), {**names, **either, **more}
    if has_rest:
        full = [p for p in every if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
        required: dict[str, object] = {
            p.name: f"<{p.name}>" for p in every if p.kind is p.KEYWORD_ONLY and p.default is p.empty
        }
        yield (*(f"<{p.name}>" for p in full), "<rest 1>", "<rest 2>"), required


def _places(signature: Signature, args: Sequence[object], kwargs: Mapping[str, object]) -> dict[object, str]:
    """Which parameter each value of a call lands in; ``*`` and ``**`` for those that have no name of their own."""
    bound = signature.bind(*args, **kwargs)
    found: dict[object, str] = {}
    for name, value in bound.arguments.items():
        kind = signature.parameters[name].kind
        if kind is Parameter.VAR_POSITIONAL:
            found |= dict.fromkeys(value, "*")
        elif kind is Parameter.VAR_KEYWORD:
            found |= dict.fromkeys(value.values(), "**")
        else:
            found[value] = name
    return found


def _is_nameless(signature: Signature, name: str) -> bool:
    """Whether callers can not know the parameter's name, so that it may change."""
    parameter = signature.parameters.get(name)
    return parameter is not None and parameter.kind is Parameter.POSITIONAL_ONLY
