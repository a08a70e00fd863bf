"""What the page's views share: the world, what it is called, and what was looked up before."""

from __future__ import annotations

from collections import OrderedDict

from workflow_runtime.web.runs_list import ListPage
from workflow_runtime.web.standings import Standings
from workflow_runtime.web.views import Views
from workflow_runtime.worlds.base import World

_LISTS = 32


class Site:
    """One page on one world. ``name`` is what people call the world."""

    def __init__(self, world: World, name: str) -> None:
        self.world = world
        self.name = name
        self.standings = Standings(world)
        self.views = Views(world)
        self._lists: OrderedDict[str, ListPage] = OrderedDict()

    def remember(self, page: ListPage) -> None:
        """Note what a browser is shown now, so that it need only be told what differs from it."""
        self._lists[page.mark] = page
        while len(self._lists) > _LISTS:
            self._lists.popitem(last=False)

    def remembered(self, mark: str) -> ListPage | None:
        """The list that was shown under that mark, if it was not long ago."""
        return self._lists.get(mark)
