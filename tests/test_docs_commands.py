"""Command lines in the documentation: their commands, options, modules, files and extras are there."""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import re
import shlex
import tomllib
from collections.abc import Iterator
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path

import click
import pytest
import yaml

from tests.fences import PAGES, ROOT, boxes
from workflow_build import config
from workflow_build.cli import COMMANDS as BUILD_COMMANDS
from workflow_build.cli import cli
from workflow_runtime.__main__ import COMMANDS
from workflow_runtime.metrics import measures
from workflow_runtime.worlds.urls import open_world_url

INLINE = re.compile(r"`((?:[A-Z_]+=\S+ )*(?:workflow-build|python -m (?:workflow_\w+|benchmarks)[\w.]*)(?: [^`]*)?)`")
ELSEWHERE = frozenset(
    {"curl", "uvicorn", "cd", "export", "pytest", "gunicorn", "nats", "pg_dump", "pg_restore", "sqlite3"}
)
"""Programs that are not ours, or of the shell: what they are given is theirs to judge."""
SETTING = re.compile(r"[A-Z_]+=")
VARIABLES = frozenset(
    re.findall(r"(?m)^\| `(\w+)` \|", (ROOT / "docs" / "guide.md").read_text("utf-8").partition("\n## Environment")[2])
)


def command_lines() -> Iterator[tuple[str, str]]:
    """Where each command line stands, and the line: of boxes for the shell, of sessions that are shown, and in sentences."""
    for box in boxes("sh"):
        for line in box.text.replace("\\\n", " ").splitlines():
            yield str(box), line
    for box in boxes("text"):
        for line in re.findall(r"(?m)^\$ (.+)$", box.text):
            yield str(box), line
    for page in PAGES:
        for line in INLINE.findall(page.read_text("utf-8")):
            yield page.relative_to(ROOT).as_posix(), line


def commands_of(line: str) -> Iterator[list[str]]:
    """The words of each command of a line, as a shell takes it apart."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars="&|;>")
    lexer.whitespace_split = True
    words: list[str] = []
    for word in [*lexer, ";"]:
        if word.strip("&|;"):
            words.append(word)
        elif words:
            yield words
            words = []


@cache
def runtime_parser() -> argparse.ArgumentParser:
    """What reads the command lines of ``python -m workflow_runtime``."""
    parser = argparse.ArgumentParser(prog="python -m workflow_runtime")
    commands = parser.add_subparsers(dest="command", required=True)
    for name in COMMANDS:
        importlib.import_module(f"workflow_runtime.commands.{name}").add(commands)
    return parser


def faults(words: list[str]) -> Iterator[str]:
    """What is wrong with a command."""
    while words and SETTING.match(words[0]):
        name, _, value = words.pop(0).partition("=")
        if name.startswith("WORKFLOW_") and name not in VARIABLES:
            yield f"the guide's table has no {name}"
        if name == "WORKFLOW_WORLD" and value != "…":
            open_world_url(value)  # raises what is wrong with it; nothing is connected
    match words:
        case [] | ["python", "-c", *_]:
            pass
        case ["workflow-build", *rest]:
            yield from compiler_faults(rest)
        case ["python", "-m", module, *rest]:
            yield from module_faults(module, rest)
        case ["python", file, *_]:
            if not (ROOT / file).is_file() and f"# {file}\n" not in "".join(box.text for box in boxes("python")):
                yield f"there is no {file}, and no box with that name"
        case ["pip", *rest]:
            yield from pip_faults(rest)
        case ["make", target, *_]:
            if f"\n{target}:" not in (ROOT / "Makefile").read_text("utf-8"):
                yield f"there is no make {target}"
        case [program, *_] if program not in ELSEWHERE:
            yield f"nobody looks at what {program} is given: add it to this test"


def compiler_faults(words: list[str]) -> Iterator[str]:
    name = words[0] if words and words[0] in BUILD_COMMANDS else "build"
    context = click.Context(cli, info_name="workflow-build")
    command = cli.get_command(context, name)
    assert command is not None
    try:
        given, _, _ = command.make_parser(click.Context(command, context)).parse_args(words[words[:1] == [name] :])
    except click.UsageError as error:
        yield error.format_message()
        return
    for parameter in command.params:
        value = given.get(str(parameter.name))
        if isinstance(parameter.type, click.Choice) and isinstance(value, str) and value not in parameter.type.choices:
            yield f"{parameter.name} takes no {value}"


def module_faults(module: str, words: list[str]) -> Iterator[str]:
    if not module.startswith("shop.") and importlib.util.find_spec(module) is None:
        yield f"there is no module {module}"
    if module == "workflow_runtime" and words:
        try:
            runtime_parser().parse_args([word for word in words if word != "--help"])
        except SystemExit:
            yield f"python -m workflow_runtime does not take {shlex.join(words)}"


def pip_faults(words: list[str]) -> Iterator[str]:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["optional-dependencies"]
    for word in words:
        if (named := re.fullmatch(r"workflow-build\[(\w+)\]", word)) and named[1] not in extras:
            yield f"there is no extra {named[1]}"


def test_each_command_line_is_one_that_is_taken() -> None:
    lines = list(command_lines())

    wrong = [
        f"{where}: {line}: {fault}" for where, line in lines for words in commands_of(line) for fault in faults(words)
    ]
    assert len(lines) > 50
    assert wrong == []


@pytest.mark.parametrize(
    "line",
    [
        "workflow-build --chekc",
        "workflow-build graph --format png",
        "python -m workflow_runtime inspekt",
        "python -m workflow_runtime worker --forever shop._workflow",
        "python -m benchmarks.nothing",
        "python nowhere.py",
        "pip install 'workflow-build[everything]'",
        "make sandwich",
        "WORKFLOW_WORDL=memory:// python -c 1",
        "somebodys-program",
    ],
)
def test_a_command_line_that_is_wrong_is_found(line: str) -> None:
    assert [fault for words in commands_of(line) for fault in faults(words)] != []


def test_what_is_to_be_watched_is_counted() -> None:
    all_measures = [one for one in vars(measures).values() if isinstance(one, measures.Measure)]
    names = [f"{one.name}{'.seconds' if one.bounds else '.total'}" for one in all_measures] + [measures.QUEUE]
    asked = {
        name.removesuffix("_bucket")
        for box in boxes("yaml")
        for name in re.findall(r"\bworkflow_\w+(?=[{\[])", box.text)
    }

    assert len(asked) == 4
    assert asked <= {name.replace(".", "_") for name in names}


def test_every_box_says_what_it_holds() -> None:
    assert [str(box) for box in boxes("") if box.page != "docs/reference/commands.md"] == []


def test_tables_of_settings_are_read_by_those_that_they_are_for(tmp_path: Path) -> None:
    hooks = {entry.name for entry in entry_points(group="hatch")} | {"workflow-build"}
    for box in boxes("toml"):
        table = tomllib.loads(box.text)
        (tmp_path / "pyproject.toml").write_text(
            '[project]\nname = "shop"\n' if "project" not in table else "", "utf-8"
        )
        with (tmp_path / "pyproject.toml").open("a") as file:
            file.write(box.text)
        (tmp_path / "shop").mkdir(exist_ok=True)

        config.load(tmp_path)

        assert set(table.get("tool", {}).get("hatch", {}).get("build", {}).get("hooks", {})) <= hooks, str(box)


def test_what_services_are_told_is_what_this_repository_offers() -> None:
    action = yaml.safe_load((ROOT / "action.yml").read_text("utf-8"))
    hooks = {hook["id"] for hook in yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text("utf-8"))}
    for box in boxes("yaml"):
        told = yaml.safe_load(box.text)
        steps = (
            told if isinstance(told, list) else [one for job in told.get("jobs", {}).values() for one in job["steps"]]
        )
        for step in steps:
            assert not [fault for words in commands_of(step.get("run", "")) for fault in faults(words)], str(box)
            if "workflow-build@" in step.get("uses", ""):
                assert set(step.get("with", {})) <= set(action["inputs"]), str(box)
        if isinstance(told, dict):
            asked = [hook["id"] for repo in told.get("repos", ()) for hook in repo["hooks"]]
            assert set(asked) <= hooks, str(box)
