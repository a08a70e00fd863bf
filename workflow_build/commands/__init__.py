"""The subcommands, one module each: they read flags, call one function, print, and give the exit code."""
