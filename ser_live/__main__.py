"""``python -m ser_live``."""

from ser_live.cli import main

if __name__ == "__main__":
    main()
