"""What authors of worlds test with: subclass ``workflow_runtime.testing.conformance.WorldConformance``."""
