"""Listen to the microphone beside other work in an event loop, until a time is up."""

import asyncio
from contextlib import suppress

from ser_live import AudioSource, EmotionResult, listen_async


async def watch(source: AudioSource | None) -> None:
    """Print every emotion that is named, also while an utterance goes on."""
    async with listen_async(source) as events:
        async for event in events:
            if isinstance(event, EmotionResult) and event.emotion is not None:
                print(f"{event.start_s:.1f} s: {event.emotion} {event.confidence:.2f}")


async def main(source: AudioSource | None = None, limit_s: float = 60.0) -> None:
    """Watch a source, the microphone where none is given, for a while."""
    with suppress(asyncio.TimeoutError):
        await asyncio.wait_for(watch(source), limit_s)  # cancelling it closes the microphone


if __name__ == "__main__":
    asyncio.run(main())
