#!/bin/sh
# What the tests of reports in a browser need, as far as this machine gives it: Chromium by apt-get, axe-core by npm.
# Where one is not to be had, its tests are skipped and say so.
venv=$1

if ! command -v chromium > /dev/null 2>&1; then
  if [ "$(id -u)" = 0 ] && command -v apt-get > /dev/null 2>&1; then
    echo 'installing chromium, for the tests of reports' >&2
    export DEBIAN_FRONTEND=noninteractive
    { timeout 120 apt-get -qq update && timeout 400 apt-get -qq install --yes --no-install-recommends chromium; } > /dev/null 2>&1 \
      || echo 'chromium is not to be had: tests that need a browser are skipped' >&2
  fi
fi

if [ ! -f "$venv/axe.min.js" ] && command -v npm > /dev/null 2>&1; then
  folder=$(mktemp -d)
  (cd "$folder" && timeout 60 npm pack --silent axe-core@4.14.1 && tar -xzf axe-core-*.tgz package/axe.min.js) > /dev/null 2>&1 \
    && mv "$folder/package/axe.min.js" "$venv/axe.min.js" \
    || echo 'axe-core is not to be had: tests that need it are skipped' >&2
  rm -rf "$folder"
fi
exit 0
