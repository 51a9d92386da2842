#!/bin/sh
# Emotions of a recording by `ser-live serve`, with curl and jq: analyze.sh ADDRESS TOKEN talk.wav
set -eu
printf 'header = "Authorization: Bearer %s"\n' "$2" |  # not an argument: others can read those
    curl --silent --show-error --fail-with-body --config - --header "Accept: application/x-ndjson" \
        --data-binary "@$3" "$1/v1/analyze" |
    jq --raw-output 'select(.type == "emotion" and .kind == "final")
        | "\(.start_s) s: \(.emotion // .state) \(.confidence // "")"'
