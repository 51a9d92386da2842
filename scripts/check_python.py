"""Say in one sentence what is missing before `make setup` starts."""

import importlib.util
import sys

if not (3, 10) <= sys.version_info[:2] <= (3, 13):
    sys.exit(
        "Found Python {}.{}, but ser-live needs Python 3.10 to 3.13: "
        "choose another with `make setup PYTHON=python3.12`.".format(*sys.version_info[:2])
    )
if importlib.util.find_spec("ensurepip") is None:
    sys.exit(
        "Found a Python without ensurepip, which `python3 -m venv` needs: "
        "on Debian run `sudo scripts/install_debian.sh` first."
    )
