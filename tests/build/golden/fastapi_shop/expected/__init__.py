"""Written by workflow-build 0.1.0. Do not edit.

Importing this package makes the project's workflows known to the process.
"""

from pathlib import Path

from workflow_runtime.project import Project, register_project

from .bundles import BUNDLES

PROJECT = register_project(
    Project(
        package=__name__,
        root=(Path(__file__).parent / "../..").resolve(),
        build="c9ec66bdb671bdb5",
        workflows={
            "workflow//shop.orders//checkout": "2e93976971d67689",
        },
        steps=[
            "step//shop.payments//cancel",
            "step//shop.payments//charge",
            "step//shop.stock//cancel",
            "step//shop.stock//reserve",
        ],
        bundles=BUNDLES,
    )
)
