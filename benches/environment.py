"""Prints `export NAME=…` lines for a shell from an env file whose values are in single quotes, double quotes or none."""

import shlex
import sys

with open(sys.argv[1], encoding="utf-8") as lines:
    for line in lines:
        name, separator, value = line.strip().partition("=")
        if separator and not name.startswith("#"):
            quoted = len(value) > 1 and value[0] in "'\"" and value[-1] == value[0]
            print(f"export {name}={shlex.quote(value[1:-1] if quoted else value)}")
