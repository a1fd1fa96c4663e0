#!/bin/sh
# What the tests use of the system: Chromium for the browser tests, PostgreSQL for the store. Installed when root,
# otherwise the tests that need them are skipped with the reason.
set -u
missing=""
command -v chromium >/dev/null 2>&1 || missing="$missing chromium"
ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || missing="$missing postgresql"
[ -z "$missing" ] && exit 0
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null 2>&1; then
    echo "Not root: tests that need$missing will be skipped. Install with: sudo apt-get install$missing"
    exit 0
fi
echo "Installing$missing for the tests …"
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq >/dev/null 2>&1
apt-get install -y -qq --no-install-recommends $missing fonts-dejavu-core >/dev/null 2>&1 ||
    echo "apt-get could not install$missing; the tests that need them will be skipped"
exit 0
