"""One of the panels that make codes, and what the server has heard from it.

Run by ``streamlit run controls_app.py``; in the address ``panel`` is which, ``d`` the latent
dimensions. The model is untrained but not flat: its pictures change with z.
"""

import json

import streamlit as st
import torch

from app.components import contract, manifold, morph, pad, picture, sliders
from app.components.morph import Card, Morph
from app.resources import assets as routes
from vae_core.config import ModelConfig
from vae_core.formats import bundles
from vae_core.model_folder import Codes
from vae_core.models import VAE

SHAPE = (1, 28, 28)
DATASET = "mnist"


@st.cache_resource
def assets(d: int) -> tuple[str, dict[str, routes.Asset]]:
    """Make a model of a few units and a set of codes."""
    generator = torch.Generator().manual_seed(1)
    model = VAE(ModelConfig(image_shape=SHAPE, latent_dim=d, hidden=(max(24, d),))).eval()
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.3, generator=generator)
    model.requires_grad_(False)
    mu = torch.randn(500, d, generator=generator)
    codes = Codes(
        ids=torch.arange(500),
        labels=None,
        mu=mu,
        logvar=torch.full((500, d), -4.0),
        rate=torch.ones(500),
        distortion=torch.ones(500),
    )
    parts = {part: bundles.network_bundle(model, parts=(part,)) for part in bundles.PARTS}
    contents = {**parts, "codes": bundles.codes_bundle(codes)}
    manifest, _ = bundles.pack(model)
    return manifest["hash"], {
        name: routes.Asset(content, f"{name}.bin") for name, content in contents.items()
    }


def script() -> None:
    """One page for one panel."""
    st.set_page_config(layout="wide")
    query, state = st.query_params, st.session_state
    d = int(query.get("d", "2"))
    if "z" not in state:
        first = float(query.get("first", "0.5"))
        state.z, state.z_version = (first, -0.5) + (0.0,) * (d - 2), 1
        state.heard = {"runs": 0, "pins": 0}
    state.heard["runs"] += 1

    def pinned(pin: contract.Pin) -> None:
        state.z = pin.z
        state.heard["pins"] += 1

    def drawn(drawing: pad.Drawing | None) -> None:
        state.heard["ink"] = 0 if drawing is None else int(drawing.pixels.sum())
        if drawing is not None:
            state.z = drawing.pin.z

    def collected(morph: Morph) -> None:
        state.morph = morph
        state.heard |= {"cards": len(morph.cards), "path": morph.path, "terms": morph.terms}
        state.heard |= {"kind": morph.kind, "directions": len(morph.directions)}

    def resized(n: int) -> None:
        state.heard["n"] = n

    model_hash, published = assets(d)
    address = {name: routes.publish(asset) for name, asset in published.items()}
    scene = contract.Scene(
        model_hash=model_hash,
        decoder=address["decoder"],
        encoder=address["encoder"],
        z=state.z,
        z_version=state.z_version,
    )
    if st.button("Go to the origin"):
        state.z, state.z_version = (0.0,) * d, state.z_version + 1
        st.rerun()
    left, right = st.columns([3, 1])
    with right:
        picture.picture("picture", scene=scene)
        st.button("Run again")
    with left:
        match query.get("panel"):
            case "sliders":
                kl = [1 / (i + 1) if i < 6 else 0.0 for i in range(d)]
                ranges = [(-9.0, 15.0)] * d if "wide" in query else None
                sliders.sliders("sliders", scene=scene, kl=kl, ranges=ranges, on_pin=pinned)
            case "manifold":
                state.heard.setdefault("n", None)
                manifold.manifold("manifold", scene=scene, n=8, on_pin=pinned, on_n=resized)
            case "pad":
                pad.pad("pad", scene=scene, image_shape=SHAPE, dataset=DATASET, on_drawing=drawn)
            case "morph":
                ends = ((-1.5, 0.5), (1.0, 1.0), (0.5, -1.0))
                cards = tuple(
                    Card(name, end + (0.0,) * (d - 2))
                    for name, end in zip(("one", "two", "three"), ends, strict=True)
                )
                morph.morph(
                    "paths",
                    scene=scene,
                    collection=state.get("morph", Morph(cards=cards)),
                    codes=address["codes"],
                    on_pin=pinned,
                    on_morph=collected,
                )
    st.code(json.dumps({**state.heard, "z": state.z}))


if st.runtime.exists() and st.runtime.scriptrunner.get_script_run_ctx() is not None:
    script()
else:
    app = st.App(__file__, routes=routes.routes())
