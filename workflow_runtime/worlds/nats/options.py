"""What a ``nats://`` URL says: the servers, how to be let in, and where and how the namespace is kept."""

from __future__ import annotations

import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from workflow_runtime.errors import WorldError

DEFAULT_PORT = 4222
_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_SECONDS = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9})?")
_FILES = {"creds": "credentials", "nkey": "nkey", "ca": "ca", "cert": "certificate", "key": "certificate_key"}


@dataclass(frozen=True, slots=True)
class NatsOptions:
    """Where and how a namespace of runs is kept. All of it can be said in a URL; ``docs/nats.md`` has the table."""

    servers: tuple[str, ...] = (f"127.0.0.1:{DEFAULT_PORT}",)
    user: str | None = None
    password: str | None = None
    token: str | None = None
    credentials: str | None = None
    """The path of a file with a JWT and its seed."""
    nkey: str | None = None
    """The path of a file with an nkey's seed."""
    tls: bool = False
    ca: str | None = None
    """The path of a file with the certificates to trust; None: the system's."""
    certificate: str | None = None
    certificate_key: str | None = None
    namespace: str = "workflow"
    replicas: int = 1
    storage: str = "file"
    """``file`` or ``memory``."""
    lease: float = 10.0
    """Seconds of silence after which a worker counts as dead."""
    patience: float = 30.0
    """Seconds that an operation waits for a server that takes it, before it raises ``WorldError``."""
    keep: int = 50_000
    """How many operations follow a snapshot before the next one is made."""

    def connecting(self) -> Mapping[str, Any]:
        """The arguments for ``nats.connect`` that follow from this. Raises ``WorldError`` when a file can not be read."""
        for name, path in (("creds", self.credentials), ("nkey", self.nkey)):
            try:
                if path is not None:
                    Path(path).read_bytes()
            except OSError as error:
                raise WorldError(f"NATS world: the file of {name}= can not be read: {error}") from error
        asked: dict[str, Any] = {
            "servers": [f"{'tls' if self.tls else 'nats'}://{server}" for server in self.servers],
            "user": self.user,
            "password": self.password,
            "token": self.token,
            "user_credentials": self.credentials,
            "nkeys_seed": self.nkey,
        }
        if self.tls:
            asked["tls"] = self._tls()
        return {name: value for name, value in asked.items() if value is not None}

    def _tls(self) -> ssl.SSLContext:
        try:
            context = ssl.create_default_context(cafile=self.ca)
            if self.certificate is not None:
                context.load_cert_chain(self.certificate, self.certificate_key)
        except (OSError, ssl.SSLError) as error:
            raise WorldError(
                f"NATS world: the files for TLS can not be read: {error}; check ca=, cert= and key="
            ) from error
        return context


def read_url(url: str) -> NatsOptions:
    """The options that ``url`` names. Raises ``WorldError`` when it is no ``nats://`` or says what is not known."""
    parts = urlsplit(url)
    if parts.scheme != "nats" or not parts.netloc or parts.path.strip("/") or parts.fragment:
        raise WorldError(
            "a NATS world's URL is nats://host:port,host:port?namespace=name; put what is more behind the ?"
        )
    login, _, hosts = parts.netloc.rpartition("@")
    options = _let_in(NatsOptions(_servers(hosts)), login)
    for name, value in parse_qsl(parts.query, keep_blank_values=True):
        options = _with(options, name, value)
    return options


def _servers(hosts: str) -> tuple[str, ...]:
    servers = []
    for host in hosts.split(","):
        name, colon, port = host.rpartition(":")
        if not colon or port.endswith("]"):  # an IPv6 address without a port ends in a bracket
            name, port = host, str(DEFAULT_PORT)
        if not name or not port.isdigit():
            raise WorldError(f"the NATS server {host!r} is none; write host or host:port, with commas between several")
        servers.append(f"{name}:{port}")
    return tuple(servers)


def _let_in(options: NatsOptions, login: str) -> NatsOptions:
    if not login:
        return options
    user, colon, password = login.partition(":")
    if not colon:
        return replace(options, token=unquote(user))
    return replace(options, user=unquote(user), password=unquote(password))


def _with(options: NatsOptions, name: str, value: str) -> NatsOptions:
    changed: dict[str, Any] | None = None
    if name in _FILES and value:
        changed = {_FILES[name]: value}
    elif (name == "namespace" and _NAME.fullmatch(value)) or (name == "storage" and value in ("file", "memory")):
        changed = {name: value}
    elif name == "tls" and value in ("true", "false"):
        changed = {name: value == "true"}
    elif name in ("replicas", "keep") and value.isascii() and value.isdigit() and int(value) > 0:
        changed = {name: int(value)}
    elif name in ("lease", "patience") and _SECONDS.fullmatch(value) and float(value) > 0:
        changed = {name: float(value)}
    if changed is None:
        raise WorldError(
            f"a NATS world's URL has the option {name}={value!r}, which means nothing; docs/nats.md has what it may have: namespace, replicas, "
            "storage, lease, patience, keep, tls, ca, cert, key, creds, nkey"
        )
    return replace(options, **changed)
