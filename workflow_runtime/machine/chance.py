"""Chance that replays: generators whose every draw follows from a seed."""

from __future__ import annotations

import hashlib
import hmac
import random


class SecretRandom(random.Random):
    """A generator whose draws nobody can foretell who does not have the seed.

    HMAC-SHA-256 over a counter. The Mersenne Twister would repeat as well, but gives its state away in 624 draws.
    """

    def __init__(self, seed: str) -> None:
        self._key = hashlib.sha256(seed.encode()).digest()
        self._count = 0
        super().__init__(0)

    def getrandbits(self, k: int, /) -> int:
        """``k`` random bits."""
        return int.from_bytes(self.randbytes((k + 7) // 8), "big") >> (-k % 8)

    def randbytes(self, n: int) -> bytes:
        """``n`` random bytes."""
        blocks = []
        for _ in range(0, n, hashlib.sha256().digest_size):
            self._count += 1
            blocks.append(hmac.digest(self._key, self._count.to_bytes(8, "big"), "sha256"))
        return b"".join(blocks)[:n]

    def random(self) -> float:
        """A float from 0 up to 1, 53 bits fine."""
        return self.getrandbits(53) / (1 << 53)
