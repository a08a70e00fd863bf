"""The cache on disk: one SQLite file of small texts. Whatever is wrong with it, a build goes on without it."""

from __future__ import annotations

import contextlib
import hashlib
import sqlite3
import zlib
from pathlib import Path

FOLDER = ".workflow-build"
"""Under the project root; it holds nothing but what can be made again."""

KEPT_BUILDS = 20
"""An entry that this many builds in a row have not used is dropped."""

MAX_BYTES = 256_000_000
"""A file that grows beyond this is started anew."""

BUSY_SECONDS = 2.0
"""How long a build waits for another one that writes."""

_FILE = "build.sqlite3"
_IGNORE_ALL = "*\n"
"""What the folder tells git: nothing in it is to be kept, this line included."""

_SCHEMA = """
create table if not exists entries (key blob primary key, value text not null, sum integer not null, used integer not null) without rowid;
create table if not exists builds (number integer not null);
"""


class Store:
    """Texts by kind and key. Reads at once; writes are gathered until ``save``. Never raises for what is on disk."""

    def __init__(self, project: Path, tool: str) -> None:
        """Open the cache of a project for a tool of that fingerprint; entries of other tools are not seen."""
        self._folder = project / FOLDER / "cache"
        self._tool = tool
        self._put: dict[bytes, str] = {}
        self._used: set[bytes] = set()
        self.problem: str | None = None
        """Why the cache is not, or not wholly, in use."""
        self._database: sqlite3.Connection | None = None
        self._is_off = False
        self._open(create=False)

    def get(self, kind: str, key: str) -> str | None:
        """The text, or None when there is none that is whole."""
        name = self._name(kind, key)
        if name in self._put:
            return self._put[name]
        if self._database is None:
            return None
        try:
            row = self._database.execute("select value, sum from entries where key = ?", (name,)).fetchone()
        except sqlite3.Error as error:
            self._give_up(error)
            return None
        if row is None or not isinstance(row[0], str) or _sum(row[0]) != row[1]:
            return None
        self._used.add(name)
        return row[0]

    def put(self, kind: str, key: str, value: str) -> None:
        """Keep a text, once ``save`` is called."""
        self._put[self._name(kind, key)] = value

    def save(self) -> None:
        """Write what was put, note what was used, and drop what no build has used for long. Nothing is written for nothing new."""
        if not self._put or self._is_off:
            return
        if self._database is None:
            self._open(create=True)
        if self._database is None:
            return
        try:
            with self._database:
                self._write(self._database)
            if _size(self._database) > MAX_BYTES:
                self._database.execute("delete from entries")
                self._database.execute("vacuum")
        except sqlite3.Error as error:
            self._give_up(error)
        self._put.clear()
        self._used.clear()

    def close(self) -> None:
        """Let go of the file; what was not saved is lost."""
        if self._database is not None:
            self._database.close()
            self._database = None

    def _write(self, database: sqlite3.Connection) -> None:
        database.execute("begin immediate")
        row = database.execute("select max(number) from builds").fetchone()
        number = (row[0] or 0) + 1
        database.execute("delete from builds")
        database.execute("insert into builds values (?)", (number,))
        database.executemany("update entries set used = ? where key = ?", [(number, key) for key in self._used])
        rows = [(key, value, _sum(value), number) for key, value in self._put.items()]
        database.executemany("insert or replace into entries values (?, ?, ?, ?)", rows)
        database.execute("delete from entries where used < ?", (number - KEPT_BUILDS,))

    def _open(self, *, create: bool) -> None:
        path = self._folder / _FILE
        try:
            if create:
                self._folder.mkdir(parents=True, exist_ok=True)
                ignore = self._folder.parent / ".gitignore"
                if not ignore.exists():
                    ignore.write_text(_IGNORE_ALL)
            elif not path.exists():
                return
            self._database = _connect(path)
        except (sqlite3.Error, OSError) as error:
            self.problem = f"{path} can not be used: {error}"
            if _is_damage(error):
                self._start_anew(path)
            else:
                self._is_off = True

    def _start_anew(self, path: Path) -> None:
        """A file that is no database is replaced; where even that fails there is no cache."""
        try:
            _remove(path)
            self._database = _connect(path)
            self.problem = f"{self.problem}; it was started anew"
        except (sqlite3.Error, OSError):
            self._database, self._is_off = None, True

    def _give_up(self, error: sqlite3.Error) -> None:
        """Go on without. A damaged file is removed, so that the next build has a new one; one that is only busy stays."""
        self.problem = f"the cache in {self._folder} can not be used: {error}"
        self.close()
        self._is_off = True
        if _is_damage(error):
            with contextlib.suppress(OSError):  # it stays, and is found damaged again
                _remove(self._folder / _FILE)

    def _name(self, kind: str, key: str) -> bytes:
        return hashlib.sha256(f"{self._tool}\n{kind}\n{key}".encode(errors="surrogatepass")).digest()[:16]


def remove_cache(project: Path) -> bool:
    """Remove the cache of a project, and nothing else that is in its folder. Gives whether there was one. Raises ``OSError``."""
    folder = project / FOLDER
    path, ignore = folder / "cache" / _FILE, folder / ".gitignore"
    if not path.exists():
        return False
    _remove(path)
    if ignore.is_file() and ignore.read_bytes() == _IGNORE_ALL.encode():
        ignore.unlink()
    for inner in (path.parent, folder):
        with contextlib.suppress(OSError):  # something is in it: then it stays
            inner.rmdir()
    return True


def _connect(path: Path) -> sqlite3.Connection:
    database = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None)
    try:
        # A crash of the machine may damage the file: the sums, and starting anew, are cheaper than waiting for the disk.
        database.execute("pragma synchronous = off")
        database.executescript(_SCHEMA)
    except sqlite3.Error:
        database.close()
        raise
    return database


def _is_damage(error: Exception) -> bool:
    """Whether the file is no database of ours, and not only busy, full, or not to be written."""
    if isinstance(error, sqlite3.OperationalError):
        return error.sqlite_errorcode == sqlite3.SQLITE_ERROR  # such as a column that is not there
    return isinstance(error, sqlite3.DatabaseError)


def _size(database: sqlite3.Connection) -> int:
    pages: int = database.execute("pragma page_count").fetchone()[0]
    size: int = database.execute("pragma page_size").fetchone()[0]
    return pages * size


def _sum(text: str) -> int:
    return zlib.crc32(text.encode(errors="surrogatepass"))


def _remove(path: Path) -> None:
    """The file, and the journal that would else be played back into its successor."""
    path.with_name(path.name + "-journal").unlink(missing_ok=True)
    path.unlink(missing_ok=True)
