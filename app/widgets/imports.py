"""The dialog that opens a model made elsewhere: files, what was found, a preview, progress."""

from collections.abc import Callable

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from app import state, words
from app.resources import datasets, imports
from app.resources.imports import Upload
from vae_core.config import STATED_OUTPUTS, STATED_POSTERIORS
from vae_core.jobs.commands import Outcome, Work

MAX_MEGABYTES = 128
#: Files of pictures; others are networks.
PICTURES = ["zip", "npz", "npy", "gz", "idx", "csv", "parquet"]
FOUND = "as found"
OPTIONS = {
    "posterior": ("Encoder returns", STATED_POSTERIORS),
    "output": ("Decoder returns", STATED_OUTPUTS),
    "likelihood": ("Likelihood", ("bernoulli", "gaussian", "continuous-bernoulli")),
}
#: Options that are written: their titles and examples.
TEXTS = {
    "input-range": ("Values of black and white", "as found, or -1,1"),
    "image-shape": ("Channels, height, width", "as found, or 3,64,64"),
    "classes": ("Labels of a conditional model", "as found, or 10"),
}

#: What sentences of the command line ask for, and how it is done here.
COMMAND = {
    "state data (--dataset)": "drop a file of them, or choose a dataset",
    "state --decoder": "drop its file",
}


@st.dialog("Open a model made elsewhere", width="large")
def dialog(on_open: Callable[[bytes], None]) -> None:
    """Show the dialog; `on_open` gets the zipped model folder."""
    form(on_open)


def form(on_open: Callable[[bytes], None]) -> None:
    """Show upload, options, check and progress."""
    st.markdown(
        "Drop the ONNX files of an encoder and a decoder, and pictures to encode: a zip, `.npz`, "
        "`.npy`, IDX, CSV or Parquet file. A decoder alone is a generator."
    )
    st.caption(
        "The model and up to 2,000 pictures stay in this server's memory while it is open; whoever "
        "has the link to it sees them."
    )
    files = st.file_uploader(
        "ONNX files and pictures",
        type=["onnx", *PICTURES],
        accept_multiple_files=True,
        max_upload_size=MAX_MEGABYTES,
        key="w-import-files",
    )
    upload = uploaded(files)
    if upload is None:
        return
    dataset = choose_dataset() if upload.pictures is None else None
    stated = options()
    checked, opened = st.columns(2)
    if checked.button("Check", key="w-import-check", width="stretch"):
        outcome = finish(imports.check(upload, stated, dataset=dataset))
        state.remember("import-check", outcome)
    outcome = state.recall("import-check")
    if outcome is not None:
        show(outcome)
    if opened.button("Open", key="w-import-open", type="primary", width="stretch"):
        name = name_of(files)
        outcome = finish(imports.run(upload, stated, name=name, dataset=dataset))
        state.remember("import-check", None)
        if outcome.state == "finished":
            on_open(outcome.files["zip"])
        else:
            show(outcome)


def uploaded(files: list[UploadedFile]) -> Upload | None:
    """Return the uploaded files, or None where a model is not complete."""
    networks = [one for one in files if one.name.lower().endswith(imports.ONNX)]
    labels = [one for one in files if one not in networks and "label" in one.name.lower()]
    pictures = [one for one in files if one not in (*networks, *labels)]
    if len(networks) > 2 or len(pictures) > 1 or len(labels) > 1:
        st.error("One or two ONNX files and one file of pictures are needed, and one of labels.")
        return None
    if not networks:
        if pictures:
            st.caption("The ONNX files of the model are missing.")
        return None
    return Upload(
        tuple((one.name, one.getvalue()) for one in networks),
        _named(pictures),
        _named(labels),
    )


def _named(files: list[UploadedFile]) -> tuple[str, bytes] | None:
    return (files[0].name, files[0].getvalue()) if files else None


def choose_dataset() -> str | None:
    """Show the choice of a dataset of this host, in place of pictures."""
    present = [name for name, one in datasets.statuses().items() if one.present]
    return st.selectbox(
        "Pictures",
        present,
        index=None,
        format_func=datasets.title,
        placeholder="None: a decoder alone, or drop a file above",
        key="w-import-dataset",
    )


def options() -> dict[str, str]:
    """Show what can be stated about the networks; return what was."""
    stated: dict[str, str] = {}
    with st.expander("What the networks read and return"):
        columns = st.columns(3)
        for column, (name, (title, values)) in zip(columns, OPTIONS.items(), strict=True):
            chosen = column.selectbox(title, [FOUND, *values], key=f"w-import-{name}")
            if chosen != FOUND:
                stated[name] = chosen
        for column, (name, (title, example)) in zip(columns, TEXTS.items(), strict=True):
            written = column.text_input(title, placeholder=example, key=f"w-import-{name}")
            if written and written.strip():
                stated[name] = written.strip()
    return stated


def name_of(files: list[UploadedFile]) -> str:
    """Return a name for the model: that of its first file, without what says its part."""
    stems = [one.name.rsplit(".", 1)[0] for one in files if one.name.lower().endswith(".onnx")]
    stem = stems[0]
    for part in ("encoder", "decoder", "generator"):
        stem = stem.replace(part, "").strip(" -_.")
    return stem or "imported"


def finish(work: Work) -> Outcome:
    """Wait for a command with its stages in sight; any click stops it."""
    try:
        with st.status("Starting …", expanded=False) as status:
            while (outcome := work.wait(0.25)) is None:
                status.update(label=words.sentence(work.stage)[:-1] + " …")
            done = outcome.state == "finished"
            status.update(
                label="Done" if done else "Stopped", state="complete" if done else "error"
            )
        return outcome
    finally:
        work.stop()


def in_words(sentence: str) -> str:
    """Return a sentence of the command line with the dialog's names for its options."""
    titles = {name: title for name, (title, _) in (OPTIONS | TEXTS).items()}
    for option, title in titles.items():
        sentence = sentence.replace(f"--{option}", f"“{title}”")
    for words_of_command, ours in COMMAND.items():
        sentence = sentence.replace(words_of_command, ours)
    return sentence


def show(outcome: Outcome) -> None:
    """Show what a check found, or why it was refused."""
    if outcome.state == "refused":
        st.error(f"Not opened: {in_words(outcome.sentence)}.")
        return
    compared = outcome.result["error"] is not None
    st.image(
        outcome.files[imports.PREVIEW],
        caption="Above: pictures as the model reads them. Below: their reconstructions."
        if compared
        else "Pictures of codes drawn from N(0, I).",
        width="stretch",
    )
    for warning in outcome.result["warnings"]:
        st.warning(in_words(warning))
    st.markdown("\n".join(f"- {words.sentence(one)}" for one in imports.found(outcome.result)))
