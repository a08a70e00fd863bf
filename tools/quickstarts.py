"""Writes docs/quickstart/: a page for each web framework, from the apps that the tests serve. ``--check`` only says which are stale."""

from __future__ import annotations

import shlex
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))  # so that the table of the tests can be read wherever this is called from

from tests.frameworks.targets import Target, target

PAGES = ROOT / "docs" / "quickstart"
SHOP = ROOT / "fixtures" / "quickstart"
PORT = "8000"
TITLES = {
    "aiohttp": "aiohttp",
    "blacksheep": "BlackSheep",
    "bottle": "Bottle",
    "django": "Django",
    "falcon": "Falcon",
    "fastapi": "FastAPI",
    "flask": "Flask",
    "litestar": "Litestar",
    "pyramid": "Pyramid",
    "quart": "Quart",
    "sanic": "Sanic",
    "starlette": "Starlette",
    "tornado": "Tornado",
}
AGAIN = "Start it again"
AGAIN_AND_ASK = "Start it again and ask for the order, since the first request [starts the worker](../frameworks.md#sync-frameworks)"
ASGI = frozenset({"uvicorn", "hypercorn", "granian"})
"""Servers that start the worker with the app."""

SERVERS = frozenset({"uvicorn", "hypercorn", "waitress"})
"""Those that do not come with a framework."""

PAGE = """# Quickstart: {title}

A durable workflow in a {title} app, from nothing to a run that survives `kill -9`. The app that you have takes the same two changes: mark functions, mount what the compiler writes.

## 1. Install

```sh
pip install {packages}
```

## 2. Write

All of a small shop, beside an empty `shop/__init__.py`. New to you are the marks in the first two files, and in the app `{shown.mount}`, `start` and `get_run`.

{files}
## 3. Build

```sh
workflow-build
```

This finds the marks, checks that the workflow can be replayed, writes `shop/_workflow/`, and reads the routes from the app itself. Without `shop/_workflow/` the app can not be imported; do this wherever you install its
dependencies, or commit the folder and let CI run `workflow-build --check`. While you write, `workflow-build --watch` does it at each save.

## 4. Run

```sh
{command}
```

```sh
curl -X POST localhost:{port}/orders -H "content-type: application/json" -d '{{"id": "o1"}}'
curl localhost:{port}/orders/wrun_…          # the id that came back
curl -N localhost:{port}/orders/wrun_…/news  # live, or again from the start
```

Place an order and kill the server within its two seconds of sleep (`kill -9`, a deploy, a power cut). {again}: the order finishes, nobody is charged twice. `python -m workflow_runtime inspect runs` shows
what happened.

## How it works in {title}

| | |
|---|---|
| mount | `{shown.mount}` |
| the worker starts | {shown.worker} |
| streams | {shown.streaming} |
| webhooks take any method | {shown.any_method} |
| routes are read from | {shown.routes} |
| tried with | {servers} |

The state is in `.workflow/workflow.db`, a SQLite file; `WORKFLOW_WORLD` names another storage. Go on with the [guide](../guide.md), the [how-to pages](../how-to/README.md), or [what is particular to frameworks](../frameworks.md).
"""


def pages() -> dict[Path, str]:
    """The text of each page."""
    found = {PAGES / f"{name}.md": page(target(name)) for name in TITLES}
    rows = "".join(f"| [{title}]({name}.md) | {target(name).worker} |\n" for name, title in TITLES.items())
    found[PAGES / "README.md"] = (
        "# Quickstarts\n\nThe same small shop in each framework, as its users write apps. Tests build what stands on these pages and serve the apps.\n\n"
        f"| framework | the worker starts |\n|---|---|\n{rows}\n"
        "Another ASGI or WSGI app, a platform that calls functions, or no web app at all: [frameworks](../frameworks.md).\n"
    )
    return found


def page(shown: Target) -> str:
    """One page."""
    title, server = TITLES[shown.name], shown.servers[0]
    command = shlex.join(part.format(python="python", port=PORT) for part in server.command)
    waits = shown.worker.startswith("with the first request") and server.name not in ASGI
    packages = _packages(shown.folder)
    packages += [server.name] if server.name in SERVERS and server.name not in packages else []
    files = "\n".join(_block(path, folder) for path, folder in _files(shown))
    return PAGE.format(
        title=title,
        packages=" ".join(packages),
        shown=shown,
        files=files,
        command=command,
        again=AGAIN_AND_ASK if waits else AGAIN,
        port=PORT,
        servers=", ".join(server.name for server in shown.servers),
    )


def _packages(folder: Path) -> list[str]:
    named: list[str] = tomllib.loads((folder / "pyproject.toml").read_text("utf-8"))["project"]["dependencies"]
    return named


def _files(shown: Target) -> list[tuple[Path, Path]]:
    """The files of the page in the order in which one reads them, each with the folder that it is below."""
    first = [(SHOP / "shop" / name, SHOP) for name in ("steps.py", "orders.py")]
    kinds = (".py", ".ini", ".toml")
    app = sorted(path for path in shown.folder.rglob("*") if path.suffix in kinds and path.name != "target.toml")
    app = [path for path in app if "_workflow" not in path.parts]
    return first + [(path, shown.folder) for path in sorted(app, key=lambda path: path.suffix == ".toml")]


def _block(path: Path, folder: Path) -> str:
    kind = {".py": "python", ".ini": "ini", ".toml": "toml"}[path.suffix]
    return f"`{path.relative_to(folder).as_posix()}`:\n\n```{kind}\n{path.read_text('utf-8').strip()}\n```\n"


def main() -> int:
    """Write the pages, or with ``--check`` compare them."""
    stale = [path for path, text in pages().items() if not path.exists() or path.read_text("utf-8") != text]
    if sys.argv[1:] == ["--check"]:
        print("".join(f"stale: {path.relative_to(ROOT)}\n" for path in stale), end="")
        return bool(stale)
    PAGES.mkdir(exist_ok=True)
    for path in stale:
        path.write_text(pages()[path], "utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
