"""``python -m workflow_runtime inspect``: runs in the terminal.

The model is ``workflow_runtime.seeing``; here it becomes text (``picture``, ``tables``) or JSON (``as_json``). Nothing of the project is imported:
a world is all that it takes.
"""
