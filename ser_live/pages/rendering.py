"""Pages from templates: escaped, whole in one file, and forbidden every request.

A template is named by its room: ``pages/base.html`` lies in ``ser_live/pages/templates``. Pages
extend that one; it has the head, the landmarks and the place for styles and scripts.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from pathlib import PurePosixPath

from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup

import ser_live
from ser_live.pages.charts import patterns
from ser_live.pages.colors import label_style
from ser_live.pages.markup import shown, with_code

BASE_STYLE = "pages/page.css"


def render(
    template: str,
    *,
    title: str,
    language: str = "en",
    labels: Sequence[str] = (),
    styles: Sequence[str] = (),
    scripts: Sequence[str] = (),
    policy: Mapping[str, str] | None = None,
    **context: object,
) -> str:
    """A page as text.

    Parameters
    ----------
    template : str
        Name of a template that extends ``pages/base.html``: ``report/session.html``.
    title : str
        Title of the page, also its heading.
    language : str
        Language of its texts, for screen readers and hyphenation.
    labels : sequence of str
        Labels that it draws: the one at place n has the class ``e<n>`` and the pattern ``p<n>``.
    styles, scripts : sequence of str
        Further files by name, beside the common style. They stand in the page itself.
    policy : mapping of str to str, optional
        Directives of the Content-Security-Policy beyond the common ones, or in their place, for
        a page that is served and talks to its own server.
    **context
        Values for the template. Texts are escaped and cleaned of control characters.
    """
    style = "\n".join(
        [resource(BASE_STYLE), *([label_style(labels)] if labels else []), *map(resource, styles)]
    )
    inline = [resource(name) for name in scripts]
    page = _environment().get_template(template)
    return page.render(
        title=title,
        language=language,
        version=ser_live.__version__,
        policy=content_policy([style], inline, policy or {}),
        style=Markup(style),  # noqa: S704  files of this program, colours of `emotions`
        scripts=[Markup(text) for text in inline],  # noqa: S704  files of this program
        patterns=patterns(len(labels)),
        **context,
    )


def content_policy(
    styles: Sequence[str], scripts: Sequence[str], changes: Mapping[str, str]
) -> str:
    """A Content-Security-Policy under which nothing is fetched and nothing else runs."""
    directives = {
        "default-src": "'none'",
        "style-src": _hashes(styles),
        "script-src": _hashes(scripts),
        "img-src": "data:",
        "media-src": "data:",
        "base-uri": "'none'",
        "form-action": "'none'",
        **changes,
    }
    return "; ".join(f"{name} {value}" for name, value in directives.items())


def _hashes(texts: Sequence[str]) -> str:
    digests = [hashlib.sha256(text.encode()).digest() for text in texts]
    return " ".join(f"'sha256-{base64.b64encode(d).decode()}'" for d in digests) or "'none'"


@cache
def resource(name: str) -> str:
    """Text of a file among the templates of a room: ``pages/page.css``."""
    room, _, rest = name.partition("/")
    place = files("ser_live").joinpath(room, "templates", *PurePosixPath(rest).parts)
    # A style or script is one element: its text must not end it.
    return place.read_text(encoding="utf-8").strip()


def _source(name: str) -> str | None:
    try:
        return resource(name)
    except OSError:
        return None


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FunctionLoader(_source),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_finalized,
    )
    environment.filters["with_code"] = with_code
    return environment


def _finalized(value: object) -> object:
    """The value of an expression; a text that is not markup without control characters."""
    if value is None:
        return ""
    if isinstance(value, Markup) or not isinstance(value, str):
        return value
    return shown(value)
