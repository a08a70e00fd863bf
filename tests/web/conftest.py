"""The page over a world in memory that holds the shop's runs, asked as a browser on this machine asks."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from html.parser import HTMLParser

import httpx
import pytest

from tests.inspect import shop
from workflow_runtime.web.app import WebApp
from workflow_runtime.web.guard import Gate
from workflow_runtime.worlds.base import World
from workflow_runtime.worlds.memory import MemoryWorld

LOCAL = "http://localhost:8228"
TOKEN = "a-token-of-the-tests-own"
CHECKOUT = "wrun_01M8195YATS2SJN40EYK605V7H"
REFUND = "wrun_01M8197F000000000000000000"
CONTRACT = "wrun_01M8198W000000000000000000"
ROWS = "wrun_01M8199R000000000000000000"

Asking = Callable[..., httpx.AsyncClient]


@dataclass
class Seen(HTMLParser):
    """What is in a page: the elements with their attributes, and the text."""

    elements: list[tuple[str, dict[str, str | None]]] = field(default_factory=list)
    text: str = ""

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        """The attributes of each such element."""
        return [attributes for name, attributes in self.elements if name == tag]


def seen(html: str) -> Seen:
    """The page, parsed."""
    found = Seen()
    found.feed(html)
    found.close()
    return found


def csrf_of(html: str) -> str:
    """What the forms of the page send along."""
    found = re.search(r'name="csrf" value="([^"]+)"', html)
    assert found, html
    return found[1]


@pytest.fixture
async def world() -> AsyncIterator[World]:
    """A world with the shop's runs: one that completed, one that failed, one that waits."""
    made = MemoryWorld()
    await made.open()
    for story in (shop.checkout(CHECKOUT), shop.refund(REFUND), shop.contract(CONTRACT)):
        await story.put(made)
    yield made
    await made.close()


@pytest.fixture
def asking(world: World) -> Asking:
    """``asking(token=…, client=…, base=…)``: a client of the page."""

    def make(
        token: str | None = None, client: str = "127.0.0.1", base: str = LOCAL, over: World = world
    ) -> httpx.AsyncClient:
        async def the_world() -> World:
            return over

        given: Callable[[], Awaitable[World]] = the_world
        transport = httpx.ASGITransport(WebApp(given, "memory://", Gate(token)), client=(client, 50000))
        return httpx.AsyncClient(transport=transport, base_url=base)

    return make
