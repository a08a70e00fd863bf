from workflow_runtime import step as durable
from workflow_runtime import workflow

patient = durable(max_retries=9)
__all__ = ["durable", "patient", "workflow"]
