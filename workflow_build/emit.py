"""Emit: from functions and bundles to the text of every written file, by relative path. Touches no disk but its own templates."""

from __future__ import annotations

import ast
import builtins
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import cache, partial
from importlib import resources
from itertools import groupby

from jinja2 import ChoiceLoader, Environment, FunctionLoader, PackageLoader, StrictUndefined

from workflow_build import literals
from workflow_build.adapters import handler_module, load_adapter
from workflow_build.cache.memory import Memory
from workflow_build.describe import Description
from workflow_build.errors import BuildError
from workflow_build.manifest import manifest, own_version
from workflow_build.model import Binding, Bundles, Config, Function, Functions

RESERVED = frozenset({"STEPS", "Registrations", "error", "nested_step", "workflow_runtime"})
"""Names that ``step_registrations.py`` has for itself."""

NESTED = ".<locals>."
"""What Python puts between the name of a function and those of functions inside of it."""
NOTHING_DESCRIBED = Description()


def emit(
    config: Config,
    functions: Functions,
    bundles: Bundles,
    retained: Iterable[str] = (),
    description: Description = NOTHING_DESCRIBED,
    memory: Memory | None = None,
) -> dict[str, str]:
    """All files but ``config.json``, by path relative to the output folder.

    ``retained`` are hashes of bundles of earlier builds that are on disk and stay listed. Raises ``BuildError`` for a function
    that no import statement can name. Equal input gives equal text.
    """
    for function in functions.functions:
        _require_importable(function)
    memory = memory or Memory()
    package = output_package(config)
    current = {built.hash: built.bundle for built in bundles.workflows}
    hashes = sorted({*current, *retained})
    texts = {
        "step_registrations.py": memory.derive(
            "step registrations",
            "",
            [(step.module, step.qualname, step.binding, repr(step.options), step.retry) for step in functions.steps],
            partial(_step_registrations, functions.steps),
        ),
        "bundles/__init__.py": _render(
            "bundles.py.jinja", hashes=hashes, loaders={hash_: f"_load_{hash_}" for hash_ in hashes}
        ),
    }
    for target in config.targets:
        module = handler_module(package, target)
        texts[f"{module.rpartition('.')[2]}.py"] = _render(load_adapter(target).template, module=module)
    told = manifest(config, functions, bundles, description, sorted([*texts, "__init__.py"]), memory)
    texts["manifest.json"] = told.text
    texts["__init__.py"] = _render(
        "__init__.py.jinja",
        up="/".join([".."] * len(config.out.relative_to(config.project).parts)),
        build=told.build,
        workflows={built.function.id: literals.literal(built.hash) for built in bundles.workflows},
        steps=[step.id for step in functions.steps],
        limits={built.function.id: _limits(built.function) for built in bundles.workflows if built.function.options},
    )
    for hash_, bundle in current.items():
        render = partial(_render, "bundle.py.jinja", bundle=bundle)
        texts[f"bundles/b_{hash_}.py"] = memory.derive("bundle text", hash_, hash_, render)
    return dict(sorted(texts.items()))


def _limits(workflow: Function) -> str:
    """What the workflow's mark was given, as a dict."""
    return literals.dict_literal({name: literals.plain(value) for name, value in workflow.options.items()}, 12)


def output_package(config: Config) -> str:
    """The dotted name under which the output folder is imported, as in ``shop._workflow``."""
    roots = [root for root in config.roots if config.out.is_relative_to(root)]
    return ".".join(config.out.relative_to(max(roots, key=lambda root: len(root.parts))).parts)


def emitted_build(files: Mapping[str, str]) -> str:
    """The build id in the text of an emitted manifest."""
    head = re.match(r'\{\s*"build": "(\w+)"', files["manifest.json"])
    assert head is not None, "the manifest begins with it"
    return head[1]


def _render(template: str, **values: object) -> str:
    return _environment().get_template(template).render(version=own_version(), **values)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=ChoiceLoader([PackageLoader("workflow_build"), FunctionLoader(_template_elsewhere)]),
        undefined=StrictUndefined,
        autoescape=False,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {
        "py": literals.literal,
        "py_text": literals.text_literal,
        "py_tuple": literals.tuple_literal,
        "py_list": literals.list_literal,
        "py_dict": literals.dict_literal,
        "py_call": literals.call,
    }
    return environment


def _template_elsewhere(name: str) -> str | None:
    """The text of a template that an adapter of another package brings, named ``package:file``."""
    package, separator, file = name.partition(":")
    return resources.files(package).joinpath(file).read_text("utf-8") if separator else None


def _require_importable(function: Function) -> None:
    if literals.is_dotted_name(function.module) and literals.is_dotted_name(function.qualname.replace(NESTED, ".")):
        return
    raise BuildError(
        f"{function.location.path}:{function.location.line}: {function.kind} {function.qualname!r} in module {function.module!r} "
        "can not be named by an import statement; rename the file, folder or function to a Python identifier"
    )


def _step_registrations(steps: Sequence[Function]) -> str:
    nested = [step for step in steps if step.binding is Binding.NESTED]
    return _render(
        "step_registrations.py.jinja",
        modules=_registrations(steps),
        nested=bool(nested),
        policies=any(step.retry for step in nested),
    )


def _registrations(steps: Iterable[Function]) -> list[dict[str, object]]:
    """Per module: its import lines, the ids it provides, and the expression for each."""
    steps = sorted(steps, key=lambda step: (step.module, step.qualname))
    owners = {(step.module, _head(step)) for step in steps}
    shared = Counter(name for _, name in owners)
    taken = set(shared) | RESERVED
    modules: list[dict[str, object]] = []
    for module, group in groupby(steps, key=lambda step: step.module):
        members = list(group)
        names: dict[str, str] = {}
        for head in sorted({_head(step) for step in members}):
            clash = shared[head] > 1 or head in RESERVED
            names[head] = _alias(module, head, taken) if clash else head
        modules.append(
            {
                "name": module,
                "imports": literals.import_lines(module, names, 4),
                "ids": [step.id for step in members],
                "uses": [{"id": step.id, "expression": _expression(step, names[_head(step)])} for step in members],
            }
        )
    return modules


def _alias(module: str, name: str, taken: set[str]) -> str:
    """A name that nothing else has: ``shop_payments_charge``. Adds itself to ``taken``."""
    alias = base = f"{module}_{name}".replace(".", "_")
    count = 2
    while alias in taken:
        alias = f"{base}_{count}"
        count += 1
    taken.add(alias)
    return alias


def _head(function: Function) -> str:
    return function.qualname.partition(".")[0]


def _expression(step: Function, head: str) -> str:
    """What gives the step's function, ``head`` being what is imported of its module."""
    path = head + step.qualname.removeprefix(_head(step))
    outer, _, name = path.partition(NESTED)
    if not name:
        return path
    options = [f"{key}={literals.plain(value)}" for key, value in step.options.items()]
    if step.retry:
        options.append(f"retry={_policy(ast.parse(step.retry, mode='eval').body, 12)}")
    return literals.call(("nested_step", outer, literals.literal(name), *options), 8)


def _policy(node: ast.expr, indent: int) -> str:
    """A retry policy, with the runtime's names taken from the runtime."""
    match node:
        case ast.Call(func=ast.Name(id=name), args=args, keywords=keywords):
            values = [literals.plain(ast.literal_eval(value)) for value in args]
            named = [f"{word.arg}={literals.plain(ast.literal_eval(word.value))}" for word in keywords]
            return literals.exploded(f"workflow_runtime.{name}(", [*values, *named], ")", indent)
        case ast.Dict(keys=keys, values=policies):
            rules = [
                f"{_policy(kind, indent)}: {_policy(policy, indent + 4)}"
                for kind, policy in zip(keys, policies, strict=True)
                if kind is not None
            ]
            return literals.exploded("{", rules, "}", indent)
        case ast.Name(id=name):
            return name if hasattr(builtins, name) else f"workflow_runtime.{name}"
    raise AssertionError(f"{ast.dump(node)} is no part of a policy")
