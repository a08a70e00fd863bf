"""Streams: written by steps, read over HTTP from any index, live and after the end."""

from __future__ import annotations

import pytest

from tests.acceptance.app import App, parse_events


def values(chunks: list[tuple[int, object]]) -> list[object]:
    """The values without their indexes."""
    return [value for _, value in chunks]


@pytest.mark.acceptance("readableStreamWorkflow")
def test_a_stream_is_a_result_and_its_lines_come_in_order(app: App) -> None:
    run = app.begin("streaming.readable")

    live = app.chunks(run, "lines")

    assert app.result(run) == {"run_id": run, "name": "lines"}
    assert live == app.chunks(run, "lines") == [(number, f"line {number}") for number in range(10)]


@pytest.mark.acceptance("readableStreamWorkflow")
def test_a_reader_that_lost_its_connection_goes_on_where_it_was(app: App) -> None:
    run = app.begin("streaming.readable")
    lines: list[str] = []
    with app.client.stream("GET", f"/runs/{run}/streams/lines/events") as answer:
        for line in answer.iter_lines():
            lines.append(line)
            if line == "id: 3":
                break

    rest = app.chunks(run, "lines", last_seen=3)

    assert rest == [(number, f"line {number}") for number in range(4, 10)]


@pytest.mark.acceptance("outputStreamWorkflow")
@pytest.mark.parametrize(("start", "expected"), [(0, [0, 1]), (1, [1]), (-1, [1])])
def test_a_stream_is_read_from_any_index(app: App, start: int, expected: list[int]) -> None:
    run = app.begin("streaming.output")
    assert app.result(run) == "done"

    default, named = app.chunks(run, start=start), app.chunks(run, "test", start=start)

    assert [index for index, _ in default] == [index for index, _ in named] == expected
    assert default[-1] == (1, {"foo": "test"})
    assert named[-1] == (1, {"foo": "bar"})


@pytest.mark.acceptance("outputStreamWorkflow")
def test_bytes_come_as_they_were_written(app: App) -> None:
    run = app.begin("streaming.sequential_with_stream")
    app.result(run)

    answer = app.client.get(f"/runs/{run}/streams/default/raw")

    assert answer.content == b"Hello world"


@pytest.mark.acceptance("getTailIndex")
def test_a_run_tells_how_long_its_streams_are(app: App) -> None:
    run, quiet = app.begin("streaming.output"), app.begin("streaming.nothing_written")
    app.result(run)
    app.result(quiet)

    assert app.ask("GET", f"/runs/{run}/streams") == [
        {"name": "default", "length": 2, "closed": True},
        {"name": "test", "length": 2, "closed": True},
    ]
    assert app.ask("GET", f"/runs/{quiet}/streams") == []
    assert app.chunks(quiet) == []


@pytest.mark.acceptance("getStreamChunks")
def test_chunks_read_in_parts_are_those_of_the_whole(app: App) -> None:
    run = app.begin("streaming.readable")
    app.result(run)

    whole = app.chunks(run, "lines")
    parts = [app.chunks(run, "lines", start=number)[0] for number in range(10)]

    assert parts == whole


@pytest.mark.acceptance("outputStreamInsideStepWorkflow")
def test_a_step_finds_the_streams_of_its_run_by_itself(app: App) -> None:
    run = app.begin("streaming.inside_step")

    assert app.result(run) == "step-stream"
    assert values(app.chunks(run)) == ["from the step"]
    assert values(app.chunks(run, "step-stream")) == ["from the step, named"]


@pytest.mark.acceptance("outputStreamInsideStepWorkflow")
def test_a_step_reads_what_another_one_has_written(app: App) -> None:
    assert app.run("streaming.read_in_step") == [2, 3]


@pytest.mark.acceptance("writableForwardedFromWorkflow", "writableForwardedFromStepWorkflow")
@pytest.mark.parametrize(("how", "text"), [("workflow", "child"), ("step", "child of a step")])
def test_another_run_writes_to_the_stream_that_it_is_given(app: App, how: str, text: str) -> None:
    run = app.begin(f"streaming.forwarded_from_{how}")

    assert app.result(run) == ["done", text]
    assert values(app.chunks(run)) == ["parent", text]


@pytest.mark.acceptance("inline: sequential + stream")
def test_steps_in_a_row_that_write_cost_one_invocation(app: App) -> None:
    run = app.begin("streaming.sequential_with_stream")

    assert app.result(run) == 11
    assert app.invocations(run) == 1
    assert "".join(map(str, values(app.chunks(run)))) == "Hello world"


@pytest.mark.acceptance("readableStreamWorkflow")
def test_all_chunks_of_a_step_are_there_when_it_is_complete(app: App) -> None:
    run = app.begin("streaming.readable")
    app.event(run, "step_completed")

    answer = app.client.get(f"/runs/{run}/streams/lines/events")

    assert len(parse_events(answer.text.splitlines())) == 10
