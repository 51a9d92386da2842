"""Words in letters of several rows, to be read from across a room.

Letters are drawn of square dots on a grid five dots high. Half a cell is about as high as a
cell is wide, so two dots stand above each other in one cell.
"""

from __future__ import annotations

from functools import lru_cache

_GLYPHS = {
    " ": "..|..|..|..|..",
    "a": ".#.|#.#|###|#.#|#.#",
    "b": "##.|#.#|##.|#.#|##.",
    "c": ".##|#..|#..|#..|.##",
    "d": "##.|#.#|#.#|#.#|##.",
    "e": "###|#..|##.|#..|###",
    "f": "###|#..|##.|#..|#..",
    "g": ".##|#..|#.#|#.#|.##",
    "h": "#.#|#.#|###|#.#|#.#",
    "i": "#|#|#|#|#",
    "j": "..#|..#|..#|#.#|.#.",
    "k": "#.#|#.#|##.|#.#|#.#",
    "l": "#..|#..|#..|#..|###",
    "m": "#...#|##.##|#.#.#|#...#|#...#",
    "n": "#..#|##.#|#.##|#..#|#..#",
    "o": "###|#.#|#.#|#.#|###",
    "p": "###|#.#|###|#..|#..",
    "q": "###|#.#|#.#|###|..#",
    "r": "##.|#.#|##.|#.#|#.#",
    "s": "###|#..|###|..#|###",
    "t": "###|.#.|.#.|.#.|.#.",
    "u": "#.#|#.#|#.#|#.#|###",
    "v": "#.#|#.#|#.#|#.#|.#.",
    "w": "#...#|#...#|#.#.#|##.##|#...#",
    "x": "#.#|#.#|.#.|#.#|#.#",
    "y": "#.#|#.#|###|.#.|.#.",
    "z": "###|..#|.#.|#..|###",
    "0": "###|#.#|#.#|#.#|###",
    "1": ".#|##|.#|.#|.#",
    "2": "###|..#|###|#..|###",
    "3": "###|..#|###|..#|###",
    "4": "#.#|#.#|###|..#|..#",
    "5": "###|#..|###|..#|###",
    "6": "###|#..|###|#.#|###",
    "7": "###|..#|..#|..#|..#",
    "8": "###|#.#|###|#.#|###",
    "9": "###|#.#|###|..#|###",
    "-": "..|..|##|..|..",
    "?": "###|..#|.#.|...|.#.",
}
_HALVES = {(False, False): " ", (True, False): "▀", (False, True): "▄", (True, True): "█"}


@lru_cache(maxsize=64)
def block_rows(word: str, width: int, n_rows: int) -> tuple[str, ...]:
    """The rows of `word` in the largest letters that fit.

    Parameters
    ----------
    word : str
        Capitals are drawn for small letters too.
    width, n_rows : int
        Room in cells and rows.

    Returns
    -------
    tuple of str
        Rows of one width; none where a character has no such letter, or where even the
        smallest letters, three rows high, are too large.
    """
    glyphs = [_GLYPHS.get(character) for character in word.lower()]
    if not glyphs or None in glyphs:
        return ()
    dots = [".".join(parts) for parts in zip(*(g.split("|") for g in glyphs if g), strict=True)]
    scale = min(width // len(dots[0]), 2 * n_rows // 5)
    if scale < 1 or n_rows < 3:
        return ()
    grid = [[dot == "#" for dot in row for _ in range(scale)] for row in dots for _ in range(scale)]
    if len(grid) % 2:
        grid.append([False] * len(grid[0]))
    return tuple(
        "".join(_HALVES[pair] for pair in zip(upper, lower, strict=True))
        for upper, lower in zip(grid[::2], grid[1::2], strict=True)
    )
