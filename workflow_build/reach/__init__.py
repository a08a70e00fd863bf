"""What one workflow reaches: names followed from statement to statement, across the modules of the project."""
