from aliases.marks import *


@patient
def charge(cents: int) -> int:
    """The same name in another file."""
    return cents * 1000
