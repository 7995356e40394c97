"""A conditional VAE as tutorials write it: a one-hot label beside the picture and the code."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from benchmarks.foreign import pictures, saving
from benchmarks.foreign.pytorch_vae import loss_function


class Encoder(nn.Module):
    """q(z|x, y)."""

    def __init__(self, pixels: int, classes: int, hidden: int, codes: int) -> None:
        super().__init__()
        self.hidden = nn.Linear(pixels + classes, hidden)
        self.mu, self.logvar = nn.Linear(hidden, codes), nn.Linear(hidden, codes)

    def forward(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """Return mean and log-variance from pictures and one-hot labels."""
        h = F.elu(self.hidden(torch.cat([x.flatten(1), y], 1)))
        return self.mu(h), self.logvar(h)


class Decoder(nn.Module):
    """p(x|z, y)."""

    def __init__(self, shape: tuple[int, ...], classes: int, hidden: int, codes: int) -> None:
        super().__init__()
        self.shape = shape
        self.hidden = nn.Linear(codes + classes, hidden)
        self.pixels = nn.Linear(hidden, shape[0] * shape[1] * shape[2])

    def forward(self, z: Tensor, y: Tensor) -> Tensor:
        """Return logits of pixels from codes and one-hot labels."""
        h = F.elu(self.hidden(torch.cat([z, y], 1)))
        return self.pixels(h).view(-1, *self.shape)


def make(small: bool) -> saving.Foreign:
    """Train the model; a small one, on drawn shapes, for the tests."""
    if small:
        images, labels = pictures.shapes(300, 8, channels=1)
        (trained, kinds), epochs, sizes = (images, labels), 100, (3, 16, 2)
    else:
        images, labels = pictures.mnist("t10k", 2000)
        (trained, kinds), epochs, sizes = pictures.mnist("train"), 2, (10, 400, 8)
    shape = images.shape[1:]
    encoder = Encoder(images[0].size, *sizes)
    decoder = Decoder(shape, *sizes)
    optimizer = torch.optim.Adam([*encoder.parameters(), *decoder.parameters()], lr=1e-3)
    x = torch.from_numpy(trained).float() / 255
    one_hot = F.one_hot(torch.from_numpy(kinds), sizes[0]).float()
    for _ in range(epochs):
        for rows in torch.randperm(len(x)).split(128):
            mu, logvar = encoder(x[rows], one_hot[rows])
            z = mu + torch.exp(0.5 * logvar) * torch.randn_like(mu)
            recon = torch.sigmoid(decoder(z, one_hot[rows]))
            optimizer.zero_grad()
            loss_function(recon, x[rows], mu, logvar).backward()
            optimizer.step()
    return saving.Foreign(
        f"torch {torch.__version__}",
        encoder=encoder.eval(),
        decoder=decoder.eval(),
        pictures=images,
        labels=labels,
        classes=sizes[0],
        read_shape=shape,
        code_shape=(sizes[2],),
        output="logits",
        exporters=saving.TORCH,
    )


if __name__ == "__main__":
    saving.run("conditional", make)
