"""Writing: only what changed, whole files, our own folder only, and nothing lost when it fails."""

from __future__ import annotations

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from workflow_build.errors import OutputError
from workflow_build.write import compare, retained_bundles, write, write_config

HASH = "0123456789abcdef"


def files(*extra: str, text: str = "x = 1\n") -> dict[str, str]:
    names = ["__init__.py", "step_registrations.py", "bundles/__init__.py", *extra]
    manifest = {"tool": "workflow-build 0", "files": names}
    return {**dict.fromkeys(names, text), f"bundles/b_{HASH}.py": text, "manifest.json": json.dumps(manifest)}


def tree(out: Path) -> dict[str, bytes]:
    return {path.relative_to(out).as_posix(): path.read_bytes() for path in sorted(out.rglob("*")) if path.is_file()}


def test_a_first_write_makes_the_folders_and_a_second_changes_nothing(tmp_path: Path) -> None:
    out = tmp_path / "shop" / "_workflow"

    first = write(out, files("fastapi.py"))
    times = {path: path.stat().st_mtime_ns for path in out.rglob("*.py")}
    second = write(out, files("fastapi.py"))

    assert set(first.written) == set(files("fastapi.py"))
    assert tree(out) == {name: text.encode() for name, text in files("fastapi.py").items()}
    assert (second.written, second.removed) == ((), ())
    assert times == {path: path.stat().st_mtime_ns for path in out.rglob("*.py")}


def test_only_what_our_manifest_lists_is_removed_and_bundles_never(tmp_path: Path) -> None:
    write(tmp_path, files("fastapi.py", "flask.py"))
    (tmp_path / "mine.py").write_text("kept")
    write_config(tmp_path, "{}")
    fewer = {name: text for name, text in files("fastapi.py").items() if not name.startswith("bundles/b_")}

    output = write(tmp_path, fewer)

    assert output.removed == ("flask.py",)
    assert {"mine.py", "config.json", f"bundles/b_{HASH}.py"} <= set(tree(tmp_path))


def test_a_manifest_that_points_outside_removes_nothing_there(tmp_path: Path) -> None:
    out = tmp_path / "out"
    victim = tmp_path / "victim.py"
    victim.write_text("precious")
    (tmp_path / "out").mkdir()
    hostile = ["../victim.py", str(victim), "..\\victim.py", "a/../../victim.py", "", ".", 3]
    (out / "manifest.json").write_text(json.dumps({"tool": "workflow-build 0", "files": hostile}))

    assert write(out, files()).removed == ()
    assert victim.read_text() == "precious"


@pytest.mark.parametrize("manifest", [None, "{", "[]", '{"tool": "another"}'])
def test_a_folder_with_files_that_are_not_ours_is_refused_and_left_alone(tmp_path: Path, manifest: str | None) -> None:
    (tmp_path / "orders.py").write_text("precious")
    if manifest is not None:
        (tmp_path / "manifest.json").write_text(manifest)
    before = tree(tmp_path)

    with pytest.raises(OutputError, match=r"did not write.*--out"):
        write(tmp_path, files())

    assert tree(tmp_path) == before


def test_what_a_killed_build_left_does_not_stop_the_next(tmp_path: Path) -> None:
    (tmp_path / "bundles").mkdir()
    (tmp_path / ".manifest.json.abc.workflow-build.tmp").write_text("half")
    (tmp_path / "bundles" / ".x.workflow-build.tmp").write_text("half")

    assert "manifest.json" in write(tmp_path, files()).written


def test_a_file_where_the_folder_must_be_is_named(tmp_path: Path) -> None:
    out = tmp_path / "_workflow"
    out.write_text("a file")

    with pytest.raises(OutputError, match="_workflow is a file"):
        write(out, files())


def test_a_link_in_place_of_the_bundles_is_refused(tmp_path: Path) -> None:
    out, elsewhere = tmp_path / "out", tmp_path / "elsewhere"
    write(out, {name: text for name, text in files().items() if "/" not in name})
    elsewhere.mkdir()
    (out / "bundles").symlink_to(elsewhere)

    with pytest.raises(OutputError, match="symbolic link"):
        write(out, files())

    assert tree(elsewhere) == {}


def test_a_folder_where_a_file_must_go_leaves_all_as_it_was(tmp_path: Path) -> None:
    write(tmp_path, files())
    (tmp_path / "fastapi.py").mkdir()
    before = tree(tmp_path)

    with pytest.raises(OutputError, match=r"fastapi\.py"):
        write(tmp_path, files("fastapi.py", text="x = 2\n"))

    assert tree(tmp_path) == before


FULL_DISK = """
import resource, sys
from pathlib import Path
from workflow_build.errors import OutputError
from workflow_build.write import write

resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    write(Path(sys.argv[1]), {"manifest.json": "{}", "bundles/__init__.py": "x", "__init__.py": "x" * 5000})
except OutputError as error:
    print(error)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="the limit that stands for a full disk is POSIX")
def test_a_full_disk_leaves_nothing_behind(tmp_path: Path) -> None:
    out = tmp_path / "shop" / "_workflow"
    command = [sys.executable, "-c", FULL_DISK, str(out)]

    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2])

    assert "can not write" in done.stdout
    assert "too large" in done.stdout.lower()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs a folder that nobody can write to")
def test_a_folder_that_can_not_be_made_is_named_with_the_reason() -> None:
    with pytest.raises(OutputError, match=r"can not write /proc/shop.*"):
        write(Path("/proc/shop/_workflow"), files())


def test_a_check_writes_nothing_and_tells_missing_changed_and_extra(tmp_path: Path) -> None:
    write(tmp_path, files("fastapi.py", "flask.py"))
    (tmp_path / "step_registrations.py").unlink()
    (tmp_path / "__init__.py").write_text("x = 3\n")
    (tmp_path / "manifest.json").write_text(files("fastapi.py", "flask.py")["manifest.json"])
    wanted = {**files("fastapi.py"), "manifest.json": files("fastapi.py", "flask.py")["manifest.json"]}
    before = tree(tmp_path)

    stale = {item.path: item for item in compare(tmp_path, wanted, "shop/_workflow").stale}

    assert {path: item.reason for path, item in stale.items()} == {
        "__init__.py": "changed",
        "step_registrations.py": "missing",
        "flask.py": "extra",
    }
    assert stale["__init__.py"].diff.splitlines() == [
        "--- a/shop/_workflow/__init__.py",
        "+++ b/shop/_workflow/__init__.py",
        "@@ -1 +1 @@",
        "-x = 3",
        "+x = 1",
    ]
    assert stale["flask.py"].diff.startswith("--- a/shop/_workflow/flask.py\n+++ /dev/null\n")
    assert tree(tmp_path) == before


def test_retained_bundles_are_those_whose_names_are_hashes(tmp_path: Path) -> None:
    write(tmp_path, files())
    (tmp_path / "bundles" / "b_short.py").write_text("")
    (tmp_path / "bundles" / "b_0123456789ABCDEF.py").write_text("")

    assert retained_bundles(tmp_path) == (HASH,)
    assert retained_bundles(tmp_path / "nowhere") == ()


def test_builds_at_the_same_time_leave_whole_files_and_no_temporaries(tmp_path: Path) -> None:
    versions = [files("fastapi.py", text=f"x = '{str(number) * 5000}'\n") for number in range(8)]

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda version: write(tmp_path, version), versions))

    left = tree(tmp_path)
    assert set(left) == set(versions[0])
    for name, data in left.items():
        assert data in [version[name].encode() for version in versions]


def test_bundles_of_earlier_builds_go_only_when_that_is_asked_for(tmp_path: Path) -> None:
    old, new = "bundles/b_00000000000000aa.py", "bundles/b_fedcba9876543210.py"
    write(tmp_path, {**files(), old: "x = 1\n"})

    assert write(tmp_path, {**files(), new: "x = 1\n"}).removed == ()
    assert [item.path for item in compare(tmp_path, {**files(), new: "x = 1\n"}, "_workflow", prune=True).stale] == [
        old
    ]
    assert write(tmp_path, {**files(), new: "x = 1\n"}, prune=True).removed == (old,)
    assert (tmp_path / new).is_file()
    assert not (tmp_path / old).exists()
