"""What runs beside the user's app, in a process of its own: import the app, let the adapter read its table, write one JSON file.

The request and the answer are files, so that whatever the app prints can not mix with them.
"""

from __future__ import annotations

import faulthandler
import importlib
import inspect
import json
import sys
import traceback
from dataclasses import asdict
from pathlib import Path
from typing import Any

from workflow_build.adapters import load_adapter


def main(folder: str) -> None:
    """Answer the request in ``folder/request.json`` with ``folder/answer.json``."""
    request = json.loads(Path(folder, "request.json").read_text("utf-8"))
    sys.argv = ["workflow-build"]
    sys.path[:0] = request["roots"]
    with Path(folder, "stack.txt").open("w") as stack:
        faulthandler.dump_traceback_later(request["timeout"], exit=True, file=stack)
        answer = _answer(request)
        faulthandler.cancel_dump_traceback_later()
    temporary = Path(folder, "answer.tmp")
    temporary.write_text(json.dumps(answer), "utf-8")
    temporary.replace(Path(folder, "answer.json"))


def _answer(request: dict[str, Any]) -> dict[str, Any]:
    try:
        app = _load(request["app"])
    except BaseException as error:  # noqa: BLE001 - SystemExit included: whatever stops the import is the answer
        return {"failure": _failure(error, Path(request["project"]))}
    try:
        routes = load_adapter(request["target"]).read_routes(app, request["module"], request["build"])
    except Exception as error:  # noqa: BLE001 - the app's own middleware and routes run here
        return {"failure": _failure(error, Path(request["project"]))}
    return {"routes": asdict(routes)}


def _load(name: str) -> object:
    """The app of ``module:attribute``; a factory is called. Raises whatever the user's code raises."""
    module, _, path = name.partition(":")
    app: Any = importlib.import_module(module)
    for part in path.removesuffix("()").split("."):
        app = getattr(app, part)
    return app() if path.endswith("()") or _is_factory(app) else app


def _is_factory(app: object) -> bool:
    """Whether this is a function that makes an app: one that can be called without arguments, as an ASGI app can not."""
    if not inspect.isfunction(app) or inspect.iscoroutinefunction(app):
        return False
    parameters = inspect.signature(app).parameters.values()
    variadic = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    return all(item.default is not item.empty or item.kind in variadic for item in parameters)


def _failure(error: BaseException, project: Path) -> dict[str, Any]:
    """What went wrong, and the last place in the user's own code that it went through."""
    story = traceback.TracebackException.from_exception(error)
    _leave_out_machinery(story, set())
    places = [(frame.filename, frame.lineno or 1) for frame in story.stack]
    if isinstance(error, SyntaxError) and error.filename:
        places.append((error.filename, error.lineno or 1))
    own = [place for name, line in places if (place := _place(name, line, project))]
    return {
        "summary": list(story.format_exception_only())[-1].strip(),
        "exit": isinstance(error, SystemExit),
        "place": own[-1] if own else None,
        "traceback": [line for line in "".join(story.format()).splitlines() if line.strip()][-12:],
    }


def _leave_out_machinery(story: traceback.TracebackException, seen: set[int]) -> None:
    """Drop the frames of the import system and of this module, from this exception and from those behind it."""
    if id(story) in seen:
        return
    seen.add(id(story))
    ours = (__file__, importlib.__file__)
    frames = [
        frame for frame in story.stack if frame.filename not in ours and "<frozen importlib" not in frame.filename
    ]
    story.stack = traceback.StackSummary.from_list(frames)
    for behind in (story.__cause__, story.__context__):
        if behind is not None:
            _leave_out_machinery(behind, seen)


def _place(name: str, line: int, project: Path) -> tuple[str, int] | None:
    path = Path(name)
    if not path.is_absolute() or not path.is_relative_to(project) or "site-packages" in path.parts:
        return None
    return path.relative_to(project).as_posix(), line
