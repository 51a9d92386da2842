"""Which frames of a stream are speech, and how they become utterances."""
