"""A convolutional VAE as tutorials write it: strided Conv2d, BatchNorm, ConvTranspose2d, 64 x 64.

Trained by the mean squared error, which is a Gaussian of variance 1 up to a constant.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from benchmarks.foreign import pictures, saving
from benchmarks.foreign.pytorch_vae import Part


class ConvVAE(nn.Module):
    """Four halvings of the side, to 4 x 4 from 64 x 64."""

    def __init__(self, widths: list[int], codes: int, side: int) -> None:
        super().__init__()
        self.widths, self.side = widths, side // 2 ** len(widths)
        down: list[nn.Module] = []
        for before, after in zip([3, *widths], widths, strict=False):
            down += [nn.Conv2d(before, after, 3, 2, 1), nn.BatchNorm2d(after), nn.LeakyReLU()]
        self.encoder = nn.Sequential(*down, nn.Flatten())
        flat = widths[-1] * self.side**2
        self.fc_mu, self.fc_var = nn.Linear(flat, codes), nn.Linear(flat, codes)
        self.decoder_input = nn.Linear(codes, flat)
        up: list[nn.Module] = []
        turned = widths[::-1]
        for before, after in zip(turned, [*turned[1:], turned[-1]], strict=True):
            up += [
                nn.ConvTranspose2d(before, after, 3, 2, 1, output_padding=1),
                nn.BatchNorm2d(after),
                nn.LeakyReLU(),
            ]
        self.decoder = nn.Sequential(*up, nn.Conv2d(turned[-1], 3, 3, padding=1), nn.Sigmoid())

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return mean and log-variance of q(z|x)."""
        h = self.encoder(x)
        return self.fc_mu(h), self.fc_var(h)

    def decode(self, z: Tensor) -> Tensor:
        """Return the pixels of codes."""
        h = self.decoder_input(z).view(-1, self.widths[-1], self.side, self.side)
        return self.decoder(h)


def train(model: ConvVAE, images: Tensor, epochs: int) -> None:
    """Minimise the negative bound."""
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    for _ in range(epochs):
        for x in images[torch.randperm(len(images))].split(64):
            mu, logvar = model.encode(x)
            recon = model.decode(mu + torch.exp(0.5 * logvar) * torch.randn_like(mu))
            kld = -0.5 * torch.sum(1 + logvar - mu**2 - logvar.exp())
            loss = (0.5 * F.mse_loss(recon, x, reduction="sum") + kld) / len(x)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()


def make(small: bool) -> saving.Foreign:
    """Train the model; a small one, on drawn shapes, for the tests."""
    widths, codes, side = ([4, 6], 3, 16) if small else ([32, 64, 128, 256], 16, 64)
    images, labels = pictures.shapes(400 if small else 2000, side)
    model = ConvVAE(widths, codes, side)
    train(model, torch.from_numpy(images).float() / 255, 100 if small else 3)
    model.eval()
    return saving.Foreign(
        f"torch {torch.__version__}",
        encoder=Part(model, "encode"),
        decoder=Part(model, "decode"),
        pictures=images[:1000],
        labels=labels[:1000],
        read_shape=(3, side, side),
        code_shape=(codes,),
        likelihood="gaussian:1",
        exporters=saving.TORCH,
    )


if __name__ == "__main__":
    saving.run("convolutional", make)
