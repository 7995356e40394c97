"""The Morph page: what lies between two pictures, and what adding codes means."""

from app import parts, resources, state
from app.components import Card, Morph, strip
from app.resources import Opened

ENDS = 4


def first_cards(model: Opened) -> tuple[Card, ...]:
    """Return codes to begin with: typical examples of the first classes, or the first ones."""
    labels = model.codes.labels
    if labels is None:
        rows = list(range(min(ENDS, len(model.codes.ids))))
    else:
        present = sorted(set(labels.tolist()))[:ENDS]
        rows = [resources.typical(model, label) for label in present]
    return tuple(
        Card(
            label=model.label(int(model.codes.ids[row])) or f"id {int(model.codes.ids[row])}",
            z=tuple(model.codes.mu[row].tolist()),
        )
        for row in rows
    )


opened, current = parts.opened()
parts.heading("Morph", "What lies between two pictures?")
memory = f"morph-{opened.hash}"
strip(
    "strip",
    scene=parts.scene(opened, current),
    morph=state.recall(memory) or Morph(cards=first_cards(opened)),
    morph_version=state.version(),
    codes=resources.codes_address(opened),
    model_name=opened.name,
    on_pin=parts.pin,
    on_morph=lambda morph: state.remember(memory, morph),
)
