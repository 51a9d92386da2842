"""Finding speech in a stream, and joining it into utterances."""
