"""Written by workflow-build 0.1.0. Do not edit.

The worker of this project, without a web app. It runs until it is interrupted:

    python -m shop._workflow.worker
"""

from workflow_runtime.alone import run_worker
from workflow_runtime.service import Service

from . import PROJECT
from .step_registrations import STEPS

service = Service(PROJECT, STEPS)


if __name__ == "__main__":
    run_worker(service)
