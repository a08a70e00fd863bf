"""Whether a project says that it needs workflow-build, which the written modules import, and the line that says so."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from workflow_build.dependencies import OURS, is_ours

EXTRAS: Mapping[str, tuple[str, str]] = {
    "nats": ("nats", "nats-py"),
    "postgres": ("postgres", "asyncpg"),
    "postgresql": ("postgres", "asyncpg"),
}
"""The extra for each kind of storage that needs one, by the scheme of its URL, and the package that it brings."""

REQUIREMENT = re.compile(r"\s*([A-Za-z0-9][\w.-]*)\s*(?:\[([^\]]*)\])?")
ELSEWHERE = re.compile(r"-r|-e|--requirement|--editable|[./]|[\w+]+://|.*\.whl")
"""A line of requirements.txt that leads to names that are not in it."""

NOT_DEPLOYED = frozenset({"dev", "docs", "lint", "test"})
"""What groups of dependencies are called that are installed only where the project is worked on."""

PROJECT = "[project] of pyproject.toml"
POETRY = "[tool.poetry.dependencies] of pyproject.toml"
FILE = "requirements.txt"


@dataclass(frozen=True, slots=True)
class Lacking:
    """A dependency that a project lacks."""

    problem: str
    place: str
    """What to add the line to."""
    line: str


def lacking_dependency(project: Path, pyproject: Mapping[str, object], world: str | None) -> Lacking | None:
    """What to add, and where; None when nothing lacks, or nobody knows.

    ``world`` is the URL of the storage, as in ``WORKFLOW_WORLD``: some need an extra.
    """
    known = listed(project, pyproject)
    if known is None:
        return None
    place, requirements = known
    scheme = (world or "").partition(":")[0].lower()
    extra, package = EXTRAS.get(scheme, ("", ""))
    extras = _extras(requirements)
    if OURS not in extras:
        if any(map(_brings_ours, extras)):
            return None
        problem = f"the written modules import what {OURS} brings, and the project does not say that it needs it"
    elif extra and extra not in extras[OURS] and package not in extras:
        problem = f"WORKFLOW_WORLD is {scheme}://…, and the project needs {OURS} without the extra {extra}"
    else:
        return None
    return Lacking(problem, *_line(place, extra, pyproject))


def _extras(requirements: Iterable[str]) -> dict[str, set[str]]:
    """The names of what is required, each with its extras."""
    found: dict[str, set[str]] = {}
    for match in filter(None, map(REQUIREMENT.match, requirements)):
        found.setdefault(_plain(match[1]), set()).update(_plain(name) for name in (match[2] or "").split(","))
    return found


def listed(project: Path, pyproject: Mapping[str, object]) -> tuple[str, list[str]] | None:
    """Where the project lists what it needs, and that; None when it does so where nobody looks here."""
    table, poetry = _table(pyproject, "project"), _table(pyproject, "tool", "poetry", "dependencies")
    if table and (poetry or "dependencies" not in _texts(table.get("dynamic"))):
        return PROJECT, [*_of_project(pyproject), *_of_poetry(poetry)]
    if poetry:
        return POETRY, list(_of_poetry(poetry))
    try:
        lines = (project / FILE).read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return None
    others = table or any((project / name).is_file() for name in ("setup.py", "setup.cfg"))
    return None if others or any(map(ELSEWHERE.match, lines)) else (FILE, lines)


def _of_project(pyproject: Mapping[str, object]) -> Iterator[str]:
    """What is installed with the project, or with an extra or a group of it that may be deployed."""
    table = _table(pyproject, "project")
    yield from _texts(table.get("dependencies"))
    for groups in (_table(table, "optional-dependencies"), _table(pyproject, "dependency-groups")):
        for name, requirements in groups.items():
            yield from _texts(requirements) if name not in NOT_DEPLOYED else ()


def _of_poetry(table: Mapping[str, object]) -> Iterator[str]:
    for name, wanted in table.items():
        extras = _texts(wanted.get("extras")) if isinstance(wanted, Mapping) else []
        yield f"{name}[{','.join(extras)}]"


def _line(place: str, extra: str, pyproject: Mapping[str, object]) -> tuple[str, str]:
    """The place and the line for it."""
    name = f"{OURS}[{extra}]" if extra else OURS
    if place == PROJECT:
        is_list = isinstance(_table(pyproject, "project").get("dependencies"), list)
        return (f"`dependencies` under {PROJECT}", f'"{name}",') if is_list else (PROJECT, f'dependencies = ["{name}"]')
    if place == POETRY:
        wanted = f'{{ version = "*", extras = ["{extra}"] }}' if extra else '"*"'
        return POETRY, f"{OURS} = {wanted}"
    return FILE, name


def _brings_ours(package: str) -> bool:
    """Whether the package is installed and needs workflow-build itself."""
    try:
        requires = distribution(package).requires
    except PackageNotFoundError:
        return False
    return any(map(is_ours, requires or ()))


def _plain(name: str) -> str:
    """A name of a package or an extra as names are compared."""
    return re.sub(r"[-_.]+", "-", name.strip()).lower()


def _table(content: Mapping[str, object], *keys: str) -> Mapping[str, object]:
    for key in keys:
        inner = content.get(key)
        content = inner if isinstance(inner, Mapping) else {}
    return content


def _texts(value: object) -> list[str]:
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []
