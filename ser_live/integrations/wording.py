"""Words about a voice for a language model: tentative, or none."""

from __future__ import annotations

from ser_live.events import AffectState, EmotionResult

FLOOR = 0.6
"""Least probability that is worth a word."""

PLAIN = frozenset(["neutral", "calm", "unknown"])
"""Labels about which there is nothing to say."""


def tentative(heard: EmotionResult | AffectState, floor: float = FLOOR) -> str:
    """Give words about a voice for the instructions of a language model; empty where none fit.

    They are for its instructions alone, never to be said to anybody: they ask for that.

    Parameters
    ----------
    heard : EmotionResult or AffectState
    floor : float
        Least probability, or certainty of a state.
    """
    if isinstance(heard, AffectState):
        label, sure = heard.label, heard.certainty
    else:
        label, sure = heard.emotion or "unknown", heard.confidence or 0.0
    if label in PLAIN or sure < floor:
        return ""
    # Labels of models of one's own are words that somebody chose: only words get through.
    word = "".join(c if c.isalnum() or c in " -" else " " for c in label)[:30].strip()
    if not word:
        return ""
    return (
        f"Tone of voice, guessed by a program from sound alone and often wrong: perhaps {word} "
        f"(probability {sure:.1f}). Let it shape your manner at most. Never mention it, never read "
        "it aloud, never treat it as a fact about the person, and go by what they say."
    )
