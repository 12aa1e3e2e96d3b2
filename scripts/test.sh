#!/usr/bin/env bash
# Everything that is checked, in the order of what fails fastest. Called by npm test.
set -euo pipefail
cd "$(dirname "$0")/.."

tsc -b
npm run --silent check
exec vitest run
