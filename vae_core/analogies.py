"""Examples of arithmetic on codes, A − B + C, whose result is seen to be right."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

#: Classes, and codes of each, among which an example is looked for; codes without classes.
MOST_CLASSES, PER_CLASS, WITHOUT_CLASSES = 12, 24, 14
#: Results that are decoded.
MOST_DECODED = 200
#: Codes whose classes have to agree, and codes that a typical distance is measured on.
NEIGHBOURS, MEASURED = 10, 500


def typical(codes: Tensor, rows: Tensor) -> int:
    """Return the row, of these, of the code nearest to their mean."""
    chosen = codes[rows]
    return int(rows[(chosen - chosen.mean(0)).norm(dim=1).argmin()])


def find(
    codes: Tensor, labels: Tensor | None, decode: Callable[[Tensor], Tensor]
) -> tuple[int, int, int] | None:
    """Find A, B and C for which A − B + C is to A as C is to B.

    A and B are typical of two classes, C is another code of B's class. The result has to be as near
    to a real code as real codes are to each other, and surely of A's class: so are all the codes
    nearest to it. Of those, the one is returned whose images change most, and in the same way from
    B to C as from A to the result. Without classes any codes are tried, and A and B differ too.

    Parameters
    ----------
    codes
        (n, latent_dim).
    labels
        Classes (n,), or None.
    decode
        Returns images (m, ...) of codes (m, latent_dim).

    Returns
    -------
    tuple of int or None
        Rows of A, B and C; None where nothing fits.
    """
    if len(codes) <= NEIGHBOURS or not codes.isfinite().all():
        return None
    rows = _by_class(codes, labels) if labels is not None else _any(len(codes))
    if len(rows) == 0:
        return None
    a, b, c = rows.T
    results = codes[a] - codes[b] + codes[c]
    distances, near = _nearest(results, codes, NEIGHBOURS)
    between = _nearest(codes[:MEASURED], codes, 2)[0][:, 1]
    fits = (distances[:, 0] <= between.median()) & (near[:, :1] != rows).all(1)
    if labels is not None:
        fits &= (labels[near] == labels[a][:, None]).all(1)
    rows, results = rows[fits], results[fits]
    strongest = (codes[rows[:, 2]] - codes[rows[:, 1]]).norm(dim=1).argsort(descending=True)
    rows, results = rows[strongest[:MOST_DECODED]], results[strongest[:MOST_DECODED]]
    if len(rows) == 0:
        return None
    scores = _scores(rows, codes, results, decode, alike=labels is None)
    best = int(scores.argmax())
    return None if scores[best] <= 0 else (*rows[best].tolist(),)


def _by_class(codes: Tensor, labels: Tensor) -> Tensor:
    """Return rows (m, 3) of a typical code, one of another class, and more of that class."""
    present = torch.unique(labels)[:MOST_CLASSES].tolist()
    members = {label: (labels == label).nonzero()[:, 0] for label in present}
    middles = {label: typical(codes, rows) for label, rows in members.items()}
    sure = {}
    for label, rows in members.items():
        rows = rows[:PER_CLASS]
        near = _nearest(codes[rows], codes, NEIGHBOURS)[1]
        sure[label] = rows[(labels[near] == label).all(1)].tolist()
    tried = [
        (middles[first], middles[second], row)
        for first in present
        for second in present
        for row in sure[second]
        if first != second and row != middles[second]
    ]
    return torch.tensor(tried, dtype=torch.int64).reshape(-1, 3)


def _any(count: int) -> Tensor:
    """Return rows (m, 3) of different codes, spread over all."""
    chosen = torch.linspace(0, count - 1, WITHOUT_CLASSES).long()
    rows = torch.cartesian_prod(chosen, chosen, chosen)
    a, b, c = rows.T
    return rows[(a != b) & (b != c) & (a < c)]  # A and C may be exchanged


def _nearest(queries: Tensor, codes: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """Return the distances and rows of the ``k`` nearest codes: (n, k) each, nearest first."""
    distances, rows = torch.cdist(queries, codes).topk(k, largest=False)
    return distances, rows


def _scores(
    rows: Tensor,
    codes: Tensor,
    results: Tensor,
    decode: Callable[[Tensor], Tensor],
    *,
    alike: bool,
) -> Tensor:
    """Return how much the images change, and how much alike: (m,)."""
    a, b, c = (decode(codes[column]).flatten(1) for column in rows.T)
    result = decode(results).flatten(1)
    smallest = torch.minimum((c - b).norm(dim=1), (result - a).norm(dim=1))
    if alike:
        smallest = torch.minimum(smallest, (a - b).norm(dim=1))
    return smallest * torch.cosine_similarity(c - b, result - a).clamp(min=0)
