"""Emit: from functions and bundles to the text of every written file, by relative path. Touches no disk but its own templates."""

from __future__ import annotations

import hashlib
import json
import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from functools import cache
from importlib.metadata import version
from itertools import groupby

from jinja2 import Environment, PackageLoader, StrictUndefined

from workflow_build import literals
from workflow_build.adapters import load_adapter
from workflow_build.errors import BuildError
from workflow_build.model import Bundles, Config, Function, Functions, Location

RESERVED = frozenset({"STEPS", "Registrations", "error"})
"""Names that ``step_registrations.py`` has for itself."""


def emit(config: Config, functions: Functions, bundles: Bundles, retained: Iterable[str] = ()) -> dict[str, str]:
    """All files but ``config.json``, by path relative to the output folder.

    ``retained`` are hashes of bundles of earlier builds that are on disk and stay listed. Raises ``BuildError`` for a function
    that no import statement can name. Equal input gives equal text.
    """
    for function in functions.functions:
        _require_importable(function)
    package = output_package(config)
    current = {built.bundle.hash: built.bundle for built in bundles.workflows}
    hashes = sorted({*current, *retained})
    texts = {
        "step_registrations.py": _render("step_registrations.py.jinja", modules=_registrations(functions.steps)),
        "bundles/__init__.py": _render(
            "bundles.py.jinja", hashes=hashes, loaders={hash_: f"_load_{hash_}" for hash_ in hashes}
        ),
    }
    for target in config.targets:
        template = load_adapter(target).template
        texts[f"{target}.py"] = _render(template, module=f"{package}.{target}")
    manifest = _manifest(config, functions, bundles, sorted([*texts, "__init__.py"]))
    texts["manifest.json"] = json.dumps(manifest, indent=2) + "\n"
    texts["__init__.py"] = _render(
        "__init__.py.jinja",
        up="/".join([".."] * len(config.out.relative_to(config.project).parts)),
        build=manifest["build"],
        workflows={built.function.id: literals.literal(built.bundle.hash) for built in bundles.workflows},
        steps=[step.id for step in functions.steps],
    )
    for hash_, bundle in current.items():
        texts[f"bundles/b_{hash_}.py"] = _render("bundle.py.jinja", bundle=bundle)
    return dict(sorted(texts.items()))


def output_package(config: Config) -> str:
    """The dotted name under which the output folder is imported, as in ``shop._workflow``."""
    roots = [root for root in config.roots if config.out.is_relative_to(root)]
    return ".".join(config.out.relative_to(max(roots, key=lambda root: len(root.parts))).parts)


def emitted_build(files: Mapping[str, str]) -> str:
    """The build id in the text of an emitted manifest."""
    return str(json.loads(files["manifest.json"])["build"])


def _render(template: str, **values: object) -> str:
    return _environment().get_template(template).render(version=version("workflow-build"), **values)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("workflow_build"),
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


def _require_importable(function: Function) -> None:
    if literals.is_dotted_name(function.module) and literals.is_dotted_name(function.qualname):
        return
    raise BuildError(
        f"{function.location.path}:{function.location.line}: {function.kind} {function.qualname!r} in module {function.module!r} "
        "can not be named by an import statement; rename the file, folder or function to a Python identifier"
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
                "uses": [{"id": step.id, "expression": names[_head(step)] + _rest(step)} for step in members],
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


def _rest(function: Function) -> str:
    return function.qualname.removeprefix(_head(function))


def _manifest(config: Config, functions: Functions, bundles: Bundles, files: list[str]) -> dict[str, object]:
    content: dict[str, object] = {
        "version": 1,
        "tool": f"workflow-build {version('workflow-build')}",
        "targets": list(config.targets),
        "workflows": [
            {**_entry(built.function), "bundle": built.bundle.hash, "steps": list(built.steps)}
            for built in sorted(bundles.workflows, key=lambda built: built.function.id)
        ],
        "steps": [{**_entry(step), "options": _plain(step.options)} for step in functions.steps],
        "files": files,
    }
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return {"build": hashlib.sha256(text.encode()).hexdigest()[:16], **content}


def _entry(function: Function) -> dict[str, object]:
    return {
        "id": function.id,
        "module": function.module,
        "qualname": function.qualname,
        "location": _place(function.location),
    }


def _place(location: Location) -> dict[str, object]:
    return {key: value for key, value in asdict(location).items() if key in ("path", "line", "column")}


def _plain(value: object) -> object:
    """A literal as JSON has it; what JSON lacks as its source text, the same in every process."""
    if value is None or isinstance(value, bool | int | str) or (isinstance(value, float) and math.isfinite(value)):
        return value
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, set | frozenset):
        return sorted(repr(item) for item in value)
    return repr(value)
