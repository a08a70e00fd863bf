import ssl
from dataclasses import dataclass


@dataclass
class Receipt:
    cents: int
    version: str = "1"

    @property
    def half(self) -> int:
        return self.cents // 2


def tls() -> str:
    return ssl.OPENSSL_VERSION
