"""The walk from one workflow over all that it reaches."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from workflow_build.model import ExternalUse, Function, Location
from workflow_build.reach.lookup import External, Node, Present, Step, Whole
from workflow_build.reach.started import is_workflow, started_in
from workflow_build.reach.territory import ANNOTATIONS, Territory
from workflow_build.syntax.module import Statement


@dataclass(slots=True)
class Walk:
    """Collects what one workflow reaches.

    First everything that its code can run into, then what is only named by annotations: the latter is kept so that types can be
    resolved, as far as it loads without anything that is not pure, and is no use of anything. Of a workflow that this one only
    starts, or only imports, the signature is kept: changing what it does must not change this one.
    """

    territory: Territory
    kept: dict[tuple[str, int], set[str]] = field(default_factory=dict)
    """The names that stay of each import statement; empty for other statements."""
    present: set[str] = field(default_factory=set)
    steps: dict[str, Function] = field(default_factory=dict)
    uses: dict[tuple[str, Location], ExternalUse] = field(default_factory=dict)
    stubs: set[tuple[str, int]] = field(default_factory=set)
    """The workflows among ``kept`` of which only the signature stays."""
    _queue: deque[tuple[Node, tuple[str, ...], bool]] = field(default_factory=deque)
    """Statements that run, how they are reached, and whether they need not be there whole if they are workflows."""
    _named: deque[tuple[list[Step], bool]] = field(default_factory=deque)
    """What is named by annotations, or by what is itself only named, and whether it is an annotation."""
    _seen: set[Node] = field(default_factory=set)

    def start(self, function: Function) -> None:
        """Walk from a workflow until nothing new is reached."""
        name, *attributes = function.qualname.split(".")
        self._take(self.territory.lookup.name(function.module, name, tuple(attributes)), (), function.location)
        while self._queue:
            node, trail, is_started = self._queue.popleft()
            if is_started and is_workflow(node, self.territory.lookup):
                self._stub(node)
            else:
                self._run(node, trail)
        while self._named:
            steps, is_annotation = self._named.popleft()
            if self._may_stay(steps, is_annotation):
                self._name(steps)

    def _run(self, node: Node, trail: tuple[str, ...]) -> None:
        """Take a statement that runs, and follow what it reads."""
        place = node.module, node.index
        if node in self._seen and place not in self.stubs:
            return
        self.stubs.discard(place)
        statement = self._keep(node)
        started = started_in(node, self.territory)
        here = (*trail, statement.binds[0]) if len(statement.binds) == 1 and not statement.is_import else trail
        for read, steps in self.territory.reads(node):
            if read.when in ANNOTATIONS:
                self._named.append((steps, True))
            else:
                self._take(steps, here, read.location, is_started=read.location in started)
        for read, steps in self.territory.impure_fields(node):
            self._take(steps, here, read.location)
        self._take(self.territory.needs(node), here, None, is_started=True)
        self._queue.extend((change, trail, False) for change in self.territory.changes(node))

    def _stub(self, node: Node) -> None:
        """Take a workflow that is not run here: its name, and what its signature says."""
        if node in self._seen:
            return
        self._keep(node, is_stub=True)
        self.stubs.add((node.module, node.index))
        for read, steps in self.territory.reads(node):
            if read.when in ANNOTATIONS:
                self._named.append((steps, True))

    def _name(self, steps: Iterable[Step]) -> None:
        """Take statements that are only named; all that they read is only named too."""
        for node in self._nodes(steps):
            if node in self._seen:
                continue
            self._keep(node)
            for read, leads in self.territory.reads(node):
                self._named.append((leads, read.when in ANNOTATIONS))
            self._named.append((self.territory.needs(node), False))
            self._named.extend(([change], False) for change in self.territory.changes(node))

    def _may_stay(self, steps: Iterable[Step], is_annotation: bool) -> bool:
        if is_annotation and any(map(self.territory.is_impure, steps)):
            return False
        nodes = [node for step in steps for node in self.territory.expanded(step)]
        return all(node in self._seen or self.territory.loads_cleanly(node) for node in nodes)

    def _take(
        self, steps: Iterable[Step], trail: tuple[str, ...], location: Location | None, *, is_started: bool = False
    ) -> None:
        """Queue what running code reads at ``location``. Outside names count as used unless there is no location."""
        steps = list(steps)
        for step in steps:
            if isinstance(step, External) and location:
                self.uses.setdefault((step.name, location), ExternalUse(step.name, step.module, location, trail))
        self._queue.extend((node, trail, is_started) for node in self._nodes(steps))

    def _nodes(self, steps: Iterable[Step]) -> Iterator[Node]:
        """The statements among ``steps``; the modules among them are noted."""
        for step in steps:
            if isinstance(step, Present | Whole):
                self._be_present(step.module)
            yield from self.territory.expanded(step)

    def _keep(self, node: Node, *, is_stub: bool = False) -> Statement:
        self._seen.add(node)
        self._be_present(node.module)
        statement = self.territory.statement(node)
        names = self.kept.setdefault((node.module, node.index), set())
        if node.name is not None:
            names.add(node.name)
        for line in () if is_stub else statement.steps:
            step = self.territory.lookup.modules.function(node.module, line)
            if step:
                self.steps[step.id] = step
        return statement

    def _be_present(self, module: str) -> None:
        """A module is there with the packages that it is in."""
        while module:
            self.present.add(module)
            module = module.rpartition(".")[0]
