"""``--prune-bundles``: what earlier builds left behind goes, and what is written no longer lists it."""

from __future__ import annotations

from collections.abc import Callable

from click.testing import CliRunner

from workflow_build.cli import cli
from workflow_build.model import Config

FLOW = "from workflow_runtime import workflow\n@workflow\nasync def main(): return {}\n"


def test_a_build_keeps_older_bundles_until_it_is_told_to_prune(project: Callable[..., Config]) -> None:
    config = project({"shop/__init__.py": "", "shop/flows.py": FLOW.format(1)})
    place = str(config.project)
    bundles = config.project / "shop" / "_workflow" / "bundles"

    def built(*flags: str) -> set[str]:
        done = CliRunner().invoke(cli, ["build", place, "--no-routes", *flags])
        assert done.exit_code == 0, done.output
        modules = {path.stem.removeprefix("b_") for path in bundles.glob("b_*.py")}
        assert all((name in (bundles / "__init__.py").read_text("utf-8")) for name in modules)
        return modules

    first = built()
    (config.project / "shop" / "flows.py").write_text(FLOW.format(2), "utf-8")
    both = built()
    assert first < both
    assert len(both) == 2
    stale = CliRunner().invoke(cli, ["build", place, "--no-routes", "--check", "--prune-bundles"])
    assert stale.exit_code == 1
    assert built("--prune-bundles") == both - first
    assert not first & set((bundles / "__init__.py").read_text("utf-8").split('"'))
    assert built("--prune-bundles") == both - first
