"""Written by workflow-build 0.1.0. Do not edit.

The workflow code of this project by the hash of its content. Each bundle is loaded when
a run needs it. Those of earlier builds stay, since runs in flight keep their code.
"""

from collections.abc import Callable

from workflow_runtime.bundles import Bundle


def _load_2e93976971d67689() -> Bundle:
    from .b_2e93976971d67689 import BUNDLE

    return BUNDLE


BUNDLES: dict[str, Callable[[], Bundle]] = {
    "2e93976971d67689": _load_2e93976971d67689,
}
