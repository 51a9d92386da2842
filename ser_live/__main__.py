"""``python -m ser_live``, and the program ``ser-live``."""

from ser_live.process.ending_signals import leave_on_signals


def main() -> None:
    """Run the program; a signal that comes while it is being loaded has its exit code, too."""
    leave_on_signals()
    from ser_live.cli import main as run

    run()


if __name__ == "__main__":
    main()
