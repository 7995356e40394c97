"""A person's own picture, as the model sees it, codes it and gives it back."""

from collections import Counter
from dataclasses import dataclass

import numpy as np
import streamlit as st

from app import state, words
from app.address import State
from app.components import pad
from app.figures import charts, raster
from app.resources import examples, inference, library
from app.resources.inference import Encoding
from app.resources.opened_model import Floats, Opened
from app.widgets import gallery, graphs, pinned, scenes, selection
from vae_core import model_folder
from vae_core.errors import ImageError
from vae_core.images import Prepared

MAX_PICTURES = 24
MAX_MEGABYTES = 20
RESULT_SIDE = 184
DRAWS = 16
NEIGHBOURS = 10
#: A distortion above this share of the test set's is called unlike the training data.
UNUSUAL = 0.99
INVERT = {"automatic": None, "exchange": True, "leave": False}


@dataclass(frozen=True)
class Upload:
    """A picture file that somebody gave, in memory only."""

    name: str
    content: bytes


def options(photograph: bool) -> dict[str, bool | None]:
    """Show the preparation's switches; return them as `vae_core.images.prepare` has them."""
    with st.popover("Change what is done to it"):
        invert = st.segmented_control(
            "Light and dark", list(INVERT), default="automatic", key="w-invert", required=True
        )
        chosen = {"invert": INVERT[invert]}
        if not photograph:
            chosen["clean"] = st.toggle("Remove lighting and noise", True, key="w-clean")
        chosen["crop"] = st.toggle("Crop", True, key="w-crop")
        if not photograph:
            chosen["centre"] = st.toggle("Centre by mass", True, key="w-centre")
    return chosen


def show_steps(prepared: Prepared) -> None:
    """Show what was done to the picture, step by step."""
    with st.container(horizontal=True, key="steps"):
        for step in prepared.steps:
            with st.container(width=inference.STEP_SIDE, gap="xxsmall"):
                st.image(step.picture, alt=step.name)
                st.caption(step.name)


def settle_label(model: Opened, x: Floats, shown: State) -> int | None:
    """Return the label that the model is given with a picture (c, h, w).

    A new picture is asked about under every label, and takes that which explains it best.
    """
    better = _better_label(model, x, shown)
    if better is not None:
        state.update(y=better)
        st.rerun()
    return scenes.label_given(model, shown)


def _better_label(model: Opened, x: Floats, shown: State) -> int | None:
    """Return the label that explains a picture best, when the picture is new and another given."""
    key = (model.hash, model_folder.content_hash(x.tobytes()))
    if not model.condition_names or state.recall("labelled") == key:
        return None
    state.remember("labelled", key)
    best = inference.best_label(model, x, seed=shown.seed)
    return None if best == scenes.label_given(model, shown) else best


def draw(model: Opened, shown: State) -> Floats | None:
    """Show the drawing pad; return the drawing as the model saw it, (c, h, w) in [0, 1]."""
    shape = model.card.model.image_shape
    drawing = pad.pad(
        "pad",
        scene=scenes.scene(model, shown, with_encoder=True),
        image_shape=shape,
        dataset=model.card.dataset,
        on_drawing=_pin_drawing,
    )
    return None if drawing is None else _seen(model, drawing)


def _seen(model: Opened, drawing: pad.Drawing) -> Floats:
    grey = drawing.pixels.astype(np.float32) / np.float32(255)
    return np.broadcast_to(grey, model.card.model.image_shape).copy()


def _pin_drawing(drawing: pad.Drawing | None) -> None:
    if drawing is None:
        return
    shown = state.current()
    model = library.open_model(shown.model)
    x = _seen(model, drawing)
    better = _better_label(model, x, shown)
    if better is None:
        pinned.pin(drawing.pin)
        return
    encoding = inference.encode(model, x, seed=shown.seed, y=better)
    state.update(z=tuple(encoding.mu.tolist()), pinned_id=None, y=better)


def show_on_map(model: Opened, shown: State, encoding: Encoding | None) -> None:
    """Show where the picture's posterior lies among the codes of the test set."""
    posterior = None if encoding is None else (encoding.mu, encoding.logvar)
    selection.small_map(model, shown, posterior=posterior)
    st.caption(
        "The ellipse is the posterior q(z|x): one sigma around its mean. A ring marks a small one."
    )
    if encoding is not None:
        z = tuple(encoding.mu.tolist())
        st.button("Pin its code", on_click=_pin_code, args=(z,), key="w-pin-code")


def _pin_code(z: tuple[float, ...]) -> None:
    state.update(z=z, pinned_id=None)


def show_result(model: Opened, encoding: Encoding) -> None:
    """Show what its neighbours say it is; input, reconstruction and error; the bound's parts."""
    side = graphs.MATRIX_SIDE if graphs.are_data_of(model) else RESULT_SIDE
    shown = {
        "What the model sees": raster.picture(raster.to_levels(encoding.x), side),
        "Reconstruction": raster.picture(raster.to_levels(encoding.reconstruction), side),
        "Error: orange too bright, blue too dark": raster.difference(
            encoding.x, encoding.reconstruction, side
        ),
    }
    if not model.card.model.conditional:  # whose codes leave the class to the label
        say_neighbours(model, encoding)
    say_labels(model, encoding)
    with st.container(horizontal=True, gap="small"):
        for name, picture in shown.items():
            with st.container(width=side, gap="xxsmall"):
                st.image(picture, alt=name)
                st.caption(name)
    if graphs.are_data_of(model):
        graphs.draw_result(encoding)
    with st.container(horizontal=True, gap="large"):
        kind = model.pixel_kind
        st.metric("rate (nats)", words.number(encoding.rate), width="content")
        st.metric(f"distortion (nats, {kind})", words.number(encoding.distortion), width="content")
        bound = encoding.rate + encoding.distortion
        st.metric(f"−ELBO (nats, {kind})", words.number(bound), width="content")
    show_spread(model, encoding)
    if encoding.share_below > UNUSUAL:
        st.warning(
            "This picture is unlike the training data: its distortion is above that of "
            f"{encoding.share_below:.1%} of the test set. Read the rest with care."
        )


def show_spread(model: Opened, encoding: Encoding) -> None:
    """Show where the picture's distortion lies among those of the test set."""
    figure = charts.histogram(
        model.codes.distortion.numpy(),
        unit=f"distortion (nats, {model.pixel_kind})",
        marked=encoding.distortion,
    )
    st.plotly_chart(figure, key="distortions", config={"displayModeBar": False})
    st.caption(
        f"Orange: this picture, above {encoding.share_below:.0%} of the test set. Pictures on the "
        "right are those that the model gives back worst."
    )


def say_neighbours(model: Opened, encoding: Encoding) -> None:
    """Say what the labels of the nearest codes make of the picture."""
    found = examples.nearest_codes(model, encoding.mu, NEIGHBOURS)
    labels = Counter(model.label(int(example)) for example in found.ids)
    label, votes = labels.most_common(1)[0]
    if label is not None:
        st.markdown(f"Its neighbours say: **{label}** ({votes} of {NEIGHBOURS})")


def say_labels(model: Opened, encoding: Encoding) -> None:
    """Say which label explains the picture best, of a model that is given one."""
    tried = inference.by_label(model, encoding.x, seed=state.current().seed)
    if not tried:
        return
    losses = np.array([one.loss for one in tried], dtype=np.float32)
    first, second = np.argsort(losses)[:2].tolist()
    names, given = model.condition_names, encoding.y or 0
    otherwise = "" if given == first else f" Below it is given as **{names[given]}**."
    st.markdown(
        f"Best explained as **{names[first]}**, by {losses[second] - losses[first]:.1f} nats over "
        f"{names[second]}.{otherwise}"
    )
    figure = charts.label_costs((losses - losses.min()).tolist(), names, given)
    st.echarts_chart(figure, key="label-costs", height=150, alt="What each label costs")
    st.caption(
        "−ELBO under every label, as nats above the best. It bounds −log p(x|y): where all labels "
        "are equally likely beforehand, the lowest is the most likely one, and a model that only "
        "learnt to generate classifies."
    )


def show_neighbours(model: Opened, encoding: Encoding) -> None:
    """Show the nearest codes of the test set."""
    found = examples.nearest_codes(model, encoding.mu, NEIGHBOURS)
    _, kind = gallery.gallery(model, found.ids, columns=NEIGHBOURS // 2)
    st.caption(f"The nearest codes of the test set, nearest first ({kind})")


def show_draws(model: Opened, encoding: Encoding, seed: int) -> None:
    """Show pictures of codes drawn from the posterior."""
    draws = inference.sample_posterior(encoding, DRAWS, seed=seed)
    sheet = raster.mosaic(examples.decode(model, draws, encoding.y), DRAWS // 2)
    st.image(sheet, alt=f"{DRAWS} pictures of codes drawn from q(z|x)")
    st.caption(f"{DRAWS} codes drawn from q(z|x), decoded: what the model finds equally likely")
    st.button("Draw again", on_click=lambda: _reseed(seed + 1), key="w-draw-again")


def _reseed(seed: int) -> None:
    state.update(seed=seed)


def prepare(model: Opened, upload: Upload, switches: dict[str, bool | None]) -> Prepared | None:
    """Prepare an upload; say in a sentence why it cannot be."""
    try:
        return inference.prepare(model, upload.content, **switches)
    except ImageError as error:
        st.error(f"{upload.name}: {error}")
        return None


def _best_labels(model: Opened, images: Floats) -> list[int] | None:
    if not model.condition_names:
        return None
    shown = state.current()
    given = scenes.label_given(model, shown)
    found = (inference.best_label(model, x, seed=shown.seed) for x in images)
    return [int(given or 0) if best is None else best for best in found]


def choose(model: Opened, pictures: list[tuple[Upload, Prepared]]) -> int:
    """Show all pictures with their reconstructions, and let one be chosen."""
    if len(pictures) == 1:
        return 0
    images = np.stack([prepared.image.numpy() for _, prepared in pictures])
    x = raster.to_levels(images)
    recon = examples.reconstruct(model, images, _best_labels(model, images))
    st.image(
        raster.mosaic(np.concatenate([x, recon]), len(pictures), side=72),
        alt="Above what the model sees of each picture, below its reconstructions",
    )
    names = [upload.name for upload, _ in pictures]
    chosen = st.pills(
        "Look at", range(len(names)), default=0, format_func=names.__getitem__,
        required=True, key="w-picture",
    )  # fmt: skip
    return int(chosen)
