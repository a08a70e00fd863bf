"""Worlds: where runs live."""
