"""One run that is executed twice at once in one process, as when two handlers have messages for it."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest

from tests.runtime.conftest import Story, bundle_of
from workflow_runtime.sandbox.naming import prefix_of

SOURCE = """
    import dataclasses, traceback, typing

    class Trouble(Exception): pass

    @dataclasses.dataclass
    class Part:
        size: int

    class Whole(typing.NamedTuple):
        part: "Part"

    async def main():
        try:
            raise Trouble("x")
        except Trouble:
            said = traceback.format_exc().splitlines()[-1]
        await a([said, repr(Whole), __name__])
        return typing.get_type_hints(Whole)["part"] is Part
"""


@pytest.fixture
def twice() -> Iterator[tuple[Story, Story]]:
    """Two executions, the second begun while the first goes on; both wait for their step."""
    bundle = bundle_of(SOURCE)
    both = (Story(bundle), Story(bundle))
    yield both
    for run in both:
        run.machine.drop()
    assert not [name for name in sys.modules if name.startswith(prefix_of(bundle.hash))]


def test_both_executions_call_their_classes_the_same(twice: tuple[Story, Story]) -> None:
    said = [run.machine.commands[0].data["input"]["args"][0] for run in twice]
    assert said[0] == said[1]
    assert said[0][0].endswith("app.Trouble: x")


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_each_execution_finds_its_own_classes_by_name(twice: tuple[Story, Story], order: tuple[int, int]) -> None:
    for run in twice:
        run.commit()
    for run in (twice[n] for n in order):
        run.complete("step_000001")
        assert run.result() is True


@pytest.mark.parametrize("forgotten", [0, 1])
def test_an_execution_that_is_forgotten_leaves_the_other_its_modules(
    twice: tuple[Story, Story], forgotten: int
) -> None:
    other = twice[1 - forgotten]
    other.commit()
    twice[forgotten].machine.drop()
    other.complete("step_000001")
    assert other.result() is True
