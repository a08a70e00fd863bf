"""Whether a new build can take over the runs that are live: what they may still need, against what it has."""
