"""The app as a session sees it, without a browser."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import streamlit as st
import torch
from streamlit.testing.v1 import AppTest

from app.resources import library
from app.resources.opened_model import Opened
from vae_core.model_folder import Codes

APP = Path(__file__).parents[2] / "app"
Open = Callable[..., AppTest]


@pytest.fixture(autouse=True)
def nothing_remembered() -> Iterator[None]:
    """Keep caches from leaking between tests."""
    st.cache_data.clear()
    st.cache_resource.clear()
    yield
    st.cache_data.clear()
    st.cache_resource.clear()


@pytest.fixture
def no_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an empty data folder, which the app looks into; trainings go elsewhere too."""
    monkeypatch.setenv("VAE_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("VAE_RUNS_DIR", str(tmp_path / "runs"))
    return tmp_path / "data"


@pytest.fixture
def digits_2d(no_data: Path) -> Opened:
    """Open the bundled model."""
    return library.open_model("digits-2d")


@pytest.fixture
def shuffled_digits(digits_2d: Opened) -> Opened:
    """Return the bundled model with its encoded set in another order."""
    order = torch.randperm(len(digits_2d.codes.ids), generator=torch.Generator().manual_seed(0))
    moved = {name: column[order] for name, column in digits_2d.codes.tensors().items()}
    saved = dataclasses.replace(digits_2d.saved, codes=Codes.of(moved))
    return dataclasses.replace(digits_2d, hash="shuffled", saved=saved)


@pytest.fixture
def open_page(no_data: Path) -> Open:
    """Return a function that opens a page at an address: its name and the URL's parameters."""

    def open_(page: str = "explore", **parameters: str) -> AppTest:
        session = AppTest.from_file(str(APP / "navigation.py"), default_timeout=30)
        session.query_params.update({"model": "digits-2d"} | parameters)
        session.run()
        if page != "explore":
            session.switch_page(f"views/{page}/page.py").run()
        return session

    return open_
