"""Clean: remove what builds have written, and nothing else."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from workflow_build.cache.store import remove_cache
from workflow_build.errors import OutputError
from workflow_build.model import Config
from workflow_build.write import CONFIG, MANIFEST, TEMPORARY, listed_files, read_manifest, retained_bundles


@dataclass(frozen=True, slots=True)
class Cleaned:
    """What was removed and what stays, relative to the output folder, sorted."""

    removed: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()
    """Files that no build has written."""
    cache: bool = False
    """Whether there was a cache, which is gone as well."""


def clean(config: Config, *, old_bundles: bool = False) -> Cleaned:
    """Remove what the manifest lists, the bundles, the folders that are empty then, and the cache.

    Bundles of earlier builds can not be made again from today's source, and runs in flight may need them: unless ``old_bundles``
    allows their removal, ``OutputError`` is raised and nothing is touched. A folder without a manifest of ours is left alone.
    """
    output = (
        _output_removed(config.out, old_bundles=old_bundles) if read_manifest(config.out) is not None else Cleaned()
    )
    try:
        return replace(output, cache=remove_cache(config.project))
    except OSError as error:
        raise OutputError(f"can not remove {error.filename}: {error.strerror}") from error


def _output_removed(out: Path, *, old_bundles: bool) -> Cleaned:
    for folder in (out, out / "bundles"):
        if folder.is_symlink():
            raise OutputError(f"{folder} is a symbolic link, and what is behind it may not be ours. Remove the link")
    old = sorted(set(retained_bundles(out)) - _current_bundles(out))
    if old and not old_bundles:
        raise OutputError(
            f"{out} has {len(old)} bundle{'s' * (len(old) != 1)} of earlier builds ({', '.join(old[:3])}), which runs in flight may need "
            "and no build can make again; --bundles removes them too"
        )
    ours = [*_written(out)]
    try:
        # The manifest last: as long as it is there, what a failure left behind is known as ours.
        for path in sorted(ours, key=lambda path: path.name == MANIFEST):
            path.unlink(missing_ok=True)
    except OSError as error:
        raise OutputError(f"can not remove {error.filename}: {error.strerror}") from error
    for folder in (out / "bundles" / "__pycache__", out / "bundles", out / "__pycache__", out):
        with contextlib.suppress(OSError):  # something is in it: then it stays
            folder.rmdir()
    kept = (path.relative_to(out).as_posix() for path in out.rglob("*") if not path.is_dir())
    removed = (path.relative_to(out).as_posix() for path in ours if path.parent.name != "__pycache__")
    return Cleaned(tuple(sorted(removed)), tuple(sorted(kept)))


def _current_bundles(out: Path) -> set[str]:
    workflows = (read_manifest(out) or {}).get("workflows")
    entries = workflows if isinstance(workflows, list) else []
    return {str(entry.get("bundle")) for entry in entries if isinstance(entry, dict)}


def _written(out: Path) -> Iterator[Path]:
    """Files of ours that are there: the listed ones, the bundles, what a killed build left, and the bytecode of all that."""
    names = [*listed_files(out), MANIFEST, CONFIG, "bundles/__init__.py"]
    names += [f"bundles/b_{bundle}.py" for bundle in retained_bundles(out)]
    for name in dict.fromkeys(names):
        path = out / name
        yield from [path] if path.is_file() or path.is_symlink() else []
        yield from (path.parent / "__pycache__").glob(f"{path.stem}.*.pyc") if path.suffix == ".py" else ()
    for folder in (out, out / "bundles"):
        yield from folder.glob(f".*{TEMPORARY}")
