"""Whether the build is run in the right folder, and whether its output has only one place to go."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import compress

from workflow_build.dependencies import FOLDER
from workflow_build.errors import UsageError
from workflow_build.model import Config, Diagnostic, Functions, Sources
from workflow_build.rules.routes import OUTPUT_CHOSEN


def require_right_folder(sources: Sources, config: Config) -> None:
    """Raise ``UsageError`` when the files import each other through the name of the folder that they are in: it is a package then."""
    name = config.project.name
    modules = {file.module.partition(".")[0] for file in sources.files}
    if config.roots != (config.project,) or not name.isidentifier() or name in modules:
        return
    inner = "|".join(sorted(map(re.escape, {*modules, config.out.name})))
    pattern = re.compile(
        rf"^[ \t]*(?:from|import)[ \t]+({name}\.(?:{inner}))\b".encode(errors="surrogateescape"), re.MULTILINE
    )
    start = f"{name}.".encode(errors="surrogateescape")
    named = sources.memory.each("names itself", name, sources.files, lambda file: start in file.data)
    for file in compress(sources.files, named):
        found = pattern.search(file.data)
        if found:
            line = file.data.count(b"\n", 0, found.start()) + 1
            raise UsageError(
                f"{file.path}:{line} imports {found[1].decode()}, so this folder is the package {name}; "
                "run this from the folder above: cd .. && workflow-build"
            )


def several_packages(config: Config, functions: Functions) -> Iterator[Diagnostic]:
    """A hint when the output folder was chosen, and could as well be in another package."""
    own = [found for found in functions.functions if not found.location.path.startswith(f"{FOLDER}/")]
    packages = sorted({found.module.partition(".")[0] for found in own if "." in found.module})
    root = next((root for root in config.roots if config.out.is_relative_to(root)), None)
    if config.out_is_named or root is None or config.out.parent == root:
        return
    chosen = config.out.relative_to(root).parts[0]
    others = [name for name in packages if name != chosen]
    if others:
        place = config.out.relative_to(config.project).as_posix()
        has = "has" if len(others) == 1 else "have"
        example = (root / others[0] / config.out.name).relative_to(config.project).as_posix()
        others_text = f"{', '.join(others)} {has} workflows or steps"
        yield OUTPUT_CHOSEN.at(None, chosen=place, others=others_text, example=example)
