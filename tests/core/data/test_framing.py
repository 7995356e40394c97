"""Ink of own data: told from photographs, and measured."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import PIL.Image
import pytest
import torch

from vae_core import data, images, model_folder
from vae_core.cli import main
from vae_core.data import framing


def strokes(n: int, side: int, box: int, *, seed: int = 0, shift: int = 0) -> torch.Tensor:
    """Return crosses with light strokes three pixels wide: uint8 (n, 1, side, side)."""
    random = np.random.default_rng(seed)
    pictures = np.zeros((n, 1, side, side), np.uint8)
    for one in pictures[:, 0]:
        top, left = (side - box) // 2 + random.integers(-shift, shift + 1, 2)
        bar = random.integers(0, box - 2)
        one[top : top + box, left + bar : left + bar + 3] = 255
        bar = random.integers(0, box - 2)
        one[top + bar : top + bar + 3, left : left + box] = 255
    return torch.from_numpy(pictures)


def test_size_middle_and_strokes_are_measured():
    """Ink of 24 pixels in 40, three pixels wide, its box in the middle."""
    frame = framing.frame_of(strokes(60, 40, 24))
    assert frame is not None
    assert (frame.box, frame.by_mass, frame.dark) == (24, False, False)
    assert frame.strokes is not None
    assert frame.strokes == pytest.approx((3, 3), abs=0.7)


def test_dark_ink_has_the_same_frame():
    """On a light ground; only what is dark differs."""
    light, dark = (
        framing.frame_of(one) for one in (strokes(60, 40, 24), 255 - strokes(60, 40, 24))
    )
    assert light is not None
    assert dark is not None
    assert dark == images.Frame(light.box, light.by_mass, light.strokes, dark=True)


def test_photographs_and_colours_are_no_ink():
    """Noise, slow changes, wide areas, and ink in colour."""
    noise = torch.randint(0, 256, (40, 1, 28, 28), dtype=torch.uint8)
    slow = torch.linspace(0, 255, 28).to(torch.uint8).expand(40, 1, 28, 28).contiguous()
    for pictures in (noise, slow, strokes(40, 28, 20).expand(-1, 3, -1, -1), noise[:0]):
        assert framing.frame_of(pictures) is None


def test_what_is_drawn_is_placed_as_the_data_is():
    """A data picture that is prepared by its own frame stays where it was; dark ink stays dark."""
    for pictures in (strokes(60, 40, 24), 255 - strokes(60, 40, 24)):
        frame = framing.frame_of(pictures)
        small = images.prepare(pictures[3, 0, 4:36, 4:36].numpy(), (1, 40, 40), dataset=frame)
        assert (small.image[0] * 255 - pictures[3, 0]).abs().mean() < 2


@pytest.mark.mnist
def test_digits_of_ones_own_have_mnists_frame():
    """As the table of known datasets has it."""
    digits = data.load_dataset("mnist").train.spread(1000).images
    frame, known = framing.frame_of(digits), images.FRAMES["mnist"]
    assert frame is not None
    assert known.strokes is not None
    assert (frame.box, frame.by_mass, frame.dark) == (known.box, known.by_mass, False)
    assert frame.strokes == pytest.approx(known.strokes, abs=0.1)


def test_every_door_prepares_by_the_models_own_data(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """The card of a training says how ink is placed, and the command line follows it."""
    for row, picture in enumerate(255 - strokes(40, 20, 12)):
        folder = tmp_path / "letters" / "ab"[row % 2]
        folder.mkdir(parents=True, exist_ok=True)
        PIL.Image.fromarray(picture[0].numpy()).save(folder / f"{row:02}.png")
    monkeypatch.chdir(tmp_path)
    words = "--batch-size 20 --epochs 1 --hidden 8 --latent-dim 2 --threads 1 --out model"
    main.main(["train", "--dataset", "letters", *words.split()])
    card = model_folder.load_card("model")
    assert isinstance(card, model_folder.ModelCard)
    assert card.ink is not None
    assert (card.ink.box, card.ink.dark) == (12, True)
    text = (tmp_path / "model" / "card.json").read_text()
    assert model_folder.card_of(text.encode()) == card
    drawn = np.zeros((60, 60), np.uint8)
    drawn[10:34, 10:16] = drawn[28:34, 10:34] = 255
    PIL.Image.fromarray(drawn).save("drawn.png")
    main.main(["reconstruct", "model", "drawn.png", "--out", "out.png"])
    with PIL.Image.open("out.png") as written:
        seen = np.asarray(written.convert("L"))
    expected = images.prepare(drawn, (1, 20, 20), dataset=card.prepared_as).image[0].numpy()
    assert expected[0, 0] == 1
    assert np.abs(seen[:20, :20] / 255 - expected).max() < 0.01


def test_cards_of_other_data_do_not_mention_ink():
    """They stay byte for byte."""
    for name in model_folder.list_models()[:3]:
        card = model_folder.load_card(name) if not model_folder.load_machine(name) else None
        assert card is None or "ink" not in card.model_dump()
