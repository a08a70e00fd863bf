"""What is judged about the code itself, one module for each matter; ``check`` runs them all."""
