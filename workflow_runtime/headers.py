"""Request headers as servers give them, before any framework has seen them."""

from __future__ import annotations

from collections.abc import ItemsView, Iterable, Iterator, Mapping
from typing import Any


class Headers(Mapping[str, str]):
    """Headers by name, in any case; ``items()`` has each that came, in their order, names in lower case."""

    def __init__(self, pairs: Iterable[tuple[str, str]]) -> None:
        """``pairs`` are names and values as they came."""
        self._pairs = [(name.lower(), value) for name, value in pairs]
        self._first = dict(reversed(self._pairs))

    def __getitem__(self, name: str) -> str:
        return self._first[name.lower()]

    def __iter__(self) -> Iterator[str]:
        return iter(dict(self._pairs))

    def __len__(self) -> int:
        return len(self._first)

    def items(self) -> ItemsView[str, str]:
        """All headers, those included whose name comes more than once."""
        return _Pairs(self)


class _Pairs(ItemsView[str, str]):
    def __init__(self, headers: Headers) -> None:
        super().__init__(headers)
        self._pairs = headers._pairs

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return iter(self._pairs)

    def __len__(self) -> int:
        return len(self._pairs)


def asgi_headers(scope: Mapping[str, Any]) -> Headers:
    """The headers of an ASGI scope."""
    return Headers((name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"])


def wsgi_headers(environ: Mapping[str, Any]) -> Headers:
    """The headers of a WSGI environment (PEP 3333), where names have lost their case and their underscores."""
    pairs = [(name[5:].replace("_", "-"), str(value)) for name, value in environ.items() if name.startswith("HTTP_")]
    more = [
        (name.replace("_", "-"), str(environ[name])) for name in ("CONTENT_TYPE", "CONTENT_LENGTH") if environ.get(name)
    ]
    return Headers([*pairs, *more])
