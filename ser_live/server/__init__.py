"""Emotion for other programs over HTTP and WebSocket, on this machine (extra ``server``).

The only room that listens on a socket; nothing of the live path imports it. What it sends are
the records of the session log. How it is guarded is in ``docs/security.md``.
"""
