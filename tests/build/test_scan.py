"""Which files a build looks at."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from workflow_build.model import Config
from workflow_build.scan import MAX_BYTES, scan

MARKED = "from workflow_runtime import step\n"


def paths(config: Config) -> list[str]:
    return [file.path for file in scan(config).files]


def test_files_are_sorted_by_path_and_named_from_their_root(project: Callable[..., Config]) -> None:
    config = project({"src/shop/orders.py": MARKED, "src/shop/__init__.py": "", "src/app.py": "x = 1"}, root="src")
    found = [(file.path, file.module, file.is_package, file.candidate) for file in scan(config).files]
    assert found == [
        ("src/app.py", "app", False, False),
        ("src/shop/__init__.py", "shop", True, False),
        ("src/shop/orders.py", "shop.orders", False, True),
    ]


@pytest.mark.parametrize(
    ("text", "candidate"),
    [
        (MARKED, True),
        ('def f():\n    "use step"\n', True),
        ('def f():\n    "use workflow"\n', True),
        ('def f():\n    "Use-Step"\n', True),
        ("def use():\n    return 'steps'\n", False),
    ],
)
def test_a_candidate_is_a_file_whose_bytes_can_hold_a_marker(
    project: Callable[..., Config], text: str, candidate: bool
) -> None:
    (file,) = scan(project({"m.py": text})).files
    assert file.candidate is candidate


def test_ignored_hidden_foreign_and_output_folders_are_left_out(project: Callable[..., Config]) -> None:
    left_out = [
        "shop/_workflow/fastapi.py",
        "shop/.cache/a.py",
        "shop/__pycache__/a.py",
        "node_modules/a/b.py",
        "lib/site-packages/a.py",
        "myenv/a.py",
        "build/a.py",
        "shop/generated/a.py",
        "shop/scratch_1.py",
        "legacy/a.py",
    ]
    files = dict.fromkeys(left_out, MARKED) | {
        "shop/__init__.py": "",
        "myenv/pyvenv.cfg": "home = here",
        ".gitignore": "/build/\nscratch_*.py\n",
        "shop/.gitignore": "generated/\n!scratch_2.py\n",
        "shop/scratch_2.py": "",
        "shop/env/a.py": "",
    }
    config = project(files, exclude=("legacy/**",))
    assert paths(config) == ["shop/__init__.py", "shop/env/a.py", "shop/scratch_2.py"]


def test_an_ignore_file_above_the_root_counts(project: Callable[..., Config]) -> None:
    config = project({".gitignore": "src/old/\n", "src/old/a.py": "", "src/new/a.py": ""}, root="src")
    assert paths(config) == ["src/new/a.py"]


def test_an_excluded_file_can_not_be_taken_back_by_an_ignore_file(project: Callable[..., Config]) -> None:
    config = project({".gitignore": "!a.py\n", "a.py": "", "b.py": ""}, exclude=("a.py",))
    assert paths(config) == ["b.py"]


def test_a_loop_of_links_ends(project: Callable[..., Config]) -> None:
    config = project({"shop/__init__.py": "", "shop/a.py": ""})
    (config.project / "shop" / "again").symlink_to(config.project / "shop", target_is_directory=True)
    (config.project / "shop" / "up").symlink_to(config.project, target_is_directory=True)
    assert {"shop/__init__.py", "shop/a.py"} <= set(paths(config))
    assert len(paths(config)) < 10


def test_a_broken_link_is_reported_and_not_an_error(project: Callable[..., Config]) -> None:
    config = project({"shop/__init__.py": ""})
    (config.project / "shop" / "gone.py").symlink_to(config.project / "nowhere.py")
    found = scan(config)
    assert [file.path for file in found.files] == ["shop/__init__.py"]
    assert [(finding.code, finding.location and finding.location.path) for finding in found.diagnostics] == [
        ("WB110", "shop/gone.py")
    ]


def test_a_file_of_the_inner_of_two_roots_is_named_from_there(project: Callable[..., Config]) -> None:
    config = project({"src/shop/a.py": "", "tool.py": ""})
    config = replace(config, roots=(config.project, config.project / "src"))
    assert [(file.path, file.module) for file in scan(config).files] == [
        ("src/shop/a.py", "shop.a"),
        ("tool.py", "tool"),
    ]


def test_a_root_outside_of_the_project_is_read(project: Callable[..., Config], tmp_path: Path) -> None:
    config = project({"app/main.py": "", "lib/shop/a.py": ""})
    config = replace(config, project=tmp_path / "app", roots=(tmp_path / "app", tmp_path / "lib"))
    assert [(file.path, file.module) for file in scan(config).files] == [
        ("../lib/shop/a.py", "shop.a"),
        ("main.py", "main"),
    ]


def test_a_file_that_is_too_large_matters_only_if_it_may_be_marked(project: Callable[..., Config]) -> None:
    filler = "x = 1\n" * (MAX_BYTES // 6 + 1)
    found = scan(project({"data.py": filler, "marked.py": MARKED + filler}))
    assert found.files == ()
    (finding,) = found.diagnostics
    assert finding.code == "WB110"
    assert "marked.py is larger than 2,000,000 bytes" in finding.message


def test_a_missing_root_holds_nothing(project: Callable[..., Config]) -> None:
    config = project({"a.py": ""})
    assert scan(replace(config, roots=(config.project / "nowhere",))).files == ()


def test_what_setuptools_copies_while_it_builds_is_no_source(project: Callable[..., Config]) -> None:
    """In a project without a ``.gitignore``; a package of one's own that is named ``build`` is source."""
    settings = '[project]\nname = "shop"\nversion = "1"\n[tool.setuptools]\npackages = ["shop", "tools"]\n'
    files = {"pyproject.toml": settings, "shop/__init__.py": "", "shop/orders.py": MARKED, "tools/__init__.py": ""}
    own = {"tools/build/__init__.py": "", "tools/build/lib/a.py": "", "shop/build/lib/b.py": "", "build/other.py": ""}
    config = project({**files, **own})
    subprocess.run(
        [sys.executable, "-c", "from setuptools import setup; setup()", "-q", "build"],
        cwd=config.project,
        check=True,
    )
    assert (config.project / "build" / "lib" / "shop" / "orders.py").is_file()

    assert paths(config) == sorted(name for name in {**files, **own} if name.endswith(".py"))
    inner = replace(config, project=config.project / "build", roots=(config.project / "build" / "lib",))
    assert paths(inner) == ["lib/shop/__init__.py", "lib/shop/orders.py", "lib/tools/__init__.py"]
