#!/bin/sh
# Install Pipecat and LiveKit agents beside ser-live in .cache/integrations, and run their tests.
# They are heavy (about 100 packages), so the locked environment does not have them.
set -eu

cd "$(dirname "$0")/.."
python=${1:-python3}
folder=.cache/integrations

test -x "$folder/bin/python" || "$python" -m venv "$folder"
"$folder/bin/python" -m pip install --quiet --disable-pip-version-check \
    --editable . pytest "pipecat-ai>=1.11" "livekit-agents>=1.8"
# Warnings of foreign packages are not errors here.
exec "$folder/bin/python" -W default -m pytest -W default tests/integrations
