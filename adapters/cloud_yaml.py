"""YAML as CloudFormation has it."""

from __future__ import annotations

from typing import Any

import yaml


class _Loader(yaml.SafeLoader):
    """Takes what CloudFormation marks with tags of its own, such as ``!Ref Stage``, for a mapping: it is known when it is deployed."""


def _tagged(loader: yaml.SafeLoader, tag: str, node: yaml.Node) -> dict[str, Any]:
    return {tag: loader.construct_scalar(node) if isinstance(node, yaml.ScalarNode) else None}


_Loader.add_multi_constructor("!", _tagged)


def parse(text: str) -> Any:
    """What the text says. Raises ``ValueError`` when it is no YAML."""
    try:
        return yaml.load(text, _Loader)
    except yaml.YAMLError as error:
        raise ValueError(str(error)) from error
