"""Where everything of a graph stands in a drawing: what follows stands below, what is beside each other stands side by side."""

from __future__ import annotations

from workflow_build.graph.geometry import (
    GAP,
    RAIL,
    Block,
    Box,
    Frame,
    Path,
    Shape,
    column,
    side_by_side,
    stacked,
    text_width,
    visible,
)
from workflow_build.graph.model import EdgeKind, Graph, Node, NodeKind
from workflow_build.graph.phrases import sentence

HEIGHT = 30.0
PILLS = (NodeKind.START, NodeKind.END, NodeKind.RETURN, NodeKind.RAISE, NodeKind.BREAK, NodeKind.CONTINUE)
LEAVES = (NodeKind.RETURN, NodeKind.RAISE, NodeKind.BREAK, NodeKind.CONTINUE, NodeKind.END)
LANE = 14.0


def layout(graph: Graph) -> tuple[tuple[Shape, ...], float, float]:
    """All shapes, none with a negative coordinate, and the width and height that they take."""
    nodes = list(graph.inside())
    blocks = [_block(graph, node) for node in nodes[:-1]]
    if blocks[-1].exits:
        blocks.append(_leaf(nodes[-1]))
    whole = stacked(blocks)
    shapes = list(whole.placed(whole.left + RAIL, RAIL))
    width, asides = whole.left + whole.right + 2 * RAIL, _asides(graph, shapes, whole.left + whole.right + RAIL)
    return (*shapes, *asides), width + LANE * len(asides), whole.height + 2 * RAIL


def _block(graph: Graph, node: Node) -> Block:
    match node.kind:
        case NodeKind.BRANCH:
            return _branch(graph, node)
        case NodeKind.PARALLEL | NodeKind.RACE:
            return _parallel(graph, node)
        case NodeKind.LOOP:
            return _loop(graph, node)
        case NodeKind.TASK:
            return _task(graph, node)
        case _ if node.arms:
            return _framed(graph, node)
    return _leaf(node)


def _leaf(node: Node) -> Block:
    width = max(52.0, text_width(visible(sentence(node))) + 24)
    shape = "pill" if node.kind in PILLS else "hexagon" if node.kind in (NodeKind.BRANCH, NodeKind.LOOP) else "box"
    width += 12 if shape == "hexagon" else 0
    box = Box(node, -width / 2, 0, width, HEIGHT, shape)
    return Block(width / 2, width / 2, HEIGHT, node.kind not in LEAVES, [box])


def _arm(graph: Graph, node: Node, index: int) -> Block:
    return stacked([_block(graph, inner) for inner in graph.inside(node, index)])


def _columns(graph: Graph, node: Node, arms: range, labels: tuple[str, ...]) -> list[Block]:
    bodies = [_arm(graph, node, index) for index in arms]
    return [column(labels[i], body, arrow=bool(body.parts)) for i, body in zip(arms, bodies, strict=True)]


def _branch(graph: Graph, node: Node) -> Block:
    """``try`` has its ``finally`` below the others, since all of them lead to it."""
    labels = ("do", *node.arms[1:]) if node.label == "try" else node.arms
    last = node.label == "try" and labels[-1] == "finally"
    block = _rails(_leaf(node), _columns(graph, node, range(len(labels) - last), labels), "line")
    if not last:
        return block
    # Jumps out of the columns pass through it too, so it hangs on a line of its own below all of them.
    final, both = column("finally", _arm(graph, node, len(labels) - 1), arrow=True), Block(exits=block.exits)
    both.put(block, 0, 0)
    rail = block.height + (0 if block.exits else RAIL)
    both.draw((-block.left, rail), (block.right, rail), style="back")
    both.put(final, 0, rail)
    return both


def _rails(head: Block, columns: list[Block], style: str) -> Block:
    """Lines that spread from below ``head`` to the columns, and come together below them."""
    block = Block()
    block.put(head, 0, 0)
    top = head.height + RAIL
    places = side_by_side(columns)
    block.draw((0, head.height), (0, top))
    block.draw((min(0.0, *places), top), (max(0.0, *places), top), style=style)
    for place, one in zip(places, columns, strict=True):
        block.put(one, place, top)
    bottom = block.height + RAIL
    leaving = [(place, one) for place, one in zip(places, columns, strict=True) if one.exits]
    for place, one in leaving:
        block.draw((place, top + one.height), (place, bottom))
    ends = [0.0, *(place for place, _ in leaving)]
    if leaving:
        block.draw((min(ends), bottom), (max(ends), bottom), style=style)
        block.height = bottom
    block.exits = bool(leaving)
    return block


def _parallel(graph: Graph, node: Node) -> Block:
    """The arms between two bars."""
    block = _rails(_leaf(node), _columns(graph, node, range(len(node.arms)), node.arms), "none")
    half = max(30.0, *(abs(x) + 12 for x, _, part in block.parts if part.height))
    top = HEIGHT + RAIL
    block.draw((-half, top), (half, top), style="bar")
    join = graph.join_of(node)
    if join:
        bottom = block.height
        block.shapes.append(Box(join, -half, bottom - 3, 2 * half, 6, "bar"))
        block.height = bottom + 3
    block.left, block.right, block.exits = max(block.left, half), max(block.right, half), True
    return block


def _loop(graph: Graph, node: Node) -> Block:
    body = column("", _arm(graph, node, 0), arrow=True)
    inner = Block()
    head = _leaf(node)
    inner.put(head, 0, 0)
    inner.put(body, 0, head.height)
    lane = -(inner.left + LANE)
    if body.exits:
        end, middle = inner.height + RAIL, HEIGHT / 2
        inner.draw(
            (0, inner.height), (0, end), (lane, end), (lane, middle), (-head.left, middle), arrow=True, style="back"
        )
        inner.height, inner.left = end, -lane
    block = _frame(node, inner)
    block.exits = _goes_on(graph, node)
    if len(node.arms) < 2:
        return block
    both = stacked([block, column("else", _arm(graph, node, 1), arrow=True)])
    both.exits = True
    return both


def _goes_on(graph: Graph, node: Node) -> bool:
    """Whether the loop is left other than by leaving the workflow."""
    if any(edge.source == node.id and edge.kind is EdgeKind.NEXT for edge in graph.edges):
        return True
    return any(inner.kind is NodeKind.BREAK and _loop_of(graph, inner) == node.id for inner in graph.nodes)


def _loop_of(graph: Graph, node: Node) -> str | None:
    by_id = {one.id: one for one in graph.nodes}
    current = node
    while current.parent is not None:
        current = by_id[current.parent]
        if current.kind is NodeKind.LOOP:
            return current.id
    return None


def _framed(graph: Graph, node: Node) -> Block:
    columns = _columns(graph, node, range(len(node.arms)), node.arms)
    if len(columns) > 1:
        return _frame(node, _rails(_leaf(node), columns, "line"))
    inner = Block(exits=columns[0].exits)
    head = _leaf(node)
    inner.put(head, 0, 0)
    inner.put(columns[0], 0, head.height)
    block = _frame(node, inner)
    block.exits = inner.exits or node.kind is not NodeKind.TIMEOUT
    return block


def _frame(node: Node, inner: Block) -> Block:
    pad = 12.0
    block = Block(exits=inner.exits)
    block.put(inner, 0, pad)
    block.left, block.right, block.height = block.left + pad, block.right + pad, block.height + pad
    block.shapes.append(Frame(node.kind.value, -block.left, 0, block.left + block.right, block.height))
    block.draw((0, 0), (0, pad))
    return block


def _task(graph: Graph, node: Node) -> Block:
    """Its arm stands beside it, and what follows goes on below."""
    head, body = _leaf(node), column(node.arms[0], _arm(graph, node, 0), arrow=True)
    block = Block()
    block.put(head, 0, 0)
    x = head.right + GAP + body.left
    block.put(body, x, HEIGHT / 2)
    block.draw((head.right, HEIGHT / 2), (x, HEIGHT / 2), style="aside")
    block.draw((0, HEIGHT), (0, block.height))
    return block


def _asides(graph: Graph, shapes: list[Shape], right: float) -> list[Path]:
    """Lines from tasks to the places that wait for them, each in a lane of its own beside the drawing."""
    boxes = {shape.node.id: shape for shape in shapes if isinstance(shape, Box)}
    joins = {node.id for node in graph.nodes if node.kind is NodeKind.JOIN and node.arm is None and node.parent is None}
    joins |= {node.id for node in graph.nodes if node.kind is NodeKind.JOIN and node.arm is not None}
    found: list[Path] = []
    for edge in graph.edges:
        source, target = boxes.get(edge.source), boxes.get(edge.target)
        if edge.kind is EdgeKind.PARALLEL and edge.target in joins and source and target:
            lane = right + LANE * (len(found) + 1)
            start, end = source.y + source.height / 2, target.y + target.height / 2
            points = (source.x + source.width, start), (lane, start), (lane, end), (target.x + target.width, end)
            found.append(Path(points, True, "aside"))
    return found
