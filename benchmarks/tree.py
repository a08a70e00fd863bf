"""Make a synthetic project for the compiler: many files of 150 lines, one in twenty with a workflow and three steps.

Run: python benchmarks/tree.py FOLDER [FILES]. The same number of files gives the same bytes on any machine.
"""

from __future__ import annotations

import random
import sys
from pathlib import Path

LINES = 150
FILES_PER_PACKAGE = 100
FILES_PER_WORKFLOW = 20

PYPROJECT = """\
[project]
name = "company"
version = "1"
dependencies = ["fastapi"]

[tool.workflow-build]
"""

SHARED = '''\
"""What the modules of this package share."""

import json
import logging
from collections import defaultdict
from dataclasses import dataclass
from decimal import Decimal

log = logging.getLogger(__name__)
LIMIT = {limit}


@dataclass(frozen=True)
class Order:
    """What somebody wants."""

    id: str
    email: str
    total: Decimal
    items: tuple[str, ...] = ()


def fee_for(total: Decimal) -> Decimal:
    """What handling costs."""
    return total * {limit} / 1000 if total > LIMIT else Decimal(0)


'''

WORKFLOW = '''\
"""Work on orders, part {number}."""

import asyncio
import json
import logging
from collections import defaultdict
from datetime import timedelta
from decimal import Decimal

from company.{package}.shared import Order, fee_for
from workflow_runtime import sleep, step, workflow

log = logging.getLogger(__name__)


@step(max_retries=5)
async def charge_{number}(card: str, total: Decimal) -> str:
    log.info("charging %s", total)
    return json.dumps({{"card": card, "total": str(total)}})


@step
async def reserve_{number}(items: tuple[str, ...]) -> int:
    return len(items)


@step
def notify_{number}(email: str, receipt: str) -> None:
    log.info("mail to %s: %s", email, receipt)


@workflow
async def checkout_{number}(order: Order, card: str) -> str:
    """Take the money and the goods, then say so."""
    total = order.total + fee_for(order.total)
    receipt, count = await asyncio.gather(charge_{number}(card, total), reserve_{number}(order.items))
    if not count:
        return "nothing to do"
    await sleep(timedelta(days={days}))
    for _ in range(3):
        await asyncio.to_thread(notify_{number}, order.email, receipt)
    return receipt


'''

PLAIN = '''\
"""Reports and forms, part {number}."""

import json
import logging
from collections import defaultdict

from company.{package} import shared

log = logging.getLogger(__name__)


'''

FUNCTION = '''\
def {verb}_{noun}_{index}(rows: list[dict[str, int]], limit: int = {limit}) -> dict[str, int]:
    """{Verb} each {noun} up to a limit."""
    totals: defaultdict[str, int] = defaultdict(int)
    for row in rows:
        for name, value in row.items():
            if value > limit and name != "{noun}":
                totals[name] += value * {factor}
            elif name.startswith("{verb}"):
                log.debug("left out %s: %s", name, value)
    return {{name: total for name, total in sorted(totals.items()) if total}}


'''

CLASS = '''\
class {Noun}{index}:
    """A {noun} as the form shows it."""

    def __init__(self, name: str, lines: list[int]) -> None:
        self.name = name
        self.lines = lines
        self._seen: set[str] = set()

    def {verb}(self, other: "{Noun}{index}") -> int:
        """How much of {noun} there is in both."""
        self._seen.add(other.name)
        return sum(line for line in self.lines if line in other.lines and line % {factor})

    @property
    def text(self) -> str:
        """For people."""
        return json.dumps({{"name": self.name, "lines": self.lines[:{limit}], "seen": sorted(self._seen)}})


'''

VERBS = ("count", "merge", "export", "round", "filter", "collect", "compare", "check")
NOUNS = ("order", "invoice", "parcel", "address", "refund", "voucher", "price", "return")


def make_tree(folder: Path, files: int) -> None:
    """Write the project into ``folder``, which must not exist yet or be empty."""
    company = folder / "company"
    company.mkdir(parents=True)
    (folder / "pyproject.toml").write_text(PYPROJECT)
    (folder / ".gitignore").write_text("*.log\n/build/\n")
    (company / "__init__.py").write_text("")
    for number in range(files):
        package = company / f"part_{number // FILES_PER_PACKAGE:03}"
        if number % FILES_PER_PACKAGE == 0:
            package.mkdir()
            (package / "__init__.py").write_text("")
        position = number % FILES_PER_PACKAGE
        name = "shared" if position == 0 else f"orders_{number:05}" if is_workflow(number) else f"report_{number:05}"
        (package / f"{name}.py").write_text(module(number, package.name))


def is_workflow(number: int) -> bool:
    """Whether the file of that number has a workflow."""
    return number % FILES_PER_WORKFLOW == FILES_PER_WORKFLOW - 1


def module(number: int, package: str) -> str:
    """The text of one file."""
    chance = random.Random(number)
    if number % FILES_PER_PACKAGE == 0:
        head = SHARED.format(limit=chance.randrange(10, 90))
    elif is_workflow(number):
        head = WORKFLOW.format(number=number, package=package, days=chance.randrange(1, 9))
    else:
        head = PLAIN.format(number=number, package=package)
    lines = head.splitlines()
    index = 0
    while True:
        verb, noun = chance.choice(VERBS), chance.choice(NOUNS)
        names = {"verb": verb, "Verb": verb.capitalize(), "noun": noun, "Noun": noun.capitalize(), "index": index}
        text = (CLASS if index % 3 == 2 else FUNCTION).format(
            **names, limit=chance.randrange(5, 500), factor=chance.randrange(2, 9)
        )
        block = text.splitlines()
        if len(lines) + len(block) > LINES:
            break
        lines += block
        index += 1
    lines += [f"# {chance.choice(NOUNS)}s, see the handbook" for _ in range(LINES - len(lines))]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Make a tree where the command line says; without a folder only say what it would hold."""
    if len(sys.argv) < 2:
        sizes = [len(module(number, "part_000")) for number in range(1000)]
        print(f"{len(sizes):,} files hold {sum(sizes) / 1e6:.1f} MB and {sum(map(is_workflow, range(1000)))} workflows")
        return
    make_tree(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 1000)


if __name__ == "__main__":
    main()
