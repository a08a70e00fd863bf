"""Where a name leads: through imports and re-exports to the statements that bind it, or out of the project."""

from __future__ import annotations

import builtins
from collections.abc import Iterator
from dataclasses import dataclass

from workflow_build.reach.project import ProjectModules
from workflow_build.syntax.imports import STAR, Import
from workflow_build.syntax.module import ModuleSyntax
from workflow_build.syntax.reads import Read

_BUILTINS = frozenset(dir(builtins)) | {
    "__file__",
    "__name__",
    "__doc__",
    "__package__",
    "__spec__",
    "__path__",
    "__annotations__",
}


@dataclass(frozen=True, slots=True)
class Node:
    """A top-level statement, or one bound name of an import statement."""

    module: str
    index: int
    name: str | None = None
    """For a star: one of the names that it gives, or the star itself."""


@dataclass(frozen=True, slots=True)
class External:
    """A name from outside the project, dotted and absolute."""

    name: str
    module: str


@dataclass(frozen=True, slots=True)
class Present:
    """A module that must be there, whatever is in it."""

    module: str


@dataclass(frozen=True, slots=True)
class Whole:
    """A module of which anything may be used."""

    module: str


Step = Node | External | Present | Whole

Seen = set[tuple[str, str, tuple[str, ...]]]
"""The names that one look-up has asked for already: modules may import from each other in circles."""


@dataclass(frozen=True, slots=True)
class Lookup:
    """Follows names. Each answer holds every statement on the way, import statements included."""

    modules: ProjectModules

    def name(
        self,
        module: str,
        name: str,
        attributes: tuple[str, ...],
        seen: Seen | None = None,
        *,
        inside: bool = True,
    ) -> Iterator[Step]:
        """Where ``name.attributes`` leads, read at the top level of ``module``; builtins are seen from ``inside`` only."""
        syntax = self.modules.syntax(module)
        seen = set() if seen is None else seen
        if syntax is None or (module, name, attributes) in seen:
            return
        seen.add((module, name, attributes))
        if name not in syntax.bindings:
            yield from self._unbound(syntax, (name, *attributes), seen, inside=inside)
        statements = [syntax.statements[index] for index in syntax.bindings.get(name, ())]
        imports = [imported for statement in statements for imported in statement.imports if imported.bound == name]
        meant = [imported for imported in imports if _fits(imported, attributes)] or imports
        for statement in statements:
            inner = [imported for imported in statement.imports if imported in meant]
            if inner or not statement.is_import:
                yield Node(module, statement.index, name if statement.is_import else None)
            for imported in inner:
                yield from self.imported(imported, attributes, seen)

    def read(self, module: str, read: Read) -> tuple[Step, ...]:
        """Where what a statement at the top level of ``module`` reads leads."""
        if isinstance(read.root, str):
            return tuple(self.name(module, read.root, read.attributes))
        return tuple(self.imported(read.root, read.attributes))

    def imported(self, imported: Import, attributes: tuple[str, ...], seen: Seen | None = None) -> Iterator[Step]:
        """Where the import and ``attributes`` of what it gives lead."""
        seen = set() if seen is None else seen
        if imported.name is None:
            yield from self.presence(imported)
            yield from self._module(imported.root, attributes, seen)
        elif imported.root in self.modules:
            yield Present(imported.root)
            yield from self._member(imported.root, (imported.name, *attributes), seen)
        else:
            yield External(".".join((imported.root, imported.name, *attributes)), imported.root)

    def presence(self, imported: Import) -> Iterator[Step]:
        """What must be there for the import statement to run, as far as it is of the project."""
        if imported.loaded in self.modules:
            yield Present(imported.loaded)
        if imported.root not in self.modules or imported.name is None:
            return
        names = self.public(imported.root) if imported.name == STAR else (imported.name,)
        for name in names:
            yield from self._member(imported.root, (name,), set(), opaque=False)

    def public(self, module: str) -> tuple[str, ...]:
        """The names that ``from module import *`` may give, sorted; ``__all__`` is not regarded."""
        syntax = self.modules.syntax(module)
        return tuple(sorted(name for name in syntax.bindings if not name.startswith("_"))) if syntax else ()

    def _module(self, module: str, attributes: tuple[str, ...], seen: Seen) -> Iterator[Step]:
        if module not in self.modules:
            yield External(".".join((module, *attributes)), module)
        elif not attributes:
            yield Whole(module)
        else:
            yield from self._member(module, attributes, seen)

    def _member(self, module: str, attributes: tuple[str, ...], seen: Seen, *, opaque: bool = True) -> Iterator[Step]:
        """``attributes`` of a module of the project. Unless ``opaque``, a module at the end is only present."""
        syntax = self.modules.syntax(module)
        head, rest = attributes[0], attributes[1:]
        child = f"{module}.{head}"
        if syntax and (head in syntax.bindings or child not in self.modules):
            yield from self.name(module, head, rest, seen, inside=False)
        elif child in self.modules:
            yield Present(child)
            if opaque or rest:
                yield from self._module(child, rest, seen)

    def _unbound(self, syntax: ModuleSyntax, chain: tuple[str, ...], seen: Seen, *, inside: bool) -> Iterator[Step]:
        """A name that no statement binds by itself: from a star, a builtin, or from the module's ``__getattr__``."""
        outside: list[Step] = []
        for index in syntax.bindings.get(STAR, ()):
            statement = syntax.statements[index]
            for star in (i for i in statement.imports if i.bound == STAR):
                if star.root not in self.modules:
                    outside += [Node(syntax.name, index, STAR if statement.is_import else None)]
                    outside += [External(".".join((star.root, *chain)), star.root)]
                elif found := list(self._member(star.root, chain, seen)):
                    yield Node(syntax.name, index, chain[0] if statement.is_import else None)
                    yield Present(star.root)
                    yield from found
                    return
        if inside and chain[0] in _BUILTINS:
            yield External(f"builtins.{chain[0]}", "builtins")
        elif outside:
            yield from outside
        elif "__getattr__" in syntax.bindings:
            yield from self.name(syntax.name, "__getattr__", (), seen)


def _fits(imported: Import, attributes: tuple[str, ...]) -> bool:
    """Whether ``a.attributes`` can mean what ``import a.b`` loads; of several such imports only those are needed."""
    below = imported.loaded.split(".")[len(imported.root.split(".")) :]
    return all(given == wanted for given, wanted in zip(below, attributes, strict=False))
