"""Findings in the Static Analysis Results Interchange Format, version 2.1.0, which code scanners and editors read."""

from __future__ import annotations

import json
from importlib.metadata import version
from typing import Any
from urllib.parse import quote

from workflow_build.build import Result
from workflow_build.ignores import Suppressed
from workflow_build.model import Diagnostic, Location, Severity
from workflow_build.rules import RULES, Rule, page
from workflow_build.summary import never_built, place, summary

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.HINT: "note"}
ROOT = "PROJECT"
"""The base that all places are relative to: the folder of the project."""

STALE = "stale"
"""The one rule that is no rule of the source: written files that are not as a build would leave them."""

Json = dict[str, Any]


def sarif_text(result: Result) -> str:
    """The findings, those that a comment ignores included, and the files that are stale."""
    results = [_result(found) for found in result.diagnostics]
    results += [_suppressed(one) for one in result.suppressed]
    results += _stale(result)
    driver = {
        "name": "workflow-build",
        "version": version("workflow-build"),
        "rules": [*map(_rule, RULES), _STALE_RULE],
    }
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "originalUriBaseIds": {ROOT: {"description": {"text": "The folder of the project that was built."}}},
        "invocations": [{"executionSuccessful": True, "exitCode": int(result.failed)}],
        "results": results,
    }
    return json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2, ensure_ascii=False)


def _rule(rule: Rule) -> Json:
    return {
        "id": rule.code,
        "shortDescription": {"text": rule.title},
        "fullDescription": {"text": rule.why},
        "help": {"text": f"{rule.why}\n\nRead more: workflow-build --explain {rule.code}", "markdown": page(rule)},
        "defaultConfiguration": {"level": LEVELS[rule.severity]},
    }


_STALE_RULE: Json = {
    "id": STALE,
    "shortDescription": {"text": "a written file is not as a build would leave it"},
    "help": {"text": "Run workflow-build, and commit what it writes."},
    "defaultConfiguration": {"level": "error"},
}


def _result(found: Diagnostic) -> Json:
    content: Json = {
        "ruleId": found.code,
        "level": LEVELS[found.severity],
        "message": {"text": f"{found.message}\n{found.hint}"},
    }
    codes = [rule.code for rule in RULES]
    if found.code in codes:
        content["ruleIndex"] = codes.index(found.code)
    if found.location is None:
        return content
    content["locations"] = [{"physicalLocation": _physical(found.location)}]
    if found.flow and len(found.flow) == len(found.trail):
        names = [f"calls {name}" if index else name for index, name in enumerate(found.trail)]
        stops = [*zip(names, found.flow, strict=True), (found.message, found.location)]
        places = [
            {"location": {"physicalLocation": _physical(where), "message": {"text": text}}} for text, where in stops
        ]
        content["codeFlows"] = [{"threadFlows": [{"locations": places}]}]
    return content


def _suppressed(one: Suppressed) -> Json:
    suppression = {"kind": "inSource", "status": "accepted", "justification": one.reason}
    return {**_result(one.finding), "suppressions": [suppression]}


def _stale(result: Result) -> list[Json]:
    index = len(RULES)
    if never_built(result):
        return [{"ruleId": STALE, "ruleIndex": index, "level": "error", "message": {"text": summary(result)}}]
    return [
        {
            "ruleId": STALE,
            "ruleIndex": index,
            "level": "error",
            "message": {"text": f"{place(result)}/{stale.path} is {stale.reason}; run workflow-build"},
            "locations": [{"physicalLocation": {"artifactLocation": _artifact(f"{place(result)}/{stale.path}")}}],
        }
        for stale in result.output.stale
    ]


def _physical(where: Location) -> Json:
    region = {"startLine": where.line, "startColumn": where.column}
    if where.end_line:
        region |= {"endLine": where.end_line, "endColumn": where.end_column}
    return {"artifactLocation": _artifact(where.path), "region": region}


def _artifact(path: str) -> Json:
    return {"uri": quote(path), "uriBaseId": ROOT}
