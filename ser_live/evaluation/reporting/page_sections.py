"""Sections of the page of an evaluation, each from one record; empty without its numbers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

Json = Mapping[str, Any]

_SESSIONS = (
    ("alone", (), "each clip alone"),
    ("balanced", ("adapted",), "every clip once, random order"),
    ("mostly neutral", ("adapted", "mostly_neutral"), "sessions of 60, 80 % neutral"),
    ("after anger", ("adapted", "after_anger"), "after 20 angry utterances in a row"),
    ("enrolled", ("enrolled",), "after reading one statement neutrally"),
)


def sessions(score: Json) -> list[str]:
    """Gain from adapting to the speaker, by kind of session."""
    if not score.get("adapted"):
        return []
    rows = []
    for _, path, text in _SESSIONS:
        part = at(score, path)
        if part is None:
            continue
        rows.append(
            (
                text,
                f"**{number(part['uar'])}**",
                interval(part["interval"]["uar"]),
                number(part.get("uar_std_over_orders")),
                number(at(part, ["unadapted", "uar"])),
                number(part["ece"]),
                number(part.get("confident_half_accuracy")),
            )
        )
    head = ("session", "UAR", "95 %", "± over orders", "same clips alone", "calibration error")
    return [
        "### Sessions\n",
        "The model learns how the speaker differs from the utterances before, unlabelled; every "
        "session starts from nothing, and no clip is scored that was heard before in its "
        "session.\n",
        table((*head, "surer half right"), rows),
    ]


def emotions(score: Json) -> list[str]:
    """Recall and precision of each emotion."""
    recall, precision = score["per_class_recall"], score.get("per_class_precision", {})
    adapted = at(score, ["adapted", "per_class_recall"]) or {}
    rows = [
        (label, number(recall[label]), number(precision.get(label)), number(adapted.get(label)))
        for label in score["labels"]
    ]
    head = ("emotion", "recall", "precision", "recall, adapted")
    return ["### Emotions\n", table(head, rows)]


def sexes(score: Json) -> list[str]:
    """Women and men side by side."""
    rows = []
    for name, part in (
        ("alone", score.get("sexes")),
        ("adapted", at(score, ["adapted", "sexes"])),
    ):
        if part:
            rows.append(
                (
                    name,
                    *(
                        f"{number(part[key]['uar'])} {interval(part[key]['interval'])}"
                        for key in ("male", "female", "gap")
                    ),
                )
            )
    if not rows:
        return []
    return ["### Women and men\n", table(("", "men, UAR", "women, UAR", "women less men"), rows)]


def calibration(score: Json) -> list[str]:
    """Gain from withholding unsure answers."""
    threshold = at(score, ["calibration", "threshold"])
    if threshold is None or threshold["error"] is None:
        return []
    return [
        "### Certainty\n",
        f"The surer half of the answers is right in {score['confident_half_accuracy']:.1%} of the "
        f"clips. Below {threshold['threshold']:.2f} an answer is withheld to keep errors at "
        f"{threshold['max_error']:.0%}; chosen on the other folds, that leaves "
        f"{threshold['error']:.1%} errors among the {threshold['coverage']:.0%} that are "
        "answered.\n",
    ]


def onset(score: Json) -> list[str]:
    """Answers by seconds heard."""
    if "onset" not in score:
        return []
    rows = [
        (f"{point['seconds']} s", number(point["uar"]), interval(point["interval"]))
        for point in score["onset"]["curve"]
    ]
    return [
        "### From the first word on\n",
        table(("heard since speech began", "UAR", "95 %"), rows),
    ]


def robustness(score: Json | None) -> list[str]:
    """Answers to spoilt sound."""
    if score is None:
        return []
    rows = [
        (
            item["name"],
            f"{item['unchanged']:.1%}",
            "" if item["pass_mark"] is None else f"{item['pass_mark']:.0%}",
            {None: "", True: "yes", False: "**no**"}[item["passes"]],
            number(item["uar"]),
            number(item["uar_lost"]),
            str(item["n_without_utterance"]),
        )
        for item in score["items"]
    ]
    clean = score["clean"]
    head = ("sound", "labels unchanged", "mark", "passes", "UAR", "UAR lost")
    return [
        "### Spoilt sound\n",
        f"Every {ordinal(score['every'])} unseen clip ({clean['n']} clips, clean UAR "
        f"{number(clean['uar'])} {interval(clean['interval'])}) through segmenter, features and "
        "the model of its fold, not adapted. Marks after Derington et al. 2023 "
        "(arXiv:2312.06270).\n",
        table((*head, "no utterance found"), rows),
    ]


def corpora(score: Json | None) -> list[str]:
    """Corpora that training never saw."""
    if score is None:
        return []
    rows = [
        (
            name,
            one["language"],
            ", ".join(one["labels"]),
            f"{one['n']} of {one['n_speakers']}",
            f"**{number(one['uar'])}**",
            interval(one["interval"]),
            number(one["ravdess_alone"]["uar"]),
            number(one["chance_uar"]),
        )
        for name, one in score["corpora"].items()
    ]
    rows += [
        (
            f"{name}, angry and sad exchanged",
            one["language"],
            ", ".join(one["labels"]),
            f"{second['n']} of {second['n_speakers']}",
            number(second["uar"]),
            interval(second["interval"]),
            "",
            number(one["chance_uar"]),
        )
        for name, one in score["corpora"].items()
        if (second := one.get("second_reading"))
    ]
    rows.append(
        (
            "mean",
            "",
            "",
            "",
            f"**{number(score['mean_uar'])}**",
            "",
            number(score["mean_uar_ravdess_alone"]),
            number(score["mean_chance_uar"]),
        )
    )
    if undisputed := score.get("undisputed"):
        sure = number(undisputed["uar"])
        rows.append(("mean, labels in doubt not counted", "", "", "", sure, "", "", ""))
    head = ("held out", "language", "labels", "clips of speakers", "UAR", "95 %", "RAVDESS alone")
    return [
        "### Corpora that training never saw\n",
        "Other voices, microphones and languages: the whole corpus is held out, nothing is "
        "adapted, probabilities are renormalised over the labels that the corpus has. The "
        "published labels of etts_ko are in doubt (`ser_live/datasets/etts_ko.py` says why): its "
        "second row reads them the other way, and is not part of the mean.\n",
        table((*head, "chance"), rows),
    ]


def rejection(score: Json | None) -> list[str]:
    """Rejection of sounds that are not speech, and its cost in speech."""
    if score is None:
        return []
    sounds = []
    for source, variants in score["sounds"].items():
        plain, offered = variants["plain"], score["n_offered"][source]
        n_through = plain["n_recordings"] * (1.0 - plain["rejected"])
        sounds.append(
            (
                source,
                str(offered),
                str(plain["n_recordings"]),
                f"{plain['rejected']:.1%}",
                interval(plain.get("interval")),
                f"**{1.0 - n_through / offered:.1%}**",
            )
        )
    speech = []
    for corpus, variants in score["speech"].items():
        own = variants["plain"]
        left_out = at(score, ["left_out", corpus, "plain", "lost"])
        speech.append(
            (
                corpus,
                str(own["n_recordings"]),
                f"**{own['lost']:.1%}**",
                "" if left_out is None else f"{left_out:.1%}",
            )
        )
    head = ("sound", "recordings", "open an utterance", "of these `not speech`", "95 %", "kept out")
    return [
        "### What is not speech\n",
        "Kinds of noise, people who laugh or groan, and speakers are held out whole; a recording "
        "is kept out when nothing in it gets an emotion. Corpora of speech also by a gate that "
        "never heard them, with some sources of everyday speech each. Recordings of coughs are not "
        "among the noises: they are not measured.\n",
        table(head, sounds),
        table(("speech", "recordings", "lost", "lost, corpus left out"), speech),
    ]


_STEADINESS = {
    "changes_per_step": "partial results that show another label than the one before",
    "changes_per_judged_step": "the same, refused ones (`not speech` ...) left out",
    "changes_per_utterance": "changes of the label per utterance",
    "utterances_changed": "utterances whose partial results change the label",
    "partials_as_final": "partial results that show the final label",
    "final_unseen": "utterances whose final label no partial result showed",
    "delay_s": "speech from the first partial result until the final label stays, seconds",
}


def steadiness(score: Json | None) -> list[str]:
    """Changes of the label while somebody speaks, without a memory of what was shown and with."""
    if score is None:
        return []
    rows = [
        (
            name,
            text,
            *(
                f"{number(found[side][key]['value'])} {interval(found[side][key]['interval'])}"
                for side in ("before", "after")
            ),
        )
        for name, found in score["sets"].items()
        for key, text in _STEADINESS.items()
    ]
    said = ", ".join(
        f"{name} {found['n_utterances']} utterances of {found['n_speakers']}, "
        f"{found['n_steps']} steps between partial results"
        for name, found in score["sets"].items()
    )
    return [
        "### Steady while speaking\n",
        "Recordings that nothing was trained or set on, heard as live streams by the shipped "
        f"model ({said}). A meeting counts as one speaker.\n",
        table(("talk", "what", "each partial result alone", "as shown"), rows),
    ]


_AFFECT = {
    "arousal_rank": "arousal of angry, fearful, happy, surprised above neutral, calm, sad (AUC)",
    "intensity": "arousal of strong above normal, same speaker and emotion (pairs)",
    "category_intensity": "the same from the probabilities alone",
    "acoustic_intensity": "the same from the voice alone",
    "valence_rank": "valence of happy above angry, fearful, sad, disgust (AUC)",
}


def affect(score: Json) -> list[str]:
    """Order of the actors' tasks by valence and arousal."""
    known = score.get("affect")
    if not known:
        return []
    rows = [
        (
            name,
            *(
                f"{number(found[key]['value'])} {interval(found[key]['interval'])}"
                for found in known.values()
            ),
        )
        for key, name in _AFFECT.items()
    ]
    return [
        "### Valence and arousal\n",
        "Share of pairs in the right order, chance 0.5, by what is known of the speaker.\n",
        table(("what", *known), rows),
    ]


def finding_speech(record: Json | None) -> list[str]:
    """The segmenter, with its confirming detector and without; no model judges here."""
    if not record:
        return []
    rows = []
    for part, prefix in (("streams", ""), ("conversation", "meeting ")):
        for name in record["on"][part]:
            frames = [record[side][part][name]["frames"] for side in ("on", "off")]
            rows.append(
                (
                    f"{prefix}{name}".replace("meeting all", "all meetings"),
                    *(number(frames[0][key]) for key in ("f1", "miss", "false_alarm")),
                    *(number(frames[1][key]) for key in ("f1", "miss", "false_alarm")),
                )
            )
    noise = [
        " and ".join(f"{record[side]['noise'][kind]['accepted']}" for side in ("on", "off"))
        for kind in ("no people", "people", "made")
    ]
    minutes = [record["on"]["noise"][kind]["minutes"] for kind in ("no people", "people", "made")]
    head = ("frames", "F1", "missed", "false", "F1, webrtc alone", "missed", "false")
    return [
        "## Finding speech\n",
        "Frames of 10 ms, half of the recordings held out while the segmenter was set "
        "(meetings were looked at). The second three columns are the first detector without the "
        "one that confirms it.\n",
        table(head, rows),
        "Utterances opened by noise, with and without the confirming detector: "
        + ", ".join(
            f"{count} in {length:.1f} min {text}"
            for count, length, text in zip(
                noise,
                minutes,
                ("without people", "of sneezes, cries, babble", "synthesised"),
                strict=True,
            )
        )
        + ". The speech gate judges them afterwards.\n",
    ]


def permutation(score: Json) -> list[str]:
    """Whether meaningless labels teach nothing."""
    check = score.get("permutation")
    if not check:
        return []
    verdict = "holds" if check["chance_is_in_interval"] else "**does not hold**"
    return [
        f"Trained on labels that were shuffled within each speaker, the recipe reaches "
        f"{number(check['uar'])} {interval(check['interval'])} (over folds); chance "
        f"{number(check['chance_uar'])} {verdict}.\n"
    ]


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [f"| {' | '.join(head)} |", "|" + " --- |" * len(head)]
    lines += [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join(lines) + "\n"


def number(value: float | None, sign: str = "") -> str:
    """Three digits; empty for None."""
    return "" if value is None else f"{sign}{value:.3f}"


def interval(pair: Sequence[float | None] | None) -> str:
    """Both ends, three digits; empty where there is none."""
    if pair is None or pair[0] is None or pair[1] is None:
        return ""
    return f"[{pair[0]:.3f}, {pair[1]:.3f}]"


def ordinal(n: int) -> str:
    """Words for "every n-th"; empty for 1."""
    return "" if n == 1 else f"{n}th" if n > 3 else {2: "second", 3: "third"}[n]


def at(score: Any, path: Sequence[str | int]) -> Any:
    """Value at a path of keys, None where it ends early."""
    for key in path:
        if isinstance(score, Mapping):
            score = score.get(key)
        elif isinstance(score, list) and isinstance(key, int) and -len(score) <= key < len(score):
            score = score[key]
        else:
            return None
    return score
