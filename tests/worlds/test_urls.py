"""Which world a URL names."""

from __future__ import annotations

from pathlib import Path

import pytest

from workflow_runtime.errors import WorldError
from workflow_runtime.worlds.memory import MemoryWorld
from workflow_runtime.worlds.sqlite import SqliteWorld
from workflow_runtime.worlds.urls import open_world_url, shown_url


def test_memory_is_a_world_of_its_own_each_time() -> None:
    first, second = open_world_url("memory://"), open_world_url("memory://")
    assert isinstance(first, MemoryWorld)
    assert isinstance(second, MemoryWorld)
    assert first.store is not second.store


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("sqlite:////var/lib/shop.db", "/var/lib/shop.db"),
        ("sqlite:///data/shop.db", "{here}/data/shop.db"),
        ("sqlite:///a%20b%3F.db", "{here}/a b?.db"),
    ],
)
def test_three_slashes_and_the_path_are_a_sqlite_file(
    url: str, path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    world = open_world_url(url)
    assert isinstance(world, SqliteWorld)
    assert world.path == Path(path.format(here=tmp_path.resolve()))
    assert list(tmp_path.iterdir()) == []  # nothing is opened yet


@pytest.mark.parametrize("url", ["mysql://host/db", "shop.db", "", "SQLITE", "/var/lib/shop.db", "sqlit:///a.db"])
def test_an_unknown_scheme_is_refused_with_the_known_ones(url: str) -> None:
    with pytest.raises(WorldError, match="use one of memory://, sqlite://"):
        open_world_url(url)


def test_a_password_is_not_repeated() -> None:
    with pytest.raises(WorldError) as caught:
        open_world_url("mysql://me:secret@host/db")
    assert "secret" not in str(caught.value)


def test_a_url_that_is_none_for_a_bracket_in_its_password_is_refused_without_it() -> None:
    with pytest.raises(WorldError, match="can not be read; write the characters") as caught:
        open_world_url("postgresql://me:sec[ret@host/db")
    assert "ret@" not in str(caught.value)
    assert caught.value.__suppress_context__


@pytest.mark.parametrize(
    ("url", "advice"),
    [
        ("sqlite:/data.db", "write sqlite:////data.db, or sqlite:///data.db for a path from the current folder"),
        ("sqlite:data.db", "write sqlite:///data.db"),
    ],
)
def test_a_url_with_too_few_slashes_is_refused_with_the_right_spelling(url: str, advice: str) -> None:
    with pytest.raises(WorldError) as caught:
        open_world_url(url)
    assert str(caught.value) == f"the world URL {url!r} lacks slashes; {advice}"


@pytest.mark.parametrize(
    "url",
    ["sqlite://", "sqlite:///", "sqlite://shop.db", "sqlite://host/a.db", "sqlite:///a.db?mode=ro", "memory://shop"],
)
def test_a_url_that_says_too_little_or_too_much_is_refused(url: str) -> None:
    with pytest.raises(WorldError, match="the world URL"):
        open_world_url(url)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("sqlite:///data/shop.db", "sqlite:///data/shop.db"),
        ("postgresql://ada:secret@db:5432/shop", "postgresql://…@db:5432/shop"),
        ("postgresql://db/shop?password=secret", "postgresql://db/shop?…"),
        ("postgresql://db/shop?schema=flows", "postgresql://db/shop?schema=flows"),
        ("postgresql://ada:secret@db/shop?password=x&schema=flows&lease=5", "postgresql://…@db/shop?schema=flows&…"),
        ("postgresql://db/shop?schema=p%40ss&namespace=a;password=b", "postgresql://db/shop?…"),
        ("postgresql://ada:se/cr@et@db/shop", "postgresql://…"),
        ("postgresql:ada:secret@db", "postgresql://…"),
    ],
)
def test_a_url_is_shown_without_what_may_be_secret(url: str, shown: str) -> None:
    assert shown_url(url) == shown
