"""Say what a build found and did: for people, for programs, for GitHub, for code scanners. Text goes to a stream that is given."""

from workflow_build.report.data import json_text, routes_json_text
from workflow_build.report.explain import print_page, rule_of
from workflow_build.report.github import print_github
from workflow_build.report.sarif import sarif_text
from workflow_build.report.text import print_diagnostics, print_output, print_routes
from workflow_build.summary import summary

__all__ = [
    "json_text",
    "print_diagnostics",
    "print_github",
    "print_output",
    "print_page",
    "print_routes",
    "routes_json_text",
    "rule_of",
    "sarif_text",
    "summary",
]
