"""Routes: ask the framework where our endpoints are, in a subprocess with the user's app. The only stage that runs user code."""

from __future__ import annotations

import ast
import contextlib
import difflib
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import workflow_build
from workflow_build.adapters import handler_module
from workflow_build.emit import output_package
from workflow_build.model import Config, Diagnostic, Location, Route, Routes, Severity
from workflow_build.rules import routes as rules

BOOTSTRAP = "import sys; sys.path.append(sys.argv[2]); from workflow_build.route_probe import main; main(sys.argv[1])"
POLL = 0.05
"""Seconds between two looks at a child that may have to be stopped."""

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


@dataclass(frozen=True, slots=True)
class Before:
    """What was done before the routes are read, for the advice when that fails."""

    state: str
    command: str


WRITTEN = Before("the files are written, but the routes could not be read", "workflow-build")
CHECKED = Before("the written files are fresh, but the routes could not be read", "workflow-build --check")
NOTHING = Before("the routes could not be read, and nothing was written", "workflow-build")


def read_routes(
    config: Config,
    target: str,
    build: str,
    timeout: float,
    before: Before = WRITTEN,
    stop: threading.Event | None = None,
) -> Routes:
    """What the framework of ``target`` reports for the app; at most ``timeout`` seconds. Failures are diagnostics, never raised.

    The written files must be on disk already, since the app imports them; ``before`` says for messages how they came there. Setting
    ``stop`` ends it early, without routes.
    """
    if config.app is None:
        raise ValueError("routes are read from an app, and none is known")
    request = {
        "app": config.app,
        "target": target,
        "module": handler_module(output_package(config), target),
        "build": build,
        "project": str(config.project),
        "roots": [str(root) for root in config.roots],
        "timeout": timeout,
    }
    ended = _run(request, config.project, stop)
    if ended.answer is None:
        return Routes(target, (), (_no_answer(ended, config, timeout, before),))
    if "missing" in ended.answer:
        return Routes(target, (), (_no_such_app(ended.answer["missing"], config),))
    if "failure" in ended.answer:
        return Routes(target, (), (_failed(ended.answer["failure"], config, before),))
    return _routes(ended.answer, config)


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


def _run(request: dict[str, Any], project: Path, stop: threading.Event | None) -> _Ended:
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
            code = _wait(child, request["timeout"] + GRACE, stop)
        answer = folder / "answer.json"
        stack = folder / "stack.txt"
        return _Ended(
            answer=json.loads(answer.read_text("utf-8")) if answer.is_file() else None,
            code=code,
            stack=stack.read_text("utf-8", "replace") if stack.is_file() else "",
            output=(folder / "output.txt").read_text("utf-8", "replace"),
        )


def _wait(child: subprocess.Popen[bytes], seconds: float, stop: threading.Event | None) -> int | None:
    """The exit code; None when the child had to be killed. Ends what the child has started, too, where the system can."""
    code: int | None = None
    try:
        code = child.wait(seconds) if stop is None else _wait_or_stop(child, seconds, stop)
    except subprocess.TimeoutExpired:
        child.kill()
    finally:
        if sys.platform != "win32":
            with contextlib.suppress(ProcessLookupError, PermissionError):  # nothing is left of it
                os.killpg(child.pid, signal.SIGKILL)
        child.wait()
    return code


def _wait_or_stop(child: subprocess.Popen[bytes], seconds: float, stop: threading.Event) -> int | None:
    end = time.monotonic() + seconds
    while (code := child.poll()) is None:
        if stop.wait(POLL) or time.monotonic() > end:
            child.kill()
            break
    return code


def _routes(answer: dict[str, Any], config: Config) -> Routes:
    content, place = answer["routes"], locate_app(config)
    routes = tuple(Route(**{**row, "methods": tuple(row["methods"])}) for row in content["routes"])
    called = config.app if answer["called"] else None
    findings = tuple(_with_others(_finding(row, place, called), config) for row in content["diagnostics"])
    return Routes(content["target"], routes, findings, tuple(answer["files"]))


def _finding(row: dict[str, Any], place: Location | None, called: str | None) -> Diagnostic:
    """A finding as the adapter wrote it; ``called`` is the function that made the app."""
    message = row["message"]
    if called and row["code"] == rules.NOT_AN_APP.code:
        message = message.replace("the app is", f"{called} is a function, and what it returns is", 1)
    return Diagnostic(
        code=row["code"],
        message=message,
        hint=row["hint"],
        location=Location(**row["location"]) if row["location"] else place,
        severity=Severity(row["severity"]),
        trail=tuple(row["trail"]),
    )


def _with_others(finding: Diagnostic, config: Config) -> Diagnostic:
    """With the apps that may be meant instead, when the one that was detected does not mount the routes."""
    if not config.other_apps or finding.code not in (rules.NOT_MOUNTED.code, rules.NOT_AN_APP.code):
        return finding
    others, app = ", ".join(config.other_apps), config.app
    choice = f"{app} is one of several apps: if another is meant ({others}), name it with --app, or `app` under [tool.workflow-build]"
    return replace(finding, hint=f"{finding.hint}\n{choice}")


def _row(route: Route) -> dict[str, object]:
    return {**asdict(route), "methods": list(route.methods)}


def _no_such_app(missing: dict[str, Any], config: Config) -> Diagnostic:
    """``--app`` names what is not there: no place in the source is to blame."""
    holder, name, names = missing["holder"], missing["name"], missing["names"]
    _, _, attribute = (config.app or "").partition(":")
    if holder:
        problem = f"module {holder} has no {name}"
        choice = "{holder}:{found}".replace("{holder}", holder)
    else:
        problem = f"there is no module {name}"
        choice = f"{{found}}:{attribute}"
    meant = difflib.get_close_matches(name, names, 1)
    if meant:
        advice = f"did you mean --app {choice.format(found=meant[0])}?"
    else:
        listed = ", ".join(names[:6]) or "nothing"
        advice = f"name the app as module:attribute; {holder or 'here'} has {listed}"
    return rules.NO_SUCH_APP.at(None, problem=problem, advice=advice)


def _failed(failure: dict[str, Any], config: Config, before: Before) -> Diagnostic:
    summary = failure["summary"]
    what = f"ends the process while it is imported ({summary})" if failure["exit"] else f"can not be loaded: {summary}"
    place = Location(*failure["place"]) if failure["place"] else locate_app(config)
    return _not_loaded(config, what, before, place, failure["traceback"])


def _not_loaded(config: Config, what: str, before: Before, place: Location | None, trail: Iterable[str]) -> Diagnostic:
    app, state, command = str(config.app), before.state, before.command
    found = rules.APP_NOT_LOADED.at(place, app=app, what=what, state=state, command=command)
    return replace(found, trail=tuple(trail))


def _no_answer(ended: _Ended, config: Config, timeout: float, before: Before) -> Diagnostic:
    if ended.stack or ended.code is None:
        place = _hanging_place(ended.stack, config) or locate_app(config)
        return rules.APP_TOO_SLOW.at(place, app=str(config.app), seconds=f"{timeout:g}")
    what = f"ended the process while it was loaded (exit code {ended.code})"
    return _not_loaded(config, what, before, locate_app(config), ended.output.splitlines()[-12:])


def _hanging_place(stack: str, config: Config) -> Location | None:
    """The innermost frame of the user's own code in a stack that the child left; innermost comes first there."""
    for name, line in re.findall(r'File "([^"]+)", line (\d+)', stack):
        path = Path(name)
        if path.is_relative_to(config.project) and "site-packages" not in path.parts:
            return Location(path.relative_to(config.project).as_posix(), int(line))
    return None
