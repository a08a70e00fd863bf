"""What lies under a running server fails while orders are in flight: the disk, the file, its lock. Then it is well again.

Each fault is one of the operating system's, and is made from outside of the server's process.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from tests.e2e.orders import all_is_well, basket, take_orders, wait_until_said

if TYPE_CHECKING:
    from tests.e2e.conftest import Shop

PATIENCE = 60.0
DISK = 8 * 1024 * 1024
Fault = Callable[["Shop"], AbstractContextManager[None]]


def files(shop: Shop) -> list[Path]:
    """The database and what SQLite keeps beside it."""
    database = Path(os.path.realpath(shop.data / "workflow.db"))
    return [path for path in (database, *(Path(f"{database}-{end}") for end in ("wal", "shm"))) if path.exists()]


@contextmanager
def full_disk(shop: Shop) -> Iterator[None]:
    """No byte is left on the disk that has the database."""
    ballast = files(shop)[0].with_name("ballast")
    try:
        with ballast.open("wb", buffering=0) as file:
            while True:
                file.write(b"x" * 4096)
    except OSError:
        pass  # that is what it is for
    try:
        yield
    finally:
        ballast.unlink()


@contextmanager
def no_file_may_grow(shop: Shop) -> Iterator[None]:
    """The server's process may write to no place in a file that is as far in as the next one of the write-ahead log."""
    import resource

    assert shop.process
    kind, pid = resource.RLIMIT_FSIZE, shop.process.pid
    soft, hard = resource.prlimit(pid, kind)
    resource.prlimit(pid, kind, (max(path.stat().st_size for path in files(shop) if path.name.endswith("wal")), hard))
    try:
        yield
    finally:
        resource.prlimit(pid, kind, (soft, hard))


@contextmanager
def immutable(shop: Shop) -> Iterator[None]:
    """Nobody may write the files, whatever they had open before. But for the one that SQLite has in its memory: who writes there all the
    same is killed by the system, and can say nothing.
    """
    paths = [str(path) for path in files(shop) if not path.name.endswith("-shm")]
    subprocess.run(["chattr", "+i", *paths], check=True)
    try:
        yield
    finally:
        subprocess.run(["chattr", "-i", *paths], check=True)


@contextmanager
def locked(shop: Shop) -> Iterator[None]:
    """Another process, which is this one, has the database for itself."""
    with closing(sqlite3.connect(files(shop)[0], isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        yield


def immutable_works(folder: Path) -> bool:
    """Whether the file system and this user can do it."""
    probe = folder / "probe"
    probe.touch()
    if (
        not shutil.which("chattr")
        or subprocess.run(["chattr", "+i", probe], capture_output=True, check=False).returncode
    ):
        return False
    subprocess.run(["chattr", "-i", probe], check=True)
    return True


@pytest.fixture
def small_disk(shop: Shop, tmp_path: Path) -> Iterator[None]:
    """The shop's database is on a file system of its own, of a few MB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={DISK}", "none", str(disk)]
    if sys.platform != "linux" or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("this user may mount nothing; the test with a limit of file sizes stands in for it")
    (shop.data / "workflow.db").symlink_to(disk / "workflow.db")
    yield
    if shop.process:
        shop.kill()
    subprocess.run(["umount", str(disk)], check=True)


def go_through(shop: Shop, check_log: Any, fault: Fault, said: str, lasts_until: str) -> None:
    """Orders are in flight, the fault comes, one more order is refused, the fault goes, another order comes in; all end right."""
    shop.settings["SHOP_STEP_SECONDS"] = "0.3"
    shop.start()
    shop.wait_until_ready()
    orders = take_orders(shop, range(4))
    shop.wait_for_line("begin", "charge")
    with fault(shop):
        refused = httpx.post(f"{shop.url}/orders", json=basket(99), timeout=PATIENCE)
        assert refused.status_code == 500, refused.text
        wait_until_said(shop, said)
        wait_until_said(shop, lasts_until)
    orders |= take_orders(shop, range(4, 5))
    all_is_well(shop, check_log, orders)
    assert not shop.overlaps()


GIVEN_UP = "could not be handed back"
"""Said when a write was tried as often as the handler's patience lasts, and the message can not go back either."""


@pytest.mark.usefixtures("small_disk")
def test_orders_go_on_by_themselves_once_a_full_disk_has_room(shop: Shop, check_log: Any) -> None:
    said = r"\(SQLITE_FULL\); the disk is full; make room and go on, nothing that was acknowledged is lost"
    go_through(shop, check_log, full_disk, said, GIVEN_UP)


@pytest.mark.skipif(sys.platform != "linux", reason="limits of another process")
def test_orders_go_on_by_themselves_once_files_may_grow_again(shop: Shop, check_log: Any) -> None:
    go_through(shop, check_log, no_file_may_grow, r"the disk refuses to read or write", GIVEN_UP)


def test_orders_go_on_by_themselves_once_a_file_can_be_written_again(shop: Shop, check_log: Any) -> None:
    if not immutable_works(shop.data):
        pytest.skip("needs chattr, and root")
    go_through(shop, check_log, immutable, r"the disk refuses to read or write", GIVEN_UP)


def test_orders_go_on_by_themselves_once_a_lock_that_outlasted_the_timeout_is_gone(shop: Shop, check_log: Any) -> None:
    go_through(
        shop, check_log, locked, r"another process holds the file locked; find it", "did not take a write; again"
    )


def test_a_server_that_may_not_write_its_database_says_so_and_the_next_one_goes_on(shop: Shop, check_log: Any) -> None:
    if not immutable_works(shop.data):
        pytest.skip("needs chattr, and root")
    shop.settings["SHOP_STEP_SECONDS"] = "0.3"
    shop.start()
    shop.wait_until_ready()
    orders = take_orders(shop, range(3))
    shop.wait_for_line("begin", "charge")
    shop.kill()
    with immutable(shop):
        shop.start()
        assert shop.process
        assert shop.process.wait(PATIENCE) != 0, "a server that can do nothing must not look as if it could"
        wait_until_said(
            shop, r"WorldError: SQLite world .*workflow\.db: .*; let this user write the file and its folder"
        )
    shop.start()
    shop.wait_until_ready()
    all_is_well(shop, check_log, orders)
    assert not shop.overlaps()


def overwrite_page(database: Path, table: str) -> None:
    """Put other bytes in place of the first page of a table."""
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        number = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = ?", (table,)).fetchone()[0]
        size = connection.execute("PRAGMA page_size").fetchone()[0]
    with database.open("r+b") as file:
        file.seek((number - 1) * size)
        file.write(b"\xa5" * size)


@pytest.mark.parametrize("table", ["events", "messages"])
def test_a_damaged_page_is_named_and_fails_no_run_and_a_backup_made_while_running_goes_on(
    shop: Shop, check_log: Any, table: str
) -> None:
    shop.settings["SHOP_STEP_SECONDS"] = "0.3"
    shop.start()
    shop.wait_until_ready()
    orders = take_orders(shop, range(3))
    shop.wait_for_line("begin", "charge")
    database, backup = shop.data / "workflow.db", shop.data / "backup.db"
    with closing(sqlite3.connect(database)) as source, closing(sqlite3.connect(backup)) as target:
        source.backup(target)
    shop.kill()
    overwrite_page(database, table)

    shop.start()
    wait_until_said(
        shop, r"SQLITE_CORRUPT\).*; the database is damaged; stop all processes and restore it from a backup"
    )
    assert httpx.post(f"{shop.url}/orders", json=basket(99), timeout=PATIENCE).status_code == 500
    assert failed_runs(database) == 0, "a disk's fault is no reason to fail a run"
    shop.kill()

    for path in files(shop):
        path.unlink()
    backup.rename(database)
    shop.start()
    shop.wait_until_ready()
    all_is_well(shop, check_log, orders)


def failed_runs(database: Path) -> int:
    """How many runs the database says have failed."""
    with closing(sqlite3.connect(database)) as connection:
        count: int = connection.execute("SELECT count(*) FROM runs WHERE status = 'failed'").fetchone()[0]
        return count
