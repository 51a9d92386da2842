"""Transforms beyond NumPy's, by NumPy's: SciPy's would take longer to load than to listen."""

from __future__ import annotations

import numpy as np

from ser_live.arrays import Float64


def cosine_transform(rows: Float64, size: int | None = None) -> Float64:
    """Cosine transform of the first kind (DCT-I) of each row, as the FFT of its even extension.

    Parameters
    ----------
    rows : array, shape (n_rows, n), n of at least 2
    size : int, optional
        Length of the transform, at least n: rows go on with zeros up to it.

    Returns
    -------
    array, shape (n_rows, size)
        The values of ``scipy.fft.dct(rows, type=1, n=size)``, to the bit.
    """
    n = rows.shape[1]
    length = 2 * (size or n) - 2
    even = np.empty((len(rows), length))
    even[:, :n] = rows
    even[:, n : length - n + 1] = 0.0
    even[:, length - n + 1 :] = rows[:, :0:-1]
    return np.asarray(np.fft.rfft(even, axis=1).real)


def fast_length(n: int) -> int:
    """The least number of at least `n` that has no prime factor above 5; FFTs of it are fast."""
    best = 1 << (n - 1).bit_length()
    power_of_5 = 1
    while power_of_5 < best:
        product = power_of_5
        while product < best:
            doubled = product << max(0, (-(-n // product) - 1).bit_length())
            best = min(best, doubled)
            product *= 3
        power_of_5 *= 5
    return best
