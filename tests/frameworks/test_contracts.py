"""What the route readers take for granted of a framework holds in its lowest supported version and in its newest.

Each version gets an environment of its own, with only what the reader's tests need beside it; in there the reader's tests run, and the shop
is built and its routes confirmed. Behind ``make soak``, since it installs packages.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.frameworks.shop import build
from tests.frameworks.targets import target
from workflow_build.doctor.environment import OLDEST

ROOT = Path(__file__).parents[2]
TOOLS = ("pytest", "pytest-asyncio", "pytest-timeout")
BESIDE: dict[str, tuple[str, ...]] = {
    "aiohttp": ("starlette",),
    "azure-functions": ("flask",),
    "blacksheep": ("flask", "starlette"),
    "bottle": ("a2wsgi", "flask", "starlette"),
    "django": ("channels", "starlette"),
    "falcon": ("starlette",),
    "fastapi": (),
    "flask": ("a2wsgi", "starlette"),
    "functions-framework": (),
    "litestar": ("flask", "starlette"),
    "pyramid": ("a2wsgi", "starlette", "werkzeug"),
    "quart": ("flask", "hypercorn", "litestar", "starlette"),
    "sanic": ("starlette",),
    "starlette": ("fastapi", "flask"),
    "tornado": ("flask", "starlette"),
}
"""What stands before or behind the framework in its tests."""
OF_THAT_TIME: dict[str, tuple[str, ...]] = {
    "litestar": ("sniffio",),
    "pyramid": ("setuptools<81",),
}
"""What the lowest version needs, and the newest of its own dependencies do not bring any more."""

pytestmark = [pytest.mark.soak, pytest.mark.timeout(600)]


def versions() -> Iterator[tuple[str, str]]:
    """Each framework with what is asked of its version."""
    for name, numbers in OLDEST.items():
        yield name, f"{name}=={'.'.join(map(str, numbers))}"
        yield name, name


@pytest.fixture
def python(wanted: str, name: str) -> Iterator[str]:
    """The interpreter of an environment that has the wanted version, and this package."""
    lowest = OF_THAT_TIME.get(name, ()) if "==" in wanted else ()
    with TemporaryDirectory(prefix=f"contract-{name}-") as folder:
        run(sys.executable, "-m", "venv", "--without-pip", folder)
        interpreter = str(Path(folder) / ("Scripts" if sys.platform == "win32" else "bin") / "python")
        run(*installer(interpreter), "-q", "-e", str(ROOT), *TOOLS, wanted, *BESIDE[name], *lowest)
        yield interpreter


def installer(interpreter: str) -> tuple[str, ...]:
    """The command that installs into another environment; uv's where there is one, since it is fast."""
    uv = shutil.which("uv") or shutil.which("uv", path=str(Path(sys.executable).parent))
    return (
        (uv, "pip", "install", "--python", interpreter)
        if uv
        else (sys.executable, "-m", "pip", "--python", interpreter, "install")
    )


def run(*command: str) -> None:
    """Run it in the repository's folder; it has to succeed."""
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-3000:]


@pytest.mark.parametrize(("name", "wanted"), list(versions()))
def test_the_route_reader_reads_this_version(name: str, wanted: str, python: str, tmp_path: Path) -> None:
    tests = f"tests/adapters/test_{name.replace('-', '_')}_routes.py"

    # Old versions are rightly told that newer packages deprecate what they call.
    run(python, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-o", "filterwarnings=", tests)
    build(target(name), tmp_path / "shop", python)


def test_every_version_limit_has_its_contract_test() -> None:
    assert set(BESIDE) == set(OLDEST)
