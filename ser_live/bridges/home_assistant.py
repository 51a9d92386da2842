"""Discovery messages by which Home Assistant finds the entities."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator, Sequence

from ser_live import __version__
from ser_live.events import UNKNOWN

EXPIRE_AFTER_S = 60
"""Time without news after which an entity is unavailable."""

PREFIX = "homeassistant"
"""Topic that Home Assistant looks below."""


def machine() -> str:
    """Name of this machine, of letters, digits, - and _ alone, as a level of topics."""
    return re.sub(r"[^A-Za-z0-9_-]+", "-", socket.gethostname()).strip("-")[:40] or "machine"


def discovery(
    base: str, name: str, labels: Sequence[str]
) -> Iterator[tuple[str, dict[str, object]]]:
    """Give the topic and the content of each discovery message.

    Parameters
    ----------
    base : str
        Topic that state and availability stand below.
    name : str
        Of the machine.
    labels : sequence of str
        Of the model.
    """
    own = f"ser_live_{name.replace('-', '_').lower()}"
    common: dict[str, object] = {
        "state_topic": f"{base}/state",
        "availability_topic": f"{base}/availability",
        "expire_after": EXPIRE_AFTER_S,
        "device": {
            "identifiers": [own],
            "name": f"ser-live {name}",
            "manufacturer": "ser-live",
            "model": "Speech emotion, a guess",
            "sw_version": __version__,
        },
        "origin": {"name": "ser-live", "sw_version": __version__},
    }
    entities: dict[tuple[str, str], dict[str, object]] = {
        ("sensor", "emotion"): {
            "name": "Emotion",
            "device_class": "enum",
            "options": [*labels, UNKNOWN],
            "value_template": "{{ value_json.label }}",
            "json_attributes_topic": f"{base}/state",
            "icon": "mdi:emoticon-outline",
        },
        ("sensor", "valence"): {
            "name": "Valence",
            "state_class": "measurement",
            "suggested_display_precision": 2,
            "value_template": "{{ value_json.valence }}",
            "icon": "mdi:thumbs-up-down-outline",
        },
        ("sensor", "arousal"): {
            "name": "Arousal",
            "state_class": "measurement",
            "suggested_display_precision": 2,
            "value_template": "{{ value_json.arousal }}",
            "icon": "mdi:pulse",
        },
        ("binary_sensor", "speaking"): {
            "name": "Speaking",
            "device_class": "sound",
            "value_template": "{{ 'ON' if value_json.speaking else 'OFF' }}",
        },
    }
    for (kind, key), content in entities.items():
        unique = {"unique_id": f"{own}_{key}", "default_entity_id": f"{kind}.{own}_{key}"}
        yield f"{PREFIX}/{kind}/{own}/{key}/config", {**content, **unique, **common}
