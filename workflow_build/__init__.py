"""The compiler: finds workflows and steps in source and writes what the runtime needs to run them durably."""
