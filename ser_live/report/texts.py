"""Texts of reports by language, from one catalogue.

A text may have places for values, ``{n}``, and further forms under its name with ``.one`` and
``.zero`` that stand where `n` is 1 or 0. Every language has every text; a test compares them.
"""

from __future__ import annotations

import json
import math
from functools import cache
from importlib.resources import files

from ser_live.emotions import LABELS
from ser_live.events import Reason
from ser_live.report.shares import Estimate

LANGUAGES = ("en", "de")

_FORMS: dict[object, str] = {0: "zero", 1: "one"}
"""Ends of the names of texts that stand where `n` is that."""


class Texts:
    """Texts and numbers of one language.

    Parameters
    ----------
    language : str
        One of `LANGUAGES`.
    """

    def __init__(self, language: str) -> None:
        self.language = language
        self._texts = catalogue(language)

    def __call__(self, key: str, /, **values: object) -> str:
        """The text of that name, with values in their places."""
        form = _FORMS.get(values.get("n"))
        if form is not None and f"{key}.{form}" in self._texts:
            key = f"{key}.{form}"
        text = self._texts[key]
        return text.format(**values) if values else text

    def word(self, group: str, name: str) -> str:
        """A word that logs use, as people say it; one that is not known stays as it is."""
        return self._texts.get(f"{group}.{name}", name)

    def label(self, name: str | None) -> str:
        """A label in words; one that somebody chose stays as it is."""
        return self._texts[f"label.{name}"] if name in LABELS else name or ""

    def state(self, name: str) -> str:
        """A verdict, or another reason for which no label was named."""
        return self._texts.get(f"label.{name}", name)

    def number(self, value: float | None, digits: int = 2, *, signed: bool = False) -> str:
        """A number as the language writes it; a dash where it is not defined."""
        if value is None or not math.isfinite(value):
            return "–"
        sign = "+" if signed else ""
        text = f"{round(value, digits) + 0.0:{sign}.{digits}f}"
        return text.replace("-", "−").replace(".", self._texts["decimal"])

    def probability(self, value: float | None) -> str:
        """A probability; none is ever shown as 1, for a model may always be wrong."""
        if value is None or not math.isfinite(value):
            return "–"
        if value >= 0.995:
            return f">{self.number(0.99)}"
        return f"<{self.number(0.01)}" if 0 < value < 0.005 else self.number(value)

    def percent(self, share: float | None, digits: int = 0) -> str:
        """A share of 0 to 1 in percent; what is neither nothing nor all is never shown as that."""
        if share is None or not math.isfinite(share):
            return "–"
        unit = self._texts["percent"]
        least = 10.0**-digits
        if 0 < share * 100 < least / 2:
            return f"<{self.number(least, digits)}{unit}"
        if 100 - least / 2 < share * 100 < 100:
            return f">{self.number(100 - least, digits)}{unit}"
        return f"{self.number(share * 100, digits)}{unit}"

    def interval(self, estimate: Estimate, *, percent: bool = True) -> str:
        """The interval around an estimate, or a dash where there is none."""
        if not estimate.has_interval:
            return "–"
        if percent:
            low, high = self.percent(estimate.low), self.percent(estimate.high)
            return self("interval", low=low.removesuffix(self._texts["percent"]), high=high)
        low, high = (self.number(v, 2, signed=True) for v in (estimate.low, estimate.high))
        return self("interval", low=low, high=high)

    def duration(self, length_s: float) -> str:
        """A length of time in words: ``42 s``, ``12 min 3 s``, ``2 h 5 min``."""
        if length_s < 59.5:
            digits = 1 if length_s < 9.95 else 0
            return f"{self.number(length_s, digits)} s"
        seconds = round(length_s)
        if seconds < 3600:
            minutes, seconds = divmod(seconds, 60)
            return f"{minutes} min {seconds} s" if seconds else f"{minutes} min"
        hours, minutes = divmod(round(length_s / 60), 60)
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"

    def reason(self, reason: Reason) -> str:
        """A thing that stood out in a voice, in words of the language."""
        words = self._texts.get(f"feature.{reason.feature}.{_side(reason.difference)}")
        if words is None:
            return reason.text
        unit = self._texts.get(f"feature.{reason.feature}.unit", "")
        digits = 0 if unit == "dB" else 1
        amount = self.number(reason.difference, digits, signed=True)
        return f"{words} {amount} {unit}" if unit else words

    def feature(self, name: str) -> str:
        """Name of a feature for people."""
        return self._texts.get(f"feature.{name}", name)

    def unit(self, name: str) -> str:
        """Unit of a feature for people, empty where the number would mean nothing to them."""
        return self._texts.get(f"feature.{name}.unit", "")


def _side(difference: float) -> str:
    return "higher" if difference > 0 else "lower"


@cache
def catalogue(language: str) -> dict[str, str]:
    """Every text of a language by its name."""
    place = files("ser_live").joinpath("report", "catalogue", f"{language}.json")
    texts: dict[str, str] = json.loads(place.read_text(encoding="utf-8"))
    return texts
