"""The AWS Lambda adapter reads files that SAM 1.170, Serverless 3.40 and Chalice 1.34 themselves have written: ``platforms/``."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from workflow_build.adapters import load_adapter
from workflow_build.adapters.aws_files import BUILT
from workflow_build.adapters.aws_lambda import ADAPTER
from workflow_build.adapters.base import Clues
from workflow_build.model import Route, Routes, SourceFile

MODULE = "shop._workflow.aws_lambda"
BUILD = "0123456789abcdef"
PREFIX = "/.well-known/workflow/v1"
WRITTEN = Path(__file__).parent / "platforms"
SAM, SERVERLESS, CHALICE = BUILT

Handler = Callable[[Mapping[str, Any], object], Any]


def mounted(event: Mapping[str, Any], context: object) -> Any:
    """What ``mount`` gives: it answers our routes below any prefix."""
    path = event["path"]
    if path.endswith(f"{PREFIX}/health"):
        return {"statusCode": 503, "headers": {"X-Workflow-Build": BUILD}, "body": ""}
    return {"statusCode": 404, "body": ""}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def app(monkeypatch: pytest.MonkeyPatch) -> Handler:
    """The handler ``shop.app.handler``."""

    def handler(event: Mapping[str, Any], context: object) -> Any:
        return mounted(event, context)

    module = ModuleType("shop.app")
    module.handler = handler  # type: ignore[attr-defined]  # modules take any
    monkeypatch.setitem(sys.modules, "shop.app", module)
    return handler


def put(project: Path, name: str, written: str, change: Callable[[str], str] = str) -> None:
    """One of the tools' files where the tool puts it."""
    (project / name).parent.mkdir(parents=True, exist_ok=True)
    (project / name).write_text(change((WRITTEN / written).read_text("utf-8")), "utf-8")


def read(app: object) -> Routes:
    return ADAPTER.read_routes(app, MODULE, BUILD)


def paths(found: Routes) -> dict[str, str]:
    return {route.kind: route.path for route in found.routes}


def codes(found: Routes) -> list[str]:
    return [diagnostic.code for diagnostic in found.diagnostics]


def all_at(prefix: str) -> dict[str, str]:
    tails = {"flow": "flow", "health": "health", "manifest": "manifest.json", "webhook": "webhook/{token}"}
    return {kind: f"{prefix}{PREFIX}/{tail}" for kind, tail in tails.items()}


def test_the_adapter_is_found_through_its_entry_point() -> None:
    assert load_adapter("aws-lambda") is ADAPTER


@pytest.mark.parametrize("name", [SAM, "template.yaml"])
def test_a_sam_template_leads_to_the_function_built_or_not(name: str, project: Path, app: Handler) -> None:
    put(project, name, "sam.yaml")

    found = read(app)

    assert paths(found) == all_at("")
    assert {route.source for route in found.routes} == {name}
    assert all(route.confirmed and route.methods == () for route in found.routes)
    assert found.diagnostics == ()


def test_serverless_state_leads_to_the_function_by_the_path_of_its_file(project: Path, app: Handler) -> None:
    put(project, SERVERLESS, "serverless-state.json")

    found = read(app)

    assert (paths(found), codes(found)) == (all_at(""), [])
    assert all(route.confirmed for route in found.routes)


def test_a_rest_api_of_serverless_has_its_stage_before_the_paths(
    project: Path, app: Handler, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(project, SERVERLESS, "serverless-state.json", lambda text: text.replace("src/shop/app.handler", "gone.handler"))
    rest = ModuleType("old.app")
    rest.rest = app  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "old.app", rest)

    assert paths(read(app)) == all_at("/live/api")


def test_chalices_routes_have_their_methods_and_their_stage(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("app")
    module.app = mounted  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "app", module)
    put(project, CHALICE, "chalice.json")

    found = read(mounted)

    assert (paths(found), codes(found)) == (all_at("/api"), [])
    methods = {route.kind: route.methods for route in found.routes}
    assert (methods["flow"], methods["health"]) == (("POST",), ("GET",))
    assert methods["webhook"] == ("DELETE", "GET", "PATCH", "POST", "PUT")


def test_an_app_of_chalices_gets_the_routes_to_list(project: Path) -> None:
    def call(self: object, event: Mapping[str, Any], context: object) -> Any:
        return {"statusCode": 405, "headers": {"allow": ""}, "body": ""}

    app = type("Chalice", (), {"__module__": "chalice.app", "__call__": call})()  # Chalice itself wants old packages

    found = read(app)

    assert codes(found) == ["WB501"]
    assert f'@app.route("{PREFIX}/webhook/{{token}}", methods=[' in found.diagnostics[0].hint
    assert f"from {MODULE} import handler" in found.diagnostics[0].hint


def test_a_webhook_that_takes_few_methods_is_an_error(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def without_put(text: str) -> str:
        content = json.loads(text)
        del content["Resources"]["RestAPI"]["Properties"]["DefinitionBody"]["paths"][f"{PREFIX}/webhook/{{token}}"][
            "put"
        ]
        return json.dumps(content)

    module = ModuleType("app")
    module.app = mounted  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "app", module)
    put(project, CHALICE, "chalice.json", without_put)

    assert codes(read(mounted)) == ["WB504"]


def test_two_apis_that_lead_there_are_a_warning_and_a_stage_with_a_parameter_is_not_known(
    project: Path, app: Handler
) -> None:
    put(project, SAM, "sam-two-apis.yaml")

    found = read(app)

    flows: list[Route] = [route for route in found.routes if route.kind == "flow"]
    assert [(route.path, route.confirmed) for route in flows] == [
        (f"{PREFIX}/flow", True),
        (f"/{{Stage}}{PREFIX}/flow", False),
    ]
    assert codes(found) == ["WB502", "WB505"]


def test_a_catch_all_is_enough(project: Path, app: Handler) -> None:
    put(project, SAM, "sam.yaml", lambda text: text.replace(f"Path: {PREFIX}/{{proxy+}}", "Path: /{proxy+}"))

    assert (paths(read(app)), codes(read(app))) == (all_at(""), [])


def test_a_prefix_before_our_paths_is_part_of_them(project: Path, app: Handler) -> None:
    put(project, SAM, "sam.yaml", lambda text: text.replace(f"Path: {PREFIX}/", f"Path: /jobs{PREFIX}/"))

    assert (paths(read(app)), codes(read(app))) == (all_at("/jobs"), [])


def test_another_function_with_a_more_precise_path_is_named_as_the_shadow(project: Path, app: Handler) -> None:
    thief = f"""
  Thief:
    Type: AWS::Serverless::Function
    Properties:
      Handler: other.handler
      Events:
        Mine:
          Type: HttpApi
          Properties:
            Path: {PREFIX}/flow
            Method: POST
Outputs:"""
    put(project, SAM, "sam.yaml", lambda text: text.replace("\nOutputs:", thief))

    found = read(app)

    assert codes(found) == ["WB503"]
    assert "Thief" in found.diagnostics[0].message
    assert "give the function an event" in found.diagnostics[0].hint
    assert [route.kind for route in found.routes if not route.confirmed] == ["flow"]


def test_a_function_without_a_path_for_us_is_an_error_that_says_what_there_is(project: Path, app: Handler) -> None:
    put(project, SAM, "sam.yaml", lambda text: text.replace(f"Path: {PREFIX}/{{proxy+}}", "Path: /other"))

    found = read(app)

    assert codes(found) == ["WB503"]
    assert "/other for shop.app.handler" in found.diagnostics[0].message


def test_a_handler_that_no_function_names_is_an_error(project: Path, app: Handler) -> None:
    put(project, SAM, "sam.yaml", lambda text: text.replace("shop.app.handler", "shop.other.handler"))

    assert codes(read(app)) == ["WB503"]


def test_a_handler_that_is_not_mounted_gets_the_lines_to_add(project: Path) -> None:
    put(project, SAM, "sam.yaml")

    found = read(lambda event, context: {"statusCode": 404})

    assert (found.routes, codes(found)) == ((), ["WB501"])
    assert "from shop._workflow.aws_lambda import mount" in found.diagnostics[0].hint


def test_without_a_file_of_a_tool_nothing_is_known_of_paths(project: Path, app: Handler) -> None:
    found = read(app)

    assert (found.routes, codes(found)) == ((), ["WB505"])
    assert SAM in found.diagnostics[0].message


def test_a_file_that_can_not_be_read_is_named(project: Path, app: Handler) -> None:
    put(project, SAM, "sam.yaml", lambda text: text + "\n - [")

    found = read(app)

    assert codes(found) == ["WB505"]
    assert "template.yaml can not be read" in found.diagnostics[0].message


@pytest.mark.parametrize("thing", [object(), "handler"])
def test_a_thing_that_can_not_be_called_is_named(thing: object) -> None:
    assert codes(read(thing)) == ["WB511"]


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("from shop._workflow.aws_lambda import mount\n", "shop.app:handler"),
        ("from mangum import Mangum\n", None),
    ],
)
def test_the_handler_is_found_where_a_template_names_it(text: str, named: str | None, project: Path) -> None:
    template = "Resources:\n  One:\n    Type: AWS::Serverless::Function\n    Properties:\n      Handler: app.handler\n"
    (project / "template.yaml").write_text(template + "      Role: !GetAtt Role.Arn\n")
    files = [SourceFile("shop/app.py", "shop.app", False, text.encode(), False)]

    assert ADAPTER.named_app(Clues(project, {}, files)) == named
