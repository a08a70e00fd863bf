"""What runs beside the user's app, in a process of its own: import the app, let the adapter read its table, write one JSON file.

The request and the answer are files, so that whatever the app prints can not mix with them.
"""

from __future__ import annotations

import faulthandler
import importlib
import inspect
import json
import pkgutil
import sys
import traceback
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from workflow_build.adapters import load_adapter
from workflow_runtime.process import only_look


def main(folder: str) -> None:
    """Answer the request in ``folder/request.json`` with ``folder/answer.json``."""
    request = json.loads(Path(folder, "request.json").read_text("utf-8"))
    sys.argv = ["workflow-build"]
    sys.path[:0] = request["roots"]
    only_look()  # the request that confirms a route starts the workers of sync frameworks: they must not take real messages
    with Path(folder, "stack.txt").open("w") as stack:
        faulthandler.dump_traceback_later(request["timeout"], exit=True, file=stack)
        answer = _answer(request)
        faulthandler.cancel_dump_traceback_later()
    temporary = Path(folder, "answer.tmp")
    temporary.write_text(json.dumps(answer), "utf-8")
    temporary.replace(Path(folder, "answer.json"))


def _answer(request: dict[str, Any]) -> dict[str, Any]:
    try:
        app, called = _load(request["app"], request["roots"])
    except _Missing as missing:
        return {"missing": missing.what}
    except BaseException as error:  # noqa: BLE001 - SystemExit included: whatever stops the import is the answer
        return {"failure": _failure(error, Path(request["project"]))}
    try:
        routes = load_adapter(request["target"]).read_routes(app, request["module"], request["build"])
    except Exception as error:  # noqa: BLE001 - the app's own middleware and routes run here
        return {"failure": _failure(error, Path(request["project"]))}
    return {"routes": asdict(routes), "called": called, "files": _imported(Path(request["project"]))}


def _imported(project: Path) -> list[str]:
    """The project's files that are modules of this process."""
    names = (getattr(module, "__file__", None) for module in list(sys.modules.values()))
    places = (_place(name, 1, project) for name in names if isinstance(name, str))
    return sorted({place[0] for place in places if place})


class _Missing(Exception):
    """The module or the attribute that is named is not there."""

    def __init__(self, holder: str, name: str, names: Iterable[str]) -> None:
        super().__init__(name)
        self.what = {"holder": holder, "name": name, "names": sorted(names)}


def _load(name: str, roots: list[str]) -> tuple[object, bool]:
    """The app of ``module:attribute``, and whether it was called, as a factory is. Raises whatever the user's code raises."""
    module, _, path = name.partition(":")
    try:
        app: Any = importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{module}.".startswith(f"{error.name}."):
            raise
        package = error.name.rpartition(".")[0]
        folders = list(sys.modules[package].__path__) if package else roots
        found = (f"{package}.{inner.name}".lstrip(".") for inner in pkgutil.iter_modules(folders))
        raise _Missing("", error.name, found) from None
    holder = module
    for part in path.removesuffix("()").split("."):
        if not hasattr(app, part):
            raise _Missing(holder, part, (found for found in dir(app) if not found.startswith("_")))
        app, holder = getattr(app, part), f"{holder}.{part}"
    called = path.endswith("()") or _is_factory(app)
    return (app() if called else app), called


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
