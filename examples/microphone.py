"""Listen to the microphone until Ctrl-C, and print each utterance when it is over."""

from contextlib import suppress

from ser_live import AudioSource, EmotionResult, Kind, StreamGap, listen


def main(source: AudioSource | None = None) -> None:
    """Listen to a source, the microphone where none is given."""
    with listen(source) as events:
        for event in events:
            if isinstance(event, EmotionResult) and event.kind is Kind.FINAL:
                print(f"{event.start_s:.1f} s: {event.emotion or event.state}")
            elif isinstance(event, StreamGap):
                print(f"{event.start_s:.1f} s: {event.duration_s:.1f} s were lost ({event.cause})")


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        main()
