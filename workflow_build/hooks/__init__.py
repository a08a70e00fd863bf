"""Hooks for build backends: ``python -m build`` runs the compiler, and the wheel has what it wrote."""
