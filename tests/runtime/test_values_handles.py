"""Handles: runs and streams as values, which say which one and keep the type of what it gives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from workflow_runtime import Run, SerializationError
from workflow_runtime.streams import Stream
from workflow_runtime.values import decode, encode
from workflow_runtime.values.handles import HandleKind, register_handle


@dataclass
class Receipt:
    number: int


@dataclass
class Bundle:
    first: Run[Receipt]
    others: dict[str, Run[Receipt] | None]
    untyped: Any = None


def result_of(run: Run[Any]) -> object:
    """What the run makes of a result that is plain data: a Receipt when it knows that one is due."""
    return run._value({"run": run.id, "status": "completed", "output": {"number": 7}}, classes=_process_classes())


def _process_classes() -> Any:
    from workflow_runtime.values import PROCESS_CLASSES

    return PROCESS_CLASSES


def test_a_run_is_stored_as_its_id() -> None:
    assert encode(Run("wrun_1", Receipt)) == {"$type": "Run", "id": "wrun_1"}


@pytest.mark.parametrize(
    ("hint", "pick"),
    [
        (Run[Receipt], lambda run: run),
        (Run[Receipt] | None, lambda run: run),
        (list[Run[Receipt]], lambda run: [run]),
        (tuple[Run[Receipt], int], lambda run: (run, 1)),
    ],
)
def test_a_run_comes_back_with_the_type_of_its_result(hint: Any, pick: Any) -> None:
    value = decode(encode(pick(Run("wrun_1"))), hint)
    run = value[0] if isinstance(value, list | tuple) else value

    assert value == pick(Run("wrun_1"))
    assert result_of(run) == Receipt(7)


def test_runs_in_fields_keep_the_types_of_their_results() -> None:
    run = Run[Receipt]("wrun_1")
    back = decode(encode(Bundle(run, {"a": run, "b": None}, run)))

    assert isinstance(back, Bundle)
    assert isinstance(back.others["a"], Run)
    assert [result_of(one) for one in (back.first, back.others["a"])] == [Receipt(7), Receipt(7)]
    assert result_of(back.untyped) == {"number": 7}


def test_streams_are_handles_too() -> None:
    assert decode(encode([Stream("wrun_1", "log")])) == [Stream("wrun_1", "log")]


def test_runs_are_equal_when_they_are_the_same_run() -> None:
    assert {Run("wrun_1"), Run("wrun_1", Receipt)} == {Run("wrun_1")}
    assert Run("wrun_1") != Run("wrun_2")


@pytest.mark.parametrize("data", [{"$type": "Run"}, {"$type": "Run", "id": 5}, {"$type": "Stream", "name": "x"}])
def test_data_that_names_no_run_is_refused_with_its_place(data: Any) -> None:
    with pytest.raises(SerializationError, match=r"value\[0\]: not a valid (Run|Stream)"):
        decode([data])
    with pytest.raises(SerializationError, match=r"value\[0\]: not a valid (Run|Stream)"):
        decode([data], list[Run[int] | Stream])


@pytest.mark.parametrize("tag", ["Run", "datetime"])
def test_a_tag_means_one_class(tag: str) -> None:
    with pytest.raises(ValueError, match="is taken"):
        register_handle(HandleKind(Receipt, tag, lambda value: {}, lambda data, argument: Receipt(1)))
    assert encode(Receipt(1)) == {"$type": f"{__name__}.Receipt", "number": 1}
