"""Projects on disk for the compiler's tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent

import pytest

from tests.build.watcher import Watcher
from workflow_build.bundle import bundle
from workflow_build.check import check
from workflow_build.discover import discover
from workflow_build.model import Bundles, Config, Diagnostic, Functions, Program, Sources
from workflow_build.resolve import resolve
from workflow_build.scan import scan


@dataclass(frozen=True, slots=True)
class Built:
    """What the stages before emit make of a project."""

    sources: Sources
    functions: Functions
    program: Program
    bundles: Bundles
    diagnostics: tuple[Diagnostic, ...]

    @property
    def codes(self) -> list[str]:
        """The codes of all findings."""
        return sorted(finding.code for finding in self.diagnostics)

    def texts(self, workflow: str | None = None) -> dict[str, str]:
        """The modules of a workflow's bundle; of the only one, when it is not named."""
        found = [b for b in self.bundles.workflows if workflow in (None, b.function.qualname)]
        assert len(found) == 1, [b.function.id for b in self.bundles.workflows]
        return {module.name: module.source for module in found[0].bundle.modules}


@pytest.fixture
def project(tmp_path: Path) -> Callable[..., Config]:
    """Write files (text is dedented, bytes are written as they are) under ``tmp_path`` and give the ``Config`` for them.

    ``root`` is the folder that holds the top-level modules, ``out`` the output folder, ``pure`` and ``exclude`` as configured.
    """

    def write(
        files: Mapping[str, str | bytes],
        *,
        root: str = ".",
        out: str | None = None,
        pure: tuple[str, ...] = (),
        exclude: tuple[str, ...] = (),
        targets: tuple[str, ...] = ("fastapi",),
        app: str | None = None,
    ) -> Config:
        for name, content in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content if isinstance(content, bytes) else dedent(content).encode())
        base = (tmp_path / root).resolve()
        packages = sorted(p.parent.name for p in base.glob("*/__init__.py"))
        folder = tmp_path / out if out else base / (packages[0] if packages else "") / "_workflow"
        return Config(
            project=tmp_path.resolve(),
            roots=(base,),
            out=folder.resolve(),
            targets=targets,
            app=app,
            pure=pure,
            exclude=exclude,
        )

    return write


@pytest.fixture
def build(project: Callable[..., Config]) -> Callable[..., Built]:
    """Write files as ``project`` does, and take them through the stages from scan to bundle."""

    def run(files: Mapping[str, str | bytes], **options: object) -> Built:
        config = project(files, **options)
        sources = scan(config)
        functions = discover(sources)
        program = resolve(sources, functions, config)
        diagnostics = (
            *sources.diagnostics,
            *functions.diagnostics,
            *program.diagnostics,
            *check(program, functions, sources),
        )
        return Built(sources, functions, program, bundle(sources, program, config), diagnostics)

    return run


@pytest.fixture
def watch() -> Iterator[Callable[..., Watcher]]:
    """Start ``workflow-build --watch`` for a project, and wait for its first build. It ends with the test."""
    running: list[Watcher] = []

    def start(project: Path, *flags: str, environment: Mapping[str, str] | None = None) -> Watcher:
        running.append(Watcher(project, *flags, environment=environment or {}))
        running[-1].until(running[-1].said("_workflow (fastapi)"))
        return running[-1]

    yield start
    for one in running:
        one.kill()
