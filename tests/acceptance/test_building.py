"""What the command says of workflow code that could not be repeated, and what it writes about the rest."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests import serving
from tests.serving import build

FORBIDDEN = {
    "files.py": 'from pathlib import Path\n\n\ndef read() -> str:\n    return Path("prices.txt").read_text()\n',
    "library.py": "import httpx\n\n\ndef read() -> str:\n    return httpx.get('http://localhost').text\n",
    "process.py": 'import subprocess\n\n\ndef read() -> str:\n    return subprocess.run(["date"]).stdout\n',
}
NAMES = {"files.py": "read_text", "library.py": "httpx", "process.py": "subprocess"}
FLOWS = """
from workflow_runtime import workflow
{imports}

@workflow
async def main() -> str:
    return {calls}
"""


def project(folder: Path, *modules: str) -> Path:
    """A project whose workflow calls what these modules do."""
    package = folder / "shop"
    package.mkdir()
    (package / "__init__.py").touch()
    for name in modules:
        (package / name).write_text(FORBIDDEN[name], "utf-8")
    names = [name.removesuffix(".py") for name in modules]
    imports = "".join(f"from shop import {name}\n" for name in names)
    calls = " + ".join(f"{name}.read()" for name in names)
    (package / "flows.py").write_text(FLOWS.format(imports=imports, calls=calls), "utf-8")
    (folder / "pyproject.toml").write_text('[tool.workflow-build]\ntargets = ["fastapi"]\n', "utf-8")
    return folder


@pytest.mark.acceptance("build-errors: file system", "build-errors: a library", "build-errors: the process")
@pytest.mark.parametrize("module", FORBIDDEN)
def test_workflow_code_that_could_not_be_repeated_is_refused_with_its_place_and_advice(
    tmp_path: Path, module: str
) -> None:
    done = build(project(tmp_path, module), "--no-routes")

    assert done.returncode == 1
    assert f"shop/{module}:5:" in done.stdout
    assert NAMES[module] in done.stdout
    assert "step" in done.stdout, "what to do"
    assert not (tmp_path / "shop" / "_workflow").exists()


@pytest.mark.acceptance("build-errors: several at once")
def test_all_that_is_wrong_is_told_in_one_build(tmp_path: Path) -> None:
    done = build(project(tmp_path, *FORBIDDEN), "--no-routes", "--format", "json")

    found = {finding["location"]["path"] for finding in json.loads(done.stdout)["diagnostics"]}
    assert found >= {f"shop/{module}" for module in FORBIDDEN}


@pytest.fixture(scope="session")
def manifest(built: Path) -> Any:
    """What the command wrote about the acceptance app."""
    return json.loads((built / "acceptance" / "_workflow" / "manifest.json").read_text("utf-8"))


@pytest.mark.acceptance("manifest: shape")
def test_workflows_steps_and_classes_of_the_app_stand_in_the_manifest(manifest: Any) -> None:
    workflows = {workflow["id"]: workflow for workflow in manifest["workflows"]}
    add_ten = workflows["workflow//acceptance.basics//add_ten"]

    assert add_ten["steps"] == ["step//acceptance.basics//add"]
    assert [node["kind"] for node in add_ten["graph"]["nodes"]] == ["start", "step", "step", "step", "return", "end"]
    assert "workflow//acceptance.twins//add_ten" in workflows
    assert {"step//acceptance.only_imported//shift", "step//acceptance.classes//Counter.plus"} <= {
        step["id"] for step in manifest["steps"]
    }
    assert {"Counter", "Parcel"} <= {one["qualname"] for one in manifest["classes"]}


@pytest.mark.acceptance("manifest: single statements")
def test_branches_and_loops_of_a_single_statement_have_their_graph(manifest: Any) -> None:
    (found,) = (one for one in manifest["workflows"] if one["qualname"] == "single_statements")
    steps = [node for node in found["graph"]["nodes"] if node["kind"] == "step"]

    assert [node["location"]["line"] for node in steps] == sorted(node["location"]["line"] for node in steps)
    assert len(steps) == 3
    assert {"branch", "loop"} <= {node["kind"] for node in found["graph"]["nodes"]}


@pytest.mark.acceptance("local-build")
def test_what_was_built_is_fresh_and_its_routes_are_known(built: Path) -> None:
    assert serving.build(built, "--check", "--no-routes").returncode == 0
    routes = json.loads((built / "acceptance" / "_workflow" / "config.json").read_text("utf-8"))["routes"]
    assert {route["kind"] for route in routes} >= {"flow", "health", "manifest", "webhook"}
    assert all(route["confirmed"] for route in routes)
