"""PyTorch's own example of a VAE, pytorch/examples ``vae/main.py``: 784-400-20, two epochs."""

from __future__ import annotations

import copy
from functools import partial
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from benchmarks.foreign import pictures, saving


class VAE(nn.Module):
    """The example's class, its widths as arguments."""

    def __init__(self, pixels: int = 784, hidden: int = 400, codes: int = 20) -> None:
        super().__init__()
        self.pixels = pixels
        self.fc1 = nn.Linear(pixels, hidden)
        self.fc21 = nn.Linear(hidden, codes)
        self.fc22 = nn.Linear(hidden, codes)
        self.fc3 = nn.Linear(codes, hidden)
        self.fc4 = nn.Linear(hidden, pixels)

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return mean and log-variance of q(z|x)."""
        h1 = F.relu(self.fc1(x))
        return self.fc21(h1), self.fc22(h1)

    def reparameterize(self, mu: Tensor, logvar: Tensor) -> Tensor:
        """Draw a code."""
        std = torch.exp(0.5 * logvar)
        eps = torch.randn_like(std)
        return mu + eps * std

    def decode(self, z: Tensor) -> Tensor:
        """Return the pixels of codes."""
        h3 = F.relu(self.fc3(z))
        return torch.sigmoid(self.fc4(h3))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Reconstruct pictures, and return the mean and log-variance too."""
        mu, logvar = self.encode(x.view(-1, self.pixels))
        z = self.reparameterize(mu, logvar)
        return self.decode(z), mu, logvar


def loss_function(recon_x: Tensor, x: Tensor, mu: Tensor, logvar: Tensor) -> Tensor:
    """Sum the cross-entropy and KL over the minibatch."""
    BCE = F.binary_cross_entropy(recon_x, x.view(recon_x.shape), reduction="sum")  # noqa: N806
    KLD = -0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp())  # noqa: N806
    return BCE + KLD


def train(model: nn.Module, images: Tensor, epochs: int) -> None:
    """Minimise the negative bound."""
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    for _ in range(epochs):
        for data in images[torch.randperm(len(images))].split(128):
            optimizer.zero_grad()
            recon_batch, mu, logvar = model(data)
            loss_function(recon_batch, data, mu, logvar).backward()
            optimizer.step()


class Part(nn.Module):
    """A method of a model as a module, which is what the exporter takes."""

    def __init__(self, model: nn.Module, method: str) -> None:
        super().__init__()
        self.model, self.method = model, method

    def forward(self, x: Tensor) -> Any:
        """Call the method."""
        return getattr(self.model, self.method)(x)


def half(
    net: nn.Module, x: tuple[Tensor, ...], inputs: list[str], outputs: list[str], to: Path
) -> None:
    """Export in half precision, by way of a copy of the network."""
    saving.by_dynamo(
        copy.deepcopy(net).half(), tuple(part.half() for part in x), inputs, outputs, to
    )


def make(small: bool) -> saving.Foreign:
    """Train the model; a small one, on drawn shapes, for the tests."""
    if small:
        images, labels = pictures.shapes(300, 8, channels=1)
        model, epochs, trained = VAE(64, 20, 3), 200, images
    else:
        images, labels = pictures.mnist("t10k", 2000)
        model, epochs, trained = VAE(), 2, pictures.mnist("train")[0]
    train(model, torch.from_numpy(trained).float().flatten(1) / 255, epochs)
    model.eval()
    exporters = saving.TORCH | {"opset11": partial(saving.by_legacy, opset=11), "half": half}
    return saving.Foreign(
        f"torch {torch.__version__}",
        encoder=Part(model, "encode"),
        decoder=Part(model, "decode"),
        whole=model,
        pictures=images,
        labels=labels,
        read_shape=(model.pixels,),
        code_shape=(model.fc3.in_features,),
        exporters=exporters,
    )


if __name__ == "__main__":
    saving.run("pytorch-vae", make)
