"""Pages from templates: what they forbid and what becomes of texts from outside."""

from __future__ import annotations

import base64
import hashlib
import re
from html.parser import HTMLParser

import pytest

from ser_live.emotions import LABELS
from ser_live.pages.charts import (
    Banded,
    Scale,
    bar,
    chart,
    interval_bar,
    line_path,
    patterns,
    ticks,
    time_ticks,
)
from ser_live.pages.colors import DARK, LIGHT, MIN_CONTRAST, contrast, fitted, letters
from ser_live.pages.markup import element, name_of, number, with_code
from ser_live.pages.rendering import content_policy, render

HOSTILE = "\"><script>alert(1)</script></title>\u202eRTL\0\x1b[2J{{ 7*7 }}'"


def test_the_policy_names_the_hash_of_its_own_style() -> None:
    """What the page allows is its style to the letter, and nothing else."""
    page = render("pages/base.html", title="x", labels=LABELS)
    style = re.search(r"<style>(.*?)</style>", page, re.DOTALL)
    assert style
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page)
    assert policy
    allowed = policy[1].replace("&#39;", "'")
    assert f"style-src 'sha256-{digest}'" in allowed
    assert "default-src 'none'" in allowed
    assert "script-src 'none'" in allowed
    assert "unsafe" not in allowed


def test_a_served_page_may_add_to_the_policy() -> None:
    """Its own server may be allowed; the rest stays forbidden."""
    policy = content_policy(["a{}"], [], {"connect-src": "'self'"})
    assert policy.endswith("connect-src 'self'")
    assert policy.startswith("default-src 'none'")


class _Names(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        self.text += data


def test_a_hostile_title_is_text() -> None:
    """No element is made of it, no character of it steers the page, no template is run."""
    page = render("pages/base.html", title=HOSTILE)
    names = _Names()
    names.feed(page)
    assert "script" not in names.tags
    assert not {"\0", "\x1b", "\u202e"} & set(page)
    assert "{{ 7*7 }}" in names.text


def test_a_missing_template_is_an_error() -> None:
    """A name that no room has ends with an exception, not with an empty page."""
    import jinja2

    with pytest.raises(jinja2.TemplateNotFound):
        render("pages/no_such.html", title="x")


def test_elements_escape_attributes_and_children() -> None:
    """Both stay text; names of attributes become those of HTML."""
    made = element("text", "<b>\u202e", class_='"x', font_size=1.23456, hidden=True, title=None)
    assert made == '<text class="&#34;x" font-size="1.23" hidden>&lt;b&gt;</text>'


def test_commands_in_a_sentence_are_code_and_still_escaped() -> None:
    text = with_code('Call `ser-live note "<b>"` & see.')
    assert text == "Call <code>ser-live note &#34;&lt;b&gt;&#34;</code> &amp; see."


def test_a_drawing_refuses_what_is_no_number() -> None:
    """NaN would make the whole path vanish without a word."""
    with pytest.raises(ValueError, match="no place"):
        number(float("nan"))
    assert [number(v) for v in (1.0, -0.001, 12.345, 1234.5)] == ["1", "0", "12.35", "1234"]


def test_names_are_cut() -> None:
    """A name of 10 kB is a line."""
    assert len(name_of("x" * 10_000)) == 200
    assert name_of("a\nb\tc") == "a b c"


@pytest.mark.parametrize("ground", [LIGHT, DARK])
def test_colours_stand_out_from_the_ground(ground: str) -> None:
    """Each of the emotions and of the palette, on the light and the dark page."""
    from ser_live.emotions import COLORS, PALETTE

    for color in (*COLORS.values(), *PALETTE, "#000000", "#ffffff"):
        assert contrast(fitted(color, ground), ground) >= MIN_CONTRAST
    assert fitted("#777777", "#ffffff") == "#777777"  # good as it is


def test_contrast_of_black_and_white() -> None:
    """21 to 1, by definition."""
    assert contrast("#000000", "#ffffff") == pytest.approx(21.0)


def test_letters_tell_labels_apart() -> None:
    """The shortest beginnings that differ."""
    assert letters(LABELS) == ["N", "C", "H", "Sa", "A", "F", "D", "Su"]
    assert len(set(letters(["aaa1", "aaa2", "b"]))) == 2  # no more than three letters


def test_places_are_shares_of_the_width() -> None:
    """A bar from a quarter to the half is there; outside of the scale nothing is drawn."""
    made = bar(Scale(0, 40), 10, 20, top=2, height=4, class_="bar", said=HOSTILE)
    assert 'x="25%"' in made
    assert 'width="25%"' in made
    assert "<script" not in made
    assert Scale(0, 10).percent(-5) == 0.0
    assert Scale(3, 3).percent(3) == 0.0


def test_a_line_breaks_where_a_value_is_missing() -> None:
    """Gaps stay gaps."""
    points = [Banded(0, 1), Banded(1, 1), Banded(2, float("nan")), Banded(3, 1)]
    assert line_path(points, Scale(0, 3), Scale(0, 2), 10.0).count("M") == 2


def test_round_values() -> None:
    """Ticks are round and inside; time is written as a clock."""
    assert ticks(0, 1, 5) == pytest.approx([0, 0.2, 0.4, 0.6, 0.8, 1.0])
    assert ticks(-23, 31, 6) == pytest.approx([-20, -10, 0, 10, 20, 30])
    assert ticks(5, 5) == [5]
    assert time_ticks(95, 8)[:3] == [(0, "0:00"), (20, "0:20"), (40, "0:40")]
    assert time_ticks(8 * 3600.0)[-1] == (28_800, "8:00:00")
    assert len(time_ticks(1e12)) <= 9


def test_a_share_without_interval_has_no_line() -> None:
    """An interval that is not known is not drawn."""
    assert "interval" not in interval_bar(0.3, place=None, most=1)
    assert interval_bar(0.3, 0.2, 0.4, place=1, most=1).count("interval") == 3


def test_every_pattern_is_its_own() -> None:
    """Labels differ without colour: the first is plain, seven have a pattern each."""
    made = patterns(8)
    drawn = re.findall(r'<path d="([^"]+)" class="stroke"', made)
    assert len(set(drawn)) == len(drawn) == 7
    assert 'id="hatch"' in patterns(0)


def test_a_chart_is_named_for_screen_readers() -> None:
    """It has a role, a title and a description."""
    made = chart(height=10, title="T & U", description="D")
    assert 'role="img"' in made
    assert 'aria-label="T &amp; U. D"' in made
