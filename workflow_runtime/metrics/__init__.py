"""Numbers of what a process does with runs: for Prometheus when ``collect`` was called, and for OpenTelemetry where the app has it."""

from workflow_runtime.metrics.prometheus import CONTENT_TYPE, collect, prometheus_text

__all__ = ["CONTENT_TYPE", "collect", "prometheus_text"]
