"""Where workflow code runs: with its own imports and builtins, so that nothing in it can depend on what replay would
not repeat.

It guards against accidents, not against attackers.
"""
