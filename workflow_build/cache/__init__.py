"""What builds remember: on disk between processes, in memory between the rebuilds of one. Losing it costs time, nothing else."""
