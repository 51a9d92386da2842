"""A machine without PortAudio: what the real sounddevice does there, wherever this is first.

Named in PYTHONPATH, this folder hides PortAudio from a process and from all its children.
"""

raise OSError("PortAudio library not found")
