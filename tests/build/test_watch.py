"""``--watch`` as its users meet it: a real process, real edits. Nothing here depends on how fast it is."""

from __future__ import annotations

import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.build.watcher import FILES, REFUND, Watcher, flow, make_shop, steps

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="sends POSIX signals")


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    return make_shop(tmp_path / "project")


def test_edits_new_folders_renames_and_removals_are_built(shop: Path, watch: Callable[..., Watcher]) -> None:
    watcher = watch(shop, "--no-routes")
    module = shop / "shop" / "steps.py"
    module.write_text(module.read_text() + REFUND.partition("\n")[2])
    watcher.until(lambda: steps(shop) == ["charge", "refund"])

    module.write_text(FILES["shop/steps.py"])
    watcher.until(lambda: steps(shop) == ["charge"])

    inner = shop / "shop" / "inner" / "most"
    inner.mkdir(parents=True)
    (inner / "late.py").write_text(REFUND)
    watcher.until(lambda: steps(shop) == ["charge", "refund"])

    (inner / "late.py").write_text(REFUND.replace("refund", "repay"))
    watcher.until(lambda: steps(shop) == ["charge", "repay"])

    inner.rename(shop / "shop" / "moved")
    watcher.until(lambda: "shop.moved.late" in (shop / "shop" / "_workflow" / "step_registrations.py").read_text())

    shutil.rmtree(shop / "shop" / "moved")
    watcher.until(lambda: steps(shop) == ["charge"])


def test_a_file_that_an_editor_replaces_is_seen_as_an_edit(shop: Path, watch: Callable[..., Watcher]) -> None:
    watcher = watch(shop, "--no-routes")
    for number in range(3):
        beside = shop / "shop" / f".steps.{number}.swp"
        beside.write_text(FILES["shop/steps.py"] + f"\n\n@step\ndef s{number}() -> None: ...\n")
        beside.replace(shop / "shop" / "steps.py")
        watcher.until(lambda: steps(shop) == ["charge", f"s{number}"])  # noqa: B023 called before the next round


def test_settings_are_read_again(shop: Path, watch: Callable[..., Watcher]) -> None:
    (shop / "shop" / "more.py").write_text(REFUND)
    watcher = watch(shop, "--no-routes")
    watcher.until(lambda: steps(shop) == ["charge", "refund"])
    settings = shop / "pyproject.toml"

    settings.write_text(FILES["pyproject.toml"] + '\n[tool.workflow-build]\nexclude = ["shop/more.py"]\n')
    watcher.until(lambda: steps(shop) == ["charge"])

    settings.write_text(FILES["pyproject.toml"] + "\n[tool.workflow-build]\nexclude = 3\n")
    watcher.until(watcher.said("must be a list of strings"))

    settings.write_text(FILES["pyproject.toml"])
    (shop / ".gitignore").write_text("more.py\n")
    watcher.until(watcher.said("up to date"))
    (shop / ".gitignore").write_text("")
    watcher.until(lambda: steps(shop) == ["charge", "refund"])


def test_routes_are_read_again_when_the_app_has_changed_and_not_otherwise(
    shop: Path, watch: Callable[..., Watcher]
) -> None:
    watcher = watch(shop)
    watcher.until(lambda: flow(shop) == "/one/.well-known/workflow/v1/flow")
    watcher.until(watcher.said("routes: /one"))
    config = shop / "shop" / "_workflow" / "config.json"

    config.unlink()
    (shop / "shop" / "unrelated.py").write_text("X = 2\n")
    watcher.until(watcher.said("up to date"))
    (shop / "shop" / "prefix.py").write_text('PREFIX = "/two"\n')
    watcher.until(lambda: flow(shop) == "/two/.well-known/workflow/v1/flow")

    (shop / "shop" / "prefix.py").write_text("raise RuntimeError('not today')\n")
    watcher.until(watcher.said("not today"))
    (shop / "shop" / "prefix.py").write_text('PREFIX = "/three"\n')
    watcher.until(lambda: flow(shop) == "/three/.well-known/workflow/v1/flow")

    text = watcher.end(signal.SIGINT)
    assert (
        text.count("with uvicorn: uvicorn shop.main:app --reload\n") == 1
    )  # and no exclude: new output is to be loaded
    assert text.count("routes: /two") == 1
    assert watcher.process.returncode == 0


def test_folders_that_are_moved_in_and_out_are_built(shop: Path, watch: Callable[..., Watcher], tmp_path: Path) -> None:
    watcher = watch(shop, "--no-routes")
    outside, inside = tmp_path / "outside", shop / "shop" / "bank"
    (outside / "deep").mkdir(parents=True)
    (outside / "deep" / "fees.py").write_text(REFUND)
    outside.rename(inside)
    watcher.until(lambda: steps(shop) == ["charge", "refund"])

    (inside / "deep" / "fees.py").write_text(REFUND.replace("refund", "fee"))
    watcher.until(lambda: steps(shop) == ["charge", "fee"])

    inside.rename(outside)
    watcher.until(lambda: steps(shop) == ["charge"])

    (outside / "deep" / "fees.py").write_text(REFUND)
    (shop / "shop" / "deep").symlink_to(outside / "deep")
    watcher.until(lambda: steps(shop) == ["charge", "refund"])
    watcher.end(signal.SIGINT)


def test_another_output_folder_is_written_when_the_settings_name_one(shop: Path, watch: Callable[..., Watcher]) -> None:
    watcher = watch(shop, "--no-routes")
    (shop / "pyproject.toml").write_text(f'{FILES["pyproject.toml"]}\n[tool.workflow-build]\nout = "shop/flows"\n')
    watcher.until((shop / "shop" / "flows" / "step_registrations.py").is_file)

    (shop / "shop" / "late.py").write_text(REFUND)
    watcher.until(lambda: "refund" in (shop / "shop" / "flows" / "step_registrations.py").read_text())
    watcher.end(signal.SIGINT)

    assert steps(shop) == ["charge"]
