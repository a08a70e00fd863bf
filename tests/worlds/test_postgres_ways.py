"""The ways to the server: TLS, and a pooler that hands out a connection for one transaction."""

from __future__ import annotations

import os
import shutil
import ssl
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
import trustme

from tests import postgres_servers
from tests.tls_front import tls_front
from tests.worlds.conftest import PostgresHarness
from workflow_runtime.errors import WorldError
from workflow_runtime.testing.conformance import WorldConformance
from workflow_runtime.testing.harness import SOON, Harness, append, new_run, run_completed, take
from workflow_runtime.worlds.base import Message
from workflow_runtime.worlds.postgres import PostgresWorld

PGBOUNCER = shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin")


@pytest.fixture(scope="module")
def certified(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """The URL of a server that takes TLS connections only, and the certificate of who has signed its own."""
    authority, context = trustme.CA(), ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    root = tmp_path_factory.mktemp("tls") / "root.pem"
    authority.cert_pem.write_to_path(root)
    before, _, rest = postgres_servers.server_url().rpartition(":")
    port, _, database = rest.partition("/")
    with tls_front(context, int(port)) as front:
        yield f"{before}:{front}/{database}", root


async def test_a_world_over_tls_checks_the_servers_certificate(certified: tuple[str, Path]) -> None:
    server, root = certified
    world = PostgresWorld(postgres_servers.fresh_url("sslmode=verify-full", f"sslrootcert={root}", server=server))
    await world.open()
    run = await new_run(world)
    await append(world, run.id, run_completed())
    assert (await world.wait_for_end(run.id, SOON)).status.ended
    await world.close()


async def test_a_certificate_that_nobody_known_has_signed_is_refused(
    certified: tuple[str, Path], tmp_path: Path
) -> None:
    server, _ = certified
    trustme.CA().cert_pem.write_to_path(other := tmp_path / "other.pem")
    with pytest.raises(WorldError, match=r"no TLS: .*\?sslrootcert= names who signed") as refused:
        await PostgresWorld(f"{server}?sslmode=verify-full&sslrootcert={other}").open()
    assert "cret" not in str(refused.value)


async def test_a_server_without_tls_is_refused_by_who_wants_it() -> None:
    with pytest.raises(WorldError, match="rejected SSL upgrade"):
        await PostgresWorld(f"{postgres_servers.server_url()}?sslmode=require").open()


@pytest.fixture(scope="module")
def pooled() -> Iterator[str]:
    """The URL of a pooler in transaction mode before this process's server."""
    if PGBOUNCER is None or "DATABASE_URL" in os.environ:
        pytest.skip("no pgbouncer on this machine")
    folder = Path(tempfile.mkdtemp(prefix="workflow-pooler-"))
    folder.chmod(0o755)  # it does not run as root, who may be who tests
    port = postgres_servers.free_port()
    server = postgres_servers.server_url().rpartition(":")[2].partition("/")[0]
    settings = {
        "listen_addr": "127.0.0.1",
        "listen_port": port,
        "auth_type": "any",
        "pool_mode": "transaction",
        "default_pool_size": 4,
        "max_client_conn": 200,
        "unix_socket_dir": "",
        "ignore_startup_parameters": "extra_float_digits",
    }
    lines = ["[databases]", f"postgres = host=127.0.0.1 port={server} user=owner", "[pgbouncer]"]
    configuration = folder / "pgbouncer.ini"
    configuration.write_text(
        "\n".join([*lines, *(f"{name} = {value}" for name, value in settings.items()), ""]), "utf-8"
    )
    log = (folder / "log").open("wb")
    process = subprocess.Popen(
        [PGBOUNCER, str(configuration)], stdout=log, stderr=log, cwd="/", **postgres_servers.as_user()
    )
    deadline = time.monotonic() + postgres_servers.PATIENCE
    while b"process up" not in (folder / "log").read_bytes():
        assert process.poll() is None, (folder / "log").read_text()
        assert time.monotonic() < deadline
        time.sleep(0.05)
    yield f"postgresql://owner@127.0.0.1:{port}/postgres"
    process.kill()
    process.wait()
    log.close()
    shutil.rmtree(folder)


@pytest.fixture
async def harness_behind(pooled: str, postgres_schema: str) -> Harness:
    """The storage of the other suite, with half of what asks standing behind the pooler, and listening past it."""
    harness = PostgresHarness(postgres_schema)
    await harness.empty()
    schema = postgres_schema.rpartition("schema=")[2]
    direct = quote(postgres_servers.server_url(), safe="")
    harness.url = f"{pooled}?schema={schema}&pooler=transaction&listen={direct}"
    return harness


@pytest.mark.soak
class TestPostgresWorldBehindAPooler(WorldConformance):
    @pytest.fixture
    def harness(self, harness_behind: Harness) -> Harness:
        return harness_behind


@pytest.mark.parametrize("listen", ["off", "server"])
async def test_runs_go_on_behind_a_pooler_with_and_without_notifications(pooled: str, listen: str) -> None:
    how = "off" if listen == "off" else quote(postgres_servers.server_url(), safe="")
    url = postgres_servers.fresh_url("pooler=transaction", f"listen={how}", server=pooled)
    worlds = [PostgresWorld(url) for _ in range(4)]
    for world in worlds:
        await world.open()
    for number, world in enumerate(worlds):
        run = await new_run(world)
        await world.send(message := Message(f"msg_{number}", run.id))
        delivery = await take(worlds[number - 1])
        assert delivery.message == message
        await delivery.ack()
        await append(world, run.id, run_completed())
        assert (await worlds[number - 2].wait_for_end(run.id, SOON)).status.ended
    for world in worlds:
        await world.close()


async def test_without_the_word_for_it_a_pooler_is_named_as_the_likely_cause(pooled: str) -> None:
    """Statements are prepared on one connection of the server and asked for on another."""
    worlds = [PostgresWorld(postgres_servers.fresh_url(server=pooled)) for _ in range(4)]

    async def use_all() -> None:
        for world in worlds * 30:
            await world.open()
            await new_run(world)

    with pytest.raises(WorldError, match=r"add \?pooler=transaction"):
        await use_all()
    for world in worlds:
        world.crash()
