"""Sentences on a trend, the same in the terminal, on the page and in the letter."""

from __future__ import annotations

import math

from ser_live.history import statistics
from ser_live.history.days import MIN_FINALS, MIN_SPEECH_S, Setup
from ser_live.history.trend import MeasureTrend, SeriesTrend, Trend
from ser_live.terminal.text import fit

_MAX_NAME = 80
"""Most cells of a name."""

SMALLEST_SEEN_SD = ((42, 2.0), (56, 1.5), (84, 1.25), (112, 1.0))
"""Days, and the size of a change in the middle of them, in deviations from day to day, that is
marked in two of three series (autocorrelation .3): measured, see ``docs/history.md``."""

DISCLAIMER = (
    "This is no diagnosis of depression, anxiety or any other disorder, and cannot be one: it "
    "shows how a model trained on acted speech heard a voice. It was never tried on people who "
    "are ill, and must not be used to judge workers, students or anybody else."
)
"""The only place where words for illnesses stand."""

HOW_TO_READ = (
    "A day is the local day on which a session began, by the offset that its log has.",
    f"A day counts from {MIN_SPEECH_S / 60:.0f} minutes of speech or {MIN_FINALS} utterances on; "
    "other days are shown hollow and enter no number. Days without a session stay empty.",
    "Valence goes from -1 (unpleasant) to 1 (pleasant), arousal from -1 (sleepy) to 1 (excited), "
    "as the voice sounds to the model.",
    "Intervals cover 95 %: by chance, one in twenty leaves the true value out. They tell of days "
    "that differ, and not of the model's own errors.",
    "Values are compared only within one microphone, model and settings: each change of these "
    "begins a series of its own.",
)
"""Sentences on what the numbers are."""


def voice_name(speaker: str | None) -> str:
    """Name of a voice, for people."""
    return "voices without a name" if speaker is None else _shortened(speaker)


def setup_name(setup: Setup) -> str:
    """Name of a series, for people."""
    if not setup.source and not setup.sample_rate:
        where = "recordings"
    else:
        where = f"{_shortened(setup.source) or 'a microphone'}, {setup.sample_rate / 1000:g} kHz"
    return f"{where}, model {_shortened(setup.model)} {setup.model_sha256[:7]}"


def _shortened(name: str) -> str:
    """A name from outside, without what is longer than a line."""
    return fit(name[: 4 * _MAX_NAME], _MAX_NAME)


def setup_names(series: list[SeriesTrend]) -> list[str]:
    """Names of several series; those that only settings tell apart are numbered."""
    names = [setup_name(one.setup) for one in series]
    return [
        f"{name}, settings {names[:n].count(name) + 1}" if names.count(name) > 1 else name
        for n, name in enumerate(names)
    ]


def change_sentences(series: SeriesTrend) -> list[str]:
    """One sentence for each measure: the change, or that none was marked."""
    said = [_change_sentence(m) for m in series.measures if m.change is not None]
    unchanged = [m.name for m in series.measures if m.change is None and not math.isnan(m.p)]
    if unchanged:
        said.append(f"No change of {' or '.join(unchanged)} was marked.")
    return [*said, limit_sentence(len(series.counted))]


def _change_sentence(measure: MeasureTrend) -> str:
    change, span = measure.change, measure.change_days
    assert change is not None  # noqa: S101  asked for such measures alone
    assert span is not None  # noqa: S101  both come together
    way = "rose" if change.size > 0 else "fell"
    when = f"on {span[0]}" if span[0] == span[1] else f"between {span[0]} and {span[1]}"
    n_days = sum(week.band.n_days for week in measure.weeks)
    return (
        f"{measure.name.capitalize()} {way} {when} by {abs(change.size):.2f} "
        f"[{_range(change.low, change.high)}], {abs(change.size_sd):.1f} deviations from day to "
        f"day, over {n_days} days (p {_p(change.p)}); a size that was looked for is rather too "
        "large than too small, and the cause can be anything that changed."
    )


def _range(low: float, high: float) -> str:
    low, high = sorted((abs(low), abs(high))) if low * high > 0 else (low, high)
    return f"{low:.2f} to {high:.2f}"


def _p(p: float) -> str:
    return "< .001" if p < 0.001 else f"{p:.3f}".replace("0.", ".")


def limit_sentence(n_days: int) -> str:
    """Sentence on the changes that so few days cannot show."""
    least = 2 * statistics.MIN_SIDE_DAYS
    if n_days < least:
        return (
            f"With {_count(n_days, 'counted day')} no change can be marked: {least} are needed, "
            "and many more for all but the largest."
        )
    smallest = [sd for days, sd in SMALLEST_SEEN_SD if days <= n_days]
    if not smallest:
        return (
            f"With {n_days} counted days hardly any change can be marked; from "
            f"{SMALLEST_SEEN_SD[0][0]} on large ones are."
        )
    return (
        f"With {n_days} counted days a change is marked in two of three cases where it is "
        f"{smallest[-1]:g} times the deviation from day to day or more; smaller or "
        "shorter ones mostly go unseen."
    )


def agreement_sentences(trend: Trend) -> list[str]:
    """Sentences on ratings of one's own beside what the voice said."""
    if not trend.rated:
        return [
            'No rating of your own: `ser-live note --rating 4 "slept well"` puts one beside the '
            "voice, and only that can say whether it knows you."
        ]
    n, least = trend.n_rated_with_voice, statistics.MIN_RATINGS
    if n < least:
        return [
            f"{n} rated days have a voice that counts; from {least} on their correlation is shown."
        ]
    said = []
    for name, found in trend.agreement.items():
        if found is None:
            said.append(f"Your ratings and {name}: no correlation can be given, one never varies.")
            continue
        is_clear = found.low > 0 or found.high < 0
        clear = "which leaves 0 out" if is_clear else "so there may be none"
        said.append(
            f"Your ratings and {name}: rank correlation {found.rho:+.2f} "
            f"over {found.n} days, interval {found.low:+.2f} to {found.high:+.2f}, {clear}."
        )
    return said


def left_out_sentences(trend: Trend) -> list[str]:
    """Sentences on all that is in no number, and why."""
    out = trend.left_out
    said = []
    if out.n_recordings:
        said.append(
            f"{_count(out.n_recordings, 'session')} with the other kind of source left out: "
            "recordings and microphones are not mixed (see --recordings)."
        )
    if out.n_roles:
        said.append(f"{_count(out.n_roles, 'session')} with roles left out: a role is no person.")
    if out.n_undated:
        said.append(
            f"{_count(out.n_undated, 'session')} left out: their logs do not tell when they began."
        )
    if out.n_unreadable:
        said.append(f"{_count(out.n_unreadable, 'log')} cannot be read: see `ser-live history`.")
    if out.n_bad_lines:
        said.append(f"{_count(out.n_bad_lines, 'line')} of logs passed over: they hold no record.")
    return said


def _count(n: int, one: str) -> str:
    return f"{n} {one}" if n == 1 else f"{n} {one}s"
