"""Whether the versions that are installed work together, and what a development server does with the output."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version

from workflow_build.doctor.finding import Finding, Level, Patient

OLDEST_PYTHON = (3, 11)
NEWEST_PYTHON = (3, 14)
"""The newest that the tests run on."""

OLDEST: Mapping[str, tuple[int, ...]] = {
    "aiohttp": (3, 10, 11),
    "azure-functions": (1, 21),
    "blacksheep": (2, 6, 2),
    "bottle": (0, 13),
    "django": (5, 2),
    "falcon": (4, 0),
    "fastapi": (0, 115),
    "flask": (3, 0),
    "functions-framework": (3, 5),
    "litestar": (2, 15),
    "pyramid": (2, 0),
    "quart": (0, 19, 9),
    "sanic": (24, 6),
    "starlette": (0, 40),
    "tornado": (6, 2),
}
"""The lowest supported version of each framework; ``tests/frameworks/test_contracts.py`` (``make soak``) holds it and the newest."""

KNOWN_BAD: Mapping[str, Mapping[tuple[int, ...], str]] = {
    "fastapi": dict.fromkeys(
        [(0, 137, 0), (0, 137, 1)], "its route table can not be read: the routers in it are opaque"
    ),
}


def check_python(patient: Patient) -> Finding | None:
    """This Python, and those that the project says it runs on."""
    here = ".".join(map(str, sys.version_info[:2]))
    requires = patient.at("project", "requires-python")
    lowest = re.search(r"(?:>=|~=|==)\s*3\.(\d+)", requires) if isinstance(requires, str) else None
    if lowest and (3, int(lowest[1])) < OLDEST_PYTHON:
        message = (
            f"requires-python is {requires!r}, and the written modules need Python {_dotted(OLDEST_PYTHON)} or newer"
        )
        return Finding("python", Level.WARNING, message, f'say requires-python = ">={_dotted(OLDEST_PYTHON)}"')
    if sys.version_info[:2] > NEWEST_PYTHON:
        message = f"Python {here} is newer than any that workflow-build was tested on ({_dotted(NEWEST_PYTHON)})"
        return Finding("python", Level.WARNING, message, "see whether a newer workflow-build is there")
    return Finding("python", Level.OK, f"Python {here} is supported")


def check_frameworks(patient: Patient) -> Finding | None:
    """The installed version of each framework that a handler is written for; None when none of them has limits."""
    limited = [name for name in patient.config.targets if name in OLDEST]
    findings = [_framework(name) for name in limited]
    bad = next((found for found in findings if found.level is not Level.OK), None)
    return bad or (findings[0] if findings else None)


def _framework(name: str) -> Finding:
    try:
        installed = version(name)
    except PackageNotFoundError:
        message = f"{name} is not installed beside workflow-build, so its version and its routes can not be looked at"
        return Finding(name, Level.WARNING, message, "install workflow-build into the environment of the app")
    numbers = tuple(int(part) for part in re.findall(r"\d+", installed)[:3])
    why = KNOWN_BAD.get(name, {}).get(numbers)
    if why:
        excluded = ", ".join(f"!={_dotted(bad)}" for bad in KNOWN_BAD[name])
        return Finding(name, Level.PROBLEM, f"{name} {installed} does not work: {why}", f'require "{name}{excluded}"')
    if numbers < OLDEST[name]:
        oldest = _dotted(OLDEST[name])
        message = f"{name} {installed} is older than {oldest}, the oldest that is supported"
        return Finding(name, Level.PROBLEM, message, f'require "{name}>={oldest}"')
    return Finding(name, Level.OK, f"{name} {installed} is supported")


def _dotted(numbers: tuple[int, ...]) -> str:
    return ".".join(map(str, numbers))
