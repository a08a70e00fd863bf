"""What each workflow may do, in which order: a graph, read from the source alone."""
