"""Write codes as CSV, images as PNG and cards as Markdown."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vae_core.columns import Column
from vae_core.config import ModelConfig
from vae_core.model_folder import Metric, ModelCard


def codes_csv(
    ids: Tensor,
    labels: Tensor | None,
    mu: Tensor,
    logvar: Tensor,
    *,
    classes: Sequence[str] | None = None,
    columns: Sequence[Column] = (),
) -> str:
    """Write codes as CSV, one example a row.

    The columns are id, label, mu_1, mu_2, …, sigma_1, sigma_2, …, and those of the data. One whose
    name is there already is called "column." and its name.

    Parameters
    ----------
    ids, labels
        int64 (n,); without labels the column is left out.
    mu, logvar
        float32 (n, latent_dim).
    classes
        Names to write in place of the labels' numbers.
    columns
        Further columns of the same examples; what is missing is empty.
    """
    lead: list[list[Any]] = [ids.tolist()]
    if labels is not None:
        lead.append([classes[k] for k in labels.tolist()] if classes else labels.tolist())
    numbers = torch.cat([mu, (0.5 * logvar).exp()], dim=1).tolist()
    dims = range(1, mu.shape[1] + 1)
    names = ["id", "label"][: len(lead)] + [f"{name}_{d}" for name in ("mu", "sigma") for d in dims]
    for column in columns:
        name = column.name
        while name in names:
            name = f"column.{name}"
        names.append(name)
    beside = (
        zip(*(column.written() for column in columns), strict=True) if columns else [()] * len(mu)
    )
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(names)
    for *start, row, more in zip(*lead, numbers, beside, strict=True):
        writer.writerow([*start, *(f"{value:.6g}" for value in row), *more])
    return text.getvalue()


def tile(
    images: NDArray[np.uint8], *, columns: int | None = None, gap: int = 2
) -> NDArray[np.uint8]:
    """Arrange pictures (n, c, h, w) in a grid (H, W) or (H, W, 3), on black.

    Parameters
    ----------
    columns
        Pictures per row; about the square root of n by default.
    gap
        Black pixels between two pictures.
    """
    n, c, h, w = images.shape
    columns = min(n, columns or math.ceil(math.sqrt(n)))
    rows = -(-n // columns)
    sheet = np.zeros((rows * (h + gap) - gap, columns * (w + gap) - gap, c), dtype=np.uint8)
    for index, image in enumerate(images):
        top, left = (index // columns) * (h + gap), (index % columns) * (w + gap)
        sheet[top : top + h, left : left + w] = image.transpose(1, 2, 0)
    return sheet[..., 0] if c == 1 else sheet


def png(picture: NDArray[np.uint8], *, scale: int = 1) -> bytes:
    """Encode a picture (h, w) or (h, w, 3) as PNG, with each pixel ``scale`` × ``scale`` large."""
    from PIL import Image

    enlarged = picture.repeat(scale, axis=0).repeat(scale, axis=1)
    content = io.BytesIO()
    Image.fromarray(enlarged).save(content, format="PNG")
    return content.getvalue()


def cards_markdown(cards: Sequence[ModelCard]) -> str:
    """Return a Markdown table of models with their metrics, one model per row."""
    columns = {
        "test −ELBO": ("elbo", -1.0, ".2f"),
        "rate": ("rate", 1.0, ".2f"),
        "distortion": ("distortion", 1.0, ".2f"),
        "active units": ("active_units", 1.0, ".0f"),
        "k-NN accuracy": ("knn_accuracy", 1.0, ".3f"),
    }
    lines = [
        f"| model | data | network | kind | {' | '.join(columns)} | nll_iw{{k}} |",
        "|---" * (5 + len(columns)) + "|",
    ]
    for card in cards:
        cells = [f"`{card.name}`", card.dataset, _network(card.model)]
        elbo = card.metrics.get("elbo")
        cells.append(elbo.kind if elbo else "")
        for key, sign, form in columns.values():
            metric = card.metrics.get(key)
            cells.append("" if metric is None else _formatted(metric, sign, form))
        cells.append(_importance_weighted(card))
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _network(model: ModelConfig) -> str:
    channels, height, width = model.image_shape
    image = f"{height} × {width}" + (f" × {channels}" if channels > 1 else "")
    layers = "–".join(map(str, (*model.hidden, model.latent_dim)))
    beyond = {
        model.network: model.network != "mlp",
        "labels": model.conditional,
        f"{model.prior} prior": model.prior != "standard",
        "symmetric": model.symmetric,
    }
    return ", ".join([f"{image} – {layers}", *(what for what, is_so in beyond.items() if is_so)])


def _importance_weighted(card: ModelCard) -> str:
    found = [metric for name, metric in card.metrics.items() if name.startswith("nll_iw")]
    if not found:
        return ""
    best = max(found, key=lambda metric: metric.samples or 0)
    return f"{_formatted(best, 1.0, '.2f')} (k = {best.samples})"


def _formatted(metric: Metric, sign: float, form: str) -> str:
    value = f"{sign * metric.value:{form}}".replace("-", "−")
    return value if metric.se is None else f"{value} ± {metric.se:{form}}"
