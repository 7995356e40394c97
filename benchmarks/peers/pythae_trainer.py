"""pythae's trainer (Chadebec et al. 2022), the library itself, with a network of ours.

An epoch is the library's own ``train_step``: its loader, model, loss and optimiser. Left out is
what its ``train`` does beside: a copy of the best model, checkpoints, a log.
"""

from __future__ import annotations

import tempfile
import time
from typing import Any

import torch
from pythae.data.datasets import BaseDataset
from pythae.models import VAE, VAEConfig
from pythae.models.base.base_utils import ModelOutput
from pythae.models.nn import BaseDecoder, BaseEncoder
from pythae.trainers import BaseTrainer, BaseTrainerConfig
from torch import Tensor, nn

from benchmarks import peers
from benchmarks.peers import textbook
from vae_core.config import ModelConfig, TrainConfig
from vae_core.data import ImageDataset


class Encoder(BaseEncoder):  # type: ignore[misc]
    """Images (batch, c, h, w) to the posterior."""

    def __init__(self, config: ModelConfig) -> None:
        BaseEncoder.__init__(self)
        self.encoder = textbook.stack((config.pixels, *config.hidden), config.activation)
        self.posterior = nn.Linear(config.hidden[-1], 2 * config.latent_dim)

    def forward(self, x: Tensor) -> ModelOutput:
        """Return mu and logvar by the library's names."""
        mu, logvar = self.posterior(self.encoder(x.flatten(1))).chunk(2, dim=1)
        return ModelOutput(embedding=mu, log_covariance=logvar)


class Decoder(BaseDecoder):  # type: ignore[misc]
    """Codes (batch, latent_dim) to mean images; the library's loss takes probabilities."""

    def __init__(self, config: ModelConfig) -> None:
        BaseDecoder.__init__(self)
        self.image_shape = config.image_shape
        self.decoder = textbook.stack((config.latent_dim, *config.hidden[::-1]), config.activation)
        self.likelihood = nn.Linear(config.hidden[0], config.pixels)

    def forward(self, z: Tensor) -> ModelOutput:
        """Return the images by the library's name."""
        images = torch.sigmoid(self.likelihood(self.decoder(z)))
        return ModelOutput(reconstruction=images.unflatten(1, self.image_shape))


class Contestant:
    """A ``BaseTrainer``, epoch by epoch; ``options`` go to its ``BaseTrainerConfig``."""

    def __init__(
        self, model: ModelConfig, training: TrainConfig, dataset: ImageDataset, **options: Any
    ) -> None:
        torch.set_num_threads(training.threads)
        torch.manual_seed(training.seed)
        described = VAEConfig(
            input_dim=model.image_shape,
            latent_dim=model.latent_dim,
            reconstruction_loss="bce",
        )
        self.model = VAE(described, encoder=Encoder(model), decoder=Decoder(model))
        x = peers.training_images(training, dataset).float() / 255
        self.folder = tempfile.TemporaryDirectory()
        settings = {
            "output_dir": self.folder.name,
            "num_epochs": training.epochs,
            "learning_rate": training.learning_rate,
            "per_device_train_batch_size": training.batch_size,
            "seed": training.seed,
            "no_cuda": True,
        }
        self.trainer = BaseTrainer(
            self.model,
            train_dataset=BaseDataset(x, torch.zeros(len(x))),
            training_config=BaseTrainerConfig(**settings | options),
        )
        self.trainer.prepare_training()
        self.epochs = 0

    def epoch(self) -> float:
        """Train one epoch; its progress bar is begun and ended as in the library's ``train``."""
        trainer = self.trainer
        self.epochs += 1
        began = time.perf_counter()
        trainer.callback_handler.on_epoch_begin(
            training_config=trainer.training_config,
            epoch=self.epochs,
            train_loader=trainer.train_loader,
            eval_loader=None,
        )
        loss = trainer.train_step(self.epochs)
        trainer._schedulers_step(loss)
        trainer.callback_handler.on_epoch_end(training_config=trainer.training_config)
        return time.perf_counter() - began

    def weights(self) -> dict[str, Tensor]:
        """Return both networks' weights, less the names of the modules that hold them."""
        found = self.model.state_dict()
        return {name.partition(".")[2]: value for name, value in found.items()}
