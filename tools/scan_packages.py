"""Run the compiler's reading stages over other people's code: ``python tools/scan_packages.py FOLDER…``.

A folder may hold wheels and sdists, as ``pip download --no-deps`` leaves them, or unpacked projects. Nothing is installed and nothing of
it is run. Prints a table in Markdown: what was found in each, and how long it took. Exit code 1: something crashed.

With ``--workflow NAME`` and ``--step NAME`` (each repeatable: what other tools call their decorators, as in ``DBOS.workflow``) the
functions so decorated are marked as ours in a copy first, so that the rules about workflow code have something to look at. With
``--all-async`` every top-level coroutine function is: a workflow and a step in turn. Real code awaits its coroutines, so whatever the
rules about calls then find is a false alarm. Findings in marked copies are listed with their lines.
"""

from __future__ import annotations

import argparse
import ast
import sys
import tarfile
import tempfile
import time
import traceback
import zipfile
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from workflow_build.check import check
from workflow_build.discover import discover
from workflow_build.model import Config, Diagnostic
from workflow_build.resolve import resolve
from workflow_build.roots import find_roots
from workflow_build.scan import scan

EXPECTED = frozenset({"WB109"})
"""Found in every code base that has no workflows."""

MOST_MARKS = 40
"""So many functions of one package are marked by ``--all-async``."""


@dataclass(frozen=True, slots=True)
class Row:
    """What was found in one package."""

    name: str
    files: int
    candidates: int
    workflows: int
    steps: int
    findings: tuple[Diagnostic, ...]
    seconds: float
    crash: str = ""


def main() -> int:
    """Scan, print, and say whether anything crashed."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--workflow", action="append", default=[], help="a decorator that marks workflows elsewhere")
    parser.add_argument("--step", action="append", default=[], help="a decorator that marks steps elsewhere")
    parser.add_argument("--all-async", action="store_true", help="mark every top-level coroutine function")
    arguments = parser.parse_args()
    copy = bool(arguments.workflow or arguments.step or arguments.all_async)
    marks = {**dict.fromkeys(arguments.workflow, "workflow"), **dict.fromkeys(arguments.step, "step")}
    rows = []
    with tempfile.TemporaryDirectory() as temporary:
        for number, source in enumerate(sorted(_sources(arguments.folders))):
            project = _unpacked(source, Path(temporary) / str(number), copy=copy)
            if copy:
                mark(project, marks, everything=arguments.all_async)
            rows.append(look_at(_name(source), project))
            if copy:
                _print_findings(rows[-1], project)
    _print_table(rows)
    return 1 if any(row.crash for row in rows) else 0


def look_at(name: str, project: Path) -> Row:
    """Read one project with every stage that reads only."""
    root = find_roots(project)
    config = Config(project, root, root[0] / "_workflow", ())
    start = time.perf_counter()
    try:
        sources = scan(config)
        functions = discover(sources)
        program = resolve(sources, functions, config)
        found = (
            *sources.diagnostics,
            *functions.diagnostics,
            *program.diagnostics,
            *check(program, functions, sources),
        )
    except Exception:  # noqa: BLE001 - whatever breaks on real code is what this looks for
        return Row(name, 0, 0, 0, 0, (), time.perf_counter() - start, traceback.format_exc())
    return Row(
        name,
        len(sources.files),
        sum(file.candidate for file in sources.files),
        len(functions.workflows),
        len(functions.steps),
        tuple(finding for finding in dict.fromkeys(found) if finding.code not in EXPECTED),
        time.perf_counter() - start,
    )


def mark(project: Path, marks: dict[str, str], *, everything: bool) -> None:
    """Put our markers in the place of others, in every file below ``project``; marked workflows become async."""
    left = MOST_MARKS
    for path in sorted(project.rglob("*.py")):
        try:
            text = path.read_text("utf-8")
            tree = ast.parse(text)
        except (OSError, ValueError, SyntaxError):
            continue  # the compiler reports it
        lines = text.splitlines(keepends=True)
        found = [(node, kind) for node in ast.walk(tree) if (kind := _kind(node, marks))]
        if everything:
            alone = [node for node in tree.body if isinstance(node, ast.AsyncFunctionDef) and not node.decorator_list]
            found = [(node, ("workflow", "step")[number % 2]) for number, node in enumerate(alone[:left])]
            left -= len(found)
        for node, kind in reversed(found):
            assert isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
            _remark(lines, node, kind)
        if found:
            path.write_text("".join(lines) + "\nimport workflow_runtime as _wr\n", "utf-8")


def _kind(node: ast.AST, marks: dict[str, str]) -> str | None:
    if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        return None
    names = (ast.unparse(item.func if isinstance(item, ast.Call) else item) for item in node.decorator_list)
    return next((marks[name] for name in names if name in marks), None)


def _remark(lines: list[str], node: ast.FunctionDef | ast.AsyncFunctionDef, kind: str) -> None:
    """Our marker on the first decorator's line, blank comments on the lines of the others."""
    indent = " " * node.col_offset
    if not node.decorator_list:
        lines.insert(node.lineno - 1, f"{indent}@_wr.{kind}\n")
        return
    first = min(item.lineno for item in node.decorator_list)
    for number in range(first, node.lineno):
        lines[number - 1] = f"{indent}#\n"
    lines[first - 1] = f"{indent}@_wr.{kind}\n"
    if kind == "workflow" and isinstance(node, ast.FunctionDef):
        lines[node.lineno - 1] = lines[node.lineno - 1].replace("def ", "async def ", 1)


def _sources(folders: Sequence[Path]) -> Iterator[Path]:
    for folder in folders:
        packed = [path for path in folder.iterdir() if path.suffix == ".whl" or path.name.endswith(".tar.gz")]
        yield from packed or [folder]


def _unpacked(source: Path, target: Path, *, copy: bool) -> Path:
    if source.suffix == ".whl":
        with zipfile.ZipFile(source) as wheel:
            wheel.extractall(target)
    elif source.is_file():
        with tarfile.open(source) as archive:
            archive.extractall(target, filter="data")
    elif copy:
        for path in source.rglob("*.py"):
            there = target / path.relative_to(source)
            there.parent.mkdir(parents=True, exist_ok=True)
            there.write_bytes(path.read_bytes())
    else:
        return source.resolve()
    inner = [path for path in target.iterdir() if path.is_dir()]
    return inner[0] if len(inner) == 1 and source.name.endswith(".tar.gz") else target


def _name(source: Path) -> str:
    """``aiohttp 3.9.5`` for a wheel or an sdist."""
    name, _, rest = source.name.removesuffix(".tar.gz").partition("-")
    return f"{name} {rest.partition('-')[0]}".strip() if source.is_file() else source.name


def _print_findings(row: Row, project: Path) -> None:
    for found in row.findings:
        place = found.location
        line = (project / place.path).read_text("utf-8", "replace").splitlines()[place.line - 1] if place else ""
        print(f"{row.name}: {found.code} {place.path if place else ''}:{place.line if place else ''} {found.message}")
        print(f"    {line.strip()}")


def _print_table(rows: Sequence[Row]) -> None:
    print("| package | files | candidates | workflows | steps | findings | seconds |\n|---|--:|--:|--:|--:|---|--:|")
    for row in rows:
        codes = Counter(found.code for found in row.findings)
        found = ", ".join(f"{count} {code}" for code, count in sorted(codes.items())) or "none"
        print(
            f"| {row.name} | {row.files:,} | {row.candidates:,} | {row.workflows} | {row.steps} "
            f"| {'CRASH' if row.crash else found} | {row.seconds:.2f} |"
        )
    for row in rows:
        if row.crash:
            print(f"\n{row.name}:\n{row.crash}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
