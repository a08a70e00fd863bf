from objects.shapes import Box, Shape, Square, measure
from workflow_runtime import step, workflow


@step
async def side(box: Box) -> int:
    return box.side


@workflow
async def main(n: int) -> list[object]:
    square = Square(await side(Box(n).grown()))
    square.size = -1
    other = Square(n) @ Square(2)
    return [
        square.area,
        other.area,
        measure(other),
        list(other),
        other.doubled,
        other == Square(2 * n),
        len({other, Square(2 * n)}),
        Shape.names[Square.label],
        Square.Inner.depth,
        isinstance(other, Shape),
    ]
