"""Google Cloud's Functions Framework: one function gets all paths, so what there is to read is whether it answers ours."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, cast

from workflow_build.adapters.asking import ask
from workflow_build.adapters.base import Clues
from workflow_build.adapters.reading import not_an_app
from workflow_build.model import Routes, SourceFile

MARKS = ("functions_framework.http", "http")
"""How the decorator of a function for HTTP stands in its module."""


@dataclass(frozen=True, slots=True)
class FunctionsFrameworkAdapter:
    """Everything about the Functions Framework."""

    name: str = "functions-framework"
    title: str = "Functions Framework"
    template: str = "functions_framework.py.jinja"
    packages: tuple[str, ...] = ("functions-framework", "functions_framework")
    app_classes: tuple[str, ...] = ()
    entrypoint_key: tuple[str, ...] = ()
    has_routes: bool = True

    def named_app(self, clues: Clues) -> str | None:
        """The function that ``FUNCTION_TARGET`` names, or the first marked one, in ``FUNCTION_SOURCE`` or ``main.py``."""
        source = PurePosixPath(clues.environment.get("FUNCTION_SOURCE", "main.py")).as_posix()
        file = next((file for file in clues.files if file.path in (source, f"src/{source}")), None)
        if file is None or b"functions_framework" not in file.data:
            return None
        named = clues.environment.get("FUNCTION_TARGET") or next(_marked(file), None)
        return f"{file.module}:{named}" if named else None

    def mount_lines(self, module: str) -> tuple[str, ...]:
        """One import, and one decorator below the framework's own."""
        return (f"from {module} import mount", "@functions_framework.http", "@mount", "def …(request):")

    def read_routes(self, app: object, module: str, build: str) -> Routes:
        """Our routes, if the function answers them; the framework gives it all paths and methods."""
        if not inspect.isfunction(app) or inspect.iscoroutinefunction(app) or _kind(app.__name__) != "http":
            return Routes(self.name, (), (not_an_app(app, self),))
        return ask(self, _served(app), build, module)


ADAPTER = FunctionsFrameworkAdapter()


def _marked(file: SourceFile) -> Iterator[str]:
    """The functions for HTTP in a module."""
    try:
        tree = ast.parse(file.data)
    except (SyntaxError, ValueError):
        return  # the stages that parse this file report it
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and any(ast.unparse(one) in MARKS for one in node.decorator_list):
            yield node.name


def _kind(name: str) -> str:
    """What the framework has registered the function for; without its decorators, HTTP is what it takes it for."""
    from functions_framework import _function_registry

    return str(_function_registry.REGISTRY_MAP.get(name, "http"))


def _served(function: Callable[[Any], Any]) -> object:
    """The function in an app, as the framework makes it: creating the framework's own would execute the user's module again."""
    from flask import Flask, request
    from werkzeug.routing import Rule

    app, current = Flask("function"), cast(Any, request)
    app.url_map.add(Rule("/<path:path>", endpoint="run"))
    app.view_functions["run"] = lambda path: function(current._get_current_object())
    return app
