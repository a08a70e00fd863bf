"""All targets, as their fixtures describe them: one file ``fixtures/frameworks/<target>/target.toml`` each.

The tests and the matrix in the docs are made from this table.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from workflow_build.doctor.environment import OLDEST

FIXTURES = Path(__file__).parents[2] / "fixtures" / "frameworks"
SHARED = FIXTURES / "workflows"
"""The workflows and steps of the shop, which all its apps share."""


@dataclass(frozen=True, slots=True)
class Server:
    """A server, and the command that starts it; ``{port}`` is where it has to listen, ``{python}`` this interpreter."""

    name: str
    command: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Target:
    """One target: what its users write, what it can do, and how its fixture is served."""

    name: str
    mount: str
    """The line that mounts the handler."""
    worker: str
    """When the worker starts."""
    any_method: str
    """How the webhook takes any method, or which it takes."""
    streaming: str
    """How an app answers with a stream."""
    routes: str
    """Where the routes are read."""
    servers: tuple[Server, ...]
    """The first is the usual one: the whole suite runs with it, a short one with the others. None for what can not be served here."""
    limits: tuple[str, ...] = ()
    """What it can not do, as the matrix says it."""
    methods: tuple[str, ...] = ("PUT", "PROPFIND")
    """The methods that the test calls the webhook with."""
    prefix: str = ""
    """What the fixture's routes have before ours."""
    environment: dict[str, str] = field(default_factory=dict)
    """Variables that the build and the server need."""
    page: bool = False
    """Whether ``mount`` sees to the web page, too."""
    pushed: bool = False
    """Whether messages have to be pushed to it, signed with its ``WORKFLOW_SECRET``, since it has no worker."""

    @property
    def folder(self) -> Path:
        """The fixture."""
        return FIXTURES / self.name


def target_names() -> list[str]:
    """The targets that have a fixture."""
    return sorted(path.parent.name for path in FIXTURES.glob("*/target.toml"))


@cache
def target(name: str) -> Target:
    """What the fixture of that target says. Raises ``TypeError`` for a key that there is not."""
    told = tomllib.loads((FIXTURES / name / "target.toml").read_text("utf-8"))
    servers = tuple(Server(one["name"], tuple(one["command"])) for one in told.pop("servers", ()))
    lists: dict[str, Any] = {key: tuple(told.pop(key)) for key in ("limits", "methods") if key in told}
    return Target(name=name, servers=servers, **lists, **told)


def matrix() -> str:
    """The table of all targets, for the docs."""
    heads = (
        "target",
        "versions",
        "mount",
        "worker",
        "webhook takes any method",
        "streams",
        "web page",
        "routes are read from",
        "tried with",
    )
    lines = [heads, ("---",) * len(heads), *(_cells(target(name)) for name in target_names())]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def _cells(one: Target) -> tuple[str, ...]:
    servers = ", ".join(server.name for server in one.servers)
    oldest = OLDEST.get(one.name)
    versions = f"{'.'.join(map(str, oldest))} and newer" if oldest else ""
    tried = "; ".join([*([servers] if servers else []), *one.limits])
    page = "yes" if one.page else "by the command"
    return (one.name, versions, f"`{one.mount}`", one.worker, one.any_method, one.streaming, page, one.routes, tried)
