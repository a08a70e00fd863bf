"""The marked functions of one module, and the marks that mean nothing."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from keyword import iskeyword

from workflow_build import rules
from workflow_build.model import Diagnostic, Function, FunctionKind, Location
from workflow_build.syntax.bindings import Bindings, arguments_of, bindings_of
from workflow_build.syntax.branches import are_exclusive, never_runs
from workflow_build.syntax.directives import directive_of, meant_directive, text_of
from workflow_build.syntax.markers import RUNTIME, Markers, kind_of, marker_expression
from workflow_build.syntax.mentioned import parts_with_mentions, small_variables
from workflow_build.syntax.nodes import children
from workflow_build.syntax.options import given_to, is_error
from workflow_build.syntax.placement import (
    Around,
    Definition,
    Marked,
    Place,
    Problem,
    other_decorators,
    placed,
    qualname_of,
)
from workflow_build.syntax.reads import chain_of
from workflow_build.syntax.rebound import rebound
from workflow_build.syntax.silent import worth_a_look
from workflow_build.syntax.source import Parsed, span

_UNREAD = (
    "the arguments of a workflow's marker must be literals, given right there, since they count where its module is not imported, too",
    "write the values out, as in @workflow(concurrency=5)",
)


def marked_in(parsed: Parsed, markers: Markers) -> Iterator[Function | Diagnostic]:
    """Each supported marked function of the module, and a diagnostic for each mark that is not supported."""
    finder = _Finder(parsed, markers)
    if directive_of(parsed.tree.body):
        yield finder.unclear(
            parsed.file.module,
            parsed.tree.body[0],
            "a directive at the top of a module marks nothing",
            "put it into each function as the first statement",
        )
    body = worth_a_look(parsed, markers.telling(parsed.file.module))
    found = list(_merged(parsed.tree.body, finder.block(body, ())))
    again = rebound(parsed.tree, [one for one in found if isinstance(one, Function)])
    for one in found:
        if isinstance(one, Function) and one.id in again:
            problem = f"its name is bound again in line {again[one.id].lineno}, so nobody can import it"
            yield rules.UNCLEAR_MARK.at(
                one.location, name=one.qualname, problem=problem, advice="give the two different names"
            )
        else:
            yield one


def _merged(body: Sequence[ast.stmt], findings: Iterable[Function | Diagnostic]) -> Iterator[Function | Diagnostic]:
    """Functions with a definition in each of several branches count once."""
    functions: dict[str, Function] = {}
    for finding in findings:
        if isinstance(finding, Diagnostic):
            yield finding
            continue
        first = functions.setdefault(finding.id, finding)
        line = finding.location.line
        if first is not finding and all(are_exclusive(body, other, line) for other in first.lines):
            functions[finding.id] = replace(first, also=(*first.also, finding.location))
        elif first is not finding:
            yield finding
    yield from functions.values()


@dataclass(frozen=True, slots=True)
class _Finder:
    parsed: Parsed
    markers: Markers

    def block(self, nodes: Sequence[ast.AST], around: tuple[Around, ...]) -> Iterator[Function | Diagnostic]:
        """Walk code in which ``around`` are the enclosing definitions, outermost first."""
        for node in nodes:
            match node:
                case ast.FunctionDef() | ast.AsyncFunctionDef():
                    yield from self._function(node, around)
                case ast.ClassDef():
                    yield from self._class(node, around)
                case ast.If() if not around and never_runs(node):
                    for finding in self.block(children(node), around):
                        yield self._never(finding) if isinstance(finding, Function) else finding
                case ast.Name() | ast.Attribute() if chain_of(node):
                    yield from self._mention(node, around)
                case _ if self._is_alias(node, around):
                    continue
                case _:
                    calls = list(self._call(node, around))
                    yield from calls
                    yield from self.block(parts_with_mentions(node, is_judged=bool(calls)), around)

    def unclear(self, name: str, node: ast.stmt, problem: str, advice: str) -> Diagnostic:
        """A finding about how something is marked."""
        return rules.UNCLEAR_MARK.at(self._place(node), name=name, problem=problem, advice=advice)

    def _never(self, function: Function) -> Diagnostic:
        """What only scripts or type checkers see can not be imported."""
        problem = "is defined only for scripts or for type checkers, so no other process can import it"
        return rules.UNCLEAR_MARK.at(
            function.location, name=function.qualname, problem=problem, advice="move it out of the `if`"
        )

    def _class(self, node: ast.ClassDef, around: tuple[Around, ...]) -> Iterator[Function | Diagnostic]:
        for decorator in node.decorator_list:
            if kind := self._kind(marker_expression(decorator), around):
                yield self._unsupported(decorator, f"@{kind}", f"class {node.name}")
        yield from self.block([*self._beside_marks(node, around), *node.bases, *node.keywords], around)
        yield from self.block(node.body, (*around, Around(node, self._bindings(node.body))))

    def _function(self, node: Definition, around: tuple[Around, ...]) -> Iterator[Function | Diagnostic]:
        yield from self._marks(node, around)
        yield from self.block([*self._beside_marks(node, around), node.args], around)
        bound = self._bindings(node.body)
        bound.names |= {arg.arg for arg in arguments_of(node.args)}
        yield from self.block(node.body, (*around, Around(node, bound)))

    def _marks(self, node: Definition, around: tuple[Around, ...]) -> Iterator[Function | Diagnostic]:
        """What ``node`` is marked as, and whether that is possible."""
        decorators = [(d, self._kind(marker_expression(d), around)) for d in node.decorator_list]
        directive = directive_of(node.body)
        kinds = {kind for _, kind in decorators if kind} | ({directive} if directive else set())
        yield from self._misplaced(node)
        if not kinds:
            return
        kind = min(kinds)
        if len(kinds) > 1:
            yield self.unclear(
                node.name,
                node,
                "is marked as a workflow and as a step",
                "a function is one of them: remove the other mark",
            )
        else:
            marks, others = [d for d, k in decorators if k], [d for d, k in decorators if not k]
            yield from self._placed(
                Marked(node, kind, marks, others, given_to(marks, partial(self._meaning, around=around))), around
            )

    def _placed(self, marked: Marked, around: tuple[Around, ...]) -> Iterator[Function | Diagnostic]:
        """A function with one kind of mark, by where it stands."""
        node, kind = marked.node, marked.kind
        name, found = qualname_of(node.name, around), self._judged(marked, around)
        if isinstance(found, Diagnostic):
            yield found
        elif found is None:
            inner = [outer for outer in around if not outer.is_class]
            what = f"nested function {name}" if inner and not around[-1].is_class else f"method {name}"
            yield self._unsupported(node, f"@{kind}" if marked.marks else kind, what)
        elif isinstance(found, Problem):
            yield self.unclear(name, node, found.problem, found.advice)
        else:
            yield from self._supported(marked, found, around)

    def _judged(self, marked: Marked, around: tuple[Around, ...]) -> Place | Problem | Diagnostic | None:
        if around and any(self._is_configured(mark, around) for mark in marked.marks) and not around[-1].is_class:
            return Problem(
                "the marker of a nested step must be the runtime's own, not an alias that holds arguments",
                "write @step(…) with its arguments right there",
            )
        try:
            return placed(marked, around, self.parsed.text)
        except SyntaxError as error:
            place = Location(self.parsed.file.path, max(error.lineno or 1, 1))
            problem = f"{self.parsed.file.path} is not valid Python: {error.msg}"
            return rules.UNREADABLE_SOURCE.at(place, problem=problem, advice="correct it, or exclude the file")

    def _supported(self, marked: Marked, found: Place, around: tuple[Around, ...]) -> Iterator[Function | Diagnostic]:
        """A function where a marked one can stand."""
        node, kind = marked.node, marked.kind
        place, others = self._place(node), other_decorators(marked, found.binding)
        is_async = isinstance(node, ast.AsyncFunctionDef)
        if not all(part.isidentifier() and not iskeyword(part) for part in self.parsed.file.module.split(".")):
            yield self._unsupported(
                node, kind, f"{node.name} in {self.parsed.file.path}, whose name can not be imported"
            )
        elif _is_generator(node):
            yield rules.GENERATOR.at(place, kind=kind, name=node.name)
        elif kind is FunctionKind.WORKFLOW and not is_async:
            yield rules.SYNC_WORKFLOW.at(place, name=node.name)
        elif kind is FunctionKind.WORKFLOW and others:
            decorator = "@" + ast.unparse(others[0])
            yield rules.DECORATED_WORKFLOW.at(self._place(others[0]), name=node.name, decorator=decorator)
        elif kind is FunctionKind.WORKFLOW and self._unread(marked, around):
            yield self.unclear(node.name, node, *_UNREAD)
        elif not node.decorator_list and kind is FunctionKind.STEP and self._starts_on_header_line(node):
            yield self.unclear(
                node.name, node, "its directive is on the line of its `def`", "put the body on lines of its own"
            )
        else:
            yield Function(
                kind,
                self.parsed.file.module,
                found.qualname,
                place,
                is_async,
                parameters=tuple(arg.arg for arg in arguments_of(node.args)),
                options=marked.given.literals,
                binding=found.binding,
                captured=found.captured,
                retry=marked.given.retry,
            )

    def _unread(self, marked: Marked, around: tuple[Around, ...]) -> bool:
        """Whether the mark has arguments that reading does not tell."""
        return bool(marked.given.unread) or any(self._is_configured(mark, around) for mark in marked.marks)

    def _starts_on_header_line(self, node: Definition) -> bool:
        """Whether the body follows the colon on its line, so that there is no line of its own to put anything on."""
        first = node.body[0]
        return bool(self.parsed.lines[first.lineno - 1].encode()[: first.col_offset].strip())

    def _misplaced(self, node: Definition) -> Iterator[Diagnostic]:
        """Strings in the function that look like a directive and are none."""
        late = next((other for other in node.body[1:] if directive_of([other])), None)
        first = directive_of(node.body)
        if late and first != directive_of([late]):
            has_text = text_of(node.body[0]) and late is node.body[1]
            before = "another one" if first else "the docstring" if has_text else "other statements"
            problem = f"a directive after {before} marks nothing"
            yield self.unclear(node.name, late, problem, "put it first; a docstring may follow")
        elif meant := meant_directive(text_of(node.body[0])):
            found = text_of(node.body[0])
            yield rules.MISSPELLED_DIRECTIVE.at(self._place(node.body[0]), name=node.name, found=found, meant=meant)

    def _call(self, node: ast.AST, around: tuple[Around, ...]) -> Iterator[Diagnostic]:
        """A marker that is called with what it shall mark can not be followed."""
        if isinstance(node, ast.Call) and node.args and (kind := self._kind(node.func, around)):
            yield self._unsupported(node, f"{kind}(…)", ast.unparse(node.args[0]).partition("\n")[0])

    def _beside_marks(self, node: Definition | ast.ClassDef, around: tuple[Around, ...]) -> Iterator[ast.AST]:
        """The decorators, without the names of those that are marks."""
        for decorator in node.decorator_list:
            if not self._kind(marker_expression(decorator), around):
                yield decorator
            elif isinstance(decorator, ast.Call):
                yield from decorator.keywords

    def _is_alias(self, node: ast.AST, around: tuple[Around, ...]) -> bool:
        """Whether it is ``durable = step(max_retries=5)`` at the top level, where it is followed."""
        match node:
            case ast.Assign(targets=[ast.Name()], value=value) | ast.AnnAssign(value=ast.expr() as value):
                is_mark = not around and self._kind(marker_expression(value), around) is not None
                return is_mark and any(node is statement for statement in self.parsed.tree.body)
        return False

    def _mention(self, node: ast.Name | ast.Attribute, around: tuple[Around, ...]) -> Iterator[Diagnostic]:
        """A marker that is neither put above a function nor given a name of its own: what is made of it can not be followed."""
        if isinstance(node.ctx, ast.Load) and (kind := self._kind(node, around)) and not self._is_hidden(node):
            problem = "is used in a way that can not be followed, so what gets marked through it is not found"
            advice = f"write @{kind} above each function; another name for it is given at the top level of a module: durable = {kind}"
            place = span(self.parsed.file.path, self.parsed.lines, node)
            yield rules.UNCLEAR_MARK.at(place, name=ast.unparse(node), problem=problem, advice=advice)

    def _is_hidden(self, node: ast.Name | ast.Attribute) -> bool:
        """Whether a lambda or a comprehension of the module has a variable of that name, which is more than the walk keeps track of."""
        chain = chain_of(node)
        return chain is not None and chain[0] in small_variables(self.parsed.tree)

    def _kind(self, node: ast.expr, around: tuple[Around, ...]) -> FunctionKind | None:
        """What the expression marks, as seen from inside of ``around``."""
        return next((kind for meant in self._meanings(node, around) if (kind := kind_of(meant))), None)

    def _meanings(self, node: ast.expr, around: tuple[Around, ...]) -> Iterator[tuple[str, ...]]:
        """The dotted names from outside of the project that the expression may stand for there."""
        chain = chain_of(node)
        if chain is None:
            return
        for scope in reversed(around):
            if chain[0] in scope.bindings.names:
                for imported in scope.bindings.imports.get(chain[0], ()):
                    yield from self.markers.import_meanings(imported, chain[1:])
                return
        yield from self.markers.meanings(self.parsed.file.module, chain)

    def _meaning(self, node: ast.expr, around: tuple[Around, ...]) -> str:
        """The name of the runtime or of Python that the expression certainly stands for there; else empty."""
        meanings = list(self._meanings(node, around))
        if meanings:
            (root, *inner, name), certain = meanings[0], len(meanings) == 1
            return name if certain and root == RUNTIME and inner in ([], ["retries"], ["errors"]) else ""
        scopes = [*(scope.bindings for scope in around), self._bindings(self.parsed.tree.body)]
        if isinstance(node, ast.Name) and is_error(node.id) and not any(node.id in scope.names for scope in scopes):
            return node.id
        return ""

    def _is_configured(self, mark: ast.expr, around: tuple[Around, ...]) -> bool:
        """Whether the mark's name stands for a marker that was given arguments elsewhere."""
        chain = chain_of(mark) if not isinstance(mark, ast.Call) else None
        if chain is None or any(chain[0] in outer.bindings.imports for outer in around):
            return False
        return self.markers.is_configured(self.parsed.file.module, chain)

    def _bindings(self, body: Sequence[ast.stmt]) -> Bindings:
        file, has_walrus = self.parsed.file, self.parsed.has_walrus
        return bindings_of(body, file.module, is_package=file.is_package, has_walrus=has_walrus)

    def _unsupported(self, node: ast.expr | ast.stmt, marker: str, what: str) -> Diagnostic:
        return rules.UNSUPPORTED_PLACE.at(self._place(node), marker=marker, what=what)

    def _place(self, node: ast.expr | ast.stmt) -> Location:
        """Where ``node`` stands; for a definition, its first line from ``def`` on."""
        place = span(self.parsed.file.path, self.parsed.lines, node)
        if not isinstance(node, Definition | ast.ClassDef):
            return place
        end = self.parsed.lines[place.line - 1].split("#")[0].rstrip()
        return Location(place.path, place.line, place.column, place.line, len(end) + 1)


def _is_generator(node: Definition) -> bool:
    stack: list[ast.AST] = list(node.body)
    while stack:
        current = stack.pop()
        if isinstance(current, ast.Yield | ast.YieldFrom):
            return True
        if not isinstance(current, Definition | ast.Lambda | ast.ClassDef):
            stack.extend(children(current))
    return False
