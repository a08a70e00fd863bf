"""The drawings: readable, the same each time, and nothing that a name or a string of the user's can break."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from itertools import combinations
from pathlib import Path
from xml.etree import ElementTree

import pytest

from workflow_build.graph.geometry import Box, Frame, Label
from workflow_build.graph.geometry import Path as Line
from workflow_build.graph.layout import layout
from workflow_build.graph.mermaid import escaped, mermaid
from workflow_build.graph.model import Graph, Node, NodeKind
from workflow_build.graph.outline import outline
from workflow_build.graph.render import rendered
from workflow_build.graph.svg import svg

SVG = "{http://www.w3.org/2000/svg}"
NASTY = (Path(__file__).parent / "nasty.py.txt").read_text("utf-8")
HOSTILE = (
    '<script>alert("x")</script>',
    "]]>--><!--",
    '"];} end; click n1 "javascript:alert(1)"',
    "%%{init: {}}%%",
    "a\\nb `x` |y| {z} #quot; &amp;",
    "ünï→日本語 🎉",
    "\\x00\\x1b[31m\\u202e\\ud800",
)


@pytest.fixture
def nasty(graph: Callable[..., Graph]) -> Graph:
    return graph(NASTY)


@pytest.fixture(params=HOSTILE)
def hostile(request: pytest.FixtureRequest, graph: Callable[..., Graph]) -> Graph:
    text = json.dumps(request.param, ensure_ascii=False).replace("\\\\", "\\")
    return graph(
        f"@workflow\nasync def w(o):\n    while o != {text}:\n        if o == {text}:\n            await charge(o)\n"
        f"    await o.get({text})\n    await sleep({text})\n    async with asyncio.timeout({text}):\n        await ship(o)\n"
    )


def boxes(graph: Graph) -> list[Box]:
    return [shape for shape in layout(graph)[0] if isinstance(shape, Box)]


def areas(graph: Graph) -> list[tuple[float, float, float, float]]:
    """Left, top, right and bottom of everything that has text."""
    found = []
    for shape in layout(graph)[0]:
        if isinstance(shape, Box):
            found.append((shape.x, shape.y, shape.x + shape.width, shape.y + shape.height))
        elif isinstance(shape, Label):
            found.append((shape.x - shape.width / 2, shape.y - 8, shape.x + shape.width / 2, shape.y + 8))
    return found


def overlap(one: tuple[float, float, float, float], two: tuple[float, float, float, float]) -> bool:
    return one[0] < two[2] and two[0] < one[2] and one[1] < two[3] and two[1] < one[3]


def test_no_box_and_no_label_covers_another(nasty: Graph) -> None:
    found = areas(nasty)

    assert len(found) > 50
    assert not [pair for pair in combinations(found, 2) if overlap(*pair)]


def test_boxes_of_hostile_labels_do_not_cover_each_other(hostile: Graph) -> None:
    assert not [pair for pair in combinations(areas(hostile), 2) if overlap(*pair)]


def test_every_node_has_a_box_with_a_title_inside_of_the_drawing(nasty: Graph) -> None:
    shapes, width, height = layout(nasty)
    drawn = {shape.node.id for shape in shapes if isinstance(shape, Box)}
    tree = ElementTree.fromstring(svg(nasty))
    titles = {group.get("id"): group.findtext(f"{SVG}title") for group in tree.iter(f"{SVG}g")}

    assert {node.id for node in nasty.nodes} - drawn <= {"end"}
    assert set(titles) == drawn
    assert all("shop/flows.py:" in str(title) for title in titles.values())
    for left, top, right, bottom in areas(nasty):
        assert 0 <= left < right <= width
        assert 0 <= top < bottom <= height


def test_lines_begin_and_end_within_the_drawing(nasty: Graph) -> None:
    shapes, width, height = layout(nasty)
    points = [point for shape in shapes if isinstance(shape, Line) for point in shape.points]

    assert all(0 <= x <= width and 0 <= y <= height for x, y in points)


def test_no_line_runs_through_a_box(nasty: Graph) -> None:
    """Lines to joins elsewhere are drawn beside everything, and may pass behind."""
    shapes, *_ = layout(nasty)
    lines = [shape for shape in shapes if isinstance(shape, Line) and shape.style in ("line", "back")]
    crossings = [
        (line, box.node.id)
        for line in lines
        for start, end in zip(line.points, line.points[1:], strict=False)
        for box in boxes(nasty)
        if box.shape != "bar"
        and overlap(
            (min(start[0], end[0]), min(start[1], end[1]), max(start[0], end[0]), max(start[1], end[1])),
            (box.x + 1, box.y + 1, box.x + box.width - 1, box.y + box.height - 1),
        )
    ]

    assert not crossings


def test_frames_hold_what_is_inside(nasty: Graph) -> None:
    shapes, *_ = layout(nasty)
    frames = [shape for shape in shapes if isinstance(shape, Frame)]

    assert frames
    for one, two in combinations(frames, 2):
        first = (one.x, one.y, one.x + one.width, one.y + one.height)
        second = (two.x, two.y, two.x + two.width, two.y + two.height)
        nested = contains(first, second) or contains(second, first)
        assert nested or not overlap(first, second)


def contains(outer: tuple[float, float, float, float], inner: tuple[float, float, float, float]) -> bool:
    return outer[0] <= inner[0] and outer[1] <= inner[1] and outer[2] >= inner[2] and outer[3] >= inner[3]


def test_svg_of_hostile_labels_is_xml_that_holds_only_what_we_draw(hostile: Graph) -> None:
    tree = ElementTree.fromstring(svg(hostile))
    allowed = {"svg", "title", "style", "defs", "marker", "path", "rect", "g", "text", "tspan", "polygon"}

    assert {element.tag.removeprefix(SVG) for element in tree.iter()} <= allowed
    assert not [name for element in tree.iter() for name in element.attrib if name.startswith("on") or "href" in name]


def test_svg_follows_light_and_dark_and_needs_nothing_from_elsewhere(nasty: Graph) -> None:
    text = svg(nasty)

    assert "@media (prefers-color-scheme: dark)" in text
    assert set(re.findall(r"url\([^)]*\)", text)) == {"url(#tip)"}
    assert "href" not in text
    assert "@import" not in text


def test_mermaid_labels_can_not_break_out(hostile: Graph) -> None:
    lines = mermaid(hostile).splitlines()
    node = r"n\d+(\(\[|\{\{|\[\[|\[/|\[|\{|\()\"[^\"<>{}\[\]|`\\%]*\"(\]\)|\}\}|\]\]|/\]|\]|\}|\))"
    edge = r"n\d+ (-->|==>|-\.->)(\|\"[^\"<>{}\[\]|`\\%]*\"\|)? n\d+"

    assert lines[0] == "flowchart TD"
    assert all(re.fullmatch(rf"    ({node}|{edge})", line) for line in lines[1:])


def test_mermaid_has_all_nodes_and_edges(nasty: Graph) -> None:
    lines = mermaid(nasty).splitlines()[1:]

    assert len(lines) == len(nasty.nodes) + len(nasty.edges)
    assert '"step charge"' in mermaid(nasty)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('say "hi"', "say #34;hi#34;"),
        ("- x", "#45; x"),
        ("1. x", "#49;. x"),
        ("a\nb", "a b"),
        ("end", "end"),
        ("x < y && z", "x #60; y #38;#38; z"),
        ("", " "),
    ],
)
def test_mermaid_escapes(text: str, expected: str) -> None:
    assert escaped(text) == expected


def test_text_moves_no_cursor(hostile: Graph) -> None:
    assert all(char.isprintable() for line in outline(hostile) for char in f"{line}{line.place}")


def test_long_labels_are_cut_and_whole_in_the_source(graph: Callable[..., Graph]) -> None:
    found = graph(f"@workflow\nasync def w(o):\n    await sleep({'o' * 500})\n")

    assert [len(node.label) for node in found.nodes if node.kind is NodeKind.SLEEP] == [60]
    assert max(box.width for box in boxes(found)) < 400


def test_labels_are_the_source_on_one_line_without_comments(graph: Callable[..., Graph]) -> None:
    source = (
        "@workflow\nasync def w(o):\n    if (\n        o.a  # why\n        and o.b\n    ):\n        await charge(o)\n"
    )
    branch = next(node for node in graph(source).nodes if node.kind is NodeKind.BRANCH)

    assert branch.arms == ("o.a and o.b", "else")


@pytest.mark.parametrize("style", ["text", "mermaid", "svg", "json"])
def test_the_same_source_gives_the_same_drawing(style: str, graph: Callable[..., Graph]) -> None:
    assert rendered([graph(NASTY)], style) == rendered([graph(NASTY)], style)


def test_json_has_the_whole_graph(nasty: Graph) -> None:
    (found,) = json.loads(rendered([nasty], "json"))["graphs"]

    assert found["workflow"] == "workflow//shop.flows//nasty"
    assert [node["id"] for node in found["nodes"]] == [node.id for node in nasty.nodes]
    assert len(found["edges"]) == len(nasty.edges)


def test_text_of_the_nasty_one_shows_every_step_call(nasty: Graph) -> None:
    called = [node for node in nasty.nodes if node.kind is NodeKind.STEP]
    shown = [line for line in outline(nasty) if line.word == "step"]

    assert len(shown) == len(called)


def test_what_is_inside_of_a_node_is_found_by_arm(nasty: Graph) -> None:
    def everything(parent: Node | None, arm: int | None) -> list[str]:
        found = []
        for node in nasty.inside(parent, arm):
            found += [node.id, *(id_ for index in range(len(node.arms)) for id_ in everything(node, index))]
            join = nasty.join_of(node)
            found += [join.id] if join else []
        return found

    assert sorted(everything(None, None)) == sorted(node.id for node in nasty.nodes)
