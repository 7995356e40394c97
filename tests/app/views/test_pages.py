"""Each page as a session meets it: addresses, notices, selections, uploads, failures."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from streamlit.testing.v1 import AppTest

from app.resources import library
from app.widgets import scenes
from vae_core import data, latents, model_folder
from vae_core.config import ModelConfig, TrainConfig
from vae_core.errors import DatasetError
from vae_core.model_folder import Codes, ModelCard
from vae_core.models import VAE

Open = Callable[..., AppTest]
PAGES = ("explore", "manifold", "decode", "reconstruct", "morph")
SQUARE = "axes-1-2:-1,-1;1,-1;1,1;-1,1"


def texts(session: AppTest) -> str:
    """Everything that a session reads."""
    parts = (session.markdown, session.caption, session.warning, session.error, session.subheader)
    return "\n".join(str(element.value) for part in parts for element in part)


def write_model(
    folder: Path, *, dataset: str, shape: tuple[int, int, int], latent_dim: int, n: int = 40
) -> None:
    """Write an untrained model's folder whose codes carry maps."""
    torch.manual_seed(0)
    config = ModelConfig(image_shape=shape, latent_dim=latent_dim, hidden=(16,))
    codes = Codes(
        ids=torch.arange(n),
        labels=torch.arange(n) % 10,
        mu=torch.randn(n, latent_dim),
        logvar=torch.full((n, latent_dim), -2.0),
        rate=torch.rand(n) * 10,
        distortion=100 + torch.rand(n),
        projections={} if latent_dim < 3 else {"pca": torch.randn(n, 2), "tsne": torch.randn(n, 2)},
        pca_mean=None if latent_dim < 3 else torch.zeros(latent_dim),
        pca_components=None if latent_dim < 3 else torch.eye(latent_dim)[:2],
    )
    card = ModelCard(
        name=folder.name, dataset=dataset, classes=tuple("0123456789"), model=config,
        training=TrainConfig(dataset=dataset, epochs=1),
    )  # fmt: skip
    model_folder.save(folder, card=card, model=VAE(config), codes=codes, history=[])


def png(pixels: np.ndarray, mode: str | None = None) -> bytes:
    """Encode pixels as a PNG file."""
    file = io.BytesIO()
    Image.fromarray(pixels, mode).save(file, "PNG")
    return file.getvalue()


def drawn_one() -> np.ndarray:
    """Return a dark vertical stroke on light paper."""
    paper = np.full((60, 60), 230, dtype=np.uint8)
    paper[10:50, 27:33] = 20
    return paper


@pytest.mark.parametrize(("name", "mixture"), [("frey-vamp", True), ("digits-2d", False)])
def test_decode_says_the_rate_of_the_codes(open_page: Open, name: str, mixture: bool) -> None:
    """Under a mixture, whose dimensions' KLs do not add up to the rate, the page says so."""
    session = open_page("decode", model=name)
    rate = library.open_model(name).card.metrics["rate"].value
    said = texts(session)
    assert f"Rate (average KL to the prior): {rate:.1f} nats per image" in said
    assert ("do not add up to the rate" in said) == mixture


def test_ranges_of_a_model_reach_its_codes(no_data: Path) -> None:
    """Codes of the VampPrior model lie far beyond −4 to 4, and so do its sliders."""
    opened = library.open_model("frey-vamp")
    low, high = opened.ranges.T
    mu = opened.codes.mu.numpy()
    inside = ((mu >= low) & (mu <= high)).mean(0)
    assert (inside > 0.985).all()
    assert high.max() > 12


@pytest.mark.parametrize("page", ["explore", "decode"])
def test_model_of_many_dimensions_opens_on_an_example(open_page: Open, page: str) -> None:
    """Its prior's mean decodes to no image; the address stays as short as before."""
    session = open_page(page, model="mnist-20d")
    opened = library.open_model("mnist-20d")
    assert opened.opening_id is not None
    assert f"Showing test image #{opened.opening_id}, a 0" in texts(session)
    assert dict(session.query_params) == {"model": "mnist-20d"}
    other = open_page(page, model="mnist-20d", z=",".join(["0"] * 20))
    assert "Showing the centre of the prior" in texts(other)


def test_morph_opens_with_arithmetic_that_works(open_page: Open) -> None:
    """The result is as sure of A's class as A, whose class is not that of B and C."""
    session = open_page("morph", model="digits-2d")
    sent = [json.loads(one.proto.json)[0] for one in session.get("bidi_component")]
    (morph,) = [one["morph"] for one in sent if one["kind"] == "morph"]
    a, b, c = (morph["cards"][place] for place in morph["terms"])
    result = np.subtract(np.add(a["z"], c["z"]), b["z"]).astype(np.float32)
    opened = library.open_model("digits-2d")
    rows, _ = latents.nearest(result, opened.codes.mu.numpy(), 10)
    assert opened.codes.labels is not None
    assert {str(label) for label in opened.codes.labels[rows].tolist()} == {a["label"]}
    assert a["label"] != b["label"] != c["label"]
    assert c["label"].startswith(f"{b['label']}, #")
    assert morph["path"] == [0, 1, 2, 3]


def test_model_of_few_dimensions_or_with_labels_opens_on_the_priors_mean(no_data: Path) -> None:
    """There codes surround the mean, or the label says what is drawn."""
    for name in ("digits-2d", "mnist-3d", "graphs-2d", "mnist-conditional"):
        opened = library.open_model(name)
        assert opened.opening_id is None
        mean = scenes.prior_moments(opened, None).mu
        np.testing.assert_allclose(opened.saved.opening_code(), mean, atol=1e-6)


@pytest.mark.parametrize("page", PAGES)
def test_every_page_opens_on_the_bundled_model(open_page: Open, page: str) -> None:
    """Nothing but the repository is needed, and nothing fails."""
    session = open_page(page)
    assert not session.exception
    assert not session.error
    assert session.title[0].value == page.capitalize()


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("latent_dim", [1, 3, 5])
def test_every_page_opens_for_any_number_of_dimensions(
    open_page: Open, tmp_path: Path, page: str, latent_dim: int
) -> None:
    """Pages made for the plane also show a line, a space and more."""
    write_model(
        tmp_path / "runs" / "mine", dataset="digits", shape=(1, 8, 8), latent_dim=latent_dim
    )
    session = open_page(page, model="mine", id="7")
    assert not session.exception
    assert not session.error


def test_the_maps_offered_are_those_that_the_model_has(open_page: Open, tmp_path: Path) -> None:
    """A plane has one map, a space of three also a cloud, more dimensions PCA and t-SNE."""
    for dims in (3, 5):
        write_model(
            tmp_path / "runs" / f"z{dims}", dataset="digits", shape=(1, 8, 8), latent_dim=dims
        )
    assert [w.key for w in open_page().segmented_control] == ["w-colour"]
    offered = {
        dims: open_page(model=f"z{dims}").segmented_control(key="w-projection").options
        for dims in (3, 5)
    }
    assert offered[5] == ["PCA", "t-SNE", "Latent plane"]
    assert offered[3] == ["PCA", "t-SNE", "Latent plane", "3-D"]


def test_a_bad_address_gives_a_notice_and_the_page_opens(open_page: Open) -> None:
    """Each bad value gets its sentence; dismissing them leaves none."""
    session = open_page(n="99", z="1,2,3", colour="green")
    assert not session.exception
    (warning,) = session.warning
    for named in ("n = '99'", "z = '1,2,3'", "colour = 'green'"):
        assert named in warning.value
    next(button for button in session.button if button.label == "Dismiss").click().run()
    assert not session.warning


def test_code_of_an_unknown_model_is_named_and_not_decoded(open_page: Open) -> None:
    """Each value that has no meaning in the model that opens instead is said to be ignored."""
    session = open_page(model="no-such-model", z="1,2", id="3", n="12")
    said = texts(session)
    assert "z in the address was ignored: it belongs to the model 'no-such-model'." in said
    assert "id in the address was ignored" in said
    assert "n in the address was ignored" not in said
    assert "z" not in dict(session.query_params)
    assert "z in the address was ignored" not in texts(open_page(z="1,2"))


def test_cloud_has_no_bar_over_its_legend(open_page: Open) -> None:
    """Plotly's mode bar would cover it."""
    session = open_page(model="mnist-3d", map="3d")
    cloud = session.get("plotly_chart")[0]
    assert json.loads(cloud.proto.config)["displayModeBar"] is False


def test_an_unknown_model_is_named_and_another_one_opens(open_page: Open) -> None:
    """The notice lists what there is."""
    session = open_page(model="no-such-model")
    assert "no-such-model" in session.warning[0].value
    assert "digits-2d" in session.warning[0].value
    assert session.selectbox(key="w-model").value in model_folder.list_models()


def test_a_control_changes_the_address(open_page: Open) -> None:
    """What is chosen is in the link."""
    session = open_page()
    session.segmented_control(key="w-colour").set_value("distortion").run()
    assert session.query_params["colour"] == "distortion"


def test_the_state_survives_a_page_switch(open_page: Open) -> None:
    """The pinned example and the colouring are the same everywhere, and in every address."""
    session = open_page(id="500", colour="rate")
    session.switch_page("views/manifold/page.py").run()
    session.switch_page("views/decode/page.py").run()
    assert "#500" in texts(session)
    assert session.query_params["id"] == "500"
    assert session.query_params["colour"] == "rate"


def test_two_sessions_do_not_share_their_state(open_page: Open) -> None:
    """What one person pins, another does not see."""
    first, second = open_page(id="500"), open_page(id="24")
    first.run()
    assert "#500" in texts(first)
    assert "#24" in texts(second)
    assert "#500" not in texts(second)


def test_a_selection_shows_what_lies_inside(open_page: Open) -> None:
    """Count, classes and gallery are those of the codes inside the polygon, found otherwise."""
    mu = model_folder.load_codes("digits-2d").mu
    inside = int(((mu.abs() < 1).all(dim=1)).sum())
    session = open_page(select=SQUARE)
    assert f"**{inside}** of {len(mu)} selected" in texts(session)
    assert f"{min(inside, 60)}" in texts(session)
    next(button for button in session.button if button.label == "Clear selection").click().run()
    assert "select" not in session.query_params
    assert "Draw a box or a lasso" in texts(session)


def test_a_selection_of_nothing_says_so(open_page: Open) -> None:
    """An outline around empty space is no failure."""
    session = open_page(select="axes-1-2:40,40;41,40;41,41")
    assert not session.exception
    assert "No images inside" in texts(session)


def test_pinning_the_nearest_example_pins_it(open_page: Open) -> None:
    """The offered example becomes the pinned one, with its neighbours in both spaces."""
    session = open_page(z="0.3,-0.2")
    next(button for button in session.button if button.label == "Go to nearest image").click().run()
    assert "Showing test image #" in texts(session)
    assert "In latent space" in texts(session)
    assert "In pixel space" in texts(session)
    assert "z" not in session.query_params


def test_missing_data_is_an_invitation(open_page: Open, tmp_path: Path) -> None:
    """Without MNIST the map works on reconstructions, says so, and offers the download."""
    write_model(tmp_path / "runs" / "mine", dataset="mnist", shape=(1, 28, 28), latent_dim=2)
    session = open_page(model="mine", id="3")
    assert not session.exception
    assert "MNIST has not been downloaded" in texts(session)
    assert "reconstructions" in texts(session)
    assert any("Download" in button.label for button in session.button)


def test_a_failed_download_is_a_sentence(
    open_page: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The session lives on, and the invitation stays."""

    def refuse(name: str, **_: object) -> Path:
        raise DatasetError(f"{name}: the server cannot be reached")

    monkeypatch.setattr(data, "download", refuse)
    write_model(tmp_path / "runs" / "mine", dataset="mnist", shape=(1, 28, 28), latent_dim=2)
    session = open_page(model="mine")
    session.button(key="w-download").click().run()
    assert session.error[0].value == "mnist: the server cannot be reached"
    assert not session.exception
    session.run()
    assert "MNIST has not been downloaded" in texts(session)


def test_a_download_reports_progress_and_brings_the_originals(
    open_page: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Progress is drawn as bytes arrive, and the page starts again afterwards."""
    heard = []

    def deliver(name: str, *, progress: Callable[[int, int], None]) -> Path:
        for done in (0, 5_000_000, 11_000_000):
            progress(done, 11_000_000)
            heard.append(done)
        return tmp_path

    monkeypatch.setattr(data, "download", deliver)
    write_model(tmp_path / "runs" / "mine", dataset="mnist", shape=(1, 28, 28), latent_dim=2)
    session = open_page(model="mine")
    session.button(key="w-download").click().run()
    assert heard == [0, 5_000_000, 11_000_000]
    assert not session.exception


def upload(session: AppTest, *files: tuple[str, bytes]) -> AppTest:
    """Switch Reconstruct to files and give it some."""
    session.segmented_control(key="w-source").set_value("Files").run()
    uploader = session.file_uploader(key="w-files")
    return uploader.set_value([(name, content, "image/png") for name, content in files]).run()


def test_an_upload_is_seen_encoded_and_given_back(open_page: Open) -> None:
    """The steps are shown, the bound's parts named with their kind, neighbours vote."""
    session = upload(open_page("reconstruct"), ("one.png", png(drawn_one())))
    assert not session.exception
    assert not session.error
    labels = {metric.label for metric in session.metric}
    assert labels == {"Rate (nats)", "Distortion (nats, grey)", "−ELBO (nats, grey)"}
    shown = texts(session)
    assert "Nearest neighbours:" in shown
    assert "Light on dark" in shown
    values = [float(metric.value.replace("−", "-")) for metric in session.metric]
    assert values[2] == pytest.approx(values[0] + values[1], abs=0.11)


def test_each_step_says_what_was_done(open_page: Open) -> None:
    """Under its picture, behind a help mark."""
    session = upload(open_page("reconstruct"), ("one.png", png(drawn_one())))
    helps = {caption.value: caption.proto.help for caption in session.caption}
    assert "Light and dark were exchanged" in helps["Light on dark"]
    assert "box" in helps["Cropped to the ink"]
    assert not helps["The picture"]


def test_another_picture_of_the_same_name_is_another_picture(open_page: Open) -> None:
    """What is shown depends on a file's bytes, not on its name."""
    session = upload(open_page("reconstruct"), ("one.png", png(drawn_one())))
    before = [metric.value for metric in session.metric]
    upload(session, ("one.png", png(drawn_one().T.copy())))
    assert not session.exception
    assert [metric.value for metric in session.metric] != before


def test_switches_change_what_the_model_sees(open_page: Open) -> None:
    """Without exchanging light and dark the same drawing is another picture."""
    session = upload(open_page("reconstruct"), ("one.png", png(drawn_one())))
    before = session.metric[1].value
    session.segmented_control(key="w-invert").set_value("no").run()
    assert not session.exception
    assert "Light on dark" not in texts(session)
    assert session.error or session.metric[1].value != before


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("text.png", b"this is no picture"),
        ("empty.png", b""),
        ("torn.png", png(drawn_one())[:60]),
        ("blank.png", png(np.full((40, 40), 128, dtype=np.uint8))),
        ("vast.png", png(np.zeros((10_000, 10_000), dtype=np.uint8))),
    ],
)
def test_a_file_that_is_no_drawing_is_a_sentence(
    open_page: Open, name: str, content: bytes
) -> None:
    """It is named, good files beside it are shown, and the session goes on."""
    session = upload(open_page("reconstruct"), (name, content), ("one.png", png(drawn_one())))
    assert not session.exception
    (error,) = session.error
    assert error.value.startswith(f"{name}: ")
    assert "Traceback" not in error.value
    assert "Nearest neighbours:" in texts(session)


def test_several_files_are_shown_and_one_is_looked_at(open_page: Open) -> None:
    """Each file has its name to choose it by."""
    names = [f"{i}.png" for i in range(3)]
    session = upload(open_page("reconstruct"), *((name, png(drawn_one())) for name in names))
    assert session.pills(key="w-picture").options == names
    session.pills(key="w-picture").set_value(2).run()
    assert not session.exception


def test_noise_is_nothing_that_the_model_knows(open_page: Open) -> None:
    """A warning says so and why, above the result; a digit of the data gets none."""
    noise = (np.random.default_rng(0).random((8, 8)) > 0.5).astype(np.uint8) * 255
    noise = noise.repeat(20, axis=0).repeat(20, axis=1)
    session = upload(open_page("reconstruct"), ("noise.png", png(noise)))
    assert not session.exception
    warned = [warning.value for warning in session.warning]
    assert any("nothing that the model knows" in sentence for sentence in warned)
    session = upload(open_page("reconstruct"), ("one.png", png(drawn_one())))
    assert not any("nothing that the model knows" in one.value for one in session.warning)


def test_two_digits_in_one_picture_are_two_pictures(open_page: Open) -> None:
    """Each is offered by itself, and the page says how many were found."""
    one = drawn_one()
    both = np.concatenate([one, one], axis=1)
    session = upload(open_page("reconstruct"), ("both.png", png(both)))
    assert not session.exception
    assert any("2 glyphs were found" in info.value for info in session.info)
    assert session.pills(key="w-picture").options == ["both.png, glyph 1", "both.png, glyph 2"]


def test_draw_again_draws_others(open_page: Open) -> None:
    """The seed is part of the state, so a link shows the same draws."""
    session = upload(open_page("reconstruct"), ("one.png", png(drawn_one())))
    session.button(key="w-draw-again").click().run()
    assert session.query_params["seed"] == "1"
    assert not session.exception


def test_a_zipped_model_opens(open_page: Open) -> None:
    """It becomes the model of the session and is offered in the picker."""
    session = open_page()
    content = model_folder.zip_folder("digits-2d")
    session.file_uploader(key="w-zip").set_value(("mine.zip", content, "application/zip")).run()
    assert not session.exception
    assert not session.warning
    assert session.query_params["model"].startswith("file-")
    assert session.selectbox(key="w-model").value == session.query_params["model"]


def test_a_foreign_zip_is_a_sentence(open_page: Open) -> None:
    """The session keeps the model that it had."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("readme.txt", "no model here")
    for content in (file.getvalue(), b"no zip at all"):
        session = open_page()
        session.file_uploader(key="w-zip").set_value(("m.zip", content, "application/zip")).run()
        assert not session.exception
        assert session.warning[0].value.startswith("The file was not opened:")
        assert session.query_params["model"] == "digits-2d"


def test_a_damaged_model_folder_is_named_and_another_one_opens(
    open_page: Open, tmp_path: Path
) -> None:
    """One bad folder does not take the app down."""
    folder = tmp_path / "runs" / "torn"
    write_model(folder, dataset="digits", shape=(1, 8, 8), latent_dim=2)
    weights = folder / model_folder.WEIGHTS
    weights.write_bytes(weights.read_bytes()[:200])
    session = open_page(model="torn")
    assert not session.exception
    assert model_folder.WEIGHTS in session.warning[0].value
    assert session.title[0].value == "Explore"


def test_another_models_example_stays_pinned_only_on_the_same_data(
    open_page: Open, tmp_path: Path
) -> None:
    """An id means something else in other data, so it goes without a word."""
    write_model(tmp_path / "runs" / "same", dataset="digits", shape=(1, 8, 8), latent_dim=2, n=600)
    write_model(tmp_path / "runs" / "other", dataset="mnist", shape=(1, 28, 28), latent_dim=2)
    session = open_page(id="500", z="")
    session.selectbox(key="w-model").set_value("same").run()
    assert session.query_params["id"] == "500"
    session.selectbox(key="w-model").set_value("other").run()
    assert "id" not in session.query_params
    assert not [warning for warning in session.warning if "id =" in warning.value]


def test_a_session_never_changes_shared_models(open_page: Open) -> None:
    """Two sessions read the same codes; a run leaves them as they are."""
    before = library.open_model("digits-2d").codes.mu.clone()
    session = open_page(id="500", select=SQUARE)
    session.segmented_control(key="w-colour").set_value("rate").run()
    upload(session.switch_page("views/reconstruct/page.py").run(), ("one.png", png(drawn_one())))
    assert torch.equal(library.open_model("digits-2d").codes.mu, before)
