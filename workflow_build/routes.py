"""Routes: ask the framework where our endpoints are, in a subprocess with the user's app. The only stage that runs user code."""

from __future__ import annotations

import ast
import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import workflow_build
from workflow_build.emit import output_package
from workflow_build.model import Config, Diagnostic, Location, Route, Routes, Severity

BOOTSTRAP = "import sys; sys.path.append(sys.argv[2]); from workflow_build.route_probe import main; main(sys.argv[1])"
GRACE = 5.0
"""Seconds beyond the time limit, in which the child writes down where it hangs."""


@dataclass(frozen=True, slots=True)
class _Ended:
    """How the child ended: its answer if it gave one, else what is known."""

    answer: dict[str, Any] | None
    code: int | None
    """None when it was killed at the time limit."""
    stack: str
    output: str


def read_routes(config: Config, target: str, build: str, timeout: float) -> Routes:
    """What the framework of ``target`` reports for the app; at most ``timeout`` seconds. Failures are diagnostics, never raised.

    The written files must be on disk already, since the app imports them.
    """
    if config.app is None:
        raise ValueError("routes are read from an app, and none is known")
    request = {
        "app": config.app,
        "target": target,
        "module": f"{output_package(config)}.{target}",
        "build": build,
        "project": str(config.project),
        "roots": [str(root) for root in config.roots],
        "timeout": timeout,
    }
    ended = _run(request, config.project)
    app_place = locate_app(config)
    if ended.answer is None:
        return Routes(target, (), (_no_answer(ended, config, timeout),))
    if "failure" in ended.answer:
        return Routes(target, (), (_failed(ended.answer["failure"], config, app_place),))
    return _routes(ended.answer["routes"], app_place)


def config_text(targets: Sequence[str], found: Iterable[Routes]) -> str:
    """The text of ``config.json``: every route as reported, and where a queue pushes to."""
    routes = [route for one in found for route in one.routes]
    flows = sorted((route for route in routes if route.kind == "flow"), key=lambda route: not route.confirmed)
    content: dict[str, object] = {
        "version": 1,
        "targets": list(targets),
        "routes": [_row(route) for route in routes],
        "queue": {"flow": flows[0].path} if flows else None,
    }
    return json.dumps(content, indent=2) + "\n"


def locate_app(config: Config) -> Location | None:
    """Where in the user's source the app, or the factory that makes it, is defined, as far as reading the file tells."""
    module, _, attribute = (config.app or "").partition(":")
    name = attribute.removesuffix("()").partition(".")[0]
    for root in config.roots:
        base = root.joinpath(*module.split("."))
        for path in (base.with_suffix(".py"), base / "__init__.py"):
            if path.is_file():
                return _definition(path, path.relative_to(config.project).as_posix(), name)
    return None


def _definition(path: Path, label: str, name: str) -> Location | None:
    try:
        source = path.read_text("utf-8")
        body = ast.parse(source).body
    except (OSError, SyntaxError, ValueError):
        return None  # importing it has told, or will tell, more
    for node in body:
        targets = (
            node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
        )
        names = [target.id for target in targets if isinstance(target, ast.Name)]
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            names = [node.name]
        if name in names:
            return Location(label, node.lineno, 1, node.lineno, len(source.splitlines()[node.lineno - 1]) + 1)
    return Location(label, 1)


def _run(request: dict[str, Any], project: Path) -> _Ended:
    with tempfile.TemporaryDirectory(prefix="workflow-build-") as name:
        folder = Path(name)
        (folder / "request.json").write_text(json.dumps(request), "utf-8")
        package = str(Path(workflow_build.__file__).parent.parent)
        with (folder / "output.txt").open("wb") as output:
            child = subprocess.Popen(
                [sys.executable, "-P", "-c", BOOTSTRAP, name, package],
                cwd=project,
                env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            code = _wait(child, request["timeout"] + GRACE)
        answer = folder / "answer.json"
        stack = folder / "stack.txt"
        return _Ended(
            answer=json.loads(answer.read_text("utf-8")) if answer.is_file() else None,
            code=code,
            stack=stack.read_text("utf-8", "replace") if stack.is_file() else "",
            output=(folder / "output.txt").read_text("utf-8", "replace"),
        )


def _wait(child: subprocess.Popen[bytes], seconds: float) -> int | None:
    """The exit code; None when the child had to be killed. Ends what the child has started, too, where the system can."""
    code: int | None = None
    try:
        code = child.wait(seconds)
    except subprocess.TimeoutExpired:
        child.kill()
    finally:
        if sys.platform != "win32":
            with contextlib.suppress(ProcessLookupError, PermissionError):  # nothing is left of it
                os.killpg(child.pid, signal.SIGKILL)
        child.wait()
    return code


def _routes(content: dict[str, Any], place: Location | None) -> Routes:
    routes = tuple(Route(**{**row, "methods": tuple(row["methods"])}) for row in content["routes"])
    findings = tuple(
        replace(
            Diagnostic(
                **{**row, "severity": Severity(row["severity"]), "trail": tuple(row["trail"]), "location": None}
            ),
            location=Location(**row["location"]) if row["location"] else place,
        )
        for row in content["diagnostics"]
    )
    return Routes(content["target"], routes, findings)


def _row(route: Route) -> dict[str, object]:
    return {**asdict(route), "methods": list(route.methods)}


def _failed(failure: dict[str, Any], config: Config, place: Location | None) -> Diagnostic:
    summary = failure["summary"]
    what = f"ends the process while it is imported ({summary})" if failure["exit"] else f"can not be loaded: {summary}"
    return Diagnostic(
        code="WB510",
        message=f"the app {config.app} {what}",
        hint="the files are written, but the routes could not be read; make the app importable, or build with --no-routes",
        location=Location(*failure["place"]) if failure["place"] else place,
        trail=tuple(failure["traceback"]),
    )


def _no_answer(ended: _Ended, config: Config, timeout: float) -> Diagnostic:
    if ended.stack or ended.code is None:
        return Diagnostic(
            code="WB512",
            message=f"the app {config.app} was not loaded within {timeout:g} s",
            hint="do not start servers or wait for services while the module is imported; or give more time with --timeout",
            location=_hanging_place(ended.stack, config) or locate_app(config),
        )
    return Diagnostic(
        code="WB510",
        message=f"the app {config.app} ended the process while it was loaded (exit code {ended.code})",
        hint="the files are written, but the routes could not be read; make the app importable, or build with --no-routes",
        location=locate_app(config),
        trail=tuple(ended.output.splitlines()[-12:]),
    )


def _hanging_place(stack: str, config: Config) -> Location | None:
    """The innermost frame of the user's own code in a stack that the child left; innermost comes first there."""
    for name, line in re.findall(r'File "([^"]+)", line (\d+)', stack):
        path = Path(name)
        if path.is_relative_to(config.project) and "site-packages" not in path.parts:
            return Location(path.relative_to(config.project).as_posix(), int(line))
    return None
