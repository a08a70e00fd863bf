"""The model of a run for viewing: what a world's answers mean to people, as plain frozen data.

Pure functions, which know neither terminal nor page: ``timeline`` (a run and its rows), ``standing`` (what it waits for, in words), ``errors``
and ``payloads`` (what is in the log, as safe text). Only ``reading`` asks a world.
"""
