"""The plain auto-encoder of many tutorials: 784-128-64-12-3 and back, pixels in [-1, 1]."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import nn

from benchmarks.foreign import pictures, saving


def stack(sizes: list[int]) -> list[nn.Module]:
    """Return linear layers with ReLU between them."""
    layers: list[nn.Module] = []
    for before, after in pairwise(sizes):
        layers += [nn.Linear(before, after), nn.ReLU(True)]
    return layers[:-1]


def make(small: bool) -> saving.Foreign:
    """Train the model; a small one, on drawn shapes, for the tests."""
    if small:
        images, labels = pictures.shapes(300, 8, channels=1)
        sizes, trained, epochs = [64, 16, 8, 3], images, 50
    else:
        images, labels = pictures.mnist("t10k", 2000)
        sizes, trained, epochs = [784, 128, 64, 12, 3], pictures.mnist("train", 20_000)[0], 4
    encoder = nn.Sequential(*stack(sizes))
    decoder = nn.Sequential(*stack(sizes[::-1]), nn.Tanh())
    both = nn.Sequential(encoder, decoder)
    optimizer = torch.optim.Adam(both.parameters(), lr=1e-3, weight_decay=1e-5)
    x = torch.from_numpy(trained).float().flatten(1) / 127.5 - 1
    for _ in range(epochs):
        for batch in x[torch.randperm(len(x))].split(128):
            optimizer.zero_grad()
            nn.functional.mse_loss(both(batch), batch).backward()
            optimizer.step()
    both.eval()
    return saving.Foreign(
        f"torch {torch.__version__}",
        encoder=encoder,
        decoder=decoder,
        pictures=images,
        labels=labels,
        read_shape=(sizes[0],),
        code_shape=(sizes[-1],),
        input_range="-1,1",
        posterior="mu",
        output="[-1,1]",
        likelihood=None,
        exporters=saving.TORCH,
    )


if __name__ == "__main__":
    saving.run("autoencoder", make)
