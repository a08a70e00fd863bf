"""Writes docs/reference/commands.md: what ``--help`` says of each command. ``--check`` only says whether the page is stale."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from itertools import takewhile
from pathlib import Path

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "reference" / "commands.md"
TOOLS = (
    ("workflow-build", ("-m", "workflow_build")),
    ("python -m workflow_runtime", ("-m", "workflow_runtime")),
)
# A command's name stands at the left edge of its list, with what it does beside it or below.
LISTED = re.compile(r"^ {2,4}([a-z][a-z-]*)(?: {2,}\S.*)?$")


def page() -> str:
    """The whole page."""
    parts = [
        "# Commands\n\nWhat `--help` says. Settings in `pyproject.toml` and environment variables: [guide](../guide.md#building).\n"
    ]
    for name, arguments in TOOLS:
        said = helped(arguments)
        parts.append(f"## {name}\n\n```text\n{said}```\n")
        sections = ((command, helped((*arguments, command))) for command in commands_of(said))
        parts += [f"### {name} {command}\n\n```text\n{text}```\n" for command, text in sections]
    return "\n".join(parts)


def commands_of(said: str) -> list[str]:
    """The commands that a help text lists."""
    listed = re.split(r"(?im)^commands:$", said)[-1].splitlines()[1:]
    lines = takewhile(lambda line: line.startswith(" "), listed)
    return [match[1] for line in lines if (match := LISTED.match(line))]


def helped(arguments: tuple[str, ...]) -> str:
    """What the command says of itself, as wide as a page."""
    environment = {**os.environ, "COLUMNS": "100", "NO_COLOR": "1", "TERM": "dumb"}
    command = [sys.executable, *arguments, "--help"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    return "".join(f"{line.rstrip()}\n" for line in done.stdout.strip().splitlines())


def main() -> int:
    """Write the page, or with ``--check`` compare it."""
    text = page()
    if PAGE.exists() and PAGE.read_text("utf-8") == text:
        return 0
    if sys.argv[1:] == ["--check"]:
        print(f"stale: {PAGE.relative_to(ROOT)}; run python tools/commands.py")
        return 1
    PAGE.write_text(text, "utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
