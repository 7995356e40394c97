"""The command line: JSON for programs, text for people, status 2 and one line for bad input."""

from __future__ import annotations

import csv
import functools
import io
import json
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import running
import torch
from PIL import Image

from vae_core import evaluation, marginal, model_folder, projection, publishing, recipes, runs
from vae_core.cli import main
from vae_core.config import Config, ModelConfig, TrainConfig
from vae_core.data import ImageDataset, load_dataset
from vae_core.errors import ConfigError
from vae_core.model_folder import Codes, ModelCard
from vae_core.models import VAE, initialise

TRAIN = ["train", "--dataset", "digits", "--epochs", "2", "--batch-size", "100", "--seed", "3"]
TRAIN += ["--latent-dim", "2", "--hidden", "24,16", "--learning-rate", "5e-3", "--threads", "1"]


class Answer:
    """What a command printed, and its exit status."""

    def __init__(self, status: int, out: str, err: str) -> None:
        self.status, self.out, self.err = status, out, err

    def json(self) -> Any:
        """Read the one object on standard output."""
        return json.loads(self.out)


@pytest.fixture
def vae(capsys: pytest.CaptureFixture[str]) -> Any:
    """Return a function that runs a command in this process."""

    def run(*words: object) -> Answer:
        capsys.readouterr()
        status: Any = 0
        try:
            main.main([str(word) for word in words])
        except SystemExit as end:
            status = end.code
        said = capsys.readouterr()
        return Answer(status or 0, said.out, said.err)

    return run


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Train a small model on the bundled digits by the command line."""
    folder = tmp_path_factory.mktemp("cli") / "small-digits"
    main.main([*TRAIN, "--out", str(folder), "--json"])
    return folder


def untrained(
    folder: Path,
    *,
    latent_dim: int = 2,
    dataset: str = "digits",
    image_shape: tuple[int, int, int] = (1, 8, 8),
) -> Path:
    """Write a model that gives all images one code."""
    model = VAE(ModelConfig(image_shape=image_shape, latent_dim=latent_dim, hidden=(8,)))
    generator = torch.Generator().manual_seed(0)
    initialise(
        model, mean_image=torch.full(image_shape, 0.3), scheme="default", generator=generator
    )
    torch.nn.init.zeros_(model.posterior.weight)
    card = ModelCard(
        name="untrained",
        dataset=dataset,
        model=model.config,
        training=TrainConfig(dataset=dataset),
    )
    zeros = torch.zeros(2, latent_dim)
    codes = Codes(
        ids=torch.arange(2), labels=None, mu=zeros, logvar=zeros, rate=zeros[:, 0],
        distortion=zeros[:, 0],
    )  # fmt: skip
    model_folder.save(folder, card=card, model=model, codes=codes, history=[])
    return folder


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    """Draw a digit-like picture."""
    path = tmp_path / "one.png"
    drawn = np.zeros((60, 40), dtype=np.uint8)
    drawn[10:50, 18:24] = 255
    Image.fromarray(drawn).save(path)
    return path


def size(path: Path) -> tuple[int, int]:
    """Return width and height of a PNG."""
    with Image.open(path) as opened:
        assert opened.format == "PNG"
        return opened.size


def test_help_comes_without_a_command(vae: Any) -> None:
    """``python -m vae_core`` alone names every command, with status 0."""
    answer = vae()
    assert answer.status == 0
    for name in ("datasets", "download", "models", "train", "evaluate", "encode", "sample"):
        assert re.search(rf"^  {name} ", answer.out, re.MULTILINE), name


@pytest.mark.parametrize("config", [ModelConfig, TrainConfig])
def test_every_setting_of_a_training_is_described(vae: Any, config: type[Config]) -> None:
    """``train --help`` has each setting's type, choices or range, sentence and default."""
    text = " ".join(vae("train", "--help").out.split())
    for name, field in config.model_fields.items():
        assert field.description, name
        assert field.description.endswith("."), name
        if name != "image_shape":
            assert f"--{name.replace('_', '-')} " in text
            assert field.description.replace("-", "") in text.replace("- ", "").replace("-", "")
    assert "--network [mlp|conv|rows]" in text
    assert "--latent-dim INTEGER RANGE" in text
    assert "[default: 0.001] [0<x<=1.0]" in text
    assert "--hidden WIDTHS" in text


@pytest.mark.parametrize(
    ("option", "value", "sentence"),
    [
        ("--network", "lstm", "'lstm' is not one of 'mlp', 'conv', 'rows'"),
        ("--latent-dim", "0", "0 is not in the range 1<=x<=4096"),
        ("--learning-rate", "fast", "'fast' is not a valid float"),
        ("--conditional", "perhaps", "'perhaps' is not a valid boolean"),
        ("--hidden", "20,wide", "hidden.1 'wide': input should be a valid integer"),
    ],
)
def test_a_setting_of_another_type_is_refused(
    vae: Any, tmp_path: Path, option: str, value: str, sentence: str
) -> None:
    """The line names the option, the value and what is allowed; no folder is made."""
    answer = vae("train", option, value, "--dataset", "digits", "--out", tmp_path / "new")
    assert answer.status == 2
    assert sentence in answer.err
    assert not (tmp_path / "new").exists()


def test_datasets(vae: Any, tmp_path: Path) -> None:
    """Digits are always present; MNIST is missing in an empty folder."""
    found = vae("datasets", "--json", "--data-dir", tmp_path).json()
    rows = {row["name"]: row for row in found["datasets"]}
    assert found["data_dir"] == str(tmp_path)
    assert rows["digits"]["present"]
    assert not rows["mnist"]["present"]
    assert rows["mnist"]["download_megabytes"] > 0
    text = vae("datasets", "--data-dir", tmp_path).out
    assert re.search(r"^digits +here", text, re.MULTILINE)
    assert re.search(r"^mnist +missing \(\d+ MB", text, re.MULTILINE)


def test_models(vae: Any) -> None:
    """One row for each pretrained model, with the figure of its card."""
    rows = vae("models", "--json").json()["models"]
    assert [row["name"] for row in rows] == model_folder.list_models()
    text = vae("models").out
    for row in rows:
        value = -row["metrics"]["elbo"]["value"]
        assert re.search(rf"^{row['name']} .*{value:.2f} ", text, re.MULTILINE)


def test_train_tells_one_object_an_epoch(vae: Any, tmp_path: Path) -> None:
    """With --json nothing else is on standard output; the folder opens as a model."""
    answer = vae(*TRAIN, "--out", tmp_path / "model", "--name", "My digits", "--json")
    records = [json.loads(line) for line in answer.out.splitlines()]
    assert [record["epoch"] for record in records] == [1, 2]
    for record in records:
        assert record.keys() == {"epoch", "step", "seconds", "train", "test"}
        for figures in (record["train"], record["test"]):
            assert figures["elbo"] == pytest.approx(-figures["rate"] - figures["distortion"])
    card = model_folder.load_card(tmp_path / "model")
    assert card.name == "My digits"
    assert card.model.hidden == (24, 16)
    assert card.training.learning_rate == 5e-3
    assert "knn_accuracy" in card.metrics


def test_train_prints_a_table_for_people(vae: Any, tmp_path: Path) -> None:
    """A head, a line an epoch, and where the model is."""
    lines = vae(*TRAIN, "--out", tmp_path / "model").out.splitlines()
    assert "test ELBO" in lines[0]
    assert lines[1].split()[0] == "1/2"
    assert lines[2].split()[0] == "2/2"
    assert lines[3] == f"finished: the model is in {tmp_path / 'model'}"


def test_the_command_on_the_card_makes_the_same_weights(
    vae: Any, trained: Path, tmp_path: Path
) -> None:
    """Typed again, it ends in the same weights to the bit."""
    words = shlex.split(model_folder.load_card(trained).command)
    assert words[:3] == ["python", "-m", "vae_core"]
    words[words.index("DIR")] = str(tmp_path / "again")
    vae(*words[3:])
    again = model_folder.load_card(tmp_path / "again")
    assert again.weights_hash == model_folder.load_card(trained).weights_hash


def test_train_resumes(vae: Any, trained: Path, tmp_path: Path) -> None:
    """``--resume`` takes up a run where it stood and keeps its settings."""
    folder = tmp_path / "run"
    runs.create(folder, runs.read_config(trained))
    assert vae("train", "--resume", folder).status == 0
    weights = model_folder.load_card(folder).weights_hash
    assert weights == model_folder.load_card(trained).weights_hash


def test_evaluate(vae: Any, trained: Path) -> None:
    """Re-measures the card's figures to the bit, adds a bound of k samples on fewer images."""
    found = vae("evaluate", trained, "--seed", 1, "--json").json()
    card = model_folder.load_card(trained)
    assert found["metrics"]["elbo"]["value"] == pytest.approx(card.metrics["elbo"].value)
    words = ["evaluate", trained, "--importance-samples", 50, "--limit", 100]
    metrics = vae(*words, "--json").json()["metrics"]
    assert metrics["nll_iw50"]["n"] == 100
    assert metrics["nll_iw50"]["value"] < -metrics["elbo"]["value"]
    text = vae(*words).out
    value, error = metrics["nll_iw50"]["value"], metrics["nll_iw50"]["se"]
    line = rf"^nll_iw50 +{value:.3f} ± {error:.3f} nats .*grey, test, n = 100, 50 samples, seed 0"
    assert re.search(line, text, re.MULTILINE)


def test_evaluate_estimates_the_likelihood_without_the_encoder(
    vae: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Appendix D and AIS agree with the bound of many samples on the same images, for z = 2."""
    effort = {"chains": 12, "temperatures": 60, "leapfrog": 3, "pilots": 4}
    monkeypatch.setitem(marginal.ESTIMATORS, "ais", functools.partial(marginal.nll_ais, **effort))
    words = ["evaluate", "digits-2d", "--limit", 12, "--importance-samples", 1000, "--json"]
    answer = vae(*words, "--estimator", "appendix-d", "--estimator", "ais")
    metrics = answer.json()["metrics"]
    bound = metrics["nll_iw1000"]
    for name in ("nll_appendix_d", "nll_ais"):
        found = metrics[name]
        assert found["value"] == pytest.approx(bound["value"], abs=0.3), name
        assert found["se"] == pytest.approx(bound["se"], rel=0.15)
        assert (found["unit"], found["kind"], found["n"]) == ("nats", "grey", 12)
        assert found["samples"] is None


def test_evaluate_refuses_an_estimator_before_it_encodes(
    vae: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Appendix D needs a z of few dimensions: one line, status 2."""
    folder = untrained(tmp_path / "model", latent_dim=6)
    monkeypatch.setattr(evaluation, "encode", None)
    answer = vae("evaluate", folder, "--estimator", "appendix-d")
    assert (answer.status, answer.out) == (2, "")
    assert re.search(r"^error: .*latent_dim 6 is .*allowed: 1 to 5$", answer.err.strip())


def test_evaluate_warns_of_collapse(vae: Any, tmp_path: Path) -> None:
    """In a sentence below the figures, and in a list beside them; a list that may be empty."""
    folder = untrained(tmp_path / "model")
    (warning,) = vae("evaluate", folder, "--limit", 20, "--json").json()["warnings"]
    assert warning.startswith("Posterior collapse: all 2 latent dimensions are unused")
    assert vae("evaluate", folder, "--limit", 20).out.splitlines()[-1] == warning
    assert vae("evaluate", "digits-2d", "--limit", 20, "--json").json()["warnings"] == []


def test_one_image_has_no_standard_error(vae: Any, trained: Path, tmp_path: Path) -> None:
    """JSON says null, which every program reads, and the table leaves it out."""

    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    for kind in ("train", "test"):
        (tmp_path / "two" / kind).mkdir(parents=True)
        Image.new("L", (8, 8), 90).save(tmp_path / "two" / kind / "a.png")
    words = ("evaluate", trained, "--dataset", tmp_path / "two")
    metrics = json.loads(vae(*words, "--json").out, parse_constant=refuse)["metrics"]
    assert metrics["elbo"]["n"] == 1
    assert metrics["elbo"]["se"] is None
    assert "nan" not in vae(*words).out


def test_a_collapsed_training_ends_in_a_folder_that_opens(vae: Any, tmp_path: Path) -> None:
    """All codes are equal, so t-SNE has no map of them; the collapse is said."""
    folder = untrained(tmp_path / "flat", latent_dim=3)
    model, data = model_folder.load_model(folder), load_dataset("digits")
    config = model_folder.load_card(folder).training
    encoded = publishing.encode_test(model, data, config)
    codes = publishing.map_codes(encoded, data.test)
    assert list(codes.projections) == ["pca"]
    assert all(points.isfinite().all() for points in codes.projections.values())
    with pytest.raises(ConfigError, match="all codes are equal"):
        projection.tsne(encoded.mu.numpy())
    words = "--activation relu --hidden 64,64 --learning-rate 0.1 --epochs 5"
    answer = vae("train", "--dataset", "digits", *words.split(), "--out", tmp_path / "bad")
    assert answer.status == 0
    saved = model_folder.open_folder(tmp_path / "bad")
    assert all(points.isfinite().all() for points in saved.codes.projections.values())
    assert "Posterior collapse" in answer.out + answer.err


def test_evaluate_adds_to_the_card_what_it_lacks(vae: Any, trained: Path, tmp_path: Path) -> None:
    """What the card has stays as it is; figures of other data are refused."""
    folder = tmp_path / "model"
    shutil.copytree(trained, folder)
    before = model_folder.load_card(folder)
    vae("evaluate", folder, "--importance-samples", 20, "--seed", 5, "--write")
    after = model_folder.load_card(folder)
    assert set(after.metrics) - set(before.metrics) >= {"nll_iw20", "ess_iw20"}
    assert before.metrics.items() <= after.metrics.items()
    assert after.model_copy(update={"metrics": before.metrics}) == before
    refused = vae("evaluate", folder, "--limit", 10, "--write")
    assert refused.status == 2
    assert "without --limit 10" in refused.err


def test_evaluate_names_the_kind_of_pixel(vae: Any, trained: Path) -> None:
    """Binary pixels give another figure, under their own name."""
    dynamic = vae("evaluate", trained, "--pixels", "dynamic", "--json").json()["metrics"]["elbo"]
    assert dynamic["kind"] == "dynamic"
    assert dynamic["value"] != pytest.approx(model_folder.load_card(trained).metrics["elbo"].value)


@pytest.mark.parametrize("split", ["test", "train"])
def test_encode(vae: Any, trained: Path, tmp_path: Path, digits: ImageDataset, split: str) -> None:
    """A row for each image: id, label, mu and sigma; the test set's equal the stored codes."""
    out = tmp_path / "codes.csv"
    told = vae("encode", trained, "--split", split, "--out", out, "--json").json()
    rows = list(csv.DictReader(io.StringIO(out.read_text())))
    expected = getattr(digits, split)
    assert told["n"] == len(rows) == len(expected)
    assert list(rows[0]) == ["id", "label", "mu_1", "mu_2", "sigma_1", "sigma_2"]
    assert [int(row["id"]) for row in rows] == expected.ids.tolist()
    assert [int(row["label"]) for row in rows] == expected.labels.tolist()
    if split == "test":
        codes = model_folder.load_codes(trained)
        mu = torch.tensor([[float(row["mu_1"]), float(row["mu_2"])] for row in rows])
        sigma = torch.tensor([[float(row["sigma_1"]), float(row["sigma_2"])] for row in rows])
        torch.testing.assert_close(mu, codes.mu, rtol=1e-3, atol=1e-3)
        torch.testing.assert_close(sigma, (0.5 * codes.logvar).exp(), rtol=1e-3, atol=1e-3)
    assert vae("encode", trained, "--split", split, "--out", out).out == f"written to {out}\n"


def test_sample(vae: Any, trained: Path, tmp_path: Path) -> None:
    """One PNG with n pictures; same seed, same picture."""
    out = [tmp_path / f"{name}.png" for name in "abc"]
    told = vae("sample", trained, "--n", 9, "--seed", 5, "--out", out[0], "--json").json()
    assert told == {"out": str(out[0]), "n": 9, "seed": 5}
    assert size(out[0]) == (3 * 8 + 2 * 2, 3 * 8 + 2 * 2)
    assert "written" in vae("sample", trained, "--n", 9, "--seed", 5, "--out", out[1]).out
    vae("sample", trained, "--n", 9, "--seed", 6, "--out", out[2])
    assert out[0].read_bytes() == out[1].read_bytes() != out[2].read_bytes()


def test_reconstruct(vae: Any, trained: Path, tmp_path: Path, picture: Path) -> None:
    """What the model sees above what it makes of it, with the bound's parts."""
    out = tmp_path / "pairs.png"
    told = vae("reconstruct", trained, picture, picture, "--out", out, "--json").json()
    assert size(out) == (8 + 2 + 8, 8 + 2 + 8)
    assert [one["picture"] for one in told["pictures"]] == [str(picture)] * 2
    assert all(one["rate"] > 0 and one["distortion"] > 0 for one in told["pictures"])
    assert "rate" in vae("reconstruct", trained, picture, "--out", out).out


def test_reconstruct_prepares_by_the_models_dataset(vae: Any, tmp_path: Path) -> None:
    """A model of a folder's 28 × 28 letters sees one as it is, and not centred as MNIST."""
    folder = untrained(tmp_path / "letters", dataset="my-letters", image_shape=(1, 28, 28))
    letter = np.zeros((28, 28), dtype=np.uint8)
    letter[2:12, 1:4] = letter[10:12, 1:9] = 200
    path, out = tmp_path / "L.png", tmp_path / "pairs.png"
    Image.fromarray(letter).save(path)
    vae("reconstruct", folder, path, "--out", out)
    with Image.open(out) as written:
        sheet = np.asarray(written.convert("L"))
    assert (sheet[:28, :28] == letter).all()


def test_reconstruct_takes_glyphs_as_pictures(vae: Any, tmp_path: Path) -> None:
    """Two strokes apart are doubted as one picture; with --each-glyph they are two."""
    sheet = np.zeros((100, 160), dtype=np.uint8)
    sheet[20:80, 30:38] = sheet[20:80, 120:128] = 255
    path, out = tmp_path / "11.png", tmp_path / "out.png"
    Image.fromarray(sheet).save(path)
    (whole,) = vae("reconstruct", "mnist-20d", path, "--out", out, "--json").json()["pictures"]
    assert whole["glyphs"] == 2
    assert whole["doubtful"]
    assert "holds 2 glyphs" in whole["reasons"][0]
    each = vae("reconstruct", "mnist-20d", path, "--out", out, "--json", "--each-glyph").json()
    assert [one["picture"] for one in each["pictures"]] == [str(path)] * 2
    assert [one["glyphs"] for one in each["pictures"]] == [1, 1]
    assert size(out) == (2 * 28 + 2, 2 * 28 + 2)


def test_reconstruct_warns_of_what_the_model_does_not_know(vae: Any, tmp_path: Path) -> None:
    """A digit passes, checks do not: a plain sentence, and facts as JSON."""
    from vae_core import load_codes, load_model

    with torch.inference_mode():
        digit = load_model("mnist-20d").decode(load_codes("mnist-20d").mu[:1]).mean[0, 0]
    rows, columns = np.indices((280, 280))
    checks = ((rows // 40 + columns // 40) % 2) * 255
    good, bad, out = (tmp_path / f"{name}.png" for name in ("good", "bad", "out"))
    Image.fromarray((digit * 255).byte().numpy()).save(good)
    Image.fromarray(checks.astype(np.uint8)).save(bad)
    found = vae("reconstruct", "mnist-20d", good, bad, "--out", out, "--json").json()["pictures"]
    assert [one["doubtful"] for one in found] == [False, True]
    assert found[0]["reasons"] == []
    assert len(found[1]["reasons"]) >= 1
    assert found[0]["familiarity"] > 0.02 >= found[1]["familiarity"]
    printed = vae("reconstruct", "mnist-20d", good, bad, "--out", out).out
    assert printed.count("warning: This may be nothing that the model knows.") == 1
    assert "nats" in printed


BAD = [
    ("frobnicate", "frobnicate"),
    ("train --dataset digits", "one of --out DIR .* --resume DIR and --queue"),
    ("train --dataset digits --out {new} --resume {trained}", "one of --out DIR"),
    ("train --dataset digits --queue --change 5:beta=2", "--change goes with --out DIR"),
    ("train --dataset digits --queue --batch-size 5000", "batch_size 5000.*1437"),
    ("train --dataset nothing --out {new}", "nothing.*mnist.*digits"),
    ("train --dataset mnist --data-dir {here} --out {new}", "download mnist"),
    ("train --dataset digits --epochs none --out {new}", "'--epochs': 'none' is not"),
    ("train --dataset digits --hidden 5x --out {new}", "hidden.0 '5x'"),
    ("train --dataset digits --latent-dim 99 --hidden 9 --out {new}", "latent_dim 99"),
    ("train --dataset digits --pixels grau --out {new}", "--pixels.*'grau'.*'grey'"),
    (
        "train --dataset digits --likelihood gaussian --pixels dynamic --out {new}",
        "pixels 'dynamic'",
    ),
    ("train --dataset digits --batch-size 5000 --out {new}", "batch_size 5000.*1437"),
    ("train --dataset digits --train-size 5000 --out {new}", "train_size 5000.*1437"),
    ("train --dataset digits --seed -1 --out {new}", "'--seed': -1 is not"),
    ("train --dataset digits --importance-samples -5 --out {new}", "importance_samples -5"),
    ("train --dataset digits --importance-samples x --out {new}", "importance-samples.*x"),
    ("train --dataset digits --limit 0 --out {new}", "importance_limit 0"),
    ("train --dataset digits --colour red --out {new}", "colour"),
    ("train --dataset digits --device tpu --out {new}", "--device.*'tpu'.*'cpu'.*'cuda'"),
    pytest.param(
        "train --dataset digits --device cuda --out {new}",
        "device 'cuda' is not on this host; allowed here: 'cpu'",
        marks=pytest.mark.skipif(torch.cuda.is_available(), reason="it is"),
    ),
    ("train --dataset digits --out {trained}", "is not empty"),
    ("train --resume {here}/nowhere", "holds no run"),
    ("train --resume {trained} --epochs 9", "leave out --epochs"),
    ("train --resume {trained} --name Other", "leave out --name"),
    ("evaluate nothing", "'nothing' is neither a folder"),
    ("evaluate {trained} --dataset nothing", "nothing"),
    ("evaluate {trained} --dataset graphs", r"image_shape \(1, 8, 8\)"),
    ("evaluate {trained} --pixels grau", "--pixels.*'grau'"),
    ("evaluate {trained} --limit 1", "limit 1: allowed are 2 to 360"),
    ("evaluate {trained} --importance-samples -3", "importance-samples"),
    ("evaluate {trained} --seed -1", "seed"),
    ("encode {trained} --split validation --out {new}", "validation"),
    ("encode {trained}", "--out"),
    ("encode {trained} --out {here}/no/codes.csv", "folder .*no does not exist"),
    ("encode {trained} --out {here}", "a folder has that name"),
    ("sample {trained} --n 0 --out {new}", "n 0: allowed are 1 to 10000"),
    ("sample {trained} --seed 99999999999999999999 --out {new}", "seed"),
    ("sample {broken} --out {new}", "model.safetensors"),
    ("reconstruct {trained} {here}/missing.png --out {new}", "missing.png"),
    ("reconstruct {trained} {text} --out {new}", "notes.txt"),
    ("reconstruct {trained} --out {new}", "PICTURES"),
    ("download nothing", "nothing"),
    ("download digits", "digits|Digits"),
    ("pretrain nothing --work {new}", "'nothing'.*mnist-2d"),
    ("pretrain --jobs 0 --work {new}", "jobs 0"),
]


@pytest.mark.parametrize(("command", "named"), BAD)
def test_bad_input_is_one_line_and_leaves_nothing(
    vae: Any, trained: Path, tmp_path: Path, command: str, named: str
) -> None:
    """Exit status 2, one line on stderr that names the value, and no file made or changed."""
    here = tmp_path / "here"
    here.mkdir()
    places = {"trained": trained, "here": here, "new": here / "new"}
    places["broken"] = tmp_path / "broken"
    if "{broken}" in command:
        shutil.copytree(trained, places["broken"])
        (places["broken"] / model_folder.WEIGHTS).write_bytes(b"torn")
    if "{text}" in command:
        places["text"] = tmp_path / "notes.txt"
        places["text"].write_text("no picture")
    before = {path: path.read_bytes() for path in trained.iterdir()}
    answer = vae(*(word.format(**places) for word in command.split()))
    assert answer.status == 2, answer.err
    assert answer.out == ""
    *progress, line = answer.err.splitlines()
    assert line.startswith("error: ")
    assert re.search(named, line), line
    assert not [text for text in progress if "Traceback" in text or "error" in text.lower()]
    assert list(here.iterdir()) == []
    assert {path: path.read_bytes() for path in trained.iterdir()} == before


def test_a_real_process_tells_faults_in_one_line() -> None:
    """As installed: status 2, nothing on stdout, one line on stderr, no traceback."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", "vae_core", "train", "--epochs", "-1", "--out", "x"],
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith("error: Invalid value for '--epochs': -1 is not in the range")


def test_runs_are_steered_by_their_names(
    vae: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """List, step, change, copy, rewind, delete and restore, each with one object for machines."""
    monkeypatch.setenv("VAE_RUNS_DIR", str(tmp_path))
    monkeypatch.setenv("VAE_RUNS_AT_ONCE", "1")
    with running.trainers_in_threads(monkeypatch):
        folder = runs.create(tmp_path / "first", running.config("first"))
        assert vae("runs", "epoch", "first", "--json").json()["name"] == "first"
        running.wait_for_state(folder, "paused")
        shown = vae("runs", "change", "first", "beta=2", "learning-rate=0.01", "--json")
        assert shown.status == 0
        running.wait_for(lambda: runs.status(folder).config.training.beta == 2)
        copied = vae("runs", "copy", folder, "latent_dim=3", "hidden=8,4", "--json").json()
        assert copied["name"] == "first-2"
        assert runs.read_config(tmp_path / "first-2").model.hidden == (8, 4)
        running.wait_for_state(tmp_path / "first-2", "finished")
        rewound = vae("runs", "rewind", "first", "--json").json()
        assert (rewound["state"], rewound["epoch"], rewound["beta"]) == ("paused", 0, 1.0)
        assert vae("runs", "delete", "first", "--json").json() == {"deleted": "first"}
        listed = vae("runs", "list", "--json").json()
        assert [run["name"] for run in listed["runs"]] == ["first-2"]
        assert listed["deleted"] == ["first"]
        assert vae("runs", "restore", "first", "--json").json()["name"] == "first"
        text = vae("runs", "list").out
        assert re.search(r"^first +paused +epoch 0 of 3", text, re.MULTILINE)
        assert re.search(r"^first-2 +finished +epoch 3 of 3", text, re.MULTILINE)
        assert "test ELBO" in vae("runs", "show", "first-2").out
        vae("runs", "continue", "first-2", "--epochs", "1", "--json")
        running.wait_for(lambda: runs.status(tmp_path / "first-2").epoch == 4)
        running.wait_for_state(tmp_path / "first-2", "finished")


def test_a_training_is_put_into_the_queue(
    vae: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The run is created among those of the app and trains; a second one waits in the queue."""
    monkeypatch.setenv("VAE_RUNS_DIR", str(tmp_path))
    monkeypatch.setenv("VAE_RUNS_AT_ONCE", "1")
    words = ["train", "--queue", "--dataset", "digits", "--hidden", "16", "--latent-dim", "3"]
    with running.trainers_in_threads(monkeypatch):
        first = vae(*words, "--epochs", "1000", "--json").json()
        second = vae(*words, "--name", "mine", "--epochs", "1", "--json").json()
        assert (first["name"], second["name"]) == ("digits-3d", "mine")
        assert (second["state"], second["place"]) == ("queued", 1)
        running.wait_for(lambda: runs.status(tmp_path / "digits-3d").pace is not None)
        shown = vae("runs", "show", "digits-3d").out
        assert "images a second" in shown
        assert "s left" in shown
        vae("runs", "pause", "digits-3d", "--json")  # what waits is given its turn
        running.wait_for_state(tmp_path / "mine", "finished")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["show", "nobody"], "run 'nobody' is neither the folder of a run nor one of: a"),
        (["show", "../secret"], "run '../secret' is neither"),
        (["pause", "a"], "a is failed: only a run under way can pause"),
        (["change", "a", "beta"], "setting 'beta': expected NAME=VALUE"),
        (["change", "a", "beta=much"], "beta 'much': expected a number"),
        (["change", "a", "beta=-1"], "beta -1.0"),
        (["copy", "a", "treasure=1"], "treasure is not a setting"),
        (["continue", "a", "--epochs", "0"], "epochs 0: at least one more"),
        (["restore", "../a"], "no run '../a' was deleted"),
    ],
)
def test_wrong_steering_is_one_line(
    vae: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], said: str
) -> None:
    """On stderr, with status 2, and the run is as it was."""
    monkeypatch.setenv("VAE_RUNS_DIR", str(tmp_path))
    folder = runs.create(tmp_path / "a", running.config("a"))
    runs.append(folder, "state", state="failed", message="for a reason", step=0)
    before = runs.events(folder)
    answer = vae("runs", *words)
    assert (answer.status, answer.out) == (2, "")
    assert said in answer.err
    assert answer.err.count("\n") == 1
    assert runs.events(folder) == before
    assert len(runs.list_runs(tmp_path)) == 1


def test_a_steered_training_is_made_again_by_its_command(vae: Any, tmp_path: Path) -> None:
    """``--change`` does what was done while it trained; a wrong one leaves no folder."""
    steered = ["--change", "10:learning_rate=0.02", "--change", "15:epochs=3"]
    assert vae(*TRAIN, *steered, "--out", tmp_path / "one").status == 0
    card = model_folder.load_card(tmp_path / "one")
    assert card.training.epochs == 3
    words = shlex.split(card.command)[3:]
    assert words[-2:] == ["--out", "DIR"]
    assert vae(*words[:-1], tmp_path / "two").status == 0
    assert model_folder.load_card(tmp_path / "two").weights_hash == card.weights_hash
    answer = vae(*TRAIN, "--change", "10:seed=3", "--out", tmp_path / "three")
    assert answer.status == 2
    assert "seed cannot be changed" in answer.err
    assert not (tmp_path / "three").exists()


def test_a_recipe_is_where_settings_begin(vae: Any, tmp_path: Path) -> None:
    """Settings given beside it hold; an unknown one is named before a folder is made."""
    words = ["train", "--dataset", "digits", "--recipe", "fast", "--epochs", 1, "--hidden", "24,20"]
    done = vae(*words, "--threads", 1, "--json", "--out", tmp_path / "quick")
    assert done.status == 0, done.err
    config = runs.read_config(tmp_path / "quick")
    fast = recipes.FAST["batch_size"]
    assert (config.training.epochs, config.training.batch_size) == (1, fast)
    assert (config.model.hidden, config.model.latent_dim) == ((24, 20), 20)
    wrong = vae("train", "--recipe", "slow", "--out", tmp_path / "none")
    assert (wrong.status, wrong.err) == (2, "error: recipe 'slow': allowed are fast\n")
    assert not (tmp_path / "none").exists()


FOREIGN = Path(__file__).parents[2] / "fixtures" / "foreign" / "pytorch-vae"


def test_a_foreign_model_is_imported_and_used(vae: Any, tmp_path: Path) -> None:
    """Its folder works with every command that needs no training set."""
    files = ("--encoder", FOREIGN / "legacy" / "encoder.onnx")
    files += ("--decoder", FOREIGN / "legacy" / "decoder.onnx")
    files += ("--dataset", FOREIGN / "pictures.npz")
    folder = tmp_path / "theirs"
    found = vae("import", *files, "--out", folder, "--no-tsne", "--json")
    assert found.status == 0, found.err
    said = found.json()
    assert said["model"]["posterior"] == "gaussian"
    assert said["metrics"]["elbo"]["n"] == 200
    assert any("by the names" in sentence for sentence in said["found"])
    card = model_folder.load_card(folder)
    assert card.command == (
        "python -m vae_core import --encoder encoder.onnx --decoder decoder.onnx "
        "--dataset pictures.npz --no-tsne --out theirs"
    )
    for words in (
        ("sample", folder, "--n", "4", "--out", tmp_path / "s.png"),
        ("export", folder, "--format", "html", "--out", tmp_path / "p.html"),
        ("export", folder, "--format", "csv", "--out", tmp_path / "c.csv"),
    ):
        assert vae(*words).status == 0, words
    Image.fromarray(np.full((20, 20), 99, dtype=np.uint8)).save(tmp_path / "one.png")
    answer = vae("reconstruct", folder, tmp_path / "one.png", "--out", tmp_path / "r.png", "--json")
    assert answer.status == 0, answer.err
    assert answer.json()["pictures"][0]["rate"] > 0


def test_an_import_that_is_not_certain_is_one_line(vae: Any, tmp_path: Path) -> None:
    """The line says what to state, and nothing is written."""
    out = ("--dataset", FOREIGN / "pictures.npz", "--out", tmp_path / "theirs")
    answer = vae("import", "--encoder", FOREIGN / "legacy" / "encoder.onnx", *out)
    assert (answer.status, answer.err.count("\n")) == (2, 1)
    assert "state --decoder" in answer.err
    wrong = vae("import", "--decoder", FOREIGN / "about.json", "--out", tmp_path / "theirs")
    assert wrong.status == 2
    assert "decoder: " in wrong.err
    assert not (tmp_path / "theirs").exists()
