"""What workflow code uses though it is not pure, and imports of modules that are not there."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace

from workflow_build import rules
from workflow_build.checks.imports import missing_module
from workflow_build.checks.trails import Definition, Trails, statement_at
from workflow_build.model import Diagnostic, ExternalUse, Program, WorkflowClosure
from workflow_build.reach.lookup import Lookup
from workflow_build.rules.names import MISSING_NAME
from workflow_build.syntax.module import ModuleSyntax
from workflow_build.syntax.nodes import walk
from workflow_build.syntax.reads import chain_of
from workflow_runtime.sandbox.purity import is_pure

ADVICE = {
    "time.sleep": "write `await sleep({argument})` with `sleep` from workflow_runtime",
    "asyncio.run": "await the coroutine instead",
    "builtins.open": "read and write files in a step",
    "builtins.input": "take what is needed as an argument of the workflow",
    "builtins.breakpoint": "remove it; set the breakpoint in a debugger",
}
"""What to do about calls whose module may be used otherwise; ``{argument}`` is what the user's code gives to it."""

NEVER_PURE = sys.stdlib_module_names | frozenset(
    "aioboto3 aiobotocore aiofiles aiohttp anthropic asyncpg azure boto3 botocore celery django fastapi flask google grpc httpx "
    "kafka motor openai paramiko peewee pika playwright psutil psycopg psycopg2 pymongo pymysql redis requests selenium slack_sdk "
    "sqlalchemy starlette stripe trio twilio urllib3 websockets".split()
)
"""Packages of which it is known that they do more than compute: to declare one of them pure would be wrong."""

SOME_TIME = '"5 minutes"'


@dataclass(frozen=True, slots=True)
class Purity:
    """Judges the uses of outside names."""

    program: Program
    lookup: Lookup

    def findings(self) -> Iterator[Diagnostic]:
        """One for each place, with the first workflow that leads there.

        Of what a statement uses when it is loaded, such as the definition of a table, only the first use of a package counts, and of a
        module that is not there only the first use in a file.
        """
        seen: set[tuple[object, ...]] = set()
        for closure in self.program.workflows:
            trails = Trails(closure, self.lookup)
            for use in self._impure(closure):
                finding = self._finding(closure, use)
                key = self._key(closure, use, finding)
                if key not in seen:
                    seen.add(key)
                    stops = trails.to_line(use.location.path, use.location.line)
                    yield replace(finding, trail=use.trail, flow=tuple(place for _, place in stops))

    def _impure(self, closure: WorkflowClosure) -> tuple[ExternalUse, ...]:
        pure = self.program.pure
        return self.lookup.modules.memory.derive(
            "impure",
            closure.function.id,
            (closure, pure),
            lambda: tuple(use for use in closure.uses if not is_pure(use.name, pure)),
        )

    def _key(self, closure: WorkflowClosure, use: ExternalUse, finding: Diagnostic) -> tuple[object, ...]:
        """Uses with the same key are one finding."""
        path, package = use.location.path, use.module.partition(".")[0]
        if finding.code == MISSING_NAME.code:
            return path, use.module
        syntax = self._syntax(closure, path)
        index = statement_at(syntax, use.location.line) if syntax else None
        if syntax and index is not None and not isinstance(syntax.parsed.tree.body[index], Definition | ast.ClassDef):
            return path, index, package
        return use.name, use.location

    def _syntax(self, closure: WorkflowClosure, path: str) -> ModuleSyntax | None:
        module = next((module.name for module in closure.modules if module.path == path), None)
        return self.lookup.modules.syntax(module) if module else None

    def _finding(self, closure: WorkflowClosure, use: ExternalUse) -> Diagnostic:
        missing = missing_module(self.lookup, use)
        if missing is not None:
            return missing
        workflow, name = closure.function.qualname, use.name.removeprefix("builtins.")
        path = " → ".join((*use.trail, name))
        if is_pure(use.module):
            advice = ADVICE.get(use.name, f"move the code that calls {name} into a step")
            advice = advice.replace("{argument}", self._argument(closure, use) or SOME_TIME)
            return rules.BLOCKING_CALL.at(use.location, workflow=workflow, name=name, path=path, advice=advice)
        package = use.module.partition(".")[0]
        finding = rules.IMPURE_IMPORT.at(use.location, workflow=workflow, name=name, path=path, package=package)
        if package in NEVER_PURE:
            return replace(finding, hint=f"move the code that uses {name} into a step")
        return finding

    def _argument(self, closure: WorkflowClosure, use: ExternalUse) -> str:
        """What the user's own code gives to the call, if that is one argument."""
        syntax = self._syntax(closure, use.location.path)
        for node in walk(syntax.parsed.tree) if syntax else ():
            match node:
                case ast.Call(func=function, args=[argument], keywords=[]) if function.lineno == use.location.line:
                    called = chain_of(function)
                    if syntax and called and called[-1] == use.name.rpartition(".")[2]:
                        return ast.get_source_segment(syntax.parsed.text, argument) or ""
        return ""
