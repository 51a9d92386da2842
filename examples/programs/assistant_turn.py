"""One turn of an assistant: words of a user and, for a spoken one, a hint at how they sounded.

Prints the messages for a language model. `assistant_turn.py "I am fine" talk.wav` is spoken,
`assistant_turn.py "I am fine"` is typed and carries no hint, whatever was said before.
"""

import json
import sys

from ser_live import EmotionResult, Kind, analyze
from ser_live.integrations.wording import tentative


def messages(words: str, recording: str | None) -> list[dict[str, str]]:
    """Messages of the turn; the hint is an instruction, never part of what the user said."""
    hint = ""
    if recording is not None:
        finals = [
            event
            for event in analyze(recording).utterances
            if isinstance(event, EmotionResult) and event.kind is Kind.FINAL
        ]
        hint = tentative(finals[-1]) if finals else ""
    system = "You are a patient assistant."
    return [
        {"role": "system", "content": f"{system}\n{hint}".strip()},
        {"role": "user", "content": words},
    ]


if __name__ == "__main__":
    print(json.dumps(messages(sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else None), indent=1))
