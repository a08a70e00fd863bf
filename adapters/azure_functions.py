"""Azure Functions: reads the bindings of the functions, which the library itself writes as ``function.json``, and ``host.json``."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, cast

from workflow_build.adapters.base import Clues
from workflow_build.adapters.probe import Answer
from workflow_build.adapters.reading import read
from workflow_build.adapters.table import Row, Table, is_a, row_of
from workflow_build.model import Routes

SOURCE = "function.json and host.json"
REMEDY = "the most precise route is taken, wherever it is registered: give that function another one"
HOST = "host.json"
DEFAULT_PREFIX = "api"
"""What stands before all routes unless ``host.json`` says otherwise."""


@dataclass(frozen=True, slots=True)
class AzureFunctionsAdapter:
    """Everything about Azure Functions, in the programming model whose functions are decorated (v2)."""

    name: str = "azure-functions"
    title: str = "Azure Functions"
    template: str = "azure_functions.py.jinja"
    packages: tuple[str, ...] = ("azure-functions", "azure.functions")
    app_classes: tuple[str, ...] = ()
    entrypoint_key: tuple[str, ...] = ()
    has_routes: bool = True

    def named_app(self, clues: Clues) -> str | None:
        """The app in ``function_app.py``, where the platform looks for it."""
        file = next((file for file in clues.files if file.path == "function_app.py"), None)
        made = file and re.search(rb"^(\w+)\s*(?::[^=\n]+)?=\s*(?:\w+\.)*FunctionApp\(", file.data, re.MULTILINE)
        return f"function_app:{made[1].decode()}" if made else None

    def mount_lines(self, module: str) -> tuple[str, ...]:
        """One import and one call."""
        return (f"from {module} import mount", "mount(app)")

    def table(self, app: object) -> Table | None:
        """The functions that HTTP requests trigger."""
        if not is_a(app, "azure.FunctionApp"):
            return None
        prefix = _prefix(Path.cwd() / HOST)
        functions = [pair for one in cast(Any, app).get_functions() for pair in _routed(one, prefix)]
        rows = tuple(row for row, _ in functions)
        get = _getter(functions)
        return Table(rows, SOURCE, find=partial(_find, rows), lifespan=False, get=get, remedy=REMEDY)

    def read_routes(self, app: object, module: str, build: str) -> Routes:
        """Our routes as the functions' bindings have them."""
        return read(self, app, module, build)


ADAPTER = AzureFunctionsAdapter()


def _prefix(host: Path) -> str:
    """What ``host.json`` puts before all routes. Raises ``ValueError`` when it is not JSON."""
    content = json.loads(host.read_text("utf-8-sig")) if host.is_file() else {}
    for key in ("extensions", "http"):
        content = content.get(key) if isinstance(content, Mapping) else None
    told = content.get("routePrefix", DEFAULT_PREFIX) if isinstance(content, Mapping) else DEFAULT_PREFIX
    return f"/{told.strip('/')}" if told.strip("/") else ""


def _routed(function: Any, prefix: str) -> list[tuple[Row, Callable[..., Any]]]:
    """The row of a function, if HTTP triggers it. Without a route, it has its name; without methods, it takes any."""
    call = function.get_user_function()
    triggers = [one for one in json.loads(function.get_function_json())["bindings"] if one["type"] == "httpTrigger"]
    return [(row_of(call, _path(one, function, prefix), one.get("methods")), call) for one in triggers]


def _path(binding: Mapping[str, Any], function: Any, prefix: str) -> str:
    route = (binding.get("route") or function.get_function_name()).lstrip("/")
    plain = re.sub(r"{(\w+)[^{}]*}", r"{\1}", route)  # {id:int}, {id?}
    whole = re.sub(r"{[*]+(\w+)}", r"{\1:path}", plain)
    return f"{prefix}/{whole}"


def _find(rows: tuple[Row, ...], path: str, method: str, host: str | None) -> Row | None:
    """The most precise route, wherever it stands, as the host of the functions chooses."""
    taking = [row for row in rows if row.takes(path, method, None)]
    return min(taking, key=lambda row: (":path}" in row.path, row.path.count("{")), default=None)


def _getter(functions: list[tuple[Row, Callable[..., Any]]]) -> Callable[[Any, str, str | None], Answer]:
    """Calls the function that the path leads to: there is no app to be asked outside of the platform."""

    def get(app: Any, path: str, host: str | None = None) -> Answer:
        import azure.functions as func

        chosen = _find(tuple(row for row, _ in functions), path, "GET", None)
        if chosen is None:
            return Answer(404, {})
        call = next(call for row, call in functions if row is chosen)
        answer = call(func.HttpRequest("GET", f"http://localhost{path}", body=b""))
        return Answer(answer.status_code, {name.lower(): value for name, value in answer.headers.items()})

    return get
