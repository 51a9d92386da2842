"""A game that gets easier for an angry player: pygame-ce (`pip install pygame-ce`).

It polls between two frames and never waits: `python game_loop.py` hears the microphone,
`python game_loop.py talk.wav` a recording. Without a screen set SDL_VIDEODRIVER=dummy.
"""

import sys

import pygame

from ser_live import EmotionState, listen
from ser_live.events.record import OfStream


def main(source: str | None) -> None:
    """Move a ball until the sound ends or the window is closed."""
    pygame.display.init()
    screen = pygame.display.set_mode((640, 360))
    clock = pygame.time.Clock()
    mood, x, speed = EmotionState("game"), 0.0, 240.0
    with listen(source) as heard:
        while not heard.finished:
            if any(event.type == pygame.QUIT for event in pygame.event.get()):
                break
            for event in heard.poll(0.0):
                if not isinstance(event, OfStream):
                    continue
                for change in mood.take(event):
                    # A guess may shape a game gently; it must not decide one.
                    wanted = 140.0 if change.label == "angry" else 240.0
                    if wanted != speed:
                        speed = wanted
                        print(
                            f"{change.start_s:.1f} s: {change.label}, the ball moves at {speed:.0f}"
                        )
            x = (x + speed * clock.tick(60) / 1000) % screen.get_width()
            screen.fill((16, 18, 24))
            pygame.draw.circle(screen, (229, 185, 60), (round(x), 180), 20)
            pygame.display.flip()
    pygame.quit()


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else None)
