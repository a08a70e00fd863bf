"""Cut one module down to what a workflow needs of it, every kept line on its own line number."""
