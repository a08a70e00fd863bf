"""What ``--check`` calls stale: what a run could depend on, and no edit of what is inside of steps."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from workflow_build.build import build
from workflow_build.config import Flags, load

FLOWS = """from shop.steps import charge
from workflow_runtime import workflow


@workflow
async def checkout(cents: int) -> str:
    return await charge(cents)
"""
STEPS = """from workflow_runtime import step


@step(max_retries=2)
async def charge(cents: int) -> str:
    return f"{cents}"


@step
async def refund(cents: int) -> None: ...
"""


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "shop"\nversion = "1"\n')
    (tmp_path / "shop").mkdir()
    for name, text in {"__init__": "", "flows": FLOWS, "steps": STEPS}.items():
        (tmp_path / "shop" / f"{name}.py").write_text(text)
    build(load(tmp_path, Flags()))
    return tmp_path


def stale(project: Path) -> list[str]:
    return [one.path for one in build(load(project, Flags()), only_check=True).output.stale]


def edit(project: Path, name: str, old: str, new: str) -> None:
    path = project / "shop" / name
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('f"{cents}"', 'f"{cents} cents"'),
        ('    return f"', '    cents += 1\n    return f"'),
        ("@step\nasync def refund", "LIMIT = 1\n\n@step\nasync def refund"),
    ],
)
def test_editing_the_inside_of_a_step_leaves_the_output_fresh(shop: Path, old: str, new: str) -> None:
    before = json.loads((shop / "shop/_workflow/manifest.json").read_text())

    edit(shop, "steps.py", old, new)

    assert stale(shop) == []
    assert build(load(shop, Flags())).output.written == ("manifest.json",)
    after = json.loads((shop / "shop/_workflow/manifest.json").read_text())
    assert after["build"] == before["build"]
    assert after["steps"] != before["steps"]


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("steps.py", "charge(cents: int)", "charge(cents: int, card: str = '')"),
        ("steps.py", "max_retries=2", "max_retries=3"),
        ("steps.py", "async def refund", "async def repay"),
        ("steps.py", "from workflow_runtime", "\nfrom workflow_runtime"),
        ("flows.py", "charge(cents)", "charge(cents + 1)"),
        ("flows.py", "from workflow_runtime", "\nfrom workflow_runtime"),
    ],
)
def test_what_a_run_could_depend_on_makes_it_stale(shop: Path, name: str, old: str, new: str) -> None:
    edit(shop, name, old, new)

    assert "manifest.json" in stale(shop)


@pytest.mark.parametrize("content", ["", "[]", "{", "\xff\xfe{}", None])
def test_a_manifest_that_is_none_is_stale(shop: Path, content: str | None) -> None:
    path = shop / "shop" / "_workflow" / "manifest.json"
    good = json.loads(path.read_text())
    text = json.dumps({**good, "steps": []}) if content is None else content

    path.write_bytes(text.encode("latin-1"))
    if content is None:
        assert stale(shop) == ["manifest.json"]
    else:
        with pytest.raises(Exception, match="did not write"):
            stale(shop)
