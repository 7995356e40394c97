"""Keras 3's example of a VAE (keras.io, "Variational AutoEncoder"), exported by ``model.export``.

On PyTorch as backend. Its pictures are channels last, and its transposed convolutions too.
"""

from __future__ import annotations

import os

os.environ["KERAS_BACKEND"] = "torch"

from pathlib import Path

import keras
import torch
from keras import layers, ops
from torch import Tensor, nn

from benchmarks.foreign import pictures, saving


class Sampling(layers.Layer):
    """Draw a code, and add KL to the loss."""

    def call(self, inputs: tuple[Tensor, Tensor]) -> Tensor:
        """Return one code for each picture."""
        mean, log_var = inputs
        kl = -0.5 * ops.sum(1 + log_var - ops.square(mean) - ops.exp(log_var), axis=1)
        self.add_loss(ops.mean(kl))
        return mean + ops.exp(0.5 * log_var) * keras.random.normal(ops.shape(mean))


def networks(side: int, widths: tuple[int, int], dense: int, codes: int) -> list[keras.Model]:
    """Return encoder and decoder."""
    x = keras.Input((side, side, 1))
    h = layers.Conv2D(widths[0], 3, activation="relu", strides=2, padding="same")(x)
    h = layers.Conv2D(widths[1], 3, activation="relu", strides=2, padding="same")(h)
    h = layers.Dense(dense, activation="relu")(layers.Flatten()(h))
    outputs = [layers.Dense(codes, name=name)(h) for name in ("z_mean", "z_log_var")]
    encoder = keras.Model(x, outputs, name="encoder")
    z = keras.Input((codes,))
    h = layers.Dense((side // 4) ** 2 * widths[1], activation="relu")(z)
    h = layers.Reshape((side // 4, side // 4, widths[1]))(h)
    h = layers.Conv2DTranspose(widths[1], 3, activation="relu", strides=2, padding="same")(h)
    h = layers.Conv2DTranspose(widths[0], 3, activation="relu", strides=2, padding="same")(h)
    y = layers.Conv2DTranspose(1, 3, activation="sigmoid", padding="same")(h)
    return [encoder, keras.Model(z, y, name="decoder")]


def by_keras(
    net: nn.Module, x: tuple[Tensor, ...], inputs: list[str], outputs: list[str], to: Path
) -> None:
    """Export as Keras documents it; it names inputs and outputs itself."""
    net.export(str(to), format="onnx", verbose=False)


def make(small: bool) -> saving.Foreign:
    """Train the model; a small one, on drawn shapes, for the tests."""
    keras.utils.set_random_seed(0)
    if small:
        side, (images, labels) = 8, pictures.shapes(300, 8, channels=1)
        trained, epochs, sizes = images, 150, ((4, 6), 8, 2)
    else:
        side, (images, labels) = 28, pictures.mnist("t10k", 2000)
        trained, epochs, sizes = pictures.mnist("train", 10_000)[0], 3, ((32, 64), 16, 2)
    encoder, decoder = networks(side, *sizes)
    x = trained.astype("float32").transpose(0, 2, 3, 1) / 255
    vae = keras.Model(encoder.input, decoder(Sampling()(encoder(encoder.input))))
    nats = lambda y, p: side**2 * keras.losses.binary_crossentropy(y, p)  # noqa: E731
    vae.compile(optimizer=keras.optimizers.Adam(), loss=lambda y, p: ops.mean(nats(y, p)))
    vae.fit(x, x, epochs=epochs, batch_size=128, verbose=0)
    for model in (encoder, decoder):
        model.eval()
    return saving.Foreign(
        f"keras {keras.__version__}, torch {torch.__version__}",
        encoder=encoder,
        decoder=decoder,
        pictures=images,
        labels=labels,
        read_shape=(side, side, 1),
        code_shape=(sizes[-1],),
        exporters={"keras": by_keras},
    )


if __name__ == "__main__":
    saving.run("keras", make)
