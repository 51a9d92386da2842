"""Tests for the transforms: SciPy's values to the bit."""

import numpy as np
import pytest
import scipy.fft

from ser_live.features.transforms import cosine_transform, fast_length


@pytest.mark.parametrize("n", [2, 3, 257, 513, 1025])
def test_equals_scipys_cosine_transform(n: int) -> None:
    rows = np.random.default_rng(n).standard_normal((7, n))
    np.testing.assert_array_equal(cosine_transform(rows), scipy.fft.dct(rows, type=1, axis=1))


def test_rows_go_on_with_zeros_up_to_a_size() -> None:
    """A longer transform is that of rows with zeros behind them, to the bit."""
    rows = np.random.default_rng(0).standard_normal((3, 5))
    padded = np.concatenate([rows, np.zeros((3, 4))], axis=1)
    assert np.array_equal(cosine_transform(rows, 9), cosine_transform(padded))


def test_is_empty_for_no_rows() -> None:
    assert cosine_transform(np.empty((0, 513))).shape == (0, 513)


def test_takes_scipys_fast_lengths() -> None:
    ours = [fast_length(n) for n in range(1, 5000)]
    assert ours == [scipy.fft.next_fast_len(n, real=True) for n in range(1, 5000)]
