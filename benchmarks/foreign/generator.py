"""The generator of PyTorch's DCGAN example, alone; its codes are (100, 1, 1), as there."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from benchmarks.foreign import pictures, saving


def networks(codes: int, width: int, doublings: int) -> tuple[nn.Module, nn.Module]:
    """Return generator and discriminator of pictures with side 4 * 2 ** doublings."""
    sizes = [width * 2**power for power in reversed(range(doublings))]
    up: list[nn.Module] = [nn.ConvTranspose2d(codes, sizes[0], 4, 1, 0, bias=False)]
    down: list[nn.Module] = [nn.Conv2d(3, sizes[-1], 4, 2, 1, bias=False), nn.LeakyReLU(0.2)]
    for wide, narrow in zip(sizes, [*sizes[1:], 3], strict=True):
        up += [nn.BatchNorm2d(wide), nn.ReLU(True), nn.ConvTranspose2d(wide, narrow, 4, 2, 1)]
    for narrow, wide in zip(sizes[:0:-1], sizes[-2::-1], strict=True):
        down += [nn.Conv2d(narrow, wide, 4, 2, 1), nn.BatchNorm2d(wide), nn.LeakyReLU(0.2)]
    down += [nn.Conv2d(sizes[0], 1, 4), nn.Flatten(0)]
    return nn.Sequential(*up, nn.Tanh()), nn.Sequential(*down)


def train(generator: nn.Module, judge: nn.Module, images: Tensor, codes: int, steps: int) -> None:
    """Play the two networks against each other."""
    loss = nn.BCEWithLogitsLoss()
    first, second = (
        torch.optim.Adam(net.parameters(), lr=2e-4, betas=(0.5, 0.999))
        for net in (judge, generator)
    )
    for _ in range(steps):
        real = images[torch.randint(len(images), (32,))]
        fake = generator(torch.randn(32, codes, 1, 1))
        first.zero_grad()
        of_real, of_fake = judge(real), judge(fake.detach())
        (loss(of_real, torch.ones(32)) + loss(of_fake, torch.zeros(32))).backward()
        first.step()
        second.zero_grad()
        loss(judge(fake), torch.ones(32)).backward()
        second.step()


def make(small: bool) -> saving.Foreign:
    """Train the model; a small one, on drawn shapes, for the tests."""
    codes, width, doublings = (5, 3, 2) if small else (100, 32, 4)
    images, labels = pictures.shapes(300 if small else 2000, 4 * 2**doublings)
    generator, judge = networks(codes, width, doublings)
    train(generator, judge, torch.from_numpy(images).float() / 127.5 - 1, codes, 60)
    generator.eval()
    return saving.Foreign(
        f"torch {torch.__version__}",
        encoder=None,
        decoder=generator,
        pictures=images[:500],
        labels=labels[:500],
        code_shape=(codes, 1, 1),
        output="[-1,1]",
        likelihood=None,
        exporters=saving.TORCH,
    )


if __name__ == "__main__":
    saving.run("generator", make)
