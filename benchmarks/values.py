"""How long values take to become data and to come back. Run: python benchmarks/values.py"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

from workflow_runtime.values import decode, decode_call, decode_error, encode, encode_call, encode_error

ROUNDS, CALLS = 15, 500


@dataclass
class Line:
    """One line of an order."""

    sku: str
    count: int
    price: Decimal


@dataclass
class Order:
    """An order of about twenty values."""

    id: UUID
    email: str
    at: datetime
    paid: bool
    note: str | None
    tags: list[str]
    lines: list[Line]


def charge(order: Order, cents: int) -> Order:
    """What a step looks like."""
    return order


def failed() -> BaseException:
    """An error as a step raises it."""
    try:
        int("x")
    except ValueError as error:
        return error
    raise AssertionError


def median_microseconds(call: Callable[[], object]) -> float:
    """The median over the rounds of the mean time of one call."""
    times = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        for _ in range(CALLS):
            call()
        times.append((time.perf_counter() - start) / CALLS * 1e6)
    return statistics.median(times)


def main() -> None:
    """Print one line for each case."""
    lines = [Line(f"sku-{number}", number, Decimal("9.90")) for number in range(4)]
    order = Order(UUID(int=1), "a@example.org", datetime(2026, 1, 2, tzinfo=UTC), True, None, ["a", "b"], lines)
    plain = {"id": 1, "email": "a@example.org", "lines": [{"sku": "x", "count": n, "price": 9.9} for n in range(5)]}
    error = failed()
    order_data, call_data, error_data = encode(order), encode_call([order, 5], {}, where="call"), encode_error(error)
    cases: dict[str, Callable[[], object]] = {
        "encode order (dataclasses)": lambda: encode(order),
        "decode order (annotated)": lambda: decode(order_data, Order),
        "decode order (not annotated)": lambda: decode(order_data),
        "encode order (plain dicts)": lambda: encode(plain),
        "decode order (plain dicts)": lambda: decode(plain),
        "encode call": lambda: encode_call([order, 5], {}, where="call"),
        "decode call": lambda: decode_call(call_data, charge, where="call"),
        "encode error": lambda: encode_error(error),
        "decode error": lambda: decode_error(error_data),
    }
    for name, call in cases.items():
        print(f"{name:<32}{median_microseconds(call):>8.1f} µs")


if __name__ == "__main__":
    main()
