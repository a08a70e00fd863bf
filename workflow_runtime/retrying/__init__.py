"""Running a run again that has failed or was cancelled: from its last good prefix, as a new run.

``cut`` finds what the failure was, ``replaying`` what of the log stands without it, ``renewing`` makes the new run of that.
"""
