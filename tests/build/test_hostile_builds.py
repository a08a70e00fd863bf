"""Builds, as real processes, of projects that nobody would write on purpose, on disks that do not help."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
ENVIRONMENT = {**os.environ, "PYTHONPATH": os.fspath(REPOSITORY)}
ORDERS = """\
from shop.rates import rate
from workflow_runtime import step, workflow


@step
async def charge(cents: int) -> int:
    return cents


@workflow
async def checkout(cents: int) -> int:
    return rate() + await charge(cents)
"""
RATES = "RATE = 1\n\n\ndef rate() -> int:\n    return RATE\n"
FILES = {"shop/__init__.py": "", "shop/orders.py": ORDERS, "shop/rates.py": RATES}
FINE = "1 workflow, 1 step"


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        path = tmp_path / "project" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path / "project"


def build(project: Path, *flags: str, before: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
    command = [*before, sys.executable, "-W", "error::ResourceWarning", "-m", "workflow_build", os.fspath(project)]
    arguments = [*command, "--target", "fastapi", "--no-routes", *flags]
    done = subprocess.run(arguments, env=ENVIRONMENT, capture_output=True, text=True, errors="replace", check=False)
    assert "Traceback" not in done.stderr
    assert "Warning" not in done.stderr
    return done


def output(project: Path) -> dict[str, bytes]:
    out = project / "shop" / "_workflow"
    found = (path for path in out.rglob("*.*") if path.is_file() and path.suffix not in (".pyc", ".tmp"))
    return {path.relative_to(out).as_posix(): path.read_bytes() for path in found}


def cold(project: Path) -> dict[str, bytes]:
    """What a build without any cache makes of a copy."""
    copy = project.parent / "copy"
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(project, copy, ignore=shutil.ignore_patterns("_workflow", ".workflow-build", "__pycache__"))
    assert build(copy, "--no-cache").returncode == 0
    return output(copy)


def test_a_file_of_50_000_lines_is_cut_and_its_line_numbers_stay(shop: Path) -> None:
    filler = "".join(f"x_{number} = {number}\n" for number in range(50_000))
    (shop / "shop" / "orders.py").write_text(filler + ORDERS)

    done = build(shop)

    assert done.returncode == 0, done.stdout
    bundles = [text for name, text in output(shop).items() if name.startswith("bundles/b_")]
    assert len(bundles) == 1
    assert len(bundles[0]) < 200_000
    (location,) = [one["location"]["line"] for one in manifest(shop)["workflows"]]
    assert location == 50_000 + ORDERS.splitlines().index("async def checkout(cents: int) -> int:") + 1


def manifest(project: Path) -> dict[str, list[dict[str, dict[str, int]]]]:
    import json

    content: dict[str, list[dict[str, dict[str, int]]]] = json.loads(output(project)["manifest.json"])
    return content


DEEP = {
    "sum": " + ".join(["1"] * 20_000),
    "minus": "-" * 20_000 + "1",
    "lists": "[" * 150 + "]" * 150,
    "attributes": "rate" + ".x" * 20_000,
    "calls": "rate" + "()" * 5_000,
    "conditions": " if rate else ".join(["1"] * 2_000),
    "lambdas": "lambda: " * 3_000 + "1",
    "strings": " ".join(["'a'"] * 20_000),
    "comparisons": " < ".join(["1"] * 20_000),
}


@pytest.mark.parametrize("name", DEEP)
@pytest.mark.parametrize("place", ["in the workflow", "beside it"])
def test_expressions_that_are_nested_deeply_are_built_or_refused_by_name(shop: Path, name: str, place: str) -> None:
    inside = place == "in the workflow"
    text = ORDERS.replace("return rate()", f"y = {DEEP[name]}\n    return rate()") if inside else ORDERS
    (shop / "shop" / "orders.py").write_text(text if inside else f"{text}\n\nY = {DEEP[name]}\n")

    done = build(shop)

    assert done.returncode == 0 or "shop/orders.py" in done.stdout + done.stderr
    assert (done.returncode == 0) == bool(output(shop))


STATEMENTS = {
    "blocks": "".join(f"{' ' * depth}if RATE:\n" for depth in range(1, 95)) + " " * 95 + "pass\n",
    "branches": " if RATE:\n  pass\n" + " elif RATE:\n  pass\n" * 3_000,
    "functions": "".join(f"{' ' * depth}def f():\n" for depth in range(1, 95)) + " " * 95 + "pass\n",
}


@pytest.mark.parametrize("name", STATEMENTS)
def test_statements_that_are_nested_deeply_are_built_or_refused_by_name(shop: Path, name: str) -> None:
    (shop / "shop" / "rates.py").write_text(f"{RATES}\n\ndef deep():\n{STATEMENTS[name]}\n\nRATE += bool(deep)\n")

    done = build(shop)

    assert done.returncode == 0 or "shop/rates.py" in done.stdout + done.stderr


@pytest.mark.parametrize("is_marked", [True, False], ids=["marked", "not marked"])
@pytest.mark.parametrize(
    "data",
    [
        b"x = '\0'\n",
        b"\0" * 5000,
        "x = 'é'\n".encode("utf-16"),
        b"x = '\xff\xfe'\n",
        b"# coding: no-such\nx = 1\n",
        b"\xef\xbb\xbf",
    ],
    ids=["null", "nulls", "utf-16", "not utf-8", "cookie", "mark"],
)
def test_bytes_that_are_no_python_are_an_error_only_where_they_matter(shop: Path, data: bytes, is_marked: bool) -> None:
    (shop / "shop" / "odd.py").write_bytes(data + (b"from workflow_runtime import step\n" if is_marked else b""))

    first, second = build(shop), build(shop)

    is_fine = not is_marked or data == b"\xef\xbb\xbf"
    assert (first.returncode, second.returncode) == ((0, 0) if is_fine else (1, 1)), first.stdout
    assert ("shop/odd.py:" in first.stdout) != is_fine
    assert is_fine or first.stdout == second.stdout


@pytest.mark.skipif(sys.platform == "win32", reason="names that Windows does not have")
@pytest.mark.parametrize("name", [b"q'\"q.py", b"{{ 7 * 7 }}.py", b"new\nline.py", b"\xff\xfe.py", b"a b.py", b"-x.py"])
def test_names_that_no_import_can_have_are_told_or_passed_over(shop: Path, name: bytes) -> None:
    path = os.fsencode(shop / "shop") + b"/" + name
    with open(path, "wb") as file:  # noqa: PTH123 a name that is no text
        file.write(b"x = 1\n")
    assert build(shop).returncode == 0
    assert build(shop).stdout.splitlines()[-1].endswith("up to date")
    before = output(shop)
    with open(path, "ab") as file:  # noqa: PTH123 a name that is no text
        file.write(b"from workflow_runtime import step\n@step\ndef f(): ...\n")

    done = build(shop)

    assert done.returncode == 1
    assert "whose name can not be imported" in done.stdout
    assert output(shop) == before


@pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege there")
def test_links_in_a_circle_are_gone_through_once(shop: Path) -> None:
    (shop / "shop" / "again").symlink_to(shop / "shop")
    (shop / "shop" / "up").symlink_to(shop.parent)
    (shop / "shop" / "self.py").symlink_to("self.py")
    (shop / "shop" / "here").symlink_to("there")
    (shop / "shop" / "there").symlink_to("here")

    done = build(shop)

    assert "shop/self.py" in done.stdout
    assert done.returncode == 1
    (shop / "shop" / "self.py").unlink()
    assert FINE in build(shop, "--out", "shop/_workflow").stdout


@pytest.mark.parametrize("out", ["../../flows", "/tmp/flows", "shop/../../flows", "shop/link/flows", ".", "shop/a\nb"])
def test_an_output_folder_elsewhere_is_refused_and_nothing_is_written(shop: Path, out: str) -> None:
    elsewhere = shop.parent / "elsewhere"
    elsewhere.mkdir()
    if sys.platform != "win32":
        (shop / "shop" / "link").symlink_to(elsewhere)
    before = sorted(shop.parent.rglob("*"))

    done = build(shop, "--out", out)

    assert done.returncode == 2
    assert "output folder" in done.stderr
    assert sorted(shop.parent.rglob("*")) == before


@pytest.fixture
def without_privileges() -> tuple[str, ...]:
    """What to begin a command with so that it may not write to what is read-only."""
    if sys.platform == "win32":
        pytest.skip("permissions are POSIX")
    if os.geteuid() != 0:
        return ()
    if not shutil.which("setpriv"):
        pytest.skip("root may write anywhere, and nothing here can take that from it")
    return ("setpriv", "--bounding-set", "-dac_override")


@pytest.fixture
def read_only(shop: Path) -> Callable[..., None]:
    def close(*kept: Path) -> None:
        for path in [shop, *shop.rglob("*")]:
            if not any(path.is_relative_to(one) for one in kept):
                path.chmod(0o555 if path.is_dir() else 0o444)

    return close


def test_a_tree_that_can_not_be_written_is_built_as_far_as_nothing_is_to_be_written(
    shop: Path, without_privileges: tuple[str, ...], read_only: Callable[..., None]
) -> None:
    first = build(shop, "--no-cache")
    assert first.returncode == 0
    read_only()

    fresh = build(shop, "--verbose", before=without_privileges)

    assert (fresh.returncode, fresh.stdout.splitlines()[-1].split("  ")[-1]) == (0, "up to date")
    assert "can not be used" in fresh.stderr
    (shop / "shop" / "rates.py").chmod(0o644)
    (shop / "shop" / "rates.py").write_text(RATES.replace("1", "2"))
    before = output(shop)
    stale = build(shop, before=without_privileges)
    assert stale.returncode == 1
    assert "can not write" in stale.stderr
    assert output(shop) == before


def test_a_cache_that_can_be_read_and_not_written_serves(
    shop: Path, without_privileges: tuple[str, ...], read_only: Callable[..., None]
) -> None:
    assert build(shop).returncode == 0
    read_only(shop / "shop" / "_workflow")
    rates = shop / "shop" / "rates.py"
    rates.chmod(0o644)
    rates.write_text(RATES.replace("1", "2"))

    done = build(shop, "--verbose", before=without_privileges)

    assert done.returncode == 0
    assert "can not be used" in done.stderr
    expected = cold_of(shop, rates.read_text())
    assert {name: data for name, data in output(shop).items() if name in expected}.keys() == expected.keys()


def cold_of(shop: Path, rates: str) -> dict[str, bytes]:
    """What the project gives in a folder that can be written."""
    other = shop.parent / "other"
    for name, text in {**FILES, "shop/rates.py": rates}.items():
        (other / name).parent.mkdir(parents=True, exist_ok=True)
        (other / name).write_text(text)
    assert build(other, "--no-cache").returncode == 0
    return output(other)


def test_files_that_come_and_go_while_they_are_read_are_no_error(shop: Path) -> None:
    stop = threading.Event()

    def flicker() -> None:
        while not stop.is_set():
            for number in range(50):
                folder = shop / "shop" / f"gone{number % 5}"
                folder.mkdir(exist_ok=True)
                (folder / f"a{number}.py").write_text("x = 1\n")
            for number in range(5):
                shutil.rmtree(shop / "shop" / f"gone{number}", ignore_errors=True)

    thread = threading.Thread(target=flicker)
    thread.start()
    try:
        done = [build(shop) for _ in range(4)]
    finally:
        stop.set()
        thread.join()

    assert [one.returncode for one in done] == [0] * 4, done[0].stdout
    for number in range(5):
        shutil.rmtree(shop / "shop" / f"gone{number}", ignore_errors=True)
    assert build(shop).returncode == 0
    assert output(shop) == cold(shop)


def test_other_content_counts_whatever_the_clock_says(shop: Path) -> None:
    """The times of a file tell that it has changed, never that it has not: it may come from a backup, or the clock was set back."""
    rates = shop / "shop" / "rates.py"
    assert build(shop, "--prune-bundles").returncode == 0
    time.sleep(2.5)  # from now on the cache trusts the times of the files
    assert build(shop, "--prune-bundles").returncode == 0
    found = rates.stat()
    for number, age in enumerate((0, 3600)):
        rates.write_text(RATES.replace("1", str(number + 2)))
        os.utime(rates, ns=(found.st_atime_ns, found.st_mtime_ns - age * 1_000_000_000))

        assert build(shop, "--prune-bundles").returncode == 0
        assert output(shop) == cold(shop)


KILLED = """
import os, signal, sys
from pathlib import Path
from workflow_build.cache.store import Store
from workflow_build.cli import cli

left = int(sys.argv.pop(1))

def counted(act, counts=lambda *arguments: True):
    def run(*arguments, **named):
        global left
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        left -= counts(*arguments)
        return act(*arguments, **named)
    return run

Path.open = counted(Path.open, lambda path, mode="r", *more: mode == "xb")
Path.replace = counted(Path.replace)
Store._write = counted(Store._write)
Store.close = counted(Store.close)
cli()
"""
LOADED = (
    "import shop._workflow.fastapi as f, shop._workflow.bundles as b; assert all(load() for load in b.BUNDLES.values())"
)


@pytest.mark.timeout(300)
@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL is POSIX")
def test_a_build_that_is_killed_at_any_step_of_its_writing_leaves_what_can_be_served(shop: Path) -> None:
    assert build(shop).returncode == 0
    orders = shop / "shop" / "orders.py"
    moments = 0
    for moment in range(100):
        # Steps are added, and none is taken away that what is served needs.
        text = orders.read_text().replace("rate() +", f"{moment} + rate() +")
        orders.write_text(f"{text}\n\n@step\nasync def more{moment}() -> None: ...\n")
        command = [sys.executable, "-c", KILLED, str(moment), os.fspath(shop), "--target", "fastapi", "--no-routes"]
        killed = subprocess.run(command, env=ENVIRONMENT, capture_output=True, check=False)
        served = [sys.executable, "-c", LOADED]
        subprocess.run(served, cwd=shop, env=ENVIRONMENT, check=True)
        if killed.returncode == 0:
            break
        moments += 1
        if moment % 6 == 5:  # else the next one meets what this one left
            assert build(shop, "--prune-bundles").returncode == 0
            assert output(shop) == cold(shop)

    assert moments > 10
    assert build(shop, "--prune-bundles").returncode == 0
    assert output(shop) == cold(shop)
