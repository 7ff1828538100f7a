#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Installs what is missing of the named groups of packages.txt.   usage: install.sh GROUP...
# What is there already is left alone, so that a second run needs neither root nor a package mirror.
set -eu
list=$(dirname "$0")/packages.txt

wanted=$(for group in "$@"; do
  awk -v group="[$group]" '/^\[/ {on = ($1 == group)} on && /^[a-z]/ {print $1}' "$list"
done)
missing=
for package in $wanted; do
  [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || missing="$missing $package"
done
if [ -z "$missing" ]; then
  echo "==> packages: everything is installed ($*)"
  exit 0
fi

echo "==> packages: installing$missing"
as_root=
if [ "$(id -u)" != 0 ]; then
  as_root=$(command -v sudo) || { echo "installing packages needs root, and there is no sudo: run this as root" >&2; exit 1; }
fi
$as_root apt-get update -q
# shellcheck disable=SC2086  # a list of words
$as_root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends $missing
