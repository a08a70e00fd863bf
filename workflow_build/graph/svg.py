"""A workflow's graph as an SVG, drawn without any program but this one."""

from __future__ import annotations

from xml.sax.saxutils import escape, quoteattr

from workflow_build.graph.geometry import Box, Frame, Label, Path, Shape, visible
from workflow_build.graph.layout import layout
from workflow_build.graph.model import Graph, NodeKind
from workflow_build.graph.phrases import phrase, sentence

COLOURS = {
    "step": ("#e8f1fd", "#2f6fc4", "#16304f", "#6ea8f0"),
    "wait": ("#fdf3dc", "#b7801a", "#40310f", "#dcae52"),
    "choice": ("#f1f2f4", "#7b828c", "#2a2f36", "#949ca8"),
    "together": ("#f1ebfb", "#7c56bd", "#33264a", "#b294e6"),
    "ending": ("#ffffff", "#545b65", "#1b1f24", "#b4bcc8"),
    "failing": ("#fdeaea", "#c03a3a", "#4a1f20", "#ec8080"),
    "unknown": ("#ffffff", "#7b828c", "#1b1f24", "#949ca8"),
}
"""Fill and stroke, in the light and in the dark."""

LOOKS = {
    NodeKind.STEP: "step",
    NodeKind.SLEEP: "wait",
    NodeKind.HOOK: "wait",
    NodeKind.WEBHOOK: "wait",
    NodeKind.RUN: "wait",
    NodeKind.TIMEOUT: "wait",
    NodeKind.BRANCH: "choice",
    NodeKind.LOOP: "choice",
    NodeKind.CALL: "choice",
    NodeKind.PARALLEL: "together",
    NodeKind.RACE: "together",
    NodeKind.TASK: "together",
    NodeKind.JOIN: "together",
    NodeKind.RAISE: "failing",
    NodeKind.OPAQUE: "unknown",
}

NAMESPACE = 'xmlns="http://www.w3.org/2000/svg" class="wf" role="img"'
TIP = 'id="tip" viewBox="0 0 8 8" refX="7.5" refY="4" markerWidth="7" markerHeight="7" orient="auto"'
STYLE = """
.wf text{font:12px ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace;fill:#1f2328;text-anchor:middle}
.wf .small{font-size:11px;fill:#57606a}
.wf .word{fill:#57606a}
.wf .page,.wf .gap{fill:#ffffff}
.wf .line,.wf .back,.wf .aside{fill:none;stroke:#7b828c;stroke-width:1.4}
.wf .back{stroke-dasharray:5 3}
.wf .aside{stroke:#7c56bd;stroke-dasharray:2 3}
.wf .bar{fill:none;stroke:#7c56bd;stroke-width:5;stroke-linecap:round}
.wf .frame{fill:#7b828c;fill-opacity:.05;stroke:#7b828c;stroke-opacity:.5;stroke-dasharray:2 3}
.wf .tip{fill:#7b828c}
.wf rect.unknown{stroke-dasharray:4 3}
"""
DARK = """
.wf text{fill:#e6e9ed}
.wf .small,.wf .word{fill:#a3acb8}
.wf .page,.wf .gap{fill:#14171b}
.wf .line,.wf .back{stroke:#949ca8}
.wf .aside,.wf .bar{stroke:#b294e6}
.wf .frame{fill:#949ca8;stroke:#949ca8}
.wf .tip{fill:#949ca8}
"""


def svg(graph: Graph) -> str:
    """The text of the file. It follows the reader's light or dark setting; equal graphs give equal bytes."""
    shapes, width, height = layout(graph)
    start = graph.nodes[0]
    title, wide, high = f"Workflow {start.label}", _number(width), _number(height)
    size = f'width="{wide}" height="{high}" viewBox="0 0 {wide} {high}"'
    order = {Frame: 0, Path: 1, Label: 2, Box: 3}
    drawn = [_drawn(shape) for shape in sorted(shapes, key=lambda shape: order[type(shape)])]
    return "\n".join(
        [
            f"<svg {NAMESPACE} {size} aria-label={_attribute(title)}>",
            f"<title>{_text(title)}</title>",
            f"<style>{STYLE}{_colours(0)}@media (prefers-color-scheme: dark){{{DARK}{_colours(2)}}}</style>",
            f'<defs><marker {TIP}><path class="tip" d="M0 0.5L8 4L0 7.5z"/></marker></defs>',
            f'<rect class="page" width="{wide}" height="{high}"/>',
            *drawn,
            "</svg>\n",
        ]
    )


def _colours(first: int) -> str:
    return "".join(
        f".wf .{look}{{fill:{colours[first]};stroke:{colours[first + 1]};stroke-width:1.2}}\n"
        for look, colours in COLOURS.items()
    )


def _drawn(shape: Shape) -> str:
    match shape:
        case Box():
            return _box(shape)
        case Path(points, arrow, style):
            if style == "none":
                return ""
            data = "M" + "L".join(f"{_number(x)} {_number(y)}" for x, y in points)
            tip = ' marker-end="url(#tip)"' if arrow else ""
            return f'<path class="{style}" d="{data}"{tip}/>'
        case Label(text, x, y):
            left, width = x - shape.width / 2, shape.width
            back = f'<rect class="gap" x="{_number(left)}" y="{_number(y - 8)}" width="{_number(width)}" height="16"/>'
            return f'{back}<text class="small" x="{_number(x)}" y="{_number(y + 4)}">{_text(text)}</text>'
        case Frame(_, x, y, width, height):
            return f'<rect class="frame" {_rectangle(x, y, width, height)} rx="8"/>'


def _box(box: Box) -> str:
    node = box.node
    look = LOOKS.get(node.kind, "ending")
    place = f"{node.location.path}:{node.location.line}"
    title = " · ".join(filter(None, (sentence(node), node.function, place)))
    middle = f'x="{_number(box.x + box.width / 2)}" y="{_number(box.y + box.height / 2 + 4)}"'
    text = "" if box.shape == "bar" else f"<text {middle}>{_words(box)}</text>"
    return f"<g id={_attribute(node.id)}><title>{_text(title)}</title>{_outline(box, look)}{text}</g>"


def _outline(box: Box, look: str) -> str:
    x, y, width, height = box.x, box.y, box.width, box.height
    if box.shape == "hexagon":
        corners = [(x + 10, y), (x + width - 10, y), (x + width, y + height / 2)]
        corners += [(x + width - 10, y + height), (x + 10, y + height), (x, y + height / 2)]
        points = " ".join(f"{_number(px)},{_number(py)}" for px, py in corners)
        return f'<polygon class="{look}" points="{points}"/>'
    radius = {"pill": height / 2, "bar": 3.0}.get(box.shape, 5.0)
    return f'<rect class="{look}" {_rectangle(x, y, width, height)} rx="{_number(radius)}"/>'


def _words(box: Box) -> str:
    """The kind in a quieter colour than what follows; both together no longer than what was measured."""
    shown, (word, _) = visible(sentence(box.node)), phrase(box.node)
    if word and shown.startswith(f"{word} "):
        return f'<tspan class="word">{_text(word)}</tspan> {_text(shown.removeprefix(word + " "))}'
    return _text(shown)


def _rectangle(x: float, y: float, width: float, height: float) -> str:
    return f'x="{_number(x)}" y="{_number(y)}" width="{_number(width)}" height="{_number(height)}"'


def _text(text: str) -> str:
    return escape("".join(char if char.isprintable() else "�" for char in text))


def _attribute(text: str) -> str:
    return quoteattr("".join(char if char.isprintable() else "�" for char in text))


def _number(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")
