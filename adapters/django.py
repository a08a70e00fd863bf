"""Django: reads the URL patterns through ``include``, and the app from where the settings say it is."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, cast

from workflow_build.adapters import probe
from workflow_build.adapters.base import Clues
from workflow_build.adapters.reading import layers, read, table_of
from workflow_build.adapters.table import Row, Table, braces, is_a, row_of
from workflow_build.model import Routes, SourceFile

SOURCE = "django.urls.get_resolver"
REMEDY = (
    "include the workflow routes before that pattern, in the urlpatterns that it is in or in those that include them"
)
WSGI = "django.WSGIHandler"
HANDLERS = ("django.ASGIHandler", WSGI)
SETTINGS = re.compile(r"""["']DJANGO_SETTINGS_MODULE["']\s*[,\]]\s*=?\s*["']([\w.]+)["']""")
GROUP = re.compile(r"\(\?P<(\w+)>[^()]*\)")


@dataclass(frozen=True, slots=True)
class DjangoAdapter:
    """Everything about Django."""

    name: str = "django"
    title: str = "Django"
    template: str = "django.py.jinja"
    packages: tuple[str, ...] = ("django",)
    app_classes: tuple[str, ...] = ("get_asgi_application", "get_wsgi_application")
    entrypoint_key: tuple[str, ...] = ()
    has_routes: bool = True

    def named_app(self, clues: Clues) -> str | None:
        """The application that belongs to the settings that ``DJANGO_SETTINGS_MODULE`` or manage.py name."""
        settings = clues.environment.get("DJANGO_SETTINGS_MODULE") or _settings_of_manage(clues)
        if not settings:
            return None
        files = {file.module: file for file in clues.files}
        return _application(files, settings, "asgi") or _application(files, settings, "wsgi")

    def mount_lines(self, module: str) -> tuple[str, ...]:
        """Where URLs are, and not where the application is; and what starts the worker under ASGI."""
        return (
            *_included(module),
            "# and at the end of its asgi.py, which has the server start the worker:",
            f"from {module} import mount",
            "application = mount(application)",
        )

    def fitting_lines(self, module: str, source: str) -> tuple[str, ...]:
        """Under WSGI there is nothing to mount, and no server that tells when it starts, but for those with a hook."""
        by_asgi = "get_asgi_application" in source or (source and "get_wsgi_application" not in source)
        return self.mount_lines(module) if by_asgi else _wsgi_lines(module)

    def table(self, app: object) -> Table | None:
        """The URL patterns of the project, which are the same for all its applications."""
        if is_a(app, "channels.ProtocolTypeRouter"):
            below = table_of(cast(Any, app).application_mapping.get("http"))
            return below[1] if below else None
        if not is_a(app, *HANDLERS):
            return None
        from django.conf import settings
        from django.urls import get_resolver

        root = (settings.FORCE_SCRIPT_NAME or "").rstrip("/")
        rows = tuple(_rows(get_resolver()))
        return Table(rows, SOURCE, root, find=_find, lifespan=False, get=_get, remedy=REMEDY)

    def read_routes(self, app: object, module: str, build: str) -> Routes:
        """Our routes as Django has them."""
        by_wsgi = any(is_a(layer, WSGI) for layer in layers(app))
        return read(self, app, module, build, _wsgi_lines(module) if by_wsgi else ())


ADAPTER = DjangoAdapter()


def _included(module: str) -> tuple[str, ...]:
    return (
        "# at the end of the project's urls.py:",
        "from django.urls import include, path",
        f'urlpatterns = [path("", include("{module}")), *urlpatterns]',
    )


def _wsgi_lines(module: str) -> tuple[str, ...]:
    return (
        *_included(module),
        "# the first request starts the worker; if gunicorn shall, when it starts, in gunicorn.conf.py:",
        "def post_worker_init(worker):",
        f"    from {module} import bridge",
        "    bridge.start()",
    )


def _settings_of_manage(clues: Clues) -> str | None:
    """The settings that manage.py falls back to."""
    manage = next((file for file in clues.files if file.module == "manage"), None)
    found = SETTINGS.search(_text(manage)) if manage else None
    return found[1] if found else None


def _application(files: dict[str, SourceFile], settings: str, kind: str) -> str | None:
    """What the settings call ``ASGI_APPLICATION`` (``WSGI_…``); else what stands in the nearest asgi.py (wsgi.py) beside or above them."""
    told = re.search(
        rf"""^{kind.upper()}_APPLICATION\s*=\s*["']([\w.]+)\.(\w+)["']""", _text(files.get(settings)), re.MULTILINE
    )
    if told:
        return f"{told[1]}:{told[2]}"
    package = settings
    while package:
        package = package.rpartition(".")[0]
        module = f"{package}.{kind}".lstrip(".")
        made = re.search(r"^(application|app)\s*(?::[^=\n]+)?=", _text(files.get(module)), re.MULTILINE)
        if made:
            return f"{module}:{made[1]}"
    return None


def _text(file: SourceFile | None) -> str:
    return file.data.decode("utf-8", "replace") if file else ""


def _rows(resolver: Any, prefix: str = "/") -> Iterator[Row]:
    """All rows in the order in which they are tried."""
    for pattern in resolver.url_patterns:
        path = prefix + _path(pattern.pattern)
        if hasattr(pattern, "url_patterns"):
            yield from _rows(pattern, path)
        else:
            yield _row(pattern.callback, path)


def _row(view: Any, path: str) -> Row:
    return row_of(getattr(view, "view_class", view), path)  # as_view() gives functions that all have one name


def _path(pattern: Any) -> str:
    """A pattern's text, parameters in braces. What else is special in a regular expression stays, and shows that the path is not fixed."""
    from django.urls.resolvers import LocalePrefixPattern, RegexPattern

    if isinstance(pattern, LocalePrefixPattern):
        return "{language}/" if pattern.prefix_default_language else str(pattern)
    if not isinstance(pattern, RegexPattern):
        return braces(str(pattern))
    text = GROUP.sub(r"{\1}", str(pattern).removeprefix("^").removesuffix(r"\Z").removesuffix("$"))
    return re.sub(r"\\([^\w\s])", r"\1", text)


def _find(path: str, method: str, host: str | None) -> Row | None:
    """What Django itself chooses, whatever the method and the host."""
    from django.urls import Resolver404, resolve

    try:
        match = resolve(path)
    except Resolver404:
        return None
    return _row(match.func, "/" + braces(match.route))


def _get(app: Any, path: str, host: str | None) -> probe.Answer:
    """Django refuses requests for hosts that are not in ``ALLOWED_HOSTS``."""
    from django.conf import settings

    allowed = (name.lstrip(".") for name in settings.ALLOWED_HOSTS if name != "*")
    return probe.get(app, path, host or (None if settings.DEBUG else next(allowed, None)))
