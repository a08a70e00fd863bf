"""Whether the output folder reaches the place where the app runs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from workflow_build.doctor.finding import Finding, Level, Patient
from workflow_build.doctor.ignored import covered, docker_patterns, ignored_by_git, lines_of, nearest_above

INCLUDE = "#!include:"


def check_docker(patient: Patient) -> Finding | None:
    """``.dockerignore``, which Docker takes from the folder that the image is built of: the project's, or one above it."""
    return _check_file(patient, ".dockerignore", lambda path: docker_patterns(lines_of(path)))


def check_gcloud(patient: Patient) -> Finding | None:
    """``.gcloudignore``, with what it includes."""
    return _check_file(patient, ".gcloudignore", _gcloud_patterns)


def check_vercel(patient: Patient) -> Finding | None:
    """``.vercelignore``; Vercel's own folders are looked at by ``check_place``."""
    return _check_file(patient, ".vercelignore", lines_of)


def check_place(patient: Patient) -> Finding | None:
    """Below ``.vercel`` a folder is not uploaded, and below ``public`` it is served to the world."""
    parts = patient.out.split("/")
    if ".vercel" in parts:
        message = f"{patient.out} is below .vercel, which is never uploaded"
    elif "public" in parts[:-1]:
        message = f"{patient.out} is below a folder named public, whose files hosts serve to everybody as they are"
    else:
        return Finding("place", Level.OK, f"{patient.out} is not in a folder that hosts treat in a way of their own")
    return Finding("place", Level.PROBLEM, message, "choose another `out` under [tool.workflow-build]")


def check_commit(patient: Patient) -> Finding | None:
    """A folder that git ignores is missing from a fresh clone: then each deploy has to build it."""
    ignored = ignored_by_git(patient.config.project, patient.files)
    if not ignored:
        return Finding("git", Level.OK, f"git does not ignore {patient.out}; commit it")
    whole = len(ignored) == len(patient.files)
    if whole:
        message = f"git ignores {patient.out}, so a fresh clone does not have it"
        return Finding("git", Level.OK, message, "run workflow-build before the app is started, packed or deployed")
    message = f"git ignores a part of {patient.out}, as {ignored[0]}: a clone has a folder that does not start"
    return Finding("git", Level.PROBLEM, message, f"commit all of {patient.out}, or ignore all of it")


def _check_file(patient: Patient, name: str, read: Callable[[Path], list[str]]) -> Finding | None:
    path = nearest_above(patient.config.project, name)
    if path is None:
        return None
    check = name.removeprefix(".")
    inner = patient.config.project.relative_to(path.parent).as_posix()
    prefix = "" if inner == "." else f"{inner}/"
    lost = covered(read(path), [prefix + file for file in patient.files])
    found = Finding(check, Level.OK, f"{name} lets {patient.out} through")
    if not lost:
        return found
    message = f"{name} keeps {lost[0]} out of what is deployed"
    advice = f"add the line !{prefix}{patient.out}/** at its end"
    return replace(found, level=Level.PROBLEM, message=message, advice=advice)


def _gcloud_patterns(path: Path) -> list[str]:
    patterns = []
    for line in lines_of(path):
        included = line.removeprefix(INCLUDE).strip() if line.startswith(INCLUDE) else None
        patterns += lines_of(path.parent / included) if included else [line]
    return patterns
