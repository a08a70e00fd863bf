"""The Functions Framework's adapter asks real functions, with the framework's own decorators."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import functions_framework
import pytest
from flask import Flask, Request, Response
from functions_framework import _function_registry

from workflow_build.adapters import load_adapter
from workflow_build.adapters.base import Clues
from workflow_build.adapters.functions_framework import ADAPTER
from workflow_build.model import Routes, SourceFile

MODULE = "shop._workflow.functions_framework"
BUILD = "0123456789abcdef"
PREFIX = "/.well-known/workflow/v1"


@pytest.fixture(autouse=True)
def registry() -> Iterator[None]:
    """The framework keeps the names of functions; ours are forgotten."""
    yield
    _function_registry.REGISTRY_MAP.clear()


def mounted(build: str = BUILD) -> Callable[[Request], Any]:
    """What ``mount`` gives."""

    def shop(request: Request) -> Any:
        if request.path == f"{PREFIX}/health":
            return Response(headers={"x-workflow-build": build}, status=503)
        return {"path": request.path}

    return shop


def read(app: object) -> Routes:
    return ADAPTER.read_routes(app, MODULE, BUILD)


def codes(found: Routes) -> list[str]:
    return [diagnostic.code for diagnostic in found.diagnostics]


def test_the_adapter_is_found_through_its_entry_point() -> None:
    assert load_adapter("functions-framework") is ADAPTER


@pytest.mark.parametrize("mark", [functions_framework.http, lambda function: function], ids=["marked", "plain"])
def test_a_function_gets_all_paths_so_the_routes_are_at_its_root(mark: Callable[..., Any]) -> None:
    found = read(mark(mounted()))

    assert {route.kind: (route.path, route.methods) for route in found.routes} == {
        "flow": (f"{PREFIX}/flow", ("POST",)),
        "health": (f"{PREFIX}/health", ("GET",)),
        "manifest": (f"{PREFIX}/manifest.json", ("GET",)),
        "webhook": (f"{PREFIX}/webhook/{{token}}", ()),
    }
    assert all(route.confirmed for route in found.routes)
    assert found.diagnostics == ()


def test_a_function_that_hands_nothing_to_us_gets_the_lines_to_add() -> None:
    def shop(request: Request) -> str:
        return "hello"

    found = read(functions_framework.http(shop))

    assert codes(found) == ["WB501"]
    assert "@mount" in found.diagnostics[0].hint


def test_a_function_that_refuses_strangers_is_a_warning() -> None:
    found = read(lambda request: Response(status=401))

    assert codes(found) == ["WB505"]
    assert not any(route.confirmed for route in found.routes)


def test_an_answer_of_another_build_is_an_error() -> None:
    assert codes(read(mounted("fedcba9876543210"))) == ["WB503"]


def test_a_function_for_events_is_none_for_requests() -> None:
    mark: Any = functions_framework.cloud_event

    assert codes(read(mark(mounted()))) == ["WB511"]


async def a_coroutine_function(request: Request) -> str:
    return ""


@pytest.mark.parametrize("thing", [object(), Flask("shop"), a_coroutine_function])
def test_what_the_framework_can_not_serve_is_named(thing: object) -> None:
    assert codes(read(thing)) == ["WB511"]


MARKED = "import functions_framework\n\ndef other(): ...\n\n@functions_framework.http\n@mount\ndef shop(request): ...\n"


@pytest.mark.parametrize(
    ("path", "text", "environment", "named"),
    [
        ("main.py", MARKED, {}, "main:shop"),
        ("main.py", MARKED, {"FUNCTION_TARGET": "other"}, "main:other"),
        ("src/main.py", MARKED.replace("functions_framework.http", "http"), {}, "main:shop"),
        ("jobs.py", MARKED, {"FUNCTION_SOURCE": "./jobs.py"}, "jobs:shop"),
        ("jobs.py", MARKED, {}, None),
        ("main.py", "def shop(request): ...\n", {"FUNCTION_TARGET": "shop"}, None),
        ("main.py", MARKED + "def (", {}, None),
    ],
)
def test_the_function_is_found_as_the_framework_finds_it(
    path: str, text: str, environment: dict[str, str], named: str | None
) -> None:
    file = SourceFile(path, Path(path).stem, False, text.encode(), False)

    assert ADAPTER.named_app(Clues(Path(), environment, [file])) == named
