"""What builds remember: it may make them faster, and nothing else."""

from __future__ import annotations

import os
import random
import shutil
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from workflow_build.build import Options, Result, build
from workflow_build.cache import stamps, store
from workflow_build.cache.store import Store
from workflow_build.config import Flags, load
from workflow_build.errors import BuildError
from workflow_build.model import Config
from workflow_build.scan import read_file, scan, walk_of
from workflow_build.session import Session
from workflow_build.tree import Tree

GOLDEN = Path(__file__).parent / "golden"
CASES = sorted(path.name for path in GOLDEN.iterdir() if (path / "project").is_dir())
FILES = Options(with_routes=False)
PACKAGE = {
    "shop/__init__.py": "from shop.marks import durable\n",
    "shop/marks.py": "from workflow_runtime import step, workflow\ndurable = step(max_retries=2)\n",
    "shop/rates.py": "from decimal import Decimal\nRATE = Decimal('0.2')\ndef tax(x: int) -> int:\n    return x + len(NAMES)\nNAMES = ('a',)\n",
    "shop/orders.py": (
        "import asyncio\nfrom shop import durable, rates\nfrom shop.marks import workflow\nfrom shop.more import *\n\n"
        "@durable\nasync def charge(x: int) -> int:\n    return x\n\n"
        "@workflow\nasync def checkout(x: int) -> int:\n    return await charge(rates.tax(x)) + extra(1)\n"
    ),
    "shop/more.py": "def extra(x: int) -> int:\n    return x\n",
    "shop/later.py": "from shop.marks import workflow\nfrom shop.orders import charge\n\n@workflow\nasync def later() -> int:\n    return await charge(2)\n",
}


def tree(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def database(project: Path) -> Path:
    return project / store.FOLDER / "cache" / "build.sqlite3"


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    for name, text in PACKAGE.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


def once(project: Path) -> tuple[Result, str | None]:
    """One build in a session of its own, and what it has to say of the cache."""
    session = Session(project, Flags(targets=("fastapi",)))
    result = session.build(FILES)
    session.close()
    return result, session.problem


def told(act: Callable[[], Result]) -> tuple[object, ...]:
    """What a build says, apart from where the project is."""
    try:
        result = act()
    except BuildError as error:
        return (str(error),)
    return result.functions, result.diagnostics, result.suppressed, result.stopped, result.config.targets


EDITS: dict[str, Callable[[random.Random, str], str]] = {
    "append a constant": lambda chance, text: f"{text}\nVALUE_{chance.randrange(3)} = {chance.randrange(9)}\n",
    "insert a line": lambda chance, text: f"# {chance.random()}\n{text}",
    "lose a line": lambda chance, text: without(text, chance.randrange(max(1, text.count("\n")))),
    "lose an import": lambda chance, text: "\n".join(
        line for line in text.split("\n") if not ("import" in line and chance.random() < 0.3)
    ),
    "swap async": lambda chance, text: text.replace("async def", "def", 1),
    "use what is not pure": lambda chance, text: text.replace("return ", "import time; time.sleep(1); return ", 1),
    "rename": lambda chance, text: text.replace("charge", f"charge{chance.randrange(3)}"),
    "break": lambda chance, text: text.replace(":", "", 1),
    "change a number": lambda chance, text: text.replace("1", str(chance.randrange(1, 9)), 1),
    "add a step": lambda chance, text: (
        f"{text}\nfrom workflow_runtime import step as _s\n@_s\ndef s{chance.randrange(4)}() -> None: ...\n"
    ),
    "empty it": lambda chance, text: "",
}


def without(text: str, number: int) -> str:
    lines = text.split("\n")
    return "\n".join(lines[:number] + lines[number + 1 :])


def edit(chance: random.Random, project: Path, original: dict[str, str]) -> Path:
    """Change, remove, or bring back one file of the project."""
    name = chance.choice([*original, f"{Path(min(original)).parent.as_posix()}/extra.py"])
    path = project / name
    if not path.exists() or chance.random() < 0.3:
        path.write_text(original.get(name, "from shop.orders import checkout\n"))
    elif chance.random() < 0.1:
        path.unlink()
    else:
        path.write_text(EDITS[chance.choice(sorted(EDITS))](chance, path.read_text()))
    return path


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("case", ["package", *CASES])
def test_a_build_that_remembers_does_what_one_without_memory_does(
    case: str, seed: int, tmp_path: Path, shop: Path
) -> None:
    project = tmp_path / "there"
    shutil.copytree(shop if case == "package" else GOLDEN / case / "project", project)
    names = [path.relative_to(project).as_posix() for path in project.rglob("*.py")]
    original = {name: (project / name).read_text() for name in names}
    chance = random.Random(f"{case} {seed}")
    lasting = Session(project, Flags(targets=("fastapi",)))
    lasting.build(FILES)
    for number in range(12):
        path = edit(chance, project, original)
        fresh, later = tmp_path / f"fresh{number}", tmp_path / f"later{number}"
        shutil.copytree(project, fresh, ignore=shutil.ignore_patterns(store.FOLDER))
        shutil.copytree(project, later, ignore=shutil.ignore_patterns(store.FOLDER))
        if database(project).exists():
            shutil.copytree(project / store.FOLDER, later / store.FOLDER)

        expected = told(lambda: build(load(fresh, Flags(targets=("fastapi",))), with_routes=False))  # noqa: B023 called at once

        changed = frozenset([os.fspath(path)])
        assert told(lambda: lasting.build(FILES, changed)) == expected, f"{number}: {path.name}"  # noqa: B023 called at once
        assert told(lambda: once(later)[0]) == expected, f"{number}: {path.name}"  # noqa: B023 called at once
        out = lasting.out.relative_to(project) if lasting.out else Path("_workflow")
        assert tree(project / out) == tree(fresh / out) == tree(later / out)
    lasting.close()


def test_a_project_that_has_not_changed_is_not_compiled_again(shop: Path) -> None:
    once(shop)
    check = (
        "import sys; from pathlib import Path; from workflow_build.session import Session; from workflow_build.build import Options\n"
        "from workflow_build.config import Flags\n"
        "Session(Path(sys.argv[1]), Flags(targets=('fastapi',))).build(Options(with_routes=False))\n"
        "print([name for name in ('libcst', 'jinja2', 'workflow_runtime', 'workflow_build.stages') if name in sys.modules])"
    )
    root = os.fspath(Path(__file__).parents[2])

    done = subprocess.run(
        [sys.executable, "-c", check, os.fspath(shop)],
        env={**os.environ, "PYTHONPATH": root},
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout == "[]\n"


def test_output_that_somebody_changed_is_written_again(shop: Path) -> None:
    once(shop)
    module = shop / "shop" / "_workflow" / "fastapi.py"
    module.write_text("broken")

    result, _ = once(shop)

    assert result.output.written == ("fastapi.py",)


def test_files_whose_stamps_are_settled_are_not_read_again(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = load(shop, Flags(targets=("fastapi",)))
    monkeypatch.setattr(stamps, "GRANULARITY", -10_000_000_000)
    first, second = Tree(), Tree()
    first.look(walk_of(config))
    second.stamps = stamps.load_stamps(first.stamps_text())
    second.look(walk_of(config))

    assert (first.read, second.read) == (len(PACKAGE), 0)
    assert first.digest() == second.digest()
    assert second.sources() == scan(config)


def test_an_edit_that_keeps_size_and_time_is_seen(shop: Path) -> None:
    """As an editor, a checkout or a clock that was set back can leave it."""
    config = load(shop, Flags(targets=("fastapi",)))
    path = shop / "shop" / "rates.py"
    for moment in (time.time(), time.time() + 86_400):
        tree = Tree()
        os.utime(path, (moment, moment))
        tree.look(walk_of(config))
        text = path.read_text()
        path.write_text(text.replace("0.2", "0.3") if "0.2" in text else text.replace("0.3", "0.2"))
        os.utime(path, (moment, moment))
        before = tree.digest()
        tree.look(walk_of(config))

        assert tree.digest() != before


def test_a_file_that_vanishes_between_the_walk_and_the_reading_is_none_of_the_project(shop: Path) -> None:
    found = list(walk_of(load(shop, Flags(targets=("fastapi",)))).files())
    (shop / "shop" / "more.py").unlink()

    assert [read_file(one) for one in found if one.name == "shop/more.py"] == [None]


DAMAGES: dict[str, Callable[[Path], object]] = {
    "garbage": lambda path: path.write_bytes(b"not a database" * 999),
    "nothing": lambda path: path.write_bytes(b""),
    "half of it": lambda path: path.write_bytes(path.read_bytes()[: path.stat().st_size // 2]),
    "holes": lambda path: path.write_bytes(path.read_bytes()[:8192] + b"\0" * 8192 + path.read_bytes()[16384:]),
    "another schema": lambda path: other_schema(path),
    "wrong values": lambda path: change_values(path, "'[[],[1,2,3]]'"),
    "values of another kind": lambda path: change_values(path, "17"),
}


def other_schema(path: Path) -> None:
    path.unlink()
    with sqlite3.connect(path) as connection:
        connection.execute("create table entries (something text)")
    connection.close()


def change_values(path: Path, value: str) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute(f"update entries set value = {value}")
    connection.close()


def test_a_changed_ignore_file_counts_even_when_a_source_file_has_changed_as_well(shop: Path) -> None:
    session = Session(shop, Flags(targets=("fastapi",)))
    session.build(FILES)
    session.build(FILES, frozenset())
    (shop / ".gitignore").write_text("later.py\n")
    (shop / "shop" / "rates.py").write_text(PACKAGE["shop/rates.py"] + "# changed\n")

    result = session.build(FILES, frozenset({f"{shop}/.gitignore", f"{shop}/shop/rates.py"}))

    session.close()
    assert [function.qualname for function in result.functions.workflows] == ["checkout"]


def test_a_build_that_could_not_be_written_leaves_the_next_one_right(shop: Path) -> None:
    """What it has found out counts for nothing, or for what it was found out from."""
    session = Session(shop, Flags(targets=("fastapi",)))
    session.build(FILES)
    session.build(FILES, frozenset())
    before = tree(shop / "shop" / "_workflow")
    more = shop / "shop" / "more.py"
    registrations = shop / "shop" / "_workflow" / "bundles"
    registrations.rename(registrations.with_name("elsewhere"))
    registrations.write_text("in the way")
    more.write_text(PACKAGE["shop/more.py"].replace("return x", "return x + 1"))
    with pytest.raises(BuildError):
        session.build(FILES, frozenset({os.fspath(more)}))
    registrations.unlink()
    registrations.with_name("elsewhere").rename(registrations)
    more.write_text(PACKAGE["shop/more.py"])

    session.build(FILES, frozenset({os.fspath(more)}))

    session.close()
    assert tree(shop / "shop" / "_workflow") == before


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_cache_changes_nothing_and_heals(shop: Path, damage: str) -> None:
    expected, _ = once(shop)
    written = tree(shop / "shop" / "_workflow")
    DAMAGES[damage](database(shop))

    result, _ = once(shop)
    edited = shop / "shop" / "more.py"
    edited.write_text(edited.read_text().replace("return x", "return x + 1"))
    once(shop)
    edited.write_text(edited.read_text().replace("return x + 1", "return x"))
    healed, problem = once(shop)

    assert (result.functions, result.diagnostics) == (expected.functions, expected.diagnostics)
    assert {
        name: data for name, data in tree(shop / "shop" / "_workflow").items() if name in written
    }.keys() == written.keys()
    assert problem is None
    assert healed.functions == expected.functions


def test_without_a_place_for_the_cache_the_build_goes_on(shop: Path) -> None:
    (shop / store.FOLDER).write_text("in the way")

    result, problem = once(shop)

    assert result.output.written
    assert problem is not None
    assert "can not be used" in problem


def test_the_cache_is_no_part_of_the_project(shop: Path) -> None:
    once(shop)

    assert (shop / store.FOLDER / ".gitignore").read_text() == "*\n"
    assert not [file for file in scan(load(shop, Flags(targets=("fastapi",)))).files if store.FOLDER in file.path]


@pytest.mark.parametrize("cache", [True, False])
def test_only_checking_and_doing_without_leave_no_cache(shop: Path, cache: bool) -> None:
    Session(shop, Flags(targets=("fastapi",)), cache=cache).build(Options(only_check=cache, with_routes=False))

    assert not (shop / store.FOLDER).exists()


def test_entries_of_another_tool_and_those_that_nobody_uses_are_not_kept(tmp_path: Path) -> None:
    def put(key: str, tool: str = "this") -> None:
        one = Store(tmp_path, tool)
        one.put("kind", key, f"text of {key}")
        one.save()
        one.close()

    put("old")
    put("old", "that")
    for number in range(store.KEPT_BUILDS - 1):
        put(f"new {number % 3}")

    kept = Store(tmp_path, "this")
    assert kept.get("kind", "old") == "text of old"
    put("last")
    after = Store(tmp_path, "this")
    assert [after.get("kind", key) for key in ("old", "last")] == [None, "text of last"]
    assert Store(tmp_path, "that").get("kind", "old") == "text of old"
    put("last")
    assert Store(tmp_path, "that").get("kind", "old") is None


def test_builds_at_once_share_one_cache(shop: Path) -> None:
    root = os.fspath(Path(__file__).parents[2])
    command = [sys.executable, "-m", "workflow_build", os.fspath(shop), "--target", "fastapi", "--no-routes", "-v"]
    environment = {**os.environ, "PYTHONPATH": root}
    builds = [
        subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True, stdout=subprocess.DEVNULL)
        for _ in range(3)
    ]

    ended = [(one.communicate()[1], one.returncode) for one in builds]

    assert ended == [("", 0)] * 3
    assert once(shop)[1] is None


def test_a_build_that_is_killed_leaves_the_old_output_whole_and_the_cache_usable(shop: Path) -> None:
    once(shop)
    root = os.fspath(Path(__file__).parents[2])
    command = [sys.executable, "-m", "workflow_build", os.fspath(shop), "--target", "fastapi", "--no-routes"]
    edited = shop / "shop" / "more.py"
    for number in range(8):
        edited.write_text(f"def extra(x: int) -> int:\n    return x + {number}\n")
        one = subprocess.Popen(
            command, env={**os.environ, "PYTHONPATH": root}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        threading.Timer(0.08 * (number + 1), one.kill).start()
        one.wait()
        whole = [sys.executable, "-c", "import shop._workflow; assert shop._workflow.PROJECT.workflows"]
        subprocess.run(whole, cwd=shop, env={**os.environ, "PYTHONPATH": root}, check=True)

    result, problem = once(shop)

    assert not result.diagnostics
    assert problem is None
    assert once(shop)[0].output.written == ()


def test_a_build_without_a_session_has_no_cache(project: Callable[..., Config]) -> None:
    config = project({**PACKAGE}, targets=("fastapi",))
    build(config, with_routes=False)

    assert not (config.project / store.FOLDER).exists()
