"""The live workflow, without any I/O: fed with events, it yields commands.

Law of this folder: nothing in it reads a clock, opens a socket or a file, starts a thread, or knows a world.
"""
