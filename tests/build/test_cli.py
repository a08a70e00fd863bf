"""The command as users meet it: what it prints, what it leaves on disk, and how it exits."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from workflow_build.cli import COMMANDS, cli
from workflow_build.commands.build import build_command

REPOSITORY = Path(__file__).parents[2]
FILES = {
    "shop/__init__.py": "",
    "shop/steps.py": """\
from workflow_runtime import step


@step(max_retries=5)
async def charge(cents: int) -> str:
    return f"receipt {cents}"
""",
    "shop/orders.py": """\
from shop.steps import charge
from workflow_runtime import workflow


@workflow
async def checkout(cents: int) -> str:
    return await charge(cents)
""",
    "shop/main.py": """\
from fastapi import FastAPI

from shop._workflow.fastapi import mount

app = FastAPI()
mount(app)
""",
}


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, text in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    for name in ("CI", "GITHUB_WORKSPACE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*arguments: str) -> Result:
    return CliRunner().invoke(cli, arguments, prog_name="workflow-build")


def tree(folder: Path) -> dict[str, bytes]:
    """All files below the folder; the cache is none of the project's."""
    paths = (path for path in folder.rglob("*") if path.is_file() and ".workflow-build" not in path.parts)
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


def test_a_first_build_of_a_fresh_clone_writes_all_and_reads_the_routes(shop: Path) -> None:
    done = run()

    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout == "1 workflow, 1 step → shop/_workflow (fastapi)  7 files written\n"
    content = json.loads((shop / "shop" / "_workflow" / "config.json").read_text())
    assert content["queue"] == {"flow": "/.well-known/workflow/v1/flow"}


def test_a_second_build_gives_identical_bytes_and_says_so(shop: Path) -> None:
    run()
    before = tree(shop)

    done = run("build", ".")

    assert done.stdout == "1 workflow, 1 step → shop/_workflow (fastapi)  up to date\n"
    assert tree(shop) == before


def test_check_is_zero_when_fresh_and_one_with_a_diff_after_an_edit(shop: Path) -> None:
    run()
    fresh = run("--check")
    steps = shop / "shop" / "steps.py"
    steps.write_text(steps.read_text() + "\n\n@step\ndef refund() -> None: ...\n")
    before = tree(shop)

    stale = run("--check")

    assert fresh.exit_code == 0
    assert stale.exit_code == 1
    assert "--- a/shop/_workflow/step_registrations.py\n+++ b/shop/_workflow/step_registrations.py\n@@" in stale.stdout
    assert '\n+    STEPS.add("step//shop.steps//refund", refund)\n' in stale.stdout
    assert stale.stdout.endswith("files stale; run workflow-build\n")
    assert tree(shop) == before


def test_check_sees_that_routes_have_moved(shop: Path) -> None:
    run()
    main = shop / "shop" / "main.py"
    main.write_text(
        main.read_text()
        .replace("import mount", "import router")
        .replace("mount(app)", "app.include_router(router, prefix='/api')")
    )

    done = run("--check")

    assert done.exit_code == 1
    assert '+    "flow": "/api/.well-known/workflow/v1/flow"' in done.stdout


def test_check_before_the_first_build_shows_all_as_missing_and_writes_nothing(shop: Path) -> None:
    done = run("--check", "--format", "json")

    assert done.exit_code == 1
    assert {item["reason"] for item in json.loads(done.stdout)["stale"]} == {"missing"}
    assert not (shop / "shop" / "_workflow").exists()


def test_json_is_one_object_that_tells_everything(shop: Path) -> None:
    content = json.loads(run("--format", "json").stdout)

    assert content["ok"] is True
    assert content["workflows"] == ["workflow//shop.orders//checkout"]
    assert content["steps"] == ["step//shop.steps//charge"]
    assert content["routes"][0]["confirmed"] is True
    assert "manifest.json" in content["written"]


def test_an_error_in_the_source_leaves_the_output_as_it_was(shop: Path) -> None:
    run()
    (shop / "shop" / "orders.py").write_text(FILES["shop/orders.py"].replace("async def", "def"))
    before = tree(shop)

    done = run()

    assert done.exit_code == 1
    assert "error WB" in done.stdout
    assert "  shop/orders.py:6:" in done.stdout
    assert "6 | def checkout(cents: int) -> str:" in done.stdout
    assert done.stdout.endswith("nothing was written\n")
    assert tree(shop) == before


def test_an_app_that_raises_fails_the_build_after_writing_and_keeps_the_last_good_routes(shop: Path) -> None:
    run()
    config = (shop / "shop" / "_workflow" / "config.json").read_bytes()
    (shop / "shop" / "main.py").write_text(FILES["shop/main.py"] + "raise RuntimeError('no database')\n")
    (shop / "shop" / "steps.py").write_text(FILES["shop/steps.py"].replace("charge", "charge_card"))
    (shop / "shop" / "orders.py").write_text(FILES["shop/orders.py"].replace("charge", "charge_card"))

    done = run()

    assert done.exit_code == 1
    assert "error WB510: the app shop.main:app can not be loaded: RuntimeError: no database" in done.stdout
    assert "shop/main.py:7:1" in done.stdout
    assert "files written, 1 error" in done.stdout
    assert "charge_card" in (shop / "shop" / "_workflow" / "step_registrations.py").read_text()
    assert (shop / "shop" / "_workflow" / "config.json").read_bytes() == config


def test_github_lines_are_relative_to_the_workspace_and_escaped(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_WORKSPACE", str(shop.parent))
    (shop / "shop" / "main.py").write_text("from fastapi import FastAPI\n\napp = FastAPI()\n")

    _, line = run("--format", "github").stdout.splitlines()

    assert line.startswith(
        f"::error file={shop.name}/shop/main.py,line=3,endLine=3,col=1,endColumn=16,title=WB501::the app"
    )
    assert "%0A  mount(app)" in line


def test_without_routes_no_user_code_runs(shop: Path) -> None:
    (shop / "shop" / "main.py").write_text(FILES["shop/main.py"] + "open('ran', 'w')\n")

    done = run("--no-routes")

    assert done.exit_code == 0
    assert not (shop / "ran").exists()
    assert not (shop / "shop" / "_workflow" / "config.json").exists()


def test_a_project_without_an_app_is_built_with_a_hint(shop: Path) -> None:
    (shop / "shop" / "main.py").write_text("import fastapi\n")

    done = run()

    assert done.exit_code == 0
    assert "hint WB513" in done.stdout
    assert run("-q").stdout == ""


def test_verbose_names_each_file(shop: Path) -> None:
    assert "  wrote step_registrations.py\n" in run("-v").stdout


def test_output_goes_nowhere_that_is_not_ours(shop: Path) -> None:
    done = run("--out", "shop")

    assert done.exit_code == 1
    assert done.stderr.startswith("workflow-build: ")
    assert "did not write" in done.stderr
    assert {name: text.encode() for name, text in FILES.items()} == tree(shop)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--target", "fastpi"], "did you mean 'fastapi'"),
        (["--out", "../.."], "must be inside"),
        (["--out", "/etc"], "must be inside"),
        (["--app", "shop"], "module:attribute"),
        (["--chek"], "--check"),
        (["nowhere"], "is not a folder"),
        (["--timeout", "0"], "--timeout"),
        (["routes"], "run workflow-build first"),
    ],
)
def test_a_wrong_command_exits_with_two_and_no_traceback(shop: Path, arguments: list[str], expected: str) -> None:
    done = run(*arguments)

    assert done.exit_code == 2
    assert expected in done.stderr
    assert "Traceback" not in done.stderr
    assert {name: text.encode() for name, text in FILES.items()} == tree(shop)


def test_routes_shows_the_table_and_whether_it_was_confirmed(shop: Path) -> None:
    run("--no-routes")
    before = tree(shop)

    lines = [line.split() for line in run("routes", str(shop)).stdout.splitlines()]

    assert lines[0] == ["target", "route", "methods", "path", "confirmed"]
    assert ["fastapi", "flow", "POST", "/.well-known/workflow/v1/flow", "yes"] in lines
    assert tree(shop) == before


def test_routes_as_json_and_with_findings(shop: Path) -> None:
    run("--no-routes")
    (shop / "shop" / "main.py").write_text("from fastapi import FastAPI\n\napp = FastAPI()\n")

    done = run("routes", "--format", "json")

    assert done.exit_code == 1
    assert [item["code"] for item in json.loads(done.stdout)["diagnostics"]] == ["WB501"]


def test_a_folder_that_is_named_like_a_command_is_given_as_a_path(shop: Path) -> None:
    (shop / "routes").mkdir()

    assert "WB109" in run("./routes").stdout


def test_styles_are_left_out_where_ci_reads(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    (shop / "shop" / "main.py").write_text("import fastapi\n")
    styled = run("--no-routes", "--check").stdout + run().stdout
    monkeypatch.setenv("CI", "true")

    assert "\x1b[" in styled
    assert "\x1b[" not in run().stdout


def test_help_shows_examples_exit_codes_and_every_option() -> None:
    text = run("--help").stdout

    assert "Examples:" in text
    assert "Exit codes:" in text
    commands = [cli.get_command(click.Context(cli), name) for name in COMMANDS]
    for command in commands:
        assert command is not None
        assert command.get_short_help_str()
        options = [item for item in command.params if isinstance(item, click.Option)]
        assert all(option.help for option in options)
    assert all(option.opts[0] in text for option in build_command.params if isinstance(option, click.Option))


def test_two_builds_at_once_both_succeed_and_leave_a_fresh_output(shop: Path) -> None:
    command = [sys.executable, "-m", "workflow_build", str(shop)]
    search_path = os.pathsep.join([str(REPOSITORY), os.environ.get("PYTHONPATH", "")])
    environment = {**os.environ, "PYTHONPATH": search_path}
    builds = [
        subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) for _ in range(2)
    ]

    outputs = [build.communicate()[0].decode() for build in builds]

    assert [build.returncode for build in builds] == [0, 0], outputs
    assert run("--check").exit_code == 0
    assert [name for name in tree(shop) if name.endswith(".tmp")] == []
