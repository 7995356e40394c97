"""The map, the picture and the grid over made-up sets, to be measured and tested.

Run by ``streamlit run ui_app.py``; in the address ``n`` is the number of points, ``d`` the latent
dimensions, ``projection`` the map's, ``side`` that of a grid in the map's place, ``model`` the
pretrained model that decodes, instead of an untrained one.
"""

import json

import streamlit as st
import torch

from app.components import contract, latent_map, manifold, picture
from app.resources import assets
from vae_core import model_folder
from vae_core.config import ModelConfig
from vae_core.formats import bundles
from vae_core.model_folder import Codes
from vae_core.models import VAE

CLASSES = 10


@st.cache_resource
def network(d: int, name: str | None) -> tuple[str, assets.Asset]:
    """Open a pretrained model, or make a network d–500–784: weights do not change its speed."""
    torch.manual_seed(0)
    model = model_folder.load_model(name) if name else VAE(ModelConfig(latent_dim=d)).eval()
    model.requires_grad_(False)
    manifest, _ = bundles.pack(model)
    content = bundles.network_bundle(model, parts=("decoder",))
    return manifest["hash"], assets.Asset(content, "decoder.bin")


@st.cache_resource
def codes(n: int, d: int) -> assets.Asset:
    """Draw ``n`` codes in ten overlapping groups; ids are the positions plus 1000."""
    generator = torch.Generator().manual_seed(0)
    labels = torch.randint(CLASSES, (n,), generator=generator)
    centres = 1.2 * torch.randn(CLASSES, d, generator=generator)
    mu = centres[labels] + 0.5 * torch.randn(n, d, generator=generator)
    components = torch.eye(2, d)
    return assets.Asset(
        bundles.codes_bundle(
            Codes(
                ids=torch.arange(n) + 1000,
                labels=labels,
                mu=mu,
                logvar=torch.full((n, d), -4.0),
                rate=torch.rand(n, generator=generator),
                distortion=torch.rand(n, generator=generator),
                projections={"pca": mu[:, :2].contiguous(), "tsne": 10 * mu[:, -2:]},
                pca_mean=torch.zeros(d),
                pca_components=components,
            )
        ),
        "codes.bin",
    )


def script() -> None:
    """One page, and what the server has heard from it."""
    st.set_page_config(layout="wide")
    query = st.query_params
    n, d = int(query.get("n", "10000")), int(query.get("d", "2"))
    side = int(query.get("side", "0"))
    state = st.session_state
    if "z" not in state:
        state.z, state.z_version, state.pinned_id = (0.5, -0.5) + (0.0,) * (d - 2), 1, None
        state.heard, state.runs = 0, 0
        state.changed = {"corners": 0, "camera": None, "hidden": ()}
    state.runs += 1

    def pinned(pin: contract.Pin) -> None:
        state.z, state.pinned_id = pin.z, pin.pinned_id
        state.heard += 1

    def selected(selection: latent_map.Selection | None) -> None:
        state.changed["corners"] = len(selection.polygon) if selection else 0

    def moved(camera: latent_map.Camera) -> None:
        state.changed["camera"] = vars(camera)

    def hidden(labels: tuple[int, ...]) -> None:
        state.changed["hidden"] = labels

    if st.button("Go to the origin"):
        state.z, state.pinned_id = (0.0,) * d, None
        state.z_version += 1
    model_hash, decoder = network(d, query.get("model"))
    scene = contract.Scene(
        model_hash=model_hash,
        decoder=assets.publish(decoder),
        z=state.z,
        z_version=state.z_version,
        pinned_id=state.pinned_id,
    )
    left, right = st.columns([3, 1])
    with left:
        if side:
            manifold.manifold("grid", scene=scene, n=side)
        else:
            latent_map.latent_map(
                "map",
                scene=scene,
                points=latent_map.Points(
                    assets.publish(codes(n, d)), [str(label) for label in range(CLASSES)]
                ),
                look=latent_map.Look(projection=query.get("projection", "raw"), height=560),
                on=latent_map.Callbacks(
                    pin=pinned, selection=selected, camera=moved, hidden=hidden
                ),
            )
    with right:
        picture.picture("picture", scene=scene)
        heard = {
            "runs": state.runs,
            "heard": state.heard,
            "z": state.z,
            "pinned_id": state.pinned_id,
        }
        if not side:
            heard |= state.changed
        st.code(json.dumps(heard))
        st.button("Run again")


if st.runtime.exists() and st.runtime.scriptrunner.get_script_run_ctx() is not None:
    script()
else:
    app = st.App(__file__, routes=assets.routes())
