"""What the files of AWS tools say of functions and the paths that lead to them: SAM and Chalice templates, and the Serverless Framework's state."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workflow_build.adapters.table import Row

BUILT = (".aws-sam/build/template.yaml", ".serverless/serverless-state.json", "out/sam.json")
"""What ``sam build``, ``serverless package`` and ``chalice package out`` write, below the project."""
SOURCES = ("template.yaml", "template.yml")
"""What SAM reads; its paths are those of the built template."""
SERVERLESS = ("serverless.yml", "serverless.yaml")
FUNCTION = "AWS::Serverless::Function"
ANY = frozenset({"*", "ANY"})
REST_STAGE = "Prod"
"""The stage that SAM gives the API of functions that name none."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One path of an API that leads to a function."""

    api: str
    function: str
    handler: str
    """As the file has it: ``shop.app.handler``, or with folders as ``src/shop/app.handler``."""
    row: Row
    """With the stage in its path; the module is the function's name."""


def written_file(project: Path) -> Path | None:
    """The platform's file that says most: a built one, the newest if there are several, else SAM's source."""
    built = [project / name for name in BUILT if (project / name).is_file()]
    sources = [project / name for name in SOURCES if (project / name).is_file()]
    return max(built, key=lambda path: path.stat().st_mtime) if built else next(iter(sources), None)


def rules_of(path: Path) -> tuple[Rule, ...]:
    """All rules in a file of one of the tools. Raises ``ValueError`` when it can not be read."""
    content = _content(path)
    found = _of_state(content["service"]) if "service" in content else _of_template(content)
    return tuple(found)


def handlers_in(project: Path) -> Iterator[str]:
    """The handlers of all functions that SAM's or Serverless's source names."""
    for name in (*SOURCES, *SERVERLESS):
        path = project / name
        if path.is_file():
            content = _content(path)
            functions = (_at(one, "Properties") for one in _functions(content).values())
            found = [*(one.get("Handler") for one in functions), *(one.get("handler") for one in _each(content))]
            yield from (one for one in found if isinstance(one, str))


def _content(path: Path) -> dict[str, Any]:
    from workflow_build.adapters.cloud_yaml import parse  # only projects that have such files pay for YAML

    try:
        text = path.read_text("utf-8")
        found = json.loads(text) if path.suffix == ".json" else parse(text)
    except (OSError, ValueError) as error:
        raise ValueError(f"{path.name} can not be read: {error}") from error
    return found if isinstance(found, dict) else {}


def _of_template(template: Mapping[str, Any]) -> Iterator[Rule]:
    """The rules of a SAM template: events of functions, function URLs, and the bodies of APIs."""
    for name, function in _functions(template).items():
        properties = _at(function, "Properties")
        handler = str(properties.get("Handler", ""))
        if "FunctionUrlConfig" in properties:
            yield _rule(f"url of {name}", name, handler, None, None)
        for event in _at(properties, "Events").values():
            if event.get("Type") in ("HttpApi", "Api"):
                told = _at(event, "Properties")
                api = _reference(told.get("ApiId") or told.get("RestApiId"))
                stage = _stage(template, api) if api else "" if event["Type"] == "HttpApi" else REST_STAGE
                yield _rule(api or event["Type"], name, handler, told.get("Path"), told.get("Method"), stage)
    for api, resource in _at(template, "Resources").items():
        for path, operations in _at(resource, "Properties", "DefinitionBody", "paths").items():
            for method, operation in operations.items():
                target = re.search(r"\$\{(\w+)\.Arn\}", json.dumps(operation))
                function = _at(_functions(template), target[1], "Properties") if target else {}
                if target and function:
                    any_or_one = None if method == "x-amazon-apigateway-any-method" else method
                    handler, stage = str(function.get("Handler", "")), _stage(template, api)
                    yield _rule(api, target[1], handler, path, any_or_one, stage)


def _of_state(service: Mapping[str, Any]) -> Iterator[Rule]:
    """The rules in what ``serverless package`` writes down."""
    stage = str(_at(service, "provider").get("stage", "dev"))
    for name, function in _at(service, "functions").items():
        handler = str(function.get("handler", ""))
        if function.get("url"):
            yield _rule(f"url of {name}", name, handler, None, None)
        for event in function.get("events", ()):
            if "httpApi" in event:
                yield _rule("httpApi", name, handler, event.get("resolvedPath"), event.get("resolvedMethod"))
            elif "http" in event:
                told = event["http"]
                method, _, path = told.partition(" ") if isinstance(told, str) else (told["method"], "", told["path"])
                yield _rule("http", name, handler, path, method, stage)


def _rule(api: str, function: str, handler: str, path: object, method: object, stage: str = "") -> Rule:
    """No path is the way of all that nothing else takes; no method is any."""
    tail = "/{proxy+}" if path in (None, "*", "$default") else f"/{str(path).lstrip('/')}"
    whole = (f"/{stage}" if stage else "") + re.sub(r"\{(\w+)\+\}", r"{\1:path}", tail)
    methods = frozenset[str]() if method is None or str(method).upper() in ANY else frozenset({str(method).upper()})
    return Rule(api, function, handler, Row(whole, function, "handler", methods))


def _functions(template: Mapping[str, Any]) -> dict[str, Any]:
    resources = _at(template, "Resources").items()
    return {name: one for name, one in resources if isinstance(one, dict) and one.get("Type") == FUNCTION}


def _each(content: Mapping[str, Any]) -> Iterable[Mapping[str, Any]]:
    """The functions of a ``serverless.yml``."""
    return [one for one in _at(content, "functions").values() if isinstance(one, dict)]


def _stage(template: Mapping[str, Any], api: str) -> str:
    """What stands before all paths of an API; in braces when that is chosen at deployment."""
    resource = _at(template, "Resources", api)
    stage = _at(resource, "Properties").get("StageName", "$default")
    if stage == "$default":
        return ""
    return stage if isinstance(stage, str) else f"{{{_reference(stage) or 'stage'}}}"


def _reference(value: object) -> str:
    """The name that ``Ref`` or ``!Ref`` refers to, or the name itself."""
    return str(next(iter(value.values()), "") if isinstance(value, dict) else value or "")


def _at(content: Any, *keys: str) -> dict[str, Any]:
    """The mapping at a path of keys; an empty one where there is none."""
    for key in keys:
        content = content.get(key) if isinstance(content, Mapping) else None
    return content if isinstance(content, dict) else {}
