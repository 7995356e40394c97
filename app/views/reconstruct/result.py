"""The result of encoding an image: reconstruction, bound, labels, neighbours and samples."""

from collections import Counter

import numpy as np
import streamlit as st

from app import state, words
from app.address import State
from app.components import pad
from app.figures import charts, raster
from app.resources import examples, inference, library
from app.resources.inference import Encoding
from app.resources.opened_model import Floats, Opened
from app.widgets import chart, gallery, graphs, pinned, scenes, selection
from vae_core import model_folder
from vae_core.images import Prepared

RESULT_SIDE = 184
#: Pixels; the map is about as tall as the drawing pad beside it.
HISTOGRAM_WIDTH, MAP_HEIGHT = 560, 400
NO_BOUND = "This model has no log-variance, so there is neither a rate nor an ELBO."
POSTERIOR = (
    "Ellipse: the posterior q(z|x), one standard deviation around its mean. If too small to see, "
    "it is ringed."
)
SAMPLES = 16
NEIGHBOURS = 10


def choose_label(model: Opened, x: Floats, shown: State) -> int | None:
    """Return the label for an image (c, h, w); a new image changes it to the best one."""
    better = _better_label(model, x, shown)
    if better is not None:
        state.update(y=better)
        st.rerun()
    return scenes.pinned_y(model, shown)


def _better_label(model: Opened, x: Floats, shown: State) -> int | None:
    """Return the best label of a new image if another one is chosen."""
    key = (model.hash, model_folder.content_hash(x.tobytes()))
    if not model.condition_names or state.recall("labelled") == key:
        return None
    state.remember("labelled", key)
    best = inference.best_label(model, x, seed=shown.seed)
    return None if best == scenes.pinned_y(model, shown) else best


def can_draw(model: Opened) -> bool:
    """Whether the model was trained on ink, which a drawing is prepared as."""
    return not gallery.is_photograph(model)


def draw(model: Opened, shown: State) -> Floats | None:
    """Show the drawing pad; return the drawing at the model's size, (c, h, w) in [0, 1]."""
    drawing = pad.pad(
        "pad",
        scene=scenes.build(model, shown, with_encoder=True),
        image_shape=model.card.model.image_shape,
        dataset=model.card.prepared_as,
        on_drawing=_pin_drawing,
    )
    return None if drawing is None else _as_input(model, drawing)


def _as_input(model: Opened, drawing: pad.Drawing) -> Floats:
    grey = raster.from_levels(drawing.pixels)
    return np.broadcast_to(grey, model.card.model.image_shape).copy()


def _pin_drawing(drawing: pad.Drawing | None) -> None:
    if drawing is None:
        return
    shown = state.current()
    model = library.open_model(shown.model)
    x = _as_input(model, drawing)
    better = _better_label(model, x, shown)
    if better is None:
        pinned.on_pin(drawing.pin)
        return
    encoding = inference.encode(model, x, seed=shown.seed, y=better)
    state.update(z=tuple(encoding.mu.tolist()), pinned_id=None, y=better)


def show_on_map(model: Opened, shown: State, encoding: Encoding | None) -> None:
    """Show the image's posterior on the map of the test set."""
    posterior = None if encoding is None else (encoding.mu, encoding.logvar)
    selection.show_small_map(model, shown, posterior=posterior, height=MAP_HEIGHT)
    with st.container(key="part-posterior"):
        st.caption(POSTERIOR if model.has_bound else "Ring: the code of your image.")
    if encoding is not None:
        code = {"z": tuple(encoding.mu.tolist()), "pinned_id": None}
        st.button("Go to its code", on_click=state.update, kwargs=code, key="w-pin-code")


def warn(model: Opened, encoding: Encoding, prepared: Prepared | None = None) -> None:
    """Warn if an image may be nothing that the model knows, with the reasons."""
    sentence = inference.judge(model, encoding, prepared).warning
    if sentence is not None:
        st.warning(sentence, icon=":material/help:")


def show(model: Opened, encoding: Encoding, *, drawn: bool = False) -> None:
    """Show the votes of neighbours and labels, input, reconstruction and error, and the bound.

    What is drawn stands beside the drawing pad with its reconstruction, and not here again.
    """
    is_graph = graphs.are_data_of(model)
    side = graphs.MATRIX_SIDE if is_graph else RESULT_SIDE
    shown = {
        "What the model sees": raster.picture(raster.to_levels(encoding.x), side),
        "Reconstruction": raster.picture(raster.to_levels(encoding.reconstruction), side),
        "Error: orange too bright, blue too dark": raster.difference(
            encoding.x, encoding.reconstruction, side
        ),
    }
    if drawn:
        shown = {name: image for name, image in shown.items() if name.startswith("Error")}
    if not model.card.model.conditional:  # a conditional model's codes do not separate classes
        show_votes(model, encoding)
    show_label_costs(model, encoding)
    with st.container(horizontal=True, gap="small"):
        for name, image in shown.items():
            with st.container(width=side, gap="xxsmall"):
                st.image(image, alt=name)
                st.caption(name)
    if is_graph:
        graphs.draw_result(encoding)
    kind = model.pixel_kind
    bound = {f"Distortion (nats, {kind})": encoding.distortion}
    if model.has_bound:
        loss = {f"−ELBO (nats, {kind})": encoding.loss}
        bound = {"Rate (nats)": encoding.rate, **bound, **loss}
    with st.container(horizontal=True, gap="large"):
        for name, nats in bound.items():
            st.metric(name, words.number(nats), width="content")
    if not model.has_bound:
        st.caption(NO_BOUND)
    show_distortion(model, encoding)


def show_distortion(model: Opened, encoding: Encoding) -> None:
    """Show the image's distortion among those of the test set."""
    figure = charts.histogram(
        model.codes.distortion.numpy(),
        unit=f"Distortion (nats, {model.pixel_kind})",
        marked=encoding.distortion,
    )
    with st.container(width=HISTOGRAM_WIDTH):
        chart.show_plotly(figure, key="distortions", alt="Histogram of the test set's distortion")
        st.caption(
            f"Orange: your image. Its distortion exceeds {encoding.share_below:.0%} of test "
            "images. Further right = worse reconstruction."
        )


def show_votes(model: Opened, encoding: Encoding) -> None:
    """Show the most frequent label of the nearest codes."""
    found = examples.nearest_codes(model, encoding.mu, NEIGHBOURS)
    labels = Counter(model.label(int(example)) for example in found.ids)
    label, votes = labels.most_common(1)[0]
    if label is not None:
        share = gallery.share_of_class(votes, NEIGHBOURS, label)
        st.subheader(f"Nearest neighbours: {share}", anchor=False)


def show_label_costs(model: Opened, encoding: Encoding) -> None:
    """Show −ELBO under every label of a conditional model, and the best label."""
    tried = inference.by_label(model, encoding.x, seed=state.current().seed)
    if not tried:
        return
    losses = np.array([one.loss for one in tried], dtype=np.float32)
    first, second = np.argsort(losses)[:2].tolist()
    names, chosen = model.condition_names, encoding.y or 0
    note = "" if chosen == first else f" Shown below with label **{names[chosen]}**."
    st.markdown(
        f"Best explained as **{names[first]}**: {losses[second] - losses[first]:.1f} nats better "
        f"than {names[second]}.{note}"
    )
    figure = charts.label_costs((losses - losses.min()).tolist(), names, chosen)
    chart.show_echarts(figure, key="label-costs", height=150, alt="−ELBO under every label")
    st.caption(
        "−ELBO under every label, in nats above the best. It is an upper bound on −log p(x|y): if "
        "all labels are equally likely, the lowest is the most probable. A model trained only to "
        "generate thus classifies."
    )


def show_neighbours_and_samples(model: Opened, encoding: Encoding, seed: int) -> None:
    """Show the nearest test images, and decoded samples from the posterior."""
    left, right = st.columns(2, gap="medium")
    with left:
        st.subheader("Nearest neighbours", anchor=False)
        found = examples.nearest_codes(model, encoding.mu, NEIGHBOURS)
        _, kind = gallery.show(model, found.ids, columns=NEIGHBOURS // 2)
        st.caption(f"Test images with the nearest codes, nearest first ({kind})")
    if not model.has_bound:
        return
    with right:
        st.subheader("Samples from the posterior", anchor=False)
        codes = inference.sample_posterior(encoding, SAMPLES, seed=seed)
        sheet = raster.mosaic(examples.decode(model, codes, encoding.y), SAMPLES // 2)
        st.image(sheet, alt=f"{SAMPLES} decoded samples from q(z|x)")
        st.caption(f"{SAMPLES} decoded samples from q(z|x)")
        st.button(
            "Sample again", on_click=state.update, kwargs={"seed": seed + 1}, key="w-draw-again"
        )
