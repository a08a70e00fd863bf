"""What ``vercel build`` has written: which paths lead to which function, and what path that is given (the Build Output API, version 3)."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

OUTPUT = ".vercel/output"
CONFIG = f"{OUTPUT}/config.json"
SETTINGS = "vercel.json"
LEADING = ("builds", "experimentalServices", "experimentalServicesV2", "redirects", "rewrites", "routes", "services")
"""The keys of ``vercel.json`` that lead requests elsewhere than all of them to the app."""
PYTHON = frozenset({"django", "fastapi", "fasthtml", "flask", "python"})
"""What Vercel calls the frameworks that its builder for Python takes."""
PHASES = ("", "filesystem", "rewrite", "resource", "miss")
"""The parts of the list of routes, in the order in which they are tried; outputs are looked up after each."""
RUNS = re.compile(r'"__VC_HANDLER_(MODULE_NAME|VARIABLE_NAME)": "([^"]*)"')
"""How the module that Vercel's builder writes for a function says which app it runs."""
NAMED_GROUP = re.compile(r"\(\?<(?=\w)")
REFERENCE = re.compile(r"\$(?:(\d)|(\w+))")


@dataclass(frozen=True, slots=True)
class Function:
    """One function of the output."""

    name: str
    """The path that it has in the output: ``fastapi``, ``api/index``."""
    app: str
    """What it runs, as ``module:attribute``; empty when that is not said."""
    taken: str
    """What Vercel's runtime takes away from the start of a path before the app sees it: the prefix of a service."""

    def given(self, path: str) -> str:
        """The path that the app sees."""
        return path.removeprefix(self.taken) if path.startswith(f"{self.taken}/") else path


@dataclass(frozen=True, slots=True)
class End:
    """Where a request ends."""

    what: str
    """For messages: ``function api/index``, ``a redirect to /x``."""
    function: Function | None = None
    path: str = ""
    """What the app sees, when it is a function."""


@dataclass(frozen=True, slots=True)
class Site:
    """Everything in the output that says where a request ends."""

    routes: Mapping[str, tuple[Mapping[str, Any], ...]]
    """By phase."""
    functions: Mapping[str, Function]
    files: frozenset[str]
    """The paths of what is served as it is."""

    @property
    def prefixes(self) -> tuple[str, ...]:
        """What stands at the start of paths that a route or a service names."""
        sources = (str(route.get("src", "")) for phase in PHASES for route in self.routes.get(phase, ()))
        fixed = [re.match(r"\^?(?:\(\?=)?((?:/[\w.~-]+)*)", source) for source in sources]
        found = [match[1] for match in fixed if match] + [function.taken for function in self.functions.values()]
        return tuple(dict.fromkeys(prefix for prefix in found if prefix))

    def follow(self, method: str, path: str) -> End:
        """Where a request ends. What a route asks of headers, cookies or hosts is taken to be missing."""
        seen, given = path, path
        for phase in PHASES:
            for route in self.routes.get(phase, ()):
                match = _match(route, method, seen)
                if match is None:
                    continue
                end = _ending(route, match)
                if end is not None:
                    return end
                given = _given(route, match, given)
                seen = f"/{_filled(str(route.get('dest', seen)), match).lstrip('/')}" if "dest" in route else seen
                if not route.get("continue"):
                    break
            found = self._output(seen.partition("?")[0], given)
            if found is not None:
                return found
        return End("nothing (status 404)")

    def _output(self, path: str, given: str) -> End | None:
        plain = path.strip("/")
        for name in (plain, f"{plain}/index".lstrip("/")):
            if name in self.functions:
                function = self.functions[name]
                return End(f"function {name}", function, function.given(given))
        names = (plain, f"{plain}/index.html".lstrip("/"))
        return next((End(f"the file {name}") for name in names if name in self.files), None)


def site(project: Path) -> Site | None:
    """What was built last in that project; None when nothing was. Raises ``ValueError`` when it can not be read."""
    path = project / CONFIG
    if not path.is_file():
        return None
    config = content(path)
    phases: dict[str, list[Mapping[str, Any]]] = {"": []}
    current = phases[""]
    listed = config.get("routes") or []
    if not (isinstance(listed, list) and all(isinstance(route, dict) for route in listed)):
        raise ValueError(f"{path.name} can not be read: what it has as routes is none")
    for route in listed:
        if "handle" in route:
            current = phases.setdefault(str(route["handle"]), [])
        else:
            current.append(route)
    static = project / OUTPUT / "static"
    files = (file.relative_to(static).as_posix() for file in static.rglob("*") if file.is_file())
    routes = {name: tuple(found) for name, found in phases.items()}
    return Site(routes, _functions(project / OUTPUT / "functions"), frozenset(files))


def content(path: Path) -> dict[str, Any]:
    """A JSON file's object; an empty one when there is no file. Raises ``ValueError`` when it can not be read."""
    try:
        found = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise ValueError(f"{path.name} can not be read: {error}") from error
    return found if isinstance(found, dict) else {}


def serves_python(project: Path) -> bool:
    """Whether Vercel's settings in that folder say that an app in Python is deployed there. Raises ``ValueError`` when they can not be read."""
    settings = content(project / SETTINGS)
    linked = content(project / ".vercel" / "project.json").get("settings")
    chosen = {settings.get("framework"), linked.get("framework") if isinstance(linked, Mapping) else None}
    services = [settings.get(key) for key in ("experimentalServices", "services")]
    each = [one for group in services if isinstance(group, Mapping) for one in group.values()]
    builds = settings.get("builds")
    each += builds if isinstance(builds, list) else []
    told = [str(one.get(key)) for one in each if isinstance(one, Mapping) for key in ("framework", "entrypoint", "src")]
    in_api = (project / SETTINGS).is_file() and any((project / "api").glob("*.py"))
    return in_api or not PYTHON.isdisjoint({*chosen, *told}) or any(name.endswith(".py") for name in told)


def _functions(folder: Path) -> dict[str, Function]:
    return {
        path.relative_to(folder).as_posix().removesuffix(".func"): _function(path, folder)
        for path in sorted(folder.rglob("*.func"))
    }


def _function(path: Path, folder: Path) -> Function:
    settings = content(path / ".vc-config.json").get("environment")
    environment = settings if isinstance(settings, Mapping) else {}
    written = path / "vc__handler__python.py"
    runs = dict(RUNS.findall(written.read_text("utf-8"))) if written.is_file() else {}
    app = f"{runs['MODULE_NAME']}:{runs['VARIABLE_NAME']}" if len(runs) == 2 else ""
    stripped = str(environment.get("VERCEL_SERVICE_ROUTE_PREFIX_STRIP", "")).lower() in ("1", "true")
    prefix = str(environment.get("VERCEL_SERVICE_ROUTE_PREFIX", "")).strip("/") if stripped else ""
    name = path.relative_to(folder).as_posix().removesuffix(".func")
    return Function(name, app, f"/{prefix}" if prefix else "")


def _match(route: Mapping[str, Any], method: str, path: str) -> re.Match[str] | None:
    """How a route takes a request, if it does."""
    methods, source = route.get("methods"), route.get("src")
    if route.get("has") or not isinstance(source, str) or (methods and method not in methods):
        return None
    flags = re.NOFLAG if route.get("caseSensitive") else re.IGNORECASE
    try:
        return re.compile(NAMED_GROUP.sub("(?P<", source), flags).fullmatch(path)
    except re.error as error:
        raise ValueError(f"config.json has the route {source!r}, which can not be read: {error}") from error


def _ending(route: Mapping[str, Any], match: re.Match[str]) -> End | None:
    """What a route answers by itself."""
    headers = {str(name).lower(): value for name, value in (route.get("headers") or {}).items()}
    dest = str(route.get("dest", ""))
    if re.match(r"https?://", dest):
        return End(f"another site, {_filled(dest, match)}")
    if "location" in headers and 300 <= int(route.get("status", 200)) < 400:
        return End(f"a redirect to {_filled(str(headers['location']), match)}")
    if "status" in route and not dest and not route.get("continue"):
        return End(f"an answer with status {route['status']}")
    return None


def _given(route: Mapping[str, Any], match: re.Match[str], before: str) -> str:
    """The path that a route has the function be given: the client's own, unless it is set."""
    transforms: Iterable[Mapping[str, Any]] = route.get("transforms") or ()
    given = [
        str(one.get("args", "")) for one in transforms if (one.get("type"), one.get("op")) == ("request.path", "set")
    ]
    return _filled(given[-1], match) if given else before


def _filled(text: str, match: re.Match[str]) -> str:
    """The text with the match's groups in place of ``$1`` and ``$name``."""
    groups = match.groupdict()

    def group(found: re.Match[str]) -> str:
        number, name = found.groups()
        if number is not None:
            return (match[int(number)] or "") if int(number) <= match.re.groups else ""
        return groups.get(name) or ""

    return REFERENCE.sub(group, text)
