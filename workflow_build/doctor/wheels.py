"""Whether the build backend puts the output folder into the wheel."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from fnmatch import fnmatchcase
from pathlib import PurePosixPath

from workflow_build.doctor.finding import Finding, Level, Patient
from workflow_build.doctor.ignored import covered, ignored_by_git, lines_of, nearest_above

CHECK = "wheel"
HOOK = "workflow-build"


def check_wheel(patient: Patient) -> Finding | None:
    """The output folder against the rules of the project's build backend; None for a project that no wheel is built of."""
    if patient.at("build-system") is None and patient.at("project") is None:
        return None
    named = patient.at("build-system", "build-backend")
    backend = named.partition(".")[0].partition(":")[0] if isinstance(named, str) else "setuptools"
    judge = _JUDGES.get(backend)
    if judge is not None:
        return judge(patient)
    ignored = ignored_by_git(patient.config.project, patient.files)
    if not ignored:
        return _ok(f"{backend} is not known to leave {patient.out} out")
    return Finding(
        CHECK,
        Level.WARNING,
        f"git ignores {_some(ignored)}, and some build backends leave what git ignores out of the wheel; {backend} is not known here",
        "look into a wheel, or commit the output folder",
    )


def _hatchling(patient: Patient) -> Finding:
    """Hatchling reads the nearest .gitignore alone, as if it stood in the project's folder."""
    if any(isinstance(patient.at(*keys, "hooks", HOOK), Mapping) for keys in _HATCH):
        return _ok(f"the {HOOK} hook has hatchling take {patient.out} along")
    ignore_file = nearest_above(patient.config.project, ".gitignore")
    unread = any(patient.at(*keys, "ignore-vcs") is True for keys in _HATCH)
    patterns = lines_of(ignore_file) if ignore_file and not unread else []
    by_git = covered(patterns, patient.files)
    patterns += [pattern for keys in _HATCH for pattern in patient.texts_at(*keys, "exclude")]
    artifacts = [pattern for keys in _HATCH for pattern in patient.texts_at(*keys, "artifacts")]
    kept = {*covered(artifacts, patient.files), *_forced(patient)}
    lost = [name for name in covered(patterns, patient.files) if name not in kept]
    if not lost:
        return _ok(f"hatchling puts {patient.out} into the wheel")
    why = "git ignores it" if set(lost) & set(by_git) else "`exclude` says so"
    setting = f"[tool.hatch.build]\nartifacts = {json.dumps([*artifacts, f'{patient.out}/**'])}"
    return _lost("hatchling", lost, why, setting, f"or [tool.hatch.build.hooks.{HOOK}], which also runs the compiler")


def _forced(patient: Patient) -> list[str]:
    tables = (patient.at(*keys, "force-include") for keys in _HATCH)
    paths = [PurePosixPath(path) for table in tables if isinstance(table, Mapping) for path in table]
    return [name for name in patient.files if any(PurePosixPath(name).is_relative_to(path) for path in paths)]


def _poetry(patient: Patient) -> Finding:
    """Poetry-core asks git, and includes what ``include`` names for that very format."""
    lost = ignored_by_git(patient.config.project, patient.files)
    entries = patient.at("tool", "poetry", "include")
    patterns = [pattern for entry in entries if (pattern := _for_wheels(entry))] if isinstance(entries, list) else []
    included = covered([f"/{pattern}" for pattern in patterns], patient.files)
    missing = [name for name in lost if name not in included]
    if not missing:
        return _ok(f"poetry-core puts {patient.out} into the wheel")
    setting = f'[tool.poetry]\ninclude = [{{ path = "{patient.out}/**/*", format = ["sdist", "wheel"] }}]  # and what is there'
    return _lost("poetry-core", missing, "git ignores it", setting, "or commit the folder")


def _for_wheels(entry: object) -> str | None:
    """The pattern of an entry of ``include``, if it counts for wheels; a plain string counts for the sdist alone."""
    if not isinstance(entry, Mapping):
        return None
    formats = entry.get("format", ["sdist"])
    path = entry.get("path")
    wanted = formats if isinstance(formats, list) else [formats]
    return path if isinstance(path, str) and "wheel" in wanted else None


def _setuptools(patient: Patient) -> Finding:
    """Setuptools cares nothing for git; it takes the packages that are listed or found."""
    if any(text.partition(">")[0].strip() == HOOK for text in patient.texts_at("build-system", "requires")):
        return _ok(f"{HOOK} is required by [build-system] and has setuptools take {patient.out} along")
    packages = patient.at("tool", "setuptools", "packages")
    if isinstance(packages, list):
        missing = [name for name in patient.packages if name not in packages]
        setting = f"[tool.setuptools]\npackages = {json.dumps([*packages, *missing])}"
        return _discovered(patient, missing, "`packages` does not list them", setting)
    find = packages.get("find") if isinstance(packages, Mapping) else None
    if isinstance(find, Mapping):
        return _found(patient, find)
    for name in ("setup.py", "setup.cfg"):
        if (patient.config.project / name).is_file():
            message = f"{name} can say which packages setuptools takes, and is not read here"
            return Finding(CHECK, Level.WARNING, message, f"see that a wheel has {' and '.join(patient.packages)}")
    return _automatic(patient)


def _found(patient: Patient, find: Mapping[str, object]) -> Finding:
    include = _texts(find.get("include")) or ["*"]
    exclude = _texts(find.get("exclude"))
    missing = [name for name in patient.packages if not _matches(name, include) or _matches(name, exclude)]
    top = patient.packages[0].partition(".")[0]
    kept = [pattern for pattern in exclude if not any(fnmatchcase(name, pattern) for name in patient.packages)]
    wanted = include if all(_matches(name, include) for name in patient.packages) else [*include, f"{top}*"]
    setting = f"[tool.setuptools.packages.find]\ninclude = {json.dumps(wanted)}"
    setting += f"\nexclude = {json.dumps(kept)}" if kept != exclude else ""
    return _discovered(patient, missing, "`packages.find` does not find them", setting)


def _automatic(patient: Patient) -> Finding:
    """What setuptools finds by itself: nothing private at the top of a flat project, nothing at all beside ``py-modules``."""
    flat = patient.config.project in patient.config.roots
    private = flat and patient.packages[0].startswith("_")
    listed = patient.at("tool", "setuptools", "py-modules") is not None
    missing = list(patient.packages) if private or listed else []
    setting = f"[tool.setuptools]\npackages = {json.dumps(list(patient.packages))}"
    why = (
        "`py-modules` turns its discovery off"
        if listed
        else "its discovery takes no top-level package whose name begins with _"
    )
    return _discovered(patient, missing, why, setting)


def _discovered(patient: Patient, missing: list[str], why: str, setting: str) -> Finding:
    if not missing:
        return _ok(f"setuptools puts {patient.out} into the wheel")
    return _lost(
        "setuptools",
        missing,
        why,
        setting,
        f'or "{HOOK}" in `requires` of [build-system], which also runs the compiler',
    )


def _takes_all(name: str) -> Callable[[Patient], Finding]:
    def judge(patient: Patient) -> Finding:
        return _ok(f"{name} puts {patient.out} into the wheel, whether git ignores it or not")

    return judge


def _ok(message: str) -> Finding:
    return Finding(CHECK, Level.OK, message)


def _lost(backend: str, lost: list[str], why: str, setting: str, otherwise: str) -> Finding:
    message = f"{backend} leaves {_some(lost)} out of the wheel: {why}"
    return Finding(CHECK, Level.PROBLEM, message, f"add to pyproject.toml\n{setting}\n{otherwise}")


def _some(names: Iterable[str]) -> str:
    first, *others = names
    return f"{first} and {len(others)} more" if others else first


def _texts(value: object) -> list[str]:
    return [str(item) for item in value] if isinstance(value, list) else []


def _matches(name: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)


_HATCH = (("tool", "hatch", "build"), ("tool", "hatch", "build", "targets", "wheel"))
_JUDGES: Mapping[str, Callable[[Patient], Finding]] = {
    "flit_core": _takes_all("flit"),
    "hatchling": _hatchling,
    "pdm": _takes_all("pdm-backend"),
    "poetry": _poetry,
    "setuptools": _setuptools,
    "uv_build": _takes_all("uv_build"),
}
