"""AWS Lambda: what SAM, the Serverless Framework or Chalice have written says which paths lead to the function."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from workflow_build.adapters import aws_files
from workflow_build.adapters.asking import PREFIX, ask
from workflow_build.adapters.aws_files import Rule
from workflow_build.adapters.base import Clues
from workflow_build.adapters.checking import check, unconfirmed
from workflow_build.adapters.probe import Answer
from workflow_build.adapters.table import KINDS, Row, Table, is_a
from workflow_build.model import Diagnostic, Routes
from workflow_build.rules import routes as rules

WIDEST = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE"})
"""What a webhook's route has to list in an API that knows no route for any method, as Chalice's."""
REMEDY = f"give the function an event for any method of {PREFIX}/{{proxy+}}"
CHALICE_LINES = (
    "from {module} import handler",
    f'@app.route("{PREFIX}/flow", methods=["POST"])',
    f'@app.route("{PREFIX}/health")',
    f'@app.route("{PREFIX}/manifest.json")',
    "def workflow():",
    "    answer = handler(app.current_request.to_original_event(), app.lambda_context)",
    '    return Response(answer["body"], answer["headers"], answer["statusCode"])',
    f'@app.route("{PREFIX}/webhook/{{token}}", methods={sorted(WIDEST)}, content_types=["*/*"])',
    "def webhook(token):",
    "    return workflow()",
)
"""What an app of Chalice's has to have."""
USED = (b"_workflow.aws_lambda", b"aws_lambda_powertools")
"""What files have in them whose handlers are called with events, and not through a web framework."""


@dataclass(frozen=True, slots=True)
class AwsLambdaAdapter:
    """Everything about AWS Lambda."""

    name: str = "aws-lambda"
    title: str = "AWS Lambda"
    template: str = "aws_lambda.py.jinja"
    packages: tuple[str, ...] = ("aws-lambda-powertools", "aws_lambda_powertools", "chalice")
    app_classes: tuple[str, ...] = ("Chalice",)
    entrypoint_key: tuple[str, ...] = ()
    has_routes: bool = True

    def named_app(self, clues: Clues) -> str | None:
        """The first handler in ``template.yaml`` or ``serverless.yml`` that is in the project and called with events."""
        try:
            named = [_dotted(handler).rpartition(".") for handler in aws_files.handlers_in(clues.project)]
        except ValueError:  # the tool that reads the file says so, too
            return None
        files = {file.module: file.data for file in clues.files} if named else {}
        for module, _, attribute in named:
            found = next((name for name in files if _ends_alike(name, module)), None)
            if found is not None and any(word in files[found] for word in USED):
                return f"{found}:{attribute}"
        return None

    def mount_lines(self, module: str) -> tuple[str, ...]:
        """One import and one call, whose result is what Lambda calls."""
        return (f"from {module} import mount", "handler = mount(handler)")

    def read_routes(self, app: object, module: str, build: str) -> Routes:
        """Our routes, if the handler answers them, at the paths that the platform's file leads to it."""
        asked = ask(self, app, build, module, get)
        if not asked.routes:
            return _as_chalice(asked, module) if is_a(app, "chalice.Chalice") else asked
        path = aws_files.written_file(Path.cwd())
        if path is None:
            what = f"there is none of {', '.join(aws_files.BUILT + aws_files.SOURCES)} to say which paths lead to the function"
            return Routes(
                self.name, (), (unconfirmed(PREFIX, what, "build with the platform's tool, then run this again"),)
            )
        try:
            found = aws_files.rules_of(path)
        except ValueError as error:
            return Routes(self.name, (), (unconfirmed(PREFIX, str(error), "build with the platform's tool again"),))
        source = path.relative_to(Path.cwd()).as_posix()
        apis = [[one for one in found if one.api == api] for api in dict.fromkeys(one.api for one in found)]
        read = [_checked(api, source, app, module, build) for api in apis]
        return _joined(self.name, read, source, _functions(found))


ADAPTER = AwsLambdaAdapter()


def _as_chalice(asked: Routes, module: str) -> Routes:
    """An app of Chalice's has its routes listed in it, and is no function that could be wrapped."""
    lines = "\n  ".join(CHALICE_LINES).replace("{module}", module)
    mounted = rules.NOT_MOUNTED.at(None, lines=lines)
    found = (mounted if one.code == mounted.code else one for one in asked.diagnostics)
    return replace(asked, diagnostics=tuple(found))


def get(app: Any, path: str, host: str | None = None) -> Answer:
    """Call a handler with what a REST API sends for ``GET path``. Raises what the handler raises."""
    request = {"resourcePath": path, "httpMethod": "GET", "path": path, "stage": "", "requestId": "", "identity": {}}
    headers = {"host": host or "localhost", "accept": "*/*"}
    event = {
        "version": "1.0",
        "resource": path,
        "path": path,
        "httpMethod": "GET",
        "headers": headers,
        "multiValueHeaders": {name: [value] for name, value in headers.items()},
        "queryStringParameters": None,
        "multiValueQueryStringParameters": None,
        "pathParameters": None,
        "stageVariables": None,
        "requestContext": request,
        "body": None,
        "isBase64Encoded": False,
    }
    answer = app(event, None)
    if not isinstance(answer, Mapping):
        return Answer(404, {})
    lists = {name: values[0] for name, values in (answer.get("multiValueHeaders") or {}).items() if values}
    told = {**lists, **(answer.get("headers") or {})}
    return Answer(int(answer.get("statusCode", 404)), {name.lower(): str(value) for name, value in told.items()})


def _checked(api: list[Rule], source: str, app: object, module: str, build: str) -> Routes:
    """Our routes in one API."""
    ours = {id(one) for one in api if _leads_to(one.handler, app)}
    rows = tuple(_our_rows([one for one in api if id(one) in ours], module))

    def find(path: str, method: str, host: str | None) -> Row | None:
        taker = min((one for one in api if one.row.takes(path, method, None)), key=_precision, default=None)
        if taker is None or id(taker) not in ours:
            return None if taker is None else taker.row
        return next((row for row in rows if row.takes(path, method, None)), None)

    table = Table(rows, source, find=find, widest=WIDEST, lifespan=False, get=get, remedy=REMEDY)
    return check(ADAPTER.name, table, app, module, build)


def _our_rows(ours: list[Rule], module: str) -> Iterable[Row]:
    """The rows of our routes that the function's rules lead to it, below each path that they can be under."""
    for prefix in _prefixes(ours):
        for kind, (tail, _) in KINDS.items():
            path = f"{prefix}{PREFIX}/{tail}"
            tried = path.replace("{token}", "token")
            taking = [one.row for one in ours if replace(one.row, methods=frozenset()).takes(tried, "", None)]
            methods = frozenset[str]().union(*(row.methods for row in taking))
            if taking:
                yield Row(path, module, kind, methods if all(row.methods for row in taking) else frozenset())


def _prefixes(ours: list[Rule]) -> list[str]:
    """What stands before our paths where a rule names them; else before the widest rule that takes all."""
    named = [one.row.path.partition(PREFIX)[0] for one in ours if PREFIX in one.row.path]
    taking = [one.row.path for one in ours if not one.row.methods or "POST" in one.row.methods]
    wide = [path.rpartition("/{")[0] for path in taking if re.fullmatch(r"(/\{\w+\})?[^{}]*/\{\w+:path\}", path)]
    return list(dict.fromkeys(named)) or sorted(wide, key=len)[:1]


def _precision(rule: Rule) -> tuple[bool, int, int, bool]:
    """How gateways choose: what has fewer parameters, then what is longer, then what names the method."""
    path = rule.row.path
    return ":path}" in path, path.count("{"), -len(path.partition("{")[0]), not rule.row.methods


def _joined(target: str, read: list[Routes], source: str, functions: str) -> Routes:
    """The routes of all APIs; a finding when no rule of any leads to us, or those of several do."""
    routes = tuple(route for one in read for route in one.routes)
    findings: tuple[Diagnostic, ...] = tuple(finding for one in read for finding in one.diagnostics)
    flows = [route.path for route in routes if route.kind == "flow"]
    if not flows:
        problem = f"no path in {source} leads {PREFIX}/flow to the function; it has {functions}"
        advice = f"{REMEDY}, or name its handler with --app"
        findings = (rules.OUT_OF_REACH.at(None, problem=problem, advice=advice), *findings)
    elif sum(any(route.kind == "flow" for route in one.routes) for one in read) > 1:
        twice = rules.MOUNTED_TWICE.at(None, count=str(len(flows)), places=", ".join(flows))
        findings = (twice, *findings)
    return Routes(target, routes, findings)


def _functions(found: Iterable[Rule]) -> str:
    names = dict.fromkeys(f"{one.row.path} for {one.handler}" for one in found)
    return ", ".join(names) or "no paths at all"


def _leads_to(handler: str, app: object) -> bool:
    """Whether a handler, which is named from the root of the function's own code, is the app."""
    module, _, attribute = _dotted(handler).rpartition(".")
    alike = [one for name, one in [*sys.modules.items()] if _ends_alike(name, module)]
    return any(getattr(one, attribute, None) is app for one in alike)


def _dotted(handler: str) -> str:
    return handler.replace("/", ".").lstrip(".")


def _ends_alike(one: str, other: str) -> bool:
    return f".{one}".endswith(f".{other}") or f".{other}".endswith(f".{one}")
