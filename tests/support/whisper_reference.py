"""Whisper's encoder in torch, for comparison only."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

WIDTH = 512
"""Of a hidden state of Whisper-base."""


def whisper_encoder(
    arrays: dict[str, NDArray[np.float32]], spectrum: NDArray[np.float32], n_layers: int
) -> list[NDArray[np.float32]]:
    """Whisper's encoder as its authors write it, unpadded, up to a layer."""
    import torch

    nn = torch.nn.functional
    w = {name: torch.from_numpy(value) for name, value in arrays.items()}
    x = torch.from_numpy(spectrum.T[None].copy())
    x = nn.gelu(nn.conv1d(x, w["conv1/weight"], w["conv1/bias"], padding=1))
    x = nn.gelu(nn.conv1d(x, w["conv2/weight"], w["conv2/bias"], stride=2, padding=1))
    x = x.permute(0, 2, 1)
    rates = torch.exp(-np.log(10000) / (WIDTH // 2 - 1) * torch.arange(WIDTH // 2))
    angles = torch.arange(x.shape[1])[:, None] * rates[None, :]
    x = x + torch.cat([torch.sin(angles), torch.cos(angles)], dim=1)
    found = [x]
    for layer in range(n_layers):
        p = f"layer_{layer}/self_attention"
        y = nn.layer_norm(x, (WIDTH,), w[f"{p}/layer_norm/gamma"], w[f"{p}/layer_norm/beta"])
        y = nn.linear(y, w[f"{p}/linear_0/weight"], w[f"{p}/linear_0/bias"])
        q, k, v = (part.view(1, -1, 8, 64).transpose(1, 2) for part in y.chunk(3, dim=-1))
        y = nn.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(1, -1, WIDTH)
        x = x + nn.linear(y, w[f"{p}/linear_1/weight"], w[f"{p}/linear_1/bias"])
        p = f"layer_{layer}/ffn"
        y = nn.layer_norm(x, (WIDTH,), w[f"{p}/layer_norm/gamma"], w[f"{p}/layer_norm/beta"])
        y = nn.gelu(nn.linear(y, w[f"{p}/linear_0/weight"], w[f"{p}/linear_0/bias"]))
        x = x + nn.linear(y, w[f"{p}/linear_1/weight"], w[f"{p}/linear_1/bias"])
        found.append(x)
    return [state[0].numpy() for state in found]
