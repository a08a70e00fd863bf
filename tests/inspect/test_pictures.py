"""What stands on the terminal, and in a pipe: golden texts, reviewed like code."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from datetime import UTC
from pathlib import Path

import pytest

from tests.inspect.shop import DECLINED, START, Scribe, checkout, contract, error, import_rows, refund
from workflow_runtime.events import EventKind
from workflow_runtime.inspect.heading import Looked
from workflow_runtime.inspect.paper import Paper
from workflow_runtime.inspect.picture import draw
from workflow_runtime.inspect.tables import event_line, hooks_table, runs_table, steps_table
from workflow_runtime.seeing.standing import standing
from workflow_runtime.seeing.timeline import timeline

GOLDEN = Path(__file__).parent / "golden"


class Terminal(io.TextIOWrapper):
    """A terminal that keeps what is written to it."""

    def __init__(self, encoding: str = "utf-8", *, is_terminal: bool = True) -> None:
        super().__init__(io.BytesIO(), encoding=encoding, newline="\n")
        self._is_terminal = is_terminal

    def isatty(self) -> bool:
        return self._is_terminal

    def text(self) -> str:
        self.flush()
        assert isinstance(self.buffer, io.BytesIO)
        return self.buffer.getvalue().decode(self.encoding)


@pytest.fixture(autouse=True)
def _plain(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NO_COLOR", "FORCE_COLOR", "COLUMNS", "LINES", "COLORTERM"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[str, str], None]:
    def check(name: str, text: str) -> None:
        path = GOLDEN / f"{name}.txt"
        if request.config.getoption("--update-golden"):
            path.write_text(text, "utf-8")
        assert text == path.read_text("utf-8")

    return check


def drawn(run: Scribe, terminal: Terminal, after: float = 0.0) -> str:
    view = timeline(run.log())
    now = run.at + after
    draw(Paper(terminal), Looked(view, standing(view, now), now, UTC))
    return terminal.text()


RUNS = {"checkout": checkout, "refund": refund, "contract": contract, "import": lambda: import_rows(1200)}


def test_a_thousand_hooks_or_sleeps_are_one_line() -> None:
    run = Scribe("wrun_x").begin()
    for number in range(1000):
        run.hook(f"vote:{number}")
    for _ in range(12):
        run.sleep(60)
    run.hook("last")
    lines = drawn(run, Terminal(is_terminal=False), 5).rpartition("\n\n")[2].splitlines()

    assert [" ".join(line.split()[2:5]) for line in lines] == ["hook x 1,000", "sleep x 12", "hook last 5"]
    assert lines[0].endswith("1,000 open")


@pytest.mark.parametrize("name", RUNS)
def test_a_run_in_a_pipe_is_plain_text_that_nothing_cuts(name: str, golden: Callable[[str, str], None]) -> None:
    text = drawn(RUNS[name](), Terminal(is_terminal=False), 360)

    assert text.isascii()
    golden(name, text)


@pytest.mark.parametrize("columns", [60, 100, 140])
def test_a_run_fits_the_terminal(
    columns: int, monkeypatch: pytest.MonkeyPatch, golden: Callable[[str, str], None]
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setenv("TERM", "dumb")  # so that the golden text has no colours
    text = drawn(checkout(), Terminal())

    assert max(map(len, text.splitlines())) <= columns
    golden(f"checkout-{columns}", text)


def test_a_terminal_has_signs_and_colours_and_no_color_takes_them_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    coloured = drawn(checkout(), Terminal())
    monkeypatch.setenv("NO_COLOR", "1")
    plain = drawn(checkout(), Terminal())

    assert "\x1b[32m✓" in coloured
    assert "┬" in coloured
    assert "\x1b" not in plain
    assert plain.isascii()


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252"])
def test_an_encoding_that_lacks_the_signs_gets_others(encoding: str) -> None:
    run = Scribe("wrun_x", arguments=("Grüße 世界",)).begin()
    run.call("pay", "世界")
    text = drawn(run, Terminal(encoding))

    assert "pay" in text
    assert "\\u4e16" in text
    assert "✓" not in text


HOSTILE = "\x1b[31m\x1b]0;owned\x07\u202e<script>\r\n\x00"


@pytest.mark.parametrize("is_terminal", [True, False])
def test_nothing_hostile_gets_through_in_any_place(is_terminal: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "400")
    run = Scribe(
        "wrun_x",
        f"workflow//{HOSTILE}//{HOSTILE}",
        (HOSTILE, {HOSTILE: HOSTILE}),
        created={"attributes": {HOSTILE: HOSTILE}},
    ).begin()
    bad = error(HOSTILE, HOSTILE, notes=[HOSTILE], stack=f'  File "{HOSTILE}", line 3, in {HOSTILE}\n    {HOSTILE}\n')
    for _ in range(2):
        step = run.call(f"step//shop//{HOSTILE}", HOSTILE)
        run.fail(step, bad)
    hook = run.hook(HOSTILE, HOSTILE)
    run.receive(hook, {HOSTILE: HOSTILE})
    run.hook(HOSTILE)
    run.child(HOSTILE, f"workflow//{HOSTILE}//{HOSTILE}", HOSTILE)
    run.watch(HOSTILE)
    run.add(EventKind.ATTRIBUTES_SET, run.next_id("attributes"), attributes={HOSTILE: HOSTILE})
    open_view = timeline(run.log())
    run.add(EventKind.RUN_FAILED, error=bad)
    view = timeline(run.log())
    terminal = Terminal(is_terminal=is_terminal)
    paper = Paper(terminal)
    for one in (open_view, view):
        said = standing(one, run.at)
        draw(paper, Looked(one, said, run.at, UTC, HOSTILE))
        runs_table(paper, [(one, said)], run.at, UTC, None)
        steps_table(paper, one, run.at)
        hooks_table(paper, [(one, row) for row in one.rows if row.token], run.at)
    for event in run.events:
        event_line(paper, event, HOSTILE, run.at, zone=UTC)

    bad_lines = [line for line in terminal.text().split("\n") if not line.isprintable()]
    assert bad_lines == []


def test_lists_are_cut_where_the_terminal_ends_and_whole_in_a_pipe(
    monkeypatch: pytest.MonkeyPatch, golden: Callable[[str, str], None]
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    runs = [timeline(run.log()) for run in (contract(), refund(), checkout())]
    rows = [(view, standing(view, START + 360)) for view in runs]
    for name, columns, is_terminal in (("runs", 0, False), ("runs-80", 80, True)):
        monkeypatch.setenv("COLUMNS", str(columns or 80))
        terminal = Terminal(is_terminal=is_terminal)
        runs_table(Paper(terminal), rows, START + 360, UTC, "wrun_01M8195")
        if is_terminal:
            assert max(map(len, terminal.text().splitlines())) <= columns
        golden(name, terminal.text())


def test_steps_and_events_are_lists(golden: Callable[[str, str], None]) -> None:
    run = checkout()
    terminal = Terminal(is_terminal=False)
    steps_table(Paper(terminal), timeline(run.log()), run.at)
    golden("steps", terminal.text())
    terminal = Terminal(is_terminal=False)
    for event in refund().events:
        event_line(Paper(terminal), event, "name", refund().events[0].time, zone=UTC)
    golden("events", terminal.text())


def test_wide_characters_keep_the_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "60")
    run = Scribe("wrun_x").begin()
    for text in ("世界世界", "abcd"):
        step = run.call("pay", text)
        run.later(1).fail(step, DECLINED)
    lines = [line for line in drawn(run, Terminal()).splitlines() if "pay" in line and "s " in line]

    from rich.cells import cell_len

    assert len({cell_len(line[: line.index("1 s")]) for line in lines}) == 1


def test_the_page_shows_what_is_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each picture in docs/inspecting.md, as a terminal of 110 columns has it."""
    monkeypatch.setenv("COLUMNS", "110")
    page = (Path(__file__).parents[2] / "docs" / "inspecting.md").read_text("utf-8")
    shown = dict(re.findall(r"```text\n\$ python -m workflow_runtime (inspect[^\n]*)\n(.*?)```", page, re.DOTALL))
    views = [timeline(run.log()) for run in (contract(), refund(), checkout())]
    listed = Terminal()
    runs_table(Paper(listed), [(view, standing(view, START + 360)) for view in views], START + 360, UTC, None)
    printed = {
        "inspect": listed.text(),
        "inspect 01M8195": drawn(checkout(), Terminal()),
        "inspect 01M8197": drawn(refund(), Terminal()),
        "inspect 01M8198": drawn(contract(), Terminal(), 360),
        "inspect 01M8199": drawn(import_rows(1200), Terminal()),
    }

    assert shown == {command: re.sub(r"\x1b\[[0-9;]*m", "", text) for command, text in printed.items()}
