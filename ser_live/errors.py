"""Every error a user can meet, with the exit code it leads to.

::

    SerLiveError                 1
    ├── UsageError               2   an option or a name that does not fit
    ├── AudioError               3   audio that cannot be read or analyzed
    │   ├── AudioFileError       3   missing, unreadable, not audio, without a sound track
    │   └── InvalidAudioError    3   NaN, wrong shape, impossible sample rate
    ├── DeviceError              4   no PortAudio, no device, refused, ambiguous
    ├── ModelError               5   model missing, altered, or not made for this program
    ├── LogError                 6   session log that cannot be written or read
    ├── DatasetError             7   training data missing or named illegally
    ├── ProfileError             8   speaker profile that cannot be made, read or used
    ├── WorkersLostError         9   a cluster that works on files is gone
    └── OutputError            141   standard output takes nothing any more

A library that cannot be imported ends the program with exit code 69. Anything else that
is raised is a defect and ends it with exit code 70.

A message is one sentence: what was found, what is needed, what to do. Most errors
rise to the top of the command line, which prints the sentence and exits with the
code. They are caught below it only where the work goes on without the failed part:
the next source of a session, the next file of a batch, the next check of the doctor,
the next try for a lost microphone, the next profile of a list.
"""

from __future__ import annotations

INCOMPLETE_EXIT_CODE = 69
"""Exit code of a library that is missing or damaged; EX_UNAVAILABLE of ``sysexits.h``."""

DEFECT_EXIT_CODE = 70
"""Exit code of an exception that is not a `SerLiveError`; EX_SOFTWARE of ``sysexits.h``."""


class MissingExtraError(ImportError):
    """Libraries of an extra are not installed; the message is the whole sentence."""


class SerLiveError(Exception):
    """Base of all errors that ser-live raises on purpose."""

    exit_code = 1


class UsageError(SerLiveError):
    """An argument does not fit: unknown name, value out of range, contradictory options."""

    exit_code = 2


class AudioError(SerLiveError):
    """Audio cannot be read or analyzed."""

    exit_code = 3


class AudioFileError(AudioError):
    """A file is missing, unreadable, empty, not audio, or has no sound track."""


class InvalidAudioError(AudioError):
    """Samples are not usable: NaN or infinity, wrong shape, impossible sample rate."""


class DeviceError(SerLiveError):
    """PortAudio or the wanted audio device is missing, ambiguous, or refuses to open."""

    exit_code = 4


class ModelError(SerLiveError):
    """A model is missing, altered, truncated, or not made for this program."""

    exit_code = 5


class LogError(SerLiveError):
    """A session log cannot be written or read."""

    exit_code = 6


class DatasetError(SerLiveError):
    """Training or evaluation data are missing or carry illegal names."""

    exit_code = 7


class ProfileError(SerLiveError):
    """A speaker profile cannot be made, written, read, or used with this model."""

    exit_code = 8


class WorkersLostError(SerLiveError):
    """Nobody is left to work on the files; what was done before is not lost."""

    exit_code = 9


class OutputError(SerLiveError):
    """Standard output has no reader any more, which ends a session like a signal, or no room."""

    exit_code = 141
    """The code of a process ended by SIGPIPE."""
