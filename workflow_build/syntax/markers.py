"""Which names of which modules are the markers ``workflow`` and ``step``, followed through the project's own modules."""

from __future__ import annotations

import ast
import hashlib
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from workflow_build.cache.memory import Memory, Recorder
from workflow_build.model import FunctionKind
from workflow_build.syntax.bindings import bindings_of
from workflow_build.syntax.imports import STAR, Import
from workflow_build.syntax.reads import chain_of
from workflow_build.syntax.source import Parsed

S = TypeVar("S")
T = TypeVar("T")

RUNTIME = "workflow_runtime"
_KINDS = {kind.value: kind for kind in FunctionKind}


@dataclass(frozen=True, slots=True)
class Names:
    """What a module's top level binds to something that could be a marker."""

    imports: Mapping[str, tuple[Import, ...]]
    aliases: Mapping[str, tuple[str, ...]]
    """``durable`` to ``("step",)`` for ``durable = step`` and ``durable = step(max_retries=5)``."""
    configured: frozenset[str] = frozenset()
    """Those of the aliases that hold arguments."""
    digest: str = ""
    """Tells them from others."""


@dataclass(slots=True)
class Markers:
    """Answers what a name means. Modules can be added as they turn out to matter."""

    memory: Memory = field(default_factory=Memory)
    _modules: dict[str, Names] = field(default_factory=dict)
    _recorder: Recorder = field(init=False)

    def __post_init__(self) -> None:
        self._recorder = Recorder(self.memory, self._answer)

    def add(self, module: str, names: Names) -> None:
        """Make a module's names known."""
        self._modules[module] = names

    def recall(self, kind: Any, what: str, key: str, make: Callable[[], T]) -> T:
        """What ``make`` gives; not made again, in later builds too, while all that it asked about is as it was."""
        return self._recorder.recall(kind, what, key, make)

    def recall_each(
        self, kind: Any, what: str, items: Sequence[S], key: Callable[[S], str], make: Callable[[S], T]
    ) -> list[T]:
        """``recall`` for each of many items, once all modules are added: what follows from unchanged ones is not looked at."""
        now = {module: names.digest for module, names in self._modules.items()}
        before = self.memory.swap("markers", now)
        if before is not None:
            changed = (name for name in now.keys() | before.keys() if now.get(name) != before.get(name))
            self._recorder.changed = frozenset(changed)
        try:
            return self._recorder.recall_each(kind, what, items, key, make)
        finally:
            self._recorder.changed = None

    def _answer(self, module: str) -> str:
        names = self._modules.get(module)
        return names.digest if names else ""

    def _names(self, module: str) -> Names | None:
        self._recorder.asked.add(module)
        return self._modules.get(module)

    def meanings(self, module: str, chain: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
        """The dotted names from outside of the project that ``chain``, read at the top level of ``module``, may stand for."""
        return self._meanings(module, chain, set())

    def import_meanings(self, imported: Import, attributes: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
        """The same for a name that a function imports."""
        return self._import_meanings(imported, attributes, set())

    def is_configured(self, module: str, chain: tuple[str, ...]) -> bool:
        """Whether ``chain``, a marker, is one that was given arguments where it got its name."""
        seen: set[str] = set()
        list(self._meanings(module, chain, seen))
        passed = (key.rpartition(":") for key in seen)
        return any(name in self._modules[where].configured for where, _, name in passed)

    def exported(self, module: str) -> frozenset[str]:
        """The names of ``module`` through which another module could get at a marker."""
        names = self._names(module)
        assert names is not None, "modules are added before they are asked about"
        found = {name for name in (*names.imports, *names.aliases) if name != STAR and self._leads_out(module, name)}
        if self._leads_out(module, "step"):
            found |= {"step", "workflow"}
        return frozenset(found)

    @property
    def known(self) -> tuple[tuple[str, str], ...]:
        """The modules that are known by now, each with what tells its names from others."""
        return tuple((module, names.digest) for module, names in self._modules.items())

    def telling(self, module: str) -> frozenset[str] | None:
        """The names at the top level of ``module`` through which it may get at a marker; None when a star import brings others."""
        names = self._names(module)
        if names is None or STAR in names.imports:
            return None
        found = {name for name, imports in names.imports.items() if not all(map(self._is_standard, imports))}
        waiting = dict(names.aliases)
        while more := {name for name, chain in waiting.items() if chain[0] in found or name in found}:
            found |= more
            waiting = {name: chain for name, chain in waiting.items() if name not in more}
        return frozenset(found)

    def _is_standard(self, imported: Import) -> bool:
        """Whether the import is of Python's own library, and of nothing in the project that is called alike."""
        parts = [*imported.root.split("."), *([imported.name] if imported.name else [])]
        known = [self._names(".".join(parts[:length])) for length in range(1, len(parts) + 1)]
        return parts[0] in sys.stdlib_module_names and not any(known)

    def _leads_out(self, module: str, name: str) -> bool:
        return any(meant[0] == RUNTIME for meant in self._meanings(module, (name,), set()))

    def _meanings(self, module: str, chain: tuple[str, ...], seen: set[str]) -> Iterator[tuple[str, ...]]:
        """The absolute dotted names outside the project that ``chain`` may stand for; ``seen`` is what was looked at already."""
        key = f"{module}:{chain[0]}"
        names = self._names(module)
        if names is None or key in seen:
            return
        seen.add(key)
        head, rest = chain[0], chain[1:]
        for imported in names.imports.get(head, ()):
            yield from self._import_meanings(imported, rest, seen)
        if head in names.aliases:
            yield from self._meanings(module, (*names.aliases[head], *rest), seen)
        elif head not in names.imports:
            for star in names.imports.get(STAR, ()):
                yield from self._absolute((*star.root.split("."), *chain), seen)

    def _import_meanings(
        self, imported: Import, attributes: tuple[str, ...], seen: set[str]
    ) -> Iterator[tuple[str, ...]]:
        name = (imported.name,) if imported.name else ()
        yield from self._absolute((*imported.root.split("."), *name, *attributes), seen)

    def _absolute(self, parts: tuple[str, ...], seen: set[str]) -> Iterator[tuple[str, ...]]:
        """What the dotted name ``parts`` stands for: itself, unless a module of the project holds it."""
        for length in range(len(parts) - 1, 0, -1):
            module = ".".join(parts[:length])
            if self._names(module):
                yield from self._meanings(module, parts[length:], seen)
                return
        yield parts


def names_of(parsed: Parsed) -> Names:
    """The imports and the simple assignments of a module's top level, those in ``if`` and ``try`` included."""
    bound = bindings_of(parsed.tree.body, parsed.file.module, is_package=parsed.file.is_package)
    aliases: dict[str, tuple[str, ...]] = {}
    configured: set[str] = set()
    for node in parsed.tree.body:
        match node:
            case (
                ast.Assign(targets=[ast.Name(id=name)], value=value)
                | ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value)
            ):
                chain = chain_of(marker_expression(value))
                if chain and chain[0] != name:
                    aliases[name] = chain
                    configured |= {name} if isinstance(value, ast.Call) else set()
    imports = {name: tuple(found) for name, found in bound.imports.items()}
    text = repr((sorted(imports.items()), sorted(aliases.items()), sorted(configured)))
    digest = hashlib.sha256(text.encode(errors="surrogateescape")).hexdigest()[:16]
    return Names(imports, aliases, frozenset(configured), digest)


def marker_expression(node: ast.expr) -> ast.expr:
    """``step`` for ``step(max_retries=3)``; a call with positional arguments marks something itself and stays as it is."""
    return node.func if isinstance(node, ast.Call) and not node.args else node


def kind_of(parts: tuple[str, ...]) -> FunctionKind | None:
    """What the dotted name marks; None when it is no marker."""
    if parts[0] == RUNTIME and (len(parts) == 2 or (len(parts) == 3 and parts[1] == "marking")):
        return _KINDS.get(parts[-1])
    return None
