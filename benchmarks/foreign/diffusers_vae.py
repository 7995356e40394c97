"""diffusers' AutoencoderKL, small: GroupNorm, SiLU, attention, a code of 4 channels in space.

Its pixels are in [-1, 1], so that variance 1 there is a standard deviation of 0.5 in [0, 1].
"""

from __future__ import annotations

import importlib.metadata

import torch
from diffusers import AutoencoderKL
from torch import Tensor, nn

from benchmarks.foreign import pictures, saving


class Encoder(nn.Module):
    """What ``encode`` makes a distribution of: means and log-variances as channels."""

    def __init__(self, vae: AutoencoderKL) -> None:
        super().__init__()
        self.encoder, self.quant_conv = vae.encoder, vae.quant_conv

    def forward(self, sample: Tensor) -> Tensor:
        """Return what the file is to hold."""
        return self.quant_conv(self.encoder(sample))


class Decoder(nn.Module):
    """``decode`` without the dataclass around its output."""

    def __init__(self, vae: AutoencoderKL) -> None:
        super().__init__()
        self.decoder, self.post_quant_conv = vae.decoder, vae.post_quant_conv

    def forward(self, z: Tensor) -> Tensor:
        """Return what the file is to hold."""
        return self.decoder(self.post_quant_conv(z))


def make(small: bool) -> saving.Foreign:
    """Train the model; a small one, on drawn shapes, for the tests."""
    widths, side, groups = ((2, 4), 8, 2) if small else ((16, 32, 64), 64, 8)
    images, labels = pictures.shapes(200 if small else 1000, side)
    vae = AutoencoderKL(
        block_out_channels=widths,
        down_block_types=("DownEncoderBlock2D",) * len(widths),
        up_block_types=("UpDecoderBlock2D",) * len(widths),
        latent_channels=2 if small else 4,
        norm_num_groups=groups,
        sample_size=side,
    )
    optimizer = torch.optim.Adam(vae.parameters(), lr=1e-3)
    x = torch.from_numpy(images).float() / 127.5 - 1
    for batch in x[torch.randint(len(x), (60, 16))]:
        posterior = vae.encode(batch).latent_dist
        recon = vae.decode(posterior.sample()).sample
        loss = nn.functional.mse_loss(recon, batch, reduction="sum") / 2 + posterior.kl().sum()
        optimizer.zero_grad()
        (loss / len(batch)).backward()
        optimizer.step()
    vae.eval()
    code = side // 2 ** (len(widths) - 1)
    return saving.Foreign(
        f"diffusers {importlib.metadata.version('diffusers')}",
        encoder=Encoder(vae),
        decoder=Decoder(vae),
        pictures=images[:500],
        labels=labels[:500],
        read_shape=(3, side, side),
        code_shape=(vae.config.latent_channels, code, code),
        input_range="-1,1",
        posterior="2*latent",
        output="[-1,1]",
        likelihood="gaussian:0.5",
        exporters=saving.TORCH,
    )


if __name__ == "__main__":
    saving.run("diffusers", make)
