#!/usr/bin/env bash
# Makes the environment in folder $1, or brings it up to date with pyproject.toml. $2 is the Python to use; else the newest that is here.
# uv does it where it is and works, since it is fast; venv and pip otherwise.
set -euo pipefail

venv=$1
wanted=${2:-}

usable() { "$1" -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' > /dev/null 2>&1; }

pick() {
  local name
  for name in ${wanted:-python3.14 python3.13 python3.12 python3.11 python3 python}; do
    if usable "$name"; then
      echo "$name"
      return
    fi
  done
  echo "no usable Python 3.11 or newer (with venv) was found${wanted:+: $wanted is none}; install one, or set PYTHON=/path/to/python" >&2
  return 1
}

version() { "$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2> /dev/null; }

create() {
  if command -v uv > /dev/null && uv venv -q --clear --seed --python "$1" "$venv" 2> /dev/null; then
    return
  fi
  "$1" -m venv --clear "$venv"
}

install() {
  if command -v uv > /dev/null && uv pip install -q --python "$venv/bin/python" -e '.[test]' 2> /dev/null; then
    return
  fi
  "$venv/bin/python" -m pip install -qq -e '.[test]'
}

if ! usable "$venv/bin/python" || { [ -n "$wanted" ] && [ "$(version "$venv/bin/python")" != "$(version "$wanted")" ]; }; then
  python=$(pick)
  echo "making $venv with Python $(version "$python")"
  create "$python"
fi
echo "installing packages into $venv; this is done once, and again when pyproject.toml changes"
install
