"""Vercel: any ASGI or WSGI app behind ``mount``; what ``vercel build`` has written says which paths lead to it."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from workflow_build.adapters import vercel_files
from workflow_build.adapters.asking import PREFIX, ask
from workflow_build.adapters.base import Clues
from workflow_build.adapters.checking import unconfirmed
from workflow_build.adapters.django import ADAPTER as DJANGO
from workflow_build.adapters.probe import get
from workflow_build.adapters.reading import table_of
from workflow_build.adapters.table import KINDS
from workflow_build.adapters.vercel_files import CONFIG, SETTINGS, End, Site
from workflow_build.model import Diagnostic, Route, Routes
from workflow_build.rules import routes as rules

FILES = ("app", "index", "server", "main", "wsgi", "asgi")
FOLDERS = ("", "src", "app", "api")
"""Where Vercel looks for the app, in this order: all files of one folder, then those of the next."""
MADE = re.compile(r"^(app|application|handler)\s*(?::[^=\n]+)?=", re.MULTILINE)
TRIED: dict[str, tuple[str, ...]] = {
    kind: (method,) if method else ("GET", "POST") for kind, (_, method) in KINDS.items()
}
"""The methods that have to lead to each of our endpoints."""


@dataclass(frozen=True, slots=True)
class VercelAdapter:
    """Everything about apps in Vercel's functions."""

    name: str = "vercel"
    title: str = "Vercel"
    template: str = "vercel.py.jinja"
    packages: tuple[str, ...] = ()
    app_classes: tuple[str, ...] = ()
    entrypoint_key: tuple[str, ...] = ("tool", "vercel", "entrypoint")
    has_routes: bool = True

    def named_app(self, clues: Clues) -> str | None:
        """Where Vercel itself looks, if its settings say that it gets an app in Python."""
        try:
            if not vercel_files.serves_python(clues.project):
                return None
        except ValueError:  # `vercel` says so, too
            return None
        named = DJANGO.named_app(clues)
        if named:
            return named
        files = {file.path: file for file in clues.files}
        for path in (str(PurePosixPath(folder, f"{file}.py")) for folder in FOLDERS for file in FILES):
            made = MADE.search(files[path].data.decode("utf-8", "replace")) if path in files else None
            if made:
                return f"{files[path].module}:{made[1]}"
        return None

    def mount_lines(self, module: str) -> tuple[str, ...]:
        """One import and one call, whose result is what Vercel serves."""
        return (f"from {module} import mount", "app = mount(app)  # after all else that is done to it")

    def read_routes(self, app: object, module: str, build: str) -> Routes:
        """Our routes, if the app answers them, at the paths that Vercel leads to it."""
        below = "" if _answers(app, "", build) else next(_mounts(app, build), "")
        asked = ask(self, app, build, module, below=below)
        if not asked.routes:
            return asked
        try:
            site = vercel_files.site(Path.cwd())
            unsure = _unsure(Path.cwd(), site)
            if unsure is not None or site is None:
                return _unconfirmed(asked, below, unsure)
            return _led(site, asked, below, app)
        except ValueError as error:
            return _unconfirmed(asked, below, str(error))


ADAPTER = VercelAdapter()


def _mounts(app: object, build: str) -> Iterator[str]:
    """Where the app has mounted what ``mount`` gave."""
    found = table_of(app)
    paths = [row.path for row in found[1].rows] if found else []
    wide = dict.fromkeys(path.rpartition("/{")[0] for path in paths if path.endswith(":path}"))
    yield from (prefix for prefix in wide if prefix and "{" not in prefix and _answers(app, prefix, build))


def _answers(app: object, prefix: str, build: str) -> bool:
    try:
        return get(app, f"{prefix}{PREFIX}/health").headers.get("x-workflow-build") == build
    except Exception:  # noqa: BLE001 - `ask` makes a finding of what the user's app raises
        return False


def _unsure(project: Path, site: Site | None) -> str | None:
    """Why what was built does not say where requests end now; None when it does, or when all of them go to the app."""
    settings = project / SETTINGS
    if site is None:
        leading = sorted(set(vercel_files.LEADING).intersection(vercel_files.content(settings)))
        return (
            f"{SETTINGS} has {', '.join(leading)}, and there is no {CONFIG} that says what they do" if leading else None
        )
    if settings.is_file() and settings.stat().st_mtime > (project / CONFIG).stat().st_mtime:
        return f"{CONFIG} is older than {SETTINGS}"
    return None


def _unconfirmed(asked: Routes, below: str, unsure: str | None) -> Routes:
    """The routes of the app alone. Vercel's presets lead all requests to it."""
    if unsure is None:
        return asked
    finding = unconfirmed(f"{below}{PREFIX}", unsure, "run `vercel build`, then this again")
    routes = tuple(replace(route, confirmed=False) for route in asked.routes)
    return replace(asked, routes=routes, diagnostics=(*asked.diagnostics, finding))


def _led(site: Site, asked: Routes, below: str, app: object) -> Routes:
    """The routes at the first place whose flow is led to the app, with what is led elsewhere beside it."""
    places = ["", *site.prefixes]
    before = next((place for place in places if _elsewhere(site, place, below, "flow", app) is None), "")
    led = [(route, _elsewhere(site, before, below, route.kind, app)) for route in asked.routes]
    routes = tuple(_moved(route, before, not problem) for route, problem in led)
    findings = tuple(problem for _, problem in led if problem)
    return replace(asked, routes=routes, diagnostics=(*asked.diagnostics, *findings))


def _moved(route: Route, before: str, reached: bool) -> Route:
    return replace(route, path=before + route.path, source=CONFIG, confirmed=route.confirmed and reached)


def _elsewhere(site: Site, before: str, below: str, kind: str, app: object) -> Diagnostic | None:
    """The finding when requests for one of our endpoints are not led to it in the app; None when they are."""
    wanted = f"{below}{PREFIX}/{KINDS[kind][0]}".replace("{token}", "token")
    for method in TRIED[kind]:
        end = site.follow(method, before + wanted)
        if end.function is None or not _runs(end, app) or end.path != wanted:
            runs = f" (which runs {end.function.app})" if end.function and not _runs(end, app) else ""
            seen = f", which sees {end.path}" if end.function and not runs else ""
            problem = f"on Vercel, {method} {before}{wanted} leads to {end.what}{runs}{seen}"
            advice = (
                f"have {SETTINGS} lead {before}{below}{PREFIX}/(.*) to the app's function before anything else takes it"
            )
            return rules.OUT_OF_REACH.at(None, problem=problem, advice=advice)
    return None


def _runs(end: End, app: object) -> bool:
    """Whether the function runs that app. Its module is named from the folder that was deployed, which may be above a root."""
    module, _, attribute = end.function.app.partition(":") if end.function else ("", "", "")
    if not module:
        return True
    alike = [one for name, one in [*sys.modules.items()] if f".{module}".endswith(f".{name}")]
    return any(getattr(one, attribute, None) is app for one in alike)
