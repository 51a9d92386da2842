#!/bin/sh
# Install the system packages that ser-live needs on Debian and Ubuntu.
set -eu

usage() {
    cat <<'TEXT'
Usage: scripts/install_debian.sh [--test] [--demo] [--all] [--print]

Without an option: what running ser-live needs (Python's venv, make, PortAudio).
  --test   also a sound server and its tools, for the virtual microphone of the tests,
           strace, which shows that nothing goes out, ffmpeg, whose decoding of odd files is
           the measure of ours, zsh and fish, whose completion is tried, chromium, which
           opens the pages, and what the bridges and examples talk to: oscdump of liblo,
           mosquitto, curl, jq
  --demo   also a speech synthesiser, to make the demo recording again
  --all    both
  --print  only print the names of the packages

Needs root or sudo. Nothing is installed that is there already.
TEXT
}

base="python3 python3-venv make libportaudio2"
test="pulseaudio pulseaudio-utils libasound2-plugins alsa-utils strace ffmpeg zsh fish chromium liblo-tools mosquitto mosquitto-clients curl jq"
demo="espeak-ng"

packages="$base"
only_print=no
for option in "$@"; do
    case "$option" in
        --test) packages="$packages $test" ;;
        --demo) packages="$packages $demo" ;;
        --all) packages="$packages $test $demo" ;;
        --print) only_print=yes ;;
        -h | --help) usage; exit 0 ;;
        *) echo "Found the option $option, which does not exist: see --help." >&2; exit 2 ;;
    esac
done

if [ "$only_print" = yes ]; then
    printf '%s\n' $packages
    exit 0
fi

if ! command -v apt-get >/dev/null 2>&1; then
    echo "Found no apt-get, but this script is for Debian and Ubuntu: install with your own" \
        "package manager what --print names." >&2
    exit 1
fi

missing=""
for package in $packages; do
    status=$(dpkg-query --show --showformat='${db:Status-Status}' "$package" 2>/dev/null || true)
    [ "$status" = installed ] || missing="$missing $package"
done
if [ -z "$missing" ]; then
    echo "Everything is installed:" $packages
    exit 0
fi

as_root=""
if [ "$(id -u)" -ne 0 ]; then
    if ! command -v sudo >/dev/null 2>&1; then
        echo "Found neither root nor sudo, but installing needs one: run as root" \
            "apt-get install$missing" >&2
        exit 1
    fi
    as_root="sudo"
fi

echo "Installing:$missing"
$as_root apt-get update -qq
$as_root env DEBIAN_FRONTEND=noninteractive \
    apt-get install --yes --quiet --no-install-recommends $missing
