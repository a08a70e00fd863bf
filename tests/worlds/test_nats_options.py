"""What a ``nats://`` URL says, and that servers which let nobody in without it let the world in with it."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import nkeys  # type: ignore[import-untyped]  # it has no types
import pytest
import trustme

from tests.nats_servers import one_server
from workflow_runtime.errors import WorldError
from workflow_runtime.testing.harness import take
from workflow_runtime.worlds.base import Message
from workflow_runtime.worlds.nats import NatsOptions, NatsWorld, read_url
from workflow_runtime.worlds.urls import open_world_url, shown_url

ADA = 'authorization { user: ada, password: "p@ss word" }'


def test_a_url_says_where_and_how() -> None:
    assert read_url("nats://a") == NatsOptions(("a:4222",))
    assert read_url("nats://a,b:4333,[::1],[::1]:4444").servers == ("a:4222", "b:4333", "[::1]:4222", "[::1]:4444")
    asked = "namespace=shop&replicas=3&storage=memory&lease=2.5&patience=7&keep=10&tls=true"
    expected = NatsOptions(("a:4222",), tls=True, namespace="shop", replicas=3, storage="memory", lease=2.5)
    found = read_url(f"nats://a?{asked}")
    assert (found.patience, found.keep) == (7.0, 10)
    assert read_url("nats://a?" + asked.replace("&patience=7&keep=10", "")) == expected
    files = read_url("nats://a?creds=/c&nkey=/n&ca=/ca&cert=/crt&key=/k")
    assert (files.credentials, files.nkey, files.ca) == ("/c", "/n", "/ca")
    assert (files.certificate, files.certificate_key) == ("/crt", "/k")
    assert read_url("nats://ada:p%40ss@a,b").password == "p@ss"
    assert read_url("nats://s3cret@a").token == "s3cret"


@pytest.mark.parametrize(
    "url",
    [
        "nats:a",
        "nats://",
        "nats:///shop",
        "nats://a/shop",
        "nats://a#b",
        "nats://a:b",
        "nats://a,,b",
        "nats://a?replicas=0",
        "nats://a?replicas=many",
        "nats://a?storage=disk",
        "nats://a?namespace=a.b",
        "nats://a?namespace=",
        "nats://a?lease=0",
        "nats://a?lease=nan",
        "nats://a?lease=-1",
        "nats://a?tls=yes",
        "nats://a?creds=",
        "nats://a?replica=3",
    ],
)
def test_a_url_that_means_nothing_is_refused(url: str) -> None:
    with pytest.raises(WorldError, match="NATS"):
        read_url(url)


def test_a_scheme_and_its_secrets() -> None:
    assert isinstance(open_world_url("nats://a,b?namespace=shop"), NatsWorld)
    assert shown_url("nats://ada:secret@a:4222,b:4222?namespace=shop") == "nats://…@a:4222,b:4222?namespace=shop"


def test_without_the_extra_one_is_told_what_to_install() -> None:
    code = (
        "import sys; sys.modules['nats'] = None\n"
        "from workflow_runtime.worlds.urls import open_world_url\n"
        "open_world_url('nats://a')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "pip install 'workflow-build[nats]'" in done.stderr


@dataclass(frozen=True, slots=True)
class Door:
    """A server's configuration, and what a URL needs to come in: before the host, and behind the namespace."""

    more: str
    login: str = ""
    query: str = ""


def _tls_door(folder: Path) -> Door:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(folder / "ca.pem")
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(folder / "server.pem")
    authority.issue_cert("client").private_key_and_cert_chain_pem.write_to_path(folder / "client.pem")
    server, ca = folder / "server.pem", folder / "ca.pem"
    tls = f'tls {{ cert_file: "{server}", key_file: "{server}", ca_file: "{ca}", verify: true }}'
    client = quote(str(folder / "client.pem"))
    return Door(f"{tls}\n{ADA}", "ada:p%40ss%20word@", f"&tls=true&ca={quote(str(ca))}&cert={client}&key={client}")


def _nkey_door(folder: Path) -> Door:
    pair, seed = _key_pair(nkeys.PREFIX_BYTE_USER)
    (folder / "user.nk").write_bytes(seed)
    return Door(
        f"authorization {{ users: [ {{ nkey: {pair.public_key.decode()} }} ] }}", query=f"&nkey={folder / 'user.nk'}"
    )


def _credentials_door(folder: Path) -> Door:
    (operator, _), (account, _) = _key_pair(nkeys.PREFIX_BYTE_OPERATOR), _key_pair(nkeys.PREFIX_BYTE_ACCOUNT)
    (system, _), (user, seed) = _key_pair(nkeys.PREFIX_BYTE_ACCOUNT), _key_pair(nkeys.PREFIX_BYTE_USER)
    everything = {"mem_storage": -1, "disk_storage": -1, "streams": -1, "consumer": -1}
    limits = {
        "subs": -1,
        "data": -1,
        "payload": -1,
        "imports": -1,
        "exports": -1,
        "wildcards": True,
        "conn": -1,
        "leaf": -1,
    }
    tokens = [
        _jwt(operator, operator.public_key.decode(), {"type": "operator", "version": 2}),
        _jwt(operator, account.public_key.decode(), {"type": "account", "version": 2, "limits": limits | everything}),
        _jwt(operator, system.public_key.decode(), {"type": "account", "version": 2, "limits": limits}),
        _jwt(account, user.public_key.decode(), {"type": "user", "version": 2, "subs": -1, "data": -1, "payload": -1}),
    ]
    (folder / "operator.jwt").write_text(tokens[0], "utf-8")
    (folder / "user.creds").write_text(
        f"-----BEGIN NATS USER JWT-----\n{tokens[3]}\n------END NATS USER JWT------\n\n"
        f"-----BEGIN USER NKEY SEED-----\n{seed.decode()}\n------END USER NKEY SEED------\n",
        "utf-8",
    )
    names = [account.public_key.decode(), system.public_key.decode()]
    preload = f"{{ {names[0]}: {tokens[1]}, {names[1]}: {tokens[2]} }}"
    trusted = f'operator: "{folder / "operator.jwt"}"\nsystem_account: {names[1]}'
    more = f"{trusted}\nresolver: MEMORY\nresolver_preload: {preload}"
    return Door(more, query=f"&creds={folder / 'user.creds'}")


DOORS: Mapping[str, Callable[[Path], Door]] = {
    "password": lambda folder: Door(ADA, "ada:p%40ss%20word@"),
    "token": lambda folder: Door("authorization { token: s3cret }", "s3cret@"),
    "nkey": _nkey_door,
    "credentials": _credentials_door,
    "TLS with certificates on both sides and a password": _tls_door,
}


@pytest.mark.parametrize("kind", DOORS)
async def test_a_world_is_let_in(kind: str, tmp_path: Path) -> None:
    door = DOORS[kind](tmp_path)
    with one_server(tmp_path / "server", door.more) as server:
        url = f"nats://{door.login}{server.address}?namespace={uuid4().hex}&patience=10{door.query}"
        world = open_world_url(url)
        await world.open()
        await world.send(Message("msg_1", "wrun_1"))
        assert (await take(world)).message.id == "msg_1"
        await world.close()


@pytest.mark.parametrize("login", ["", "ada:wrong@", "s3cret@"])
async def test_who_is_not_let_in_is_told_so_without_the_password(login: str, tmp_path: Path) -> None:
    with one_server(tmp_path / "server", ADA) as server:
        world = open_world_url(f"nats://{login}{server.address}?patience=3")
        with pytest.raises(WorldError, match=r"(?i)authorization violation.*; check that") as caught:
            await world.open()
    assert "wrong" not in str(caught.value)
    assert "s3cret" not in str(caught.value)


async def test_files_that_are_not_there_are_named(tmp_path: Path) -> None:
    for query, named in (
        ("creds=/nowhere/a", "/nowhere/a"),
        ("tls=true&ca=/nowhere/b", "ca="),
        ("nkey=/nowhere/c", "/nowhere/c"),
    ):
        with pytest.raises(WorldError, match=named):
            await open_world_url(f"nats://127.0.0.1:1?patience=1&{query}").open()


def _key_pair(prefix: int) -> tuple[Any, bytes]:
    seed = nkeys.encode_seed(uuid4().bytes + uuid4().bytes, prefix)
    return nkeys.from_seed(bytearray(seed)), bytes(seed)


def _jwt(issuer: Any, subject: str, claims: dict[str, Any]) -> str:
    """A token as the servers' tools make them."""

    def text(data: bytes) -> str:
        return base64.urlsafe_b64encode(data).decode().rstrip("=")

    body = {
        "jti": uuid4().hex,
        "iat": int(time.time()),
        "iss": issuer.public_key.decode(),
        "sub": subject,
        "nats": claims,
    }
    head = text(json.dumps({"typ": "JWT", "alg": "ed25519-nkey"}).encode())
    signed = f"{head}.{text(json.dumps(body).encode())}"
    return f"{signed}.{text(bytes(issuer.sign(signed.encode())))}"
