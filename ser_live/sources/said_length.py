"""The length of a recording as its header says, for people; what is heard goes by its sound."""

from __future__ import annotations


def said_length_s(file: str) -> float | None:
    """Length in seconds; ``None`` where it cannot be known without hearing the whole.

    Parameters
    ----------
    file : str
        Path of a recording. One that soundfile does not read, such as a video, says nothing.
    """
    import soundfile

    try:
        about = soundfile.info(file)
    except (OSError, RuntimeError, ValueError, TypeError):
        return None
    # A stream of unknown length says the largest number that there is.
    is_known = about.samplerate > 0 and 0 < about.frames < 2**40
    return about.frames / about.samplerate if is_known else None
