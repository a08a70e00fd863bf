"""Write ``docs/acceptance.md`` from the acceptance list and the tests that hold it: ``python tools/acceptance.py``."""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent
TESTS = ROOT / "tests" / "acceptance"
PAGE = ROOT / "docs" / "acceptance.md"

_LIST = tomllib.loads((TESTS / "cases.toml").read_text("utf-8"))
CASES: Mapping[str, str] = _LIST["cases"]
"""What each case promises, by name."""
NOT_HERE: Mapping[str, str] = _LIST["not_here"]
"""Why a case makes no sense here, by name."""
WORLDS: Sequence[str] = _LIST["worlds"]
"""The worlds that each test of a running app is run in."""
DURABLE: Sequence[str] = _LIST["durable"]
"""Those that outlive a process."""

_FIXTURES = {"app": WORLDS, "spare": WORLDS, "ailing": WORLDS, "mortal": DURABLE, "redeployed": DURABLE}
"""The worlds of a test, by the fixture that gives it its app."""


@dataclass(frozen=True, slots=True)
class Proof:
    """A test that holds some cases."""

    name: str
    file: Path
    cases: tuple[str, ...]
    worlds: tuple[str, ...]
    """Empty when it only builds."""


def proofs(folder: Path = TESTS) -> list[Proof]:
    """The marked tests of the folder's files, in order."""
    return [test for file in sorted(folder.glob("test_*.py")) for test in _tests_of(file)]


def problems(
    found: Sequence[Proof], cases: Mapping[str, str] = CASES, not_here: Mapping[str, str] = NOT_HERE
) -> list[str]:
    """What is wrong between the list and the tests: nothing when each case is tested or has a reason not to be."""
    tested = {case for test in found for case in test.cases}
    return [
        *(f"{case}: neither tested nor excused" for case in cases if case not in tested and case not in not_here),
        *(f"{case}: tested, and excused as well" for case in not_here if case in tested),
        *(f"{case}: excused without a reason" for case, reason in not_here.items() if not reason.strip()),
        *(f"{case}: not in the list" for case in sorted((tested | set(not_here)) - set(cases))),
    ]


def page(found: Sequence[Proof]) -> str:
    """The page: a table of what is tested, and one of what is not."""
    rows = [
        _row(case, what, [test for test in found if case in test.cases])
        for case, what in CASES.items()
        if case not in NOT_HERE
    ]
    reasons = [f"| {case} | {CASES[case]} | {reason} |" for case, reason in NOT_HERE.items()]
    return f"""# Acceptance

What the runtime has to pass: the cases that the reference system tests end to end, and its conformance tests. Each has a
test with the same intent, against a real server process of [an app](../fixtures/acceptance/README.md) that
`workflow-build` has built; the tests speak HTTP to it and nothing else. The names are the reference system's.

Written by `python tools/acceptance.py` from [the list](../tests/acceptance/cases.toml) and the marks of the tests.

{len(rows)} cases are tested, {len(reasons)} make no sense here.

| case | promise | test | worlds |
|---|---|---|---|
{chr(10).join(rows)}

## Not here, and why

| case | promise | reason |
|---|---|---|
{chr(10).join(reasons)}
"""


def main() -> None:
    """Write the page, or say what is wrong."""
    found = proofs()
    if wrong := problems(found):
        raise SystemExit("\n".join(wrong))
    PAGE.write_text(page(found), "utf-8")


def _tests_of(file: Path) -> Iterator[Proof]:
    for node in ast.parse(file.read_text("utf-8")).body:
        if isinstance(node, ast.FunctionDef):
            cases = tuple(case for decorator in node.decorator_list for case in _cases(decorator))
            names = [argument.arg for argument in node.args.args]
            worlds = tuple(world for name in names for world in _FIXTURES.get(name, ()))
            if cases:
                yield Proof(node.name, file, cases, worlds)


def _cases(decorator: ast.expr) -> list[str]:
    if isinstance(decorator, ast.Call) and ast.unparse(decorator.func) == "pytest.mark.acceptance":
        return [ast.literal_eval(argument) for argument in decorator.args]
    return []


def _row(case: str, what: str, found: Sequence[Proof]) -> str:
    links = [f"[{test.name}](../{test.file.relative_to(ROOT).as_posix()})" for test in found]
    worlds = [world for world in WORLDS if any(world in test.worlds for test in found)]
    return f"| {case} | {what} | {'<br>'.join(links)} | {', '.join(worlds) or 'only built'} |"


if __name__ == "__main__":
    main()
