"""Write: put emitted text on disk, only what changed, each file whole or not at all, and nothing but our own removed."""

from __future__ import annotations

import contextlib
import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from workflow_build.cache.stamps import Stamp, stamp_of
from workflow_build.errors import OutputError

MANIFEST = "manifest.json"
CONFIG = "config.json"
TEMPORARY = ".workflow-build.tmp"
OUR_HEAD = re.compile(rb'\{\n  "build": "\w+",\n  "version": \d+,\n  "tool": "workflow-build ')
LAST_PART = b'\n  "files": ['
BUNDLE_MODULE = re.compile(r"bundles/b_([0-9a-f]{16})\.py")


@dataclass(frozen=True, slots=True)
class Stale:
    """One file that is not as a build would leave it."""

    path: str
    """Relative to the output folder, with forward slashes."""
    reason: str
    """``changed``, ``missing`` or ``extra``."""
    diff: str
    """Unified; empty when a side is not text."""


@dataclass(frozen=True, slots=True)
class Output:
    """What a build did to the output folder, as relative paths, sorted."""

    written: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    stale: tuple[Stale, ...] = ()
    """Only filled by ``compare``, which writes nothing."""


def retained_bundles(out: Path) -> tuple[str, ...]:
    """Hashes of the bundle modules in the output folder, sorted: runs in flight may need each of them."""
    try:
        names = os.listdir(out / "bundles")  # noqa: PTH208 a Path for each of many files takes longer than listing them
    except OSError:
        return ()
    found = (BUNDLE_MODULE.fullmatch(f"bundles/{name}") for name in names)
    return tuple(sorted(match[1] for match in found if match))


class Written:
    """What one process has written to an output folder, so that it need not read again what nobody has touched since."""

    def __init__(self) -> None:
        """Nothing is written yet."""
        self._known: dict[str, tuple[str, Stamp]] = {}

    def doubtful(self, out: Path, files: Mapping[str, str]) -> dict[str, str]:
        """The files that may hold something else."""
        return {path: text for path, text in files.items() if not self._holds(f"{out}/{path}", text)}

    def note(self, out: Path, files: Mapping[str, str]) -> None:
        """These files hold these texts now."""
        for path, text in files.items():
            if (stamp := _stamp(f"{out}/{path}")) is not None:
                self._known[f"{out}/{path}"] = text, stamp

    def _holds(self, path: str, text: str) -> bool:
        known = self._known.get(path)
        return known is not None and known[0] == text and known[1] == _stamp(path)


def write(out: Path, files: Mapping[str, str], *, prune: bool = False, written: Written | None = None) -> Output:
    """Make the output folder hold these files, and drop what an earlier build wrote and this one does not.

    Bundles of earlier builds stay, unless ``prune``. ``written`` is for those who write again and again.
    All content is on disk before the first rename. The manifest goes first, so that a folder that a crash left is known as ours;
    then bundles before what loads them; handler modules last. Raises ``OutputError``, with the path and the reason; unless a
    rename failed half way, the folder is as it was.
    """
    require_ours(out)
    written = written or Written()
    doubtful = written.doubtful(out, files)
    changed = sorted((path for path, text in doubtful.items() if _read(out / path) != text.encode()), key=_order)
    extra = _extra(out, files, prune=prune)
    with _failures_named(out):
        _replace(out, {path: files[path].encode() for path in changed})
        for path in extra:
            (out / path).unlink(missing_ok=True)
    written.note(out, doubtful)
    return Output(tuple(sorted(changed)), tuple(sorted(extra)))


def write_config(out: Path, text: str) -> Output:
    """Put ``config.json`` beside what ``write`` has written. Raises ``OutputError``."""
    if _read(out / CONFIG) == text.encode():
        return Output()
    with _failures_named(out):
        _replace(out, {CONFIG: text.encode()})
    return Output(written=(CONFIG,))


def compare(out: Path, files: Mapping[str, str], label: str, *, prune: bool = False) -> Output:
    """What ``write`` would change, as unified diffs; ``label`` is the folder's name in them. Writes nothing."""
    require_ours(out)
    differing = [compare_file(out, path, text, label) for path, text in sorted(files.items())]
    gone = _extra(out, files, prune=prune)
    extra = [Stale(path, "extra", _diff(f"{label}/{path}", _read(out / path), None)) for path in gone]
    return Output(stale=(*filter(None, differing), *extra))


def compare_file(out: Path, path: str, text: str, label: str) -> Stale | None:
    """How one file differs from what it should be, or None."""
    old = _read(out / path)
    if old == text.encode():
        return None
    return Stale(path, "missing" if old is None else "changed", _diff(f"{label}/{path}", old, text.encode()))


def require_ours(out: Path) -> None:
    """Raise ``OutputError`` for a folder with files that no build has written."""
    for folder in (out, out / "bundles"):
        if folder.is_symlink() and folder != out:
            raise OutputError(f"{folder} is a symbolic link; the output would land elsewhere. Remove the link")
        if folder.exists() and not folder.is_dir():
            raise OutputError(f"{folder} is a file, not a folder; move it or choose another folder with --out")
    if not out.is_dir() or _is_ours(out):
        return
    strange = sorted(path.name for path in out.iterdir() if path.name != "__pycache__" and not _is_leftover(path))
    if (
        strange and read_manifest(out) is None
    ):  # asked again: another build's first rename, its manifest, may have come between
        raise OutputError(
            f"{out} has files that workflow-build did not write ({', '.join(strange[:3])}); "
            "move them, or choose another folder with --out"
        )


def read_manifest(out: Path) -> dict[str, object] | None:
    """The manifest of an earlier build, or None when there is none that is ours."""
    try:
        content = json.loads(_read(out / MANIFEST) or b"")
    except ValueError:
        return None
    is_ours = isinstance(content, dict) and str(content.get("tool", "")).startswith("workflow-build ")
    return content if is_ours else None


def _is_ours(out: Path) -> bool:
    return OUR_HEAD.match(_read(out / MANIFEST) or b"") is not None or read_manifest(out) is not None


def _listed(manifest: bytes) -> object:
    """The files of a manifest as we write it, without reading the megabytes between its head and its last part."""
    start = manifest.rfind(LAST_PART)
    if start < 0 or OUR_HEAD.match(manifest) is None:
        return None
    try:
        return json.loads(b"{" + manifest[start:])["files"]
    except (ValueError, KeyError):
        return None


def _is_leftover(path: Path) -> bool:
    """Whether a build that was killed before its first rename can have left this."""
    return path.name.endswith(TEMPORARY) or (
        path.name == "bundles" and all(_is_leftover(inner) for inner in path.iterdir())
    )


def listed_files(out: Path) -> list[str]:
    """What the last build says it wrote, bundles aside. The list is data: nothing that points outside of the folder counts."""
    listed = _listed(_read(out / MANIFEST) or b"") or (read_manifest(out) or {}).get("files")
    names = [name for name in listed if isinstance(name, str)] if isinstance(listed, list) else []
    return sorted(
        name for name in names if len(PurePosixPath(name).parts) == 1 and name.endswith(".py") and "\\" not in name
    )


def _extra(out: Path, files: Mapping[str, str], *, prune: bool) -> list[str]:
    bundles = [f"bundles/b_{hash_}.py" for hash_ in retained_bundles(out)] if prune else []
    return [path for path in (*listed_files(out), *bundles) if path not in files and (out / path).is_file()]


def _order(path: str) -> tuple[int, str]:
    """Where in the sequence of renames a file comes."""
    first = [MANIFEST, "bundles/", "step_registrations.py", "__init__.py"]
    rank = next((index for index, start in enumerate(first) if path.startswith(start)), len(first))
    return rank, str(path == "bundles/__init__.py") + path


def _replace(out: Path, contents: Mapping[str, bytes]) -> None:
    """Write everything beside its place, then move everything into place, in the given order."""
    blocked = next((out / path for path in contents if (out / path).is_dir()), None)
    if blocked is not None:
        raise IsADirectoryError(21, "a folder stands where a file must go", str(blocked))
    temporaries = {out / path: _temporary_name(out / path) for path in contents}
    made = _make_folders(out, contents)
    try:
        for temporary, data in zip(temporaries.values(), contents.values(), strict=True):
            with temporary.open("xb") as file:
                file.write(data)
        for final, temporary in temporaries.items():
            temporary.replace(final)
    finally:
        for temporary in temporaries.values():
            with contextlib.suppress(OSError):
                temporary.unlink(missing_ok=True)
        _remove_empty(made)


def _temporary_name(final: Path) -> Path:
    return final.with_name(f".{final.name}.{os.urandom(8).hex()}{TEMPORARY}")


def _make_folders(out: Path, paths: Iterable[str]) -> list[Path]:
    """Create what is missing. Gives the folders that were made, outermost first."""
    made: list[Path] = []
    wanted = {(out / path).parent for path in paths}
    missing = {folder for inner in wanted for folder in [inner, *inner.parents] if not folder.exists()}
    try:
        for folder in sorted(missing):
            folder.mkdir(exist_ok=True)
            made.append(folder)
    except OSError:
        _remove_empty(made)
        raise
    return made


def _remove_empty(folders: list[Path]) -> None:
    for folder in reversed(folders):
        with contextlib.suppress(OSError):  # something is in it: then it stays
            folder.rmdir()


def _stamp(path: str) -> Stamp | None:
    try:
        return stamp_of(os.stat(path))  # noqa: PTH116 a Path for each of many files takes longer than asking
    except OSError:
        return None


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except OSError:
        return None  # an unreadable file is replaced like a missing one; if that fails too, the write says why


def _diff(name: str, old: bytes | None, new: bytes | None) -> str:
    import difflib  # only checks go with it

    left, right = ((side or b"").decode(errors="replace").splitlines(keepends=True) for side in (old, new))
    before = "/dev/null" if old is None else f"a/{name}"
    after = "/dev/null" if new is None else f"b/{name}"
    lines = difflib.unified_diff(left, right, before, after)
    return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)


@contextlib.contextmanager
def _failures_named(out: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        place = error.filename or out
        raise OutputError(f"can not write {place}: {error.strerror or error}") from error
