#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Every script parses, in the language of its first line.
set -eu
cd "$(dirname "$0")/../.."
status=0
for file in .ci/* $(find control tests perf -name '*.sh' -o -name '*.py'); do
  read -r first <"$file"
  case $first in
    *python3*) /usr/bin/python3 -c 'import ast, sys; ast.parse(open(sys.argv[1]).read(), sys.argv[1])' "$file" ;;
    *bash*) bash -n "$file" ;;
    *sh*) dash -n "$file" ;;
    *) echo "$file: no interpreter in its first line" >&2; false ;;
  esac || { echo "$file: does not parse" >&2; status=1; }
done
exit $status
