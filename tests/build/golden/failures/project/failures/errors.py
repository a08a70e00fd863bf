import ssl


class ShopError(Exception):
    """The root of all."""

    code = 1


class Declined(ShopError):
    def __init__(self, reason: str, *, cents: int = 0) -> None:
        super().__init__(reason)
        self.reason = reason
        self.cents = cents

    def __str__(self) -> str:
        return f"declined: {self.reason} ({self.cents})"


class Insecure(ShopError, ssl.SSLError):
    """Never raised in a workflow."""


CAUGHT = (Declined, KeyError)
