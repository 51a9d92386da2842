"""Summaries as pages and pictures: what stands there, and that names from outside are text."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from browser import WIDTHS_PX, chromium, visit
from click.testing import CliRunner

from ser_live.archive.summary.page import (
    LIMITS,
    MOST_GROUPS,
    curves_page,
    curves_picture,
    summary_page,
)
from ser_live.archive.summary.people import day_of, grouped
from ser_live.archive.summary.report import summarized
from ser_live.archive.summary.results import Rows
from ser_live.archive.summary.stimuli import Shown, curves
from ser_live.cli import cli
from ser_live.errors import UsageError

EVIL = '"><script>window.hacked=1</script><img src=x onerror=window.hacked=1>{{7*7}}'
LABELS = ("happy", "sad", "angry")
TOLD = {"--model": f"ear {EVIL}", "version": "0.1.0"}


def rows_of(files: list[str], happy: Any, **columns: list[Any]) -> Rows:
    """Utterances of one second each, with the rest of happy halved between the others."""
    happy = np.asarray(happy, np.float64)
    shares = {"happy": happy, "sad": (1 - happy) / 2, "angry": (1 - happy) / 2}
    return Rows(
        files=files,
        values={
            "speech_s": np.ones(len(files)),
            "valence": happy - 0.5,
            "arousal": 0.5 - happy,
            **{f"probability_{label}": values for label, values in shares.items()},
        },
        columns={"file": files, **columns},
        labels=LABELS,
        told=TOLD,
    )


def groups(sizes: dict[str, tuple[int, float]]) -> Rows:
    """People of some groups, each with three utterances around the group's share."""
    rng = np.random.default_rng(0)
    files, happy = [], []
    for name, (n_people, share) in sizes.items():
        for person in range(n_people):
            own = share + rng.normal(0, 0.05)
            files += [f"{name}/{person}.wav"] * 3
            happy += list(np.clip(own + rng.normal(0, 0.03, 3), 0, 1))
    return rows_of(files, happy)


def page_of(rows: Rows, by: str = "folder") -> str:
    return summary_page(summarized(grouped(rows, by), by, rows.labels), rows.told)


def watched(n_people: int = 12, ads: tuple[str, ...] = ("film",)) -> tuple[Rows, list[Shown]]:
    """People who watch films of 20 s; from second 5 to 10 something moves them."""
    rng = np.random.default_rng(3)
    files, happy, starts, shown = [], [], [], []
    for person in range(n_people):
        for place, ad in enumerate(ads):
            for second in range(20):
                files.append(f"{person}.wav")
                starts.append(100.0 * place + second)
                happy.append(rng.normal(0.5 + (0.3 if 5 <= second < 10 else 0), 0.05))
            shown.append(
                Shown(f"{person}.wav", f"p{person}", ad, 100.0 * place, 100.0 * place + 20)
            )
    ends = [start + 1.0 for start in starts]
    return rows_of(files, happy, start_s=starts, end_s=ends), shown


def test_differences_that_stand_out_are_told_in_words_and_numbers() -> None:
    """With direction, size, p and effect; the limits stand beside them."""
    page = page_of(groups({"spring": (10, 0.3), "summer": (12, 0.6)}))
    told = re.search(
        r"In spring, the share of happy is lower than in summer by ([\d.]+) points", page
    )
    assert told is not None
    assert 25 < float(told[1]) < 35
    assert "(p &lt; .001)" in page
    assert "spring minus summer" in page
    assert LIMITS in page.replace("&#39;", "'")
    assert "2 groups with 22 recordings, 66 utterances" in page
    assert page.count('class="interval"') >= 2 * len(LABELS)


def test_folders_are_shown_by_what_tells_them_apart() -> None:
    """A long path would be cut off before it; where they lie is said once."""
    top = "/home/somebody/recordings of the year/calls"
    page = page_of(groups({f"{top}/spring": (10, 0.3), f"{top}/summer": (12, 0.6)}))
    assert "In spring, the share of happy is lower than in summer" in page
    assert "spring minus summer" in page
    assert f"All of them lie in {top[:20]}" in page
    assert page.count(top[:20]) == 1
    page = page_of(groups({top: (10, 0.3), f"{top}/late": (12, 0.6)}))
    assert "calls minus late" in page


def test_groups_that_do_not_differ_are_said_so() -> None:
    """Silence would leave the reader guessing."""
    page = page_of(groups({"spring": (10, 0.5), "summer": (10, 0.5)}))
    assert "No difference between the groups stands out" in page


def test_too_few_people_have_means_alone() -> None:
    """No interval, no difference, and the page says why."""
    page = page_of(groups({"a": (3, 0.3), "b": (7, 0.6)}))
    assert "Too few people: no group has 8" in page
    assert page.count("too few people") >= 2 * 5
    assert "How the groups differ" not in page
    assert 'class="interval"' not in page


def test_more_groups_than_a_page_bears_are_counted() -> None:
    """They are in the rows for programs."""
    page = page_of(rows_of([f"g{n:04d}/{p}.wav" for n in range(210) for p in range(8)],
                           np.random.default_rng(0).uniform(0, 1, 1680)))  # fmt: skip
    assert f"{210 - MOST_GROUPS} more groups are not on this page" in page
    assert "described and not compared" in page
    assert "g0199" in page
    assert "g0200" not in page


@pytest.mark.parametrize(
    ("file", "day"),
    [
        ("calls/2026-03-14-call.wav", "2026-03-14"),
        ("2026-03-13/20260314_0912.wav", "2026-03-14"),
        ("2026_03_14/a.wav", "2026-03-14"),
        ("c:\\calls\\2026.02.29\\a.wav", ""),
        ("calls/12026031400.wav", ""),
        ("99999999.wav", ""),
        ("a/2026-0314.wav", ""),
        ("talk.wav", ""),
    ],
)
def test_the_day_of_a_recording_is_the_date_in_its_name(file: str, day: str) -> None:
    """The last one that is any; numbers that are no date are none."""
    assert day_of(file) == day


def test_by_day_draws_days_on_a_line_and_counts_what_has_none() -> None:
    """A table of groups goes before names; without any date it is refused."""
    files = [f"2026-03-{day:02d}/{p}.wav" for day in (1, 2, 5) for p in range(8)] + ["talk.wav"]
    rows = rows_of(files, np.linspace(0.2, 0.8, len(files)))
    found = grouped(rows, "day")
    assert [group.name for group in found.groups] == ["2026-03-01", "2026-03-02", "2026-03-05"]
    assert "1 utterances have nothing in day and are left out" in found.remarks
    page = page_of(rows, "day")
    assert "Valence by day" in page
    assert "Valence from 2026-03-01 to 2026-03-05" in page
    assert 'class="band"' in page
    assert "1 utterances have nothing in day" in page
    by_table = grouped(rows, "day", {"talk.wav": {"day": "Monday"}})
    assert [group.name for group in by_table.groups] == ["Monday"]
    with pytest.raises(UsageError, match="No recording has a date in its name"):
        grouped(rows_of(["talk.wav"], [0.5]), "day")


def test_curves_are_drawn_with_band_units_and_people() -> None:
    """Seconds that leave zero are marked; a stimulus that few met has no line and says so."""
    rows, shown = watched(ads=("film", "spot"))
    shown = [one for one in shown if one.ad == "film" or one.person in ("p1", "p2")]
    found = curves(rows, shown)
    page, picture = curves_page(found, rows.told), curves_picture(found)
    for text in (page, picture):
        assert text.count('class="band"') == 2
        assert text.count('class="leaves"') >= 2
        assert "12 people" in text
        assert "2 people" in text
        assert "too few people" in text
        assert "standard deviations of each person" in text
        assert "(s)" in text
    valence = next(c for c in found if (c.ad, c.measure) == ("film", "valence"))
    assert (5, 9) in valence.spans, "what lies above ends where the next begins to lie below"
    assert "5-10 s (above)" in page
    assert "p1" not in re.sub(r"<style>.*?</style>", "", page), "nobody is named"


def test_the_picture_stands_by_itself_and_names_are_text_in_it() -> None:
    """Well-formed, with a size of its own, title and caption, and nothing to fetch or run."""
    rows, shown = watched(ads=(EVIL,))
    picture = curves_picture(curves(rows, shown))
    root = ET.fromstring(picture)  # noqa: S314  made here
    assert float(root.attrib["width"]) > 0
    assert float(root.attrib["height"]) > 0
    tags = {element.tag.rpartition("}")[2] for element in root.iter()}
    assert {"title", "desc"} <= tags
    assert not {"script", "img", "image", "a", "use", "foreignObject"} & tags
    assert not any(
        name.startswith("on") or "href" in name for e in root.iter() for name in e.attrib
    )
    assert any("window.hacked" in (e.text or "") for e in root.iter()), "shown as it is"


def test_the_command_writes_pages_and_pictures_and_refuses_what_has_none(tmp_path: Path) -> None:
    """A new file each; a picture of groups there is not."""
    pyarrow = pytest.importorskip("pyarrow", reason="archives need the extra parquet")
    parquet = pytest.importorskip("pyarrow.parquet")

    rows, shown = watched()
    table = pyarrow.table({"file": rows.files, **rows.values, **rows.columns})
    parquet.write_table(table, tmp_path / "r.parquet")
    lines = [f"{s.file},{s.person},{s.ad},{s.start_s},{s.end_s}" for s in shown]
    (tmp_path / "ads.csv").write_text("\n".join(["file,person,ad,start_s,end_s", *lines]))

    def run(*options: str) -> Any:
        return CliRunner().invoke(cli, ["summarize", str(tmp_path / "r.parquet"), *options])

    ads = ("--stimuli", str(tmp_path / "ads.csv"))
    for options, start in ((("-f", "html"), "<!DOCTYPE html>"), ((*ads, "-f", "svg"), "<svg"),
                           ((*ads, "-f", "html"), "<!DOCTYPE html>")):  # fmt: skip
        target = tmp_path / f"{len(options)}{options[-1]}"
        assert run(*options, "-o", str(target)).exit_code == 0
        assert target.read_text(encoding="utf-8").startswith(start)
        assert run(*options, "-o", str(target)).exit_code != 0, "it exists"
    refused = run("-f", "svg")
    assert isinstance(refused.exception, UsageError) or "only curves are drawn" in refused.output


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as found:
        yield found


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Pages with hostile names: groups, days, curves."""
    folder = tmp_path_factory.mktemp("summaries")
    evil = groups({EVIL: (9, 0.3), "summer\u202e" + "n" * 5000: (12, 0.6), "few": (2, 0.5)})
    rows, shown = watched(ads=(EVIL,))
    days = [f"2026-03-{day:02d}/{p}.wav" for day in range(1, 29) for p in range(8)]
    texts = [
        page_of(evil),
        page_of(rows_of(days, np.linspace(0.2, 0.8, len(days))), "day"),
        curves_page(curves(rows, shown), rows.told),
    ]
    files = [folder / f"{n}.html" for n in range(len(texts))]
    for file, text in zip(files, texts, strict=True):
        file.write_text(text, encoding="utf-8")
    return files


@pytest.mark.parametrize(
    ("width_px", "scheme"),
    [
        (WIDTHS_PX[0], "light"),
        (WIDTHS_PX[0], "dark"),
        (WIDTHS_PX[1], "light"),
        (WIDTHS_PX[2], "dark"),
    ],
)
def test_pages_are_right_at_every_width(
    browser: Any, pages: list[Path], width_px: int, scheme: str
) -> None:
    """No message, no request, nothing serious of axe, no scrolling sideways, no foreign script."""
    for file in pages:
        with visit(browser, file, width_px=width_px, scheme=scheme) as visited:
            assert visited.page.evaluate("window.hacked") is None
            assert visited.page.evaluate("document.scripts.length") == 0
            assert visited.page.evaluate("document.images.length") == 0
            assert not visited.is_too_wide(), file.name
            visited.page.evaluate(
                "for (const d of document.querySelectorAll('details')) d.open = 1"
            )
            assert visited.serious_findings() == [], file.name
            assert visited.messages == []
            assert visited.requests == []


def test_pages_are_printed_whole(browser: Any, pages: list[Path]) -> None:
    """Nothing is cut off at the side of the paper."""
    for file in pages:
        with visit(browser, file, width_px=700) as visited:
            visited.page.emulate_media(media="print")
            assert not visited.is_too_wide(), file.name
            assert len(visited.page.pdf()) > 1000
