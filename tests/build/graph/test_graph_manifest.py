"""The manifest and the routes' file: as their published schemas say, and what they say of classes and hashes."""

from __future__ import annotations

import json
from collections.abc import Callable
from importlib import resources
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from workflow_build.build import build
from workflow_build.classes import serializable_classes
from workflow_build.config import Flags, load
from workflow_build.discover import discover
from workflow_build.graph.model import EdgeKind, NodeKind
from workflow_build.graph.names import names_of
from workflow_build.model import Config
from workflow_build.scan import scan

REPOSITORY = Path(__file__).parents[3]
EXPECTED = sorted((REPOSITORY / "tests" / "build" / "golden").glob("*/expected/*.json"))


def schema(name: str) -> Any:
    return json.loads(resources.files("workflow_build").joinpath(f"{name}.schema.json").read_text("utf-8"))


def check(name: str, content: object) -> None:
    jsonschema.Draft202012Validator(schema(name)).validate(content)


def written(config: Config) -> Any:
    result = build(config, with_routes=False)
    assert not result.failed, result.diagnostics
    return json.loads((config.out / "manifest.json").read_text("utf-8"))


@pytest.mark.parametrize("name", ["manifest", "config"])
def test_the_schemas_are_schemas(name: str) -> None:
    jsonschema.Draft202012Validator.check_schema(schema(name))


@pytest.mark.parametrize("path", EXPECTED, ids=lambda path: f"{path.parent.parent.name}-{path.stem}")
def test_every_golden_is_as_the_schema_says(path: Path) -> None:
    check(path.stem, json.loads(path.read_text("utf-8")))


def test_the_schema_knows_every_kind_of_node_and_edge() -> None:
    definitions = schema("manifest")["$defs"]

    assert set(definitions["node"]["properties"]["kind"]["enum"]) == set(NodeKind)
    assert set(definitions["edge"]["properties"]["kind"]["enum"]) == set(EdgeKind)


def test_the_schema_refuses_what_is_not_a_manifest(project: Callable[..., Config]) -> None:
    manifest = written(project({"shop/__init__.py": "", "shop/flows.py": FLOWS}))
    check("manifest", manifest)
    for broken in ({**manifest, "extra": 1}, {**manifest, "version": 2}, {**manifest, "workflows": [{}]}):
        with pytest.raises(jsonschema.ValidationError):
            check("manifest", broken)


def test_the_shop_is_as_the_schema_says(tmp_path: Path, project: Callable[..., Config]) -> None:
    shop = REPOSITORY / "fixtures" / "fastapi_shop"
    files = {path.relative_to(shop).as_posix(): path.read_bytes() for path in shop.glob("shop/*.py")}
    project({**files, "pyproject.toml": (shop / "pyproject.toml").read_bytes()})
    manifest = written(load(tmp_path, Flags()))
    check("manifest", manifest)

    assert {found["qualname"]: found["kind"] for found in manifest["classes"]} == {
        "Line": "pydantic",
        "Order": "pydantic",
        "Payment": "pydantic",
        "Receipt": "pydantic",
        "Refund": "pydantic",
        "RefundRefused": "exception",
        "Reservation": "pydantic",
        "Shipping": "enum",
        "Summary": "pydantic",
    }
    assert [len(workflow["graph"]["nodes"]) > 5 for workflow in manifest["workflows"]] == [True, True]


FLOWS = """
from workflow_runtime import step, workflow

@step
async def charge(o): ...

@workflow
async def checkout(o):
    await charge(o)
"""


def test_the_hash_of_a_function_is_of_its_own_text(project: Callable[..., Config]) -> None:
    def hashes(text: str) -> dict[str, str]:
        manifest = written(project({"shop/__init__.py": "", "shop/flows.py": text}))
        return {one["qualname"]: one["hash"] for one in (*manifest["workflows"], *manifest["steps"])}

    before = hashes(FLOWS)

    assert hashes("# a line more\n" + FLOWS) == before
    assert hashes(FLOWS.replace("await charge(o)", "return await charge(o)")) | {"checkout": ""} == before | {
        "checkout": ""
    }
    assert hashes(FLOWS.replace("@step", "@step(max_retries=1)"))["charge"] != before["charge"]


MODELS = """
from __future__ import annotations
import enum
from dataclasses import dataclass as data
from typing import NamedTuple, TypedDict
import attrs
import pydantic
from msgspec import Struct

@data(frozen=True)
class Line:
    price: "Money"
    other: enum.Enum

@attrs.define
class Money:
    cents: int

class Base(pydantic.BaseModel):
    kind: Kind

class Order(Base):
    lines: list[Line]
    next: Order | None = None

class Kind(enum.StrEnum):
    A = "a"

class Place(NamedTuple):
    x: int

class Options(TypedDict):
    place: Place

class Raw(Struct):
    options: Options

class Plain:
    pass

class Unused(pydantic.BaseModel):
    pass

class Refused(ValueError): ...
class VeryRefused(Refused): ...

Lines = dict[str, Line]
"""


def test_classes_are_found_through_fields_bases_aliases_and_what_is_raised(project: Callable[..., Config]) -> None:
    flows = """
        from shop import models
        from shop.models import Lines, Order as Bestellung, Plain
        from workflow_runtime import step

        @step
        async def charge(order: "Bestellung | None", plain: Plain, *lines: Lines) -> "list[models.Raw]":
            raise models.VeryRefused("no")

        @step
        async def other(x: int) -> None:
            raise
        """
    config = project({"shop/__init__.py": "", "shop/models.py": MODELS, "shop/flows.py": flows})
    sources = scan(config)

    functions = discover(sources)

    found = serializable_classes(functions, names_of(sources, functions))

    assert [(one.qualname, one.kind) for one in found] == [
        ("Kind", "enum"),
        ("Line", "dataclass"),
        ("Money", "attrs"),
        ("Options", "typeddict"),
        ("Order", "pydantic"),
        ("Place", "namedtuple"),
        ("Raw", "msgspec"),
        ("VeryRefused", "exception"),
    ]
    assert {one.location.path for one in found} == {"shop/models.py"}
