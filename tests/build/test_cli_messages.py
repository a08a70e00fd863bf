"""What the command says when something is not as it should be: true under every flag, and in the user's own words."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from workflow_build.cli import cli

ORDERS = """\
import time

from workflow_runtime import step, workflow


@step
async def charge(cents: int) -> int:
    return cents


@workflow
async def checkout(cents: int) -> int:
    return await charge(cents)
"""
MAIN = """\
from fastapi import FastAPI

from shop._workflow.fastapi import mount

app = FastAPI()
mount(app)
"""
FILES = {"shop/__init__.py": "", "shop/orders.py": ORDERS, "shop/main.py": MAIN}


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    write(tmp_path, FILES)
    for name in ("CI", "GITHUB_WORKSPACE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(cli, arguments, prog_name="workflow-build")


def body(*lines: str) -> dict[str, str]:
    """The shop with these lines in the body of its workflow."""
    return {
        "shop/orders.py": ORDERS.replace("    return await charge(cents)\n", "".join(f"    {line}\n" for line in lines))
    }


def test_how_to_read_more_is_said_once_for_each_code(shop: Path) -> None:
    write(shop, body("charge(1)", "charge(2)", "time.sleep(1)", "return await charge(cents)"))

    lines = run("--no-routes").stdout.splitlines()

    assert [line.strip() for line in lines if "--explain" in line] == [
        "more: workflow-build --explain WB120",
        "more: workflow-build --explain WB102",
    ]
    assert sum(line.startswith("error WB120") for line in lines) == 2


def test_the_advice_about_sleeping_has_the_users_own_number(shop: Path) -> None:
    write(shop, body("time.sleep(60 * cents)", "return await charge(cents)"))

    assert "→ write `await sleep(60 * cents)` with `sleep` from workflow_runtime" in run("--no-routes").stdout


def test_the_way_to_a_finding_is_shown_with_places_and_only_when_there_is_one(shop: Path) -> None:
    write(shop, body("time.sleep(1)", "return await charge(cents)"))
    direct = run("--no-routes").stdout.splitlines()
    helper = (
        body("nap()", "return await charge(cents)")["shop/orders.py"] + "\n\ndef nap() -> None:\n    time.sleep(1)\n"
    )
    write(shop, {"shop/orders.py": helper})
    through = run("--no-routes").stdout.splitlines()

    assert "   checkout  shop/orders.py:12" not in direct
    place = through.index("   checkout  shop/orders.py:12")
    assert through[place + 1] == "   nap  shop/orders.py:17"


def test_a_check_before_the_first_build_is_one_sentence(shop: Path) -> None:
    done = run("--check")

    assert done.exit_code == 1
    assert done.stdout == "shop/_workflow has not been built; run workflow-build\n"


@pytest.mark.parametrize(
    ("arguments", "state", "command"),
    [
        (["--timeout", "30"], "the files are written", "workflow-build --no-routes"),
        (["--check"], "the written files are fresh", "workflow-build --check --no-routes"),
        (["routes"], "nothing was written", "workflow-build --no-routes"),
    ],
)
def test_an_app_that_does_not_load_is_said_with_what_was_done_before(
    shop: Path, arguments: list[str], state: str, command: str
) -> None:
    run("--no-routes")
    write(shop, {"shop/main.py": MAIN + "raise RuntimeError('no settings')\n"})

    done = run(*arguments)

    (hint,) = [line for line in done.stdout.splitlines() if "→" in line and "routes" in line]
    assert done.exit_code == 1
    assert state in hint
    assert hint.endswith(f": {command}")


def test_in_the_wrong_folder_nothing_is_written_and_the_right_one_is_named(shop: Path) -> None:
    before = sorted(shop.rglob("*"))

    done = run("shop")

    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr == (
        "workflow-build: main.py:3 imports shop._workflow, so this folder is the package shop; "
        "run this from the folder above: cd .. && workflow-build\n"
    )
    assert sorted(shop.rglob("*")) == before


@pytest.mark.parametrize(
    "files",
    [
        {"shop/shop/__init__.py": "", "shop/shop/orders.py": ORDERS + "import shop.main\n", "shop/shop/main.py": ""},
        {"shop/src/shop/__init__.py": "", "shop/src/shop/orders.py": ORDERS + "import shop.main\n"},
        {"shop/orders.py": ORDERS + "import shop.elsewhere\nTEXT = '''\nwrite import shop.orders\n'''\n"},
    ],
)
def test_a_folder_that_only_has_the_name_of_its_package_is_the_right_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, files: dict[str, str]
) -> None:
    write(tmp_path, files)
    monkeypatch.chdir(tmp_path / "shop")

    assert run("--no-routes").exit_code == 0


def test_a_choice_among_several_packages_is_told_until_it_is_named(shop: Path) -> None:
    write(shop, {"billing/__init__.py": "", "billing/steps.py": ORDERS.replace("checkout", "bill")})

    done, named = run("--no-routes"), run("--no-routes", "--out", "shop/_workflow")

    assert "hint WB515: the output goes into shop/_workflow, though billing has workflows or steps too" in done.stdout
    assert "--out billing/_workflow" in done.stdout
    assert "WB515" not in named.stdout
    assert run("--no-routes", "-q").stdout == ""


@pytest.mark.parametrize(
    ("app", "problem", "hint"),
    [
        ("shop.main:ap", "module shop.main has no ap", "did you mean --app shop.main:app?"),
        ("shop.main:website", "module shop.main has no website", "shop.main has FastAPI, app, mount"),
        ("shop.mian:app", "there is no module shop.mian", "did you mean --app shop.main:app?"),
        ("shpo.main:app", "there is no module shpo", "did you mean --app shop:app?"),
    ],
)
def test_an_app_that_is_not_there_is_said_without_blaming_the_source(
    shop: Path, app: str, problem: str, hint: str
) -> None:
    done = run("--app", app)

    (line,) = [line for line in done.stdout.splitlines() if line.startswith("error")]
    assert done.exit_code == 1
    assert line == f"error WB507: {problem}"
    assert hint in done.stdout
    assert "shop/main.py:" not in done.stdout
    assert "Traceback" not in done.stdout


def test_an_import_that_fails_inside_of_the_app_is_not_the_apps_name(shop: Path) -> None:
    write(shop, {"shop/main.py": "import shop.nowhere\n" + MAIN})

    assert (
        "error WB510: the app shop.main:app can not be loaded: ModuleNotFoundError"
        in run("--app", "shop.main:app").stdout
    )


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("def create(settings, *, debug): ...\n", "the app is a plain function that needs settings, debug, which"),
        ("async def create(): ...\n", "the app is an async function, which"),
        ("def create(): ...\n", "shop.main:create is a function, and what it returns is a builtins.NoneType, which"),
        ("class create: ...\n", "the app is a builtins.type, which"),
    ],
)
def test_a_function_in_the_place_of_an_app_is_called_a_function(shop: Path, source: str, expected: str) -> None:
    write(shop, {"shop/main.py": source})

    done = run("--app", "shop.main:create", "--target", "fastapi")

    assert f"error WB511: {expected} has no route table" in done.stdout


@pytest.mark.parametrize("columns", ["20", "80", "200"])
def test_the_table_of_routes_is_never_cut(shop: Path, monkeypatch: pytest.MonkeyPatch, columns: str) -> None:
    long = "/a-rather-long-prefix-for-a-rather-deep-router" * 3
    write(
        shop,
        {
            "shop/main.py": MAIN.replace("import mount", "import router").replace(
                "mount(app)", f"app.include_router(router, prefix={long!r})"
            )
        },
    )
    run()
    monkeypatch.setenv("COLUMNS", columns)
    monkeypatch.setenv("FORCE_COLOR", "1")
    terminal = run("routes").stdout
    monkeypatch.delenv("FORCE_COLOR")
    plain = run("routes").stdout

    for text in (terminal, plain):
        assert f"{long}/.well-known/workflow/v1/flow" in text
        assert "…" not in text
    rows = [line.split() for line in plain.splitlines()]
    assert ["fastapi", "flow", "POST", f"{long}/.well-known/workflow/v1/flow", "yes"] in rows


def test_the_table_of_routes_is_never_cut_in_a_pipe(shop: Path) -> None:
    long = "/a-rather-long-prefix-for-a-rather-deep-router" * 3
    mount = MAIN.replace("import mount", "import router")
    write(shop, {"shop/main.py": mount.replace("mount(app)", f"app.include_router(router, prefix={long!r})")})
    run("--no-routes")
    environment = {name: value for name, value in os.environ.items() if name != "COLUMNS"}

    done = subprocess.run(
        [sys.executable, "-m", "workflow_build", "routes", str(shop)],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )

    assert f"{long}/.well-known/workflow/v1/flow " in done.stdout


def test_help_says_that_a_bare_word_is_a_folder(shop: Path) -> None:
    text = " ".join(run("--help").stdout.split())

    assert "A word that is none of the commands below is that folder" in text
    assert run("shopp").stderr.endswith("is not a folder; give the folder that holds pyproject.toml\n")


@pytest.mark.parametrize(("word", "command"), [("graf", "graph"), ("rotues", "routes"), ("docter", "doctor")])
def test_a_misspelt_command_is_told_apart_from_a_folder(shop: Path, word: str, command: str) -> None:
    done = run(word)

    assert done.stderr == f"workflow-build: {word} is neither a command nor a folder; did you mean {command}?\n"
    assert done.exit_code == 2

    (shop / word).mkdir()
    assert "did you mean" not in run(word, "--no-routes").output


def test_json_says_the_same_as_text(shop: Path) -> None:
    write(shop, body("charge(1)", "return await charge(cents)"))

    content = json.loads(run("--no-routes", "--format", "json").stdout)

    assert content["summary"] == "1 workflow, 1 step  1 error; nothing was written"
    (finding,) = content["diagnostics"]
    assert (finding["code"], finding["trail"]) == ("WB120", ["checkout"])
    assert [place["line"] for place in finding["flow"]] == [12]
