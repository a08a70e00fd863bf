"""The web page on runs: lists them, shows one as a timeline, and acts on it. Imported only where it was asked for: it needs jinja2."""
