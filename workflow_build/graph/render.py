"""From graphs to what the command shows."""

from __future__ import annotations

import difflib
import json
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.text import Text

from workflow_build.errors import OutputError, UsageError
from workflow_build.graph.as_json import graph_json
from workflow_build.graph.mermaid import mermaid
from workflow_build.graph.model import Graph, NodeKind
from workflow_build.graph.outline import Line, outline
from workflow_build.graph.svg import svg

FORMATS = ("text", "mermaid", "svg", "json")
COLOURS = {
    NodeKind.STEP: "cyan",
    NodeKind.RAISE: "red",
    NodeKind.OPAQUE: "yellow",
    NodeKind.START: "bold",
    NodeKind.PARALLEL: "magenta",
    NodeKind.RACE: "magenta",
}
"""Of a line's first word, on a terminal."""


def choose(graphs: Sequence[Graph], name: str | None, *, single: bool) -> tuple[Graph, ...]:
    """The graphs of the workflow of that name, qualified name or id; all when none is given. Raises ``UsageError``."""
    if not graphs:
        raise UsageError("there are no workflows in this project")
    known = ", ".join(sorted(_short(graph) for graph in graphs))
    if name is None and single and len(graphs) > 1:
        raise UsageError(f"an SVG shows one workflow; name one of {known}")
    if name is None:
        return tuple(graphs)
    found = [graph for graph in graphs if name in _names(graph)]
    if len(found) > 1:
        raise UsageError(f"there are several workflows named {name}; name one of {', '.join(map(_dotted, found))}")
    if not found:
        close = difflib.get_close_matches(name, [one for graph in graphs for one in _names(graph)], n=1)
        hint = f"did you mean {close[0]}?" if close else f"there are {known}"
        raise UsageError(f"there is no workflow named {name!r}, and no folder; {hint}")
    return tuple(found)


def rendered(graphs: Sequence[Graph], style: str) -> str:
    """The text of the drawing in one of ``FORMATS``, which ends with a newline."""
    match style:
        case "json":
            content = {"version": 1, "graphs": [{"workflow": graph.workflow, **graph_json(graph)} for graph in graphs]}
            return json.dumps(content, indent=2) + "\n"
        case "mermaid":
            return "\n".join(mermaid(graph) for graph in graphs)
        case "svg":
            return "\n".join(svg(graph) for graph in graphs)
    return "\n".join("".join(f"{_plain(line)}\n" for line in outline(graph)) for graph in graphs)


def save(path: Path, text: str) -> None:
    """Write the drawing to a file. Raises ``OutputError``."""
    try:
        path.write_bytes(text.encode())
    except OSError as error:
        raise OutputError(f"{path} can not be written: {error.strerror or error}") from error


def printed(graphs: Sequence[Graph], console: Console) -> None:
    """The text format, in colours where the terminal has them."""
    for number, graph in enumerate(graphs):
        if number:
            console.print()
        for line in outline(graph):
            console.print(_coloured(line), soft_wrap=True)


def _plain(line: Line) -> str:
    return f"{line}  {line.place}" if line.place else str(line)


def _coloured(line: Line) -> Text:
    text = Text(line.guide, "dim")
    if line.word:
        text.append(line.word, COLOURS.get(line.kind, "dim"))
    if line.text:
        text.append(f" {line.text}" if line.word else line.text, "bold" if line.kind is NodeKind.STEP else "")
    if line.place:
        text.append(f"  {line.place}", "dim")
    return text


def _names(graph: Graph) -> tuple[str, str, str, str]:
    return _short(graph), _dotted(graph), graph.workflow, graph.workflow.replace("workflow//", "").replace("//", ":")


def _short(graph: Graph) -> str:
    return graph.workflow.rpartition("//")[2]


def _dotted(graph: Graph) -> str:
    return ".".join(graph.workflow.split("//")[1:])
