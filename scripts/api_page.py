"""The examples and tables of ``docs/api.md``, from the files and classes themselves."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from ser_live.errors import SerLiveError
from ser_live.events import EVENT_CLASSES

EXAMPLES = Path(__file__).parents[1] / "examples"


def parts() -> dict[str, Callable[[], str]]:
    """What stands between the marks of the page, by the name of the mark."""
    examples = {
        f"examples/{path.name}": partial(example, path) for path in sorted(EXAMPLES.glob("*.py"))
    }
    return {**examples, "events": events, "errors": errors}


def example(path: Path) -> str:
    """One example as it is."""
    return f"```python\n{path.read_text(encoding='utf-8')}```\n"


def events() -> str:
    """Every event with the sentence that its class begins with."""
    rows = [
        f"| `{cls.__name__}` | `{name}` | {_first_line(cls)} |"
        for name, cls in EVENT_CLASSES.items()
    ]
    return "\n".join(["| event | `type` in its record | meaning |", _RULE, *rows, ""])


def errors() -> str:
    """Every error with the sentence that its class begins with."""
    classes: list[type[Exception]] = [SerLiveError, *_below(SerLiveError)]
    rows = [
        f"| `{cls.__name__}` | `{cls.__bases__[0].__name__}` | {_first_line(cls)} |"
        for cls in classes
    ]
    return "\n".join(["| error | is a | meaning |", _RULE, *rows, ""])


_RULE = "| --- | --- | --- |"


def _below(cls: type[Exception]) -> list[type[Exception]]:
    """Classes that come from `cls`, each followed by its own."""
    below: list[type[Exception]] = []
    for sub in cls.__subclasses__():
        below += [sub, *_below(sub)]
    return below


def _first_line(cls: type) -> str:
    return (cls.__doc__ or "").partition("\n")[0]
