"""What the command says of itself: apart from the commands, so that saying it loads none of them."""

HELP = """Compile the workflows and steps of PROJECT, a folder (default: the current one).

A word that is none of the commands below is that folder; one named like a command is given as
./routes.

\b
Examples:
  workflow-build                                build what is here
  workflow-build services/shop --app shop.main:app
  workflow-build --watch                        build again at each change
  workflow-build --check                        in CI: exit 1 with a diff if the output is stale
  workflow-build routes                         show where the app has the workflow routes
  workflow-build --explain WB104                say what a finding means

\b
Settings live in [tool.workflow-build] of pyproject.toml: roots, out, targets, app, pure,
exclude, dependencies. Flags win; what neither says is detected.

\b
Exit codes:
  0  built, or fresh
  1  there are errors, or the output is stale
  2  the command or the configuration is wrong
"""
