"""The models in pretrained/ and the recipes that make them again say the same."""

from __future__ import annotations

from pathlib import Path

import pytest

from vae_core import learning, model_folder, recipes, runs
from vae_core.config import ModelConfig, TrainConfig
from vae_core.errors import ConfigError


@pytest.mark.parametrize("name", recipes.RECIPES)
def test_a_model_was_made_by_its_recipe(name: str) -> None:
    """Settings on the card are the recipe's, so ``make pretrained`` makes this very model."""
    card, recipe = model_folder.load_card(name), recipes.RECIPES[name]
    assert card.name == name
    assert card.model == recipe.model
    assert card.training == recipe.training
    assert card.command == runs.command_line(recipe)


def test_every_model_has_a_recipe() -> None:
    """Nothing lies in pretrained/ that a stranger could not make again."""
    assert set(model_folder.list_models()) == set(recipes.RECIPES)


def test_beginnings_are_settings() -> None:
    """Each is known by name, fits together, and asks for no precision that is not here."""
    for begin in recipes.PRESETS.values():
        given = begin()
        model = {k: v for k, v in given.items() if k in ModelConfig.model_fields}
        training = {k: v for k, v in given.items() if k in TrainConfig.model_fields}
        assert model.keys() | training.keys() == given.keys()
        ModelConfig.of(**model)
        TrainConfig.of(**training)
        assert learning.native_bfloat16() or given["precision"] == "float32"


def test_an_unknown_recipe_is_named(tmp_path: Path) -> None:
    """The sentence says which there are, and nothing starts."""
    with pytest.raises(ConfigError, match="recipe 'nope': allowed are mnist-2d"):
        recipes.make(["nope"], work=tmp_path, jobs=1, say=print)
    assert not list(tmp_path.iterdir())
