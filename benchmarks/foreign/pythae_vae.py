"""pythae's VAE with its default networks (512 units), trained by its own trainer."""

from __future__ import annotations

import importlib.metadata
import tempfile

import numpy as np
import torch
from pythae.models import VAE, VAEConfig
from pythae.trainers import BaseTrainer, BaseTrainerConfig
from torch import Tensor, nn

from benchmarks.foreign import pictures, saving


class Encoder(nn.Module):
    """The encoder's ModelOutput as a tuple, which ONNX needs."""

    def __init__(self, model: VAE) -> None:
        super().__init__()
        self.encoder = model.encoder

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return what the file is to hold."""
        found = self.encoder(x)
        return found["embedding"], found["log_covariance"]


class Decoder(nn.Module):
    """The decoder's reconstruction."""

    def __init__(self, model: VAE) -> None:
        super().__init__()
        self.decoder = model.decoder

    def forward(self, z: Tensor) -> Tensor:
        """Return what the file is to hold."""
        return self.decoder(z)["reconstruction"]


def make(small: bool) -> saving.Foreign:
    """Train the model; a small one, on drawn shapes, for the tests."""
    if small:
        images, labels = pictures.shapes(300, 4, channels=1)
        trained, epochs = images, 100
    else:
        images, labels = pictures.mnist("t10k", 2000)
        trained, epochs = pictures.mnist("train", 20_000)[0], 3
    shape = images.shape[1:]
    model = VAE(VAEConfig(input_dim=shape, latent_dim=2, reconstruction_loss="bce"))
    with tempfile.TemporaryDirectory() as folder:
        config = BaseTrainerConfig(folder, num_epochs=epochs, learning_rate=1e-3, no_cuda=True)
        data = trained.astype(np.float32) / 255
        trainer = BaseTrainer(model, _data(data), training_config=config)
        trainer.train()
    model.eval()
    return saving.Foreign(
        f"pythae {importlib.metadata.version('pythae')}",
        encoder=Encoder(model),
        decoder=Decoder(model),
        pictures=images,
        labels=labels,
        read_shape=shape,
        code_shape=(2,),
        exporters=saving.TORCH,
    )


def _data(images: np.ndarray) -> object:
    from pythae.data.datasets import BaseDataset

    return BaseDataset(torch.from_numpy(images), torch.zeros(len(images)))


if __name__ == "__main__":
    saving.run("pythae", make)
