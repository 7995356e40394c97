"""The Compare page in a real browser: figures of studies, and two models that move together."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
import results
import torch
from serving import ROOT, Server
from visitor import Visitor

from vae_core import model_folder
from vae_core.config import ModelConfig, TrainConfig
from vae_core.model_folder import Codes, ModelCard
from vae_core.models import VAE

pytestmark = pytest.mark.browser

SCRIPT = ROOT / "tests" / "browser" / "compare_app.py"
PLOT = ".js-plotly-plot"
MAPS = [f".st-key-{name}-map .lx-stage canvas[tabindex]" for name in ("first", "second")]
STATUS = [f".st-key-{name}-map .lx-status" for name in ("first", "second")]
PICTURES = [f".lx-pair figure:nth-child({n}) canvas" for n in (1, 2, 3)]
TWO = "model=digits-2d&with=mine"
LASSO = [(0.3, 0.3), (0.7, 0.25), (0.75, 0.7), (0.35, 0.75), (0.3, 0.3)]

Enter = Callable[..., Visitor]


@pytest.fixture(scope="module", autouse=True)
def prepared(server: Server) -> None:
    """Write results of two studies, and a second model of the digits in an order of its own."""
    for name in ("latent-size", "iwae"):
        results.write(server.runs / "studies", name, "nll_iw5000")
    own = model_folder.load_codes(model_folder.PRETRAINED / "digits-2d")
    order = torch.randperm(len(own.ids), generator=torch.Generator().manual_seed(1))
    assert own.labels is not None
    codes = Codes(
        ids=own.ids[order],
        labels=own.labels[order],
        mu=-own.mu[order],
        logvar=own.logvar[order],
        rate=own.rate[order],
        distortion=own.distortion[order],
    )
    torch.manual_seed(0)
    config = ModelConfig(image_shape=(1, 8, 8), latent_dim=2, hidden=(16,))
    model = VAE(config)
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.5)
    card = ModelCard(
        name="mine", dataset="digits", classes=tuple("0123456789"), model=config,
        training=TrainConfig(dataset="digits", epochs=1),
    )  # fmt: skip
    model_folder.save(server.runs / "mine", card=card, model=model, codes=codes, history=[])


def compare(somebody: Visitor, query: str, *drawn: str) -> Visitor:
    """Open the page at an address; wait until what is named there is drawn."""
    return somebody.go(f"compare?{query}", *drawn)


def beside(somebody: Visitor, query: str = TWO) -> Visitor:
    """Open two models and wait until both maps can be used."""
    compare(somebody, query, *MAPS, *PICTURES)
    for selector in (PICTURES[0], PICTURES[2]):
        somebody.drawn_after(selector, 20)
    for name in ("first", "second"):
        somebody.drawn_after(f".st-key-{name}-map .lx-stage canvas:nth-child(3)", 20)
    return somebody


def counted(somebody: Visitor, place: int) -> str:
    """How many examples a map says are selected."""
    status = somebody.find(STATUS[place])
    return str(status.inner_text()).split()[0] if status.is_visible() else ""


def names_of(somebody: Visitor) -> list[str]:
    """Entries of the figure's legend."""
    return [str(text) for text in somebody.page.locator(f"{PLOT} .legendtext").all_text_contents()]


def test_a_study_draws_its_figures_beside_what_was_published(visitor: Enter) -> None:
    """Lines, error bars, and published values as lines of their own that say so."""
    somebody = compare(visitor(), "study=latent-size&model=digits-2d", f"{PLOT} .legendtext")
    names = names_of(somebody)
    assert "measured here" in names
    assert "AEVB, one hidden layer, plateaus (from memory)" in names
    assert somebody.page.locator(f"{PLOT} .scatterlayer .trace").count() == len(names)
    assert somebody.page.locator(f"{PLOT} .errorbar").count() == 6
    lines = somebody.page.locator(f"{PLOT} .scatterlayer .js-line").all()
    assert len(lines) == len(names)
    assert all(line.get_attribute("d") for line in lines)
    somebody.page.get_by_role("radio", name="By training images").click()
    assert somebody.eventually(lambda: "figure=" in somebody.page.url)
    assert somebody.eventually(lambda: "z = 200" in names_of(somebody))


def test_a_study_that_was_not_run_shows_how_to(visitor: Enter) -> None:
    """Its command is there to copy, and no figure."""
    somebody = compare(visitor(), "study=separation&model=digits-2d", ".st-key-not-run")
    assert somebody.says("python -m vae_core study separation")
    assert somebody.page.locator(PLOT).count() == 0


@pytest.mark.parametrize("place", [0, 1])
def test_a_code_under_the_pointer_is_decoded_by_both(visitor: Enter, place: int) -> None:
    """On whichever map it moves; nothing is sent while it does; leaving brings both back."""
    somebody = beside(visitor())
    pinned = [somebody.picture(picture) for picture in PICTURES]
    sent = somebody.sent
    somebody.page.mouse.move(*somebody.at(MAPS[place], 0.8, 0.3), steps=4)
    somebody.frames()
    for before, picture in zip(pinned, PICTURES, strict=True):
        assert somebody.picture(picture) != before
    somebody.leave()
    assert [somebody.picture(picture) for picture in PICTURES] == pinned
    assert somebody.sent == sent


def test_an_example_under_the_pointer_is_marked_on_the_other_map(visitor: Enter) -> None:
    """Linked by the example, the other map's marks move and its picture is another one."""
    somebody = beside(visitor(), f"{TWO}&linked=example&id=3")
    overlay = MAPS[1]
    before = somebody.look(overlay)[1], somebody.picture(PICTURES[2])
    sent = somebody.sent

    def marked() -> bool:
        for across in (0.45, 0.5, 0.55, 0.6):
            for down in (0.4, 0.5, 0.6):
                somebody.page.mouse.move(*somebody.at(MAPS[0], across, down), steps=6)
                somebody.frames()
                if (somebody.look(overlay)[1], somebody.picture(PICTURES[2])) != before:
                    return True
        return False

    assert somebody.eventually(marked)
    assert somebody.sent == sent


@pytest.mark.parametrize("place", [0, 1])
def test_a_lasso_on_one_map_selects_the_same_examples_on_the_other(
    visitor: Enter, place: int
) -> None:
    """By their ids: both maps and the page count alike, and the link restores it."""
    somebody = beside(visitor())
    name = ("first", "second")[place]
    somebody.find(f".st-key-{name}-map button[data-tool=lasso]").click()
    somebody.drag(MAPS[place], *LASSO)
    parameter = ("select=", "select-with=")[place]
    assert somebody.eventually(lambda: parameter in somebody.page.url)
    somebody.settle()
    count = counted(somebody, place)
    assert 0 < int(count) < 360
    assert somebody.eventually(lambda: counted(somebody, 1 - place) == count)
    assert somebody.eventually(lambda: somebody.says(re.compile(f"On the {count} selected")))
    other = beside(visitor(), somebody.page.url.split("?")[1])
    for each in (0, 1):
        assert other.eventually(lambda each=each: counted(other, each) == count)
    other.find(STATUS[1 - place]).get_by_role("button").click()
    assert other.eventually(lambda: parameter not in other.page.url)
    assert [counted(other, each) for each in (0, 1)] == ["", ""]


def test_keys_move_both_and_pin(visitor: Enter) -> None:
    """Arrows on the second map move the first one's picture; Enter pins for both."""
    somebody = beside(visitor())
    before = somebody.picture(PICTURES[0])
    somebody.find(MAPS[1]).focus()
    for _ in range(6):
        somebody.key("ArrowRight")
    assert somebody.eventually(lambda: somebody.picture(PICTURES[0]) != before)
    somebody.key("Enter")
    assert somebody.eventually(lambda: re.search(r"[?&]z=", somebody.page.url) is not None)
    moved = somebody.settle().picture(PICTURES[0])
    assert moved != before


def test_a_model_of_other_data_says_what_cannot_be_linked(visitor: Enter) -> None:
    """Both maps work; no selection is shared and no difference is shown."""
    somebody = compare(visitor(), "model=digits-2d&with=mnist-3d", *MAPS, *PICTURES)
    somebody.drawn_after(PICTURES[2], 20)
    assert somebody.says(re.compile("These models cannot be linked"))
    assert somebody.says("Their images differ in size")
    before = somebody.picture(PICTURES[2])
    somebody.page.mouse.move(*somebody.at(MAPS[0], 0.8, 0.3), steps=4)
    somebody.frames()
    assert somebody.picture(PICTURES[2]) == before


def test_going_to_another_page_leaves_nothing_behind(visitor: Enter) -> None:
    """What both models shared is gone from the map of the open one."""
    somebody = beside(visitor(), f"{TWO}&select-with=axes-1-2:-1,-1;1,-1;1,1;-1,1")
    assert somebody.eventually(lambda: counted(somebody, 0) != "")
    somebody.follow("explore")
    somebody.drawn_after(".lx-stage canvas:nth-child(3)", 20)
    assert not somebody.find(".lx-status").is_visible()


@pytest.mark.parametrize(
    ("query", "scheme"),
    [
        ("study=iwae&model=digits-2d", "light"),
        ("study=iwae&model=digits-2d", "dark"),
        (TWO, "light"),
    ],
)
def test_a_phone_needs_no_sideways_scrolling(visitor: Enter, query: str, scheme: str) -> None:
    """At 400 px everything fits, and three pictures stay in sight of the finger."""
    somebody = visitor("phone")
    somebody.page.emulate_media(color_scheme=scheme)
    drawn: tuple[Any, ...] = (*MAPS, *PICTURES) if "with" in query else (f"{PLOT} .legendtext",)
    compare(somebody, query, *drawn)
    width = somebody.page.evaluate("document.querySelector('[data-testid=stMain]').scrollWidth")
    assert width <= 400
    beyond = """groups => groups.flatMap((group) => [...group.children].map((choice) =>
      choice.getBoundingClientRect().right - group.getBoundingClientRect().right))"""
    choices = somebody.page.locator("[data-testid=stMain] [role=radiogroup]").evaluate_all(beyond)
    assert len(choices) >= 2
    assert max(choices) <= 0  # what is beyond the group is cut off
    if "with" in query:
        somebody.page.mouse.wheel(0, 500)
        somebody.quiet()
        for picture in PICTURES:
            box = somebody.page.locator(picture).bounding_box()
            assert box["x"] >= 0
            assert box["x"] + box["width"] <= 400
            assert box["y"] + box["height"] <= 800
