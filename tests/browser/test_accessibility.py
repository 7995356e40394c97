"""Every page, panel and dialog against WCAG 2.2 AA by axe-core, in both themes and in use."""

from __future__ import annotations

import functools
import io
import re
import shutil
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from importlib import resources
from pathlib import Path

import pytest
import torch
from PIL import Image
from serving import ROOT, Server
from visitor import FIRST, GRID, MAP, Visitor

from vae_core import model_folder, runs
from vae_core.config import ModelConfig, TrainConfig
from vae_core.data import load_dataset
from vae_core.formats import html
from vae_core.models.boltzmann import Boltzmann, BoltzmannConfig, Layer
from vae_core.runs import RunConfig

pytestmark = pytest.mark.browser

SCRIPT = ROOT / "app" / "main.py"
#: Success criteria of levels A and AA, up to WCAG 2.2.
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
SERIOUS = ("serious", "critical")
#: Parts that Streamlit makes and that cannot be mended here: rule, part of the selector, reason.
NOT_OURS: list[tuple[str, str, str]] = []
LASSO = [(0.3, 0.3), (0.7, 0.25), (0.75, 0.7), (0.35, 0.75), (0.3, 0.3)]
UPLOAD = '[data-testid="stMain"] [data-testid="stFileUploaderDropzoneInput"]'
NEIGHBOURS = re.compile("Nearest neighbours:")
#: The ground of the page in each theme.
GROUNDS = {"light": "rgb(255, 255, 255)", "dark": "rgb(15, 21, 20)"}
GROUND = """getComputedStyle(document.querySelector(".stApp") ?? document.body).backgroundColor"""
#: Resolves when colours have changed: Streamlit fades from one to another.
AT_REST = """async () => {
  for (let n = 0; n < 4; n++) await new Promise(requestAnimationFrame);
  const ends = (one) => Number.isFinite(one.effect.getComputedTiming().endTime);
  const running = document.getAnimations().filter(ends);
  const ended = Promise.allSettled(running.map((one) => one.finished));
  // An animation of an element that has gone never ends.
  await Promise.race([ended, new Promise((resolve) => setTimeout(resolve, 2000))]);
}"""
RUN = """async (tags) => {
  const found = await axe.run(document, {
    runOnly: { type: "tag", values: tags }, resultTypes: ["violations"], preload: false,
  });
  return found.violations.flatMap(({ id, impact, nodes }) => nodes.map((node) => ({
    rule: id, impact: node.impact ?? impact, target: node.target.flat().join(" "),
    html: node.html.slice(0, 160), why: node.failureSummary.split("\\n")[1]?.trim(),
  })));
}"""
#: The element that has the keyboard's focus, also in a panel.
FOCUSED = """() => {
  let element = document.activeElement;
  while (element.shadowRoot?.activeElement) element = element.shadowRoot.activeElement;
  const legend = element.closest(".lx-legend") !== null;
  return { role: element.getAttribute("role"), legend, words: element.textContent };
}"""

Check = Callable[[str], None]
Enter = Callable[..., Visitor]


@functools.cache
def axe_core() -> str:
    """Return the source of axe-core, as its Python package carries it."""
    file = resources.files("axe_playwright_python") / "axe.min.js"
    return file.read_text(encoding="utf-8")


class Audit:
    """What axe-core finds on the states of a page."""

    def __init__(self, somebody: Visitor) -> None:
        self.somebody = somebody
        self.states = 0
        self.found: dict[str, str] = {}

    @property
    def faults(self) -> str:
        """What was found, a line each."""
        return "\n".join(f"{what}: {where}" for what, where in self.found.items())

    def check(self, state: str) -> None:
        """Check what is on the screen, in both themes."""
        page = self.somebody.page
        for theme, ground in GROUNDS.items():
            page.emulate_media(color_scheme=theme)
            assert self.somebody.eventually(lambda ground=ground: page.evaluate(GROUND) == ground)
            page.evaluate(AT_REST)
            if not page.evaluate("'axe' in window"):
                page.evaluate(axe_core())
            self.states += 1
            for one in page.evaluate(RUN, TAGS):
                if one["impact"] in SERIOUS and is_ours(one):
                    rule, target = one["rule"], one["target"]
                    self.found.setdefault(
                        f"{rule} {target}", f"{state}, {theme}: {one['html']}: {one['why']}"
                    )


def is_ours(one: Mapping[str, str]) -> bool:
    """Whether a violation lies in a part that is made here."""
    return not any(one["rule"] == rule and part in one["target"] for rule, part, _ in NOT_OURS)


def explore(somebody: Visitor, check: Check) -> None:
    """Hover, select, colour, open what opens."""
    somebody.open("explore")
    check("opened")
    somebody.move(0.4, 0.5)
    check("hovered")
    keys(somebody, check)
    somebody.button("Lasso").click()
    somebody.drag(MAP, *LASSO)
    assert somebody.eventually(lambda: somebody.says(re.compile(r"\d+ of 360 selected")))
    somebody.page.get_by_text("Rate", exact=True).click()
    assert somebody.eventually(lambda: "colour=rate" in somebody.page.url)
    somebody.settle()
    check("selected, by rate")
    somebody.button("Open a model").click()
    somebody.page.get_by_text("Zipped model folder", exact=True).wait_for()
    check("Open a model")
    somebody.key("Escape")
    somebody.button("About this model").click()
    somebody.page.get_by_role("dialog").wait_for()
    somebody.settle()
    check("About this model")


def keys(somebody: Visitor, check: Check) -> None:
    """Open the list of keys by its key, and close it; the map has the focus again."""
    somebody.find(MAP).focus()
    somebody.key("?")
    somebody.page.get_by_role("dialog", name="Keys of the map").wait_for()
    check("keys")
    somebody.key("Escape")
    assert somebody.eventually(lambda: somebody.page.evaluate(FOCUSED)["role"] == "application")


def projections(somebody: Visitor, check: Check) -> None:
    """Open a t-SNE map with its settings, and graphs."""
    somebody.open("explore", "model=mnist-20d&map=tsne")
    somebody.button("Change perplexity…").click()
    somebody.page.get_by_role("slider", name="Perplexity").wait_for()
    check("t-SNE")
    somebody.go("?model=graphs-2d", MAP)
    check("graphs")
    somebody.go("?model=mnist-3d&map=3d", ".js-plotly-plot .legend")
    check("3-D")


def manifold(somebody: Visitor, check: Check) -> None:
    """Pin a cell."""
    somebody.open("manifold")
    somebody.page.mouse.click(*somebody.at(GRID, 0.9, 0.1))
    assert somebody.eventually(lambda: "z=" in somebody.page.url)
    somebody.settle()
    check("pinned")


def decode(somebody: Visitor, check: Check) -> None:
    """Move a slider; choose a label."""
    somebody.open("decode")
    somebody.find(".lx-dim input[type=range]").focus()
    somebody.key("ArrowRight")
    check("moved")
    somebody.open("decode", "model=mnist-conditional")
    check("with a label")


def reconstruct(somebody: Visitor, check: Check) -> None:
    """Draw, then upload a picture and open its settings."""
    somebody.open("reconstruct")
    somebody.drag(".lx-sheet", (0.5, 0.2), (0.5, 0.4), (0.5, 0.6), (0.5, 0.8))
    assert somebody.eventually(lambda: somebody.says(NEIGHBOURS))
    check("drawn")
    somebody.page.get_by_text("Files", exact=True).click()
    file = {"name": "photo.png", "mimeType": "image/png", "buffer": picture()}
    somebody.page.set_input_files(UPLOAD, file)
    somebody.button("Preprocessing options").click()
    somebody.page.locator('[data-testid="stPopoverBody"]').wait_for()
    check("uploaded")


def picture() -> bytes:
    """Return a picture of a digit."""
    file = io.BytesIO()
    ink = Image.fromarray(load_dataset("digits").test.images[0, 0].numpy())
    ink.resize((160, 160), Image.Resampling.BICUBIC).save(file, "PNG")
    return file.getvalue()


def morph(somebody: Visitor, check: Check) -> None:
    """Open it."""
    somebody.open("morph")
    check("opened")


def train(somebody: Visitor, check: Check) -> None:
    """Open all settings of a new training."""
    somebody.open("train")
    somebody.page.get_by_text("More settings", exact=True).click()
    somebody.page.wait_for_timeout(500)
    check("More settings")


def compare(somebody: Visitor, check: Check) -> None:
    """Open a study and two models."""
    somebody.go("compare?model=digits-2d", ".js-plotly-plot")
    check("study")
    somebody.go("compare?model=mnist-2d&with=mnist-conv", ".lx-pair canvas")
    check("two models")


def training_in_the_page(somebody: Visitor, check: Check) -> None:
    """Take a step of a training inside the page, and look at its past."""
    somebody.go("learn?section=training&training=digits_d3_w16", ".lx-training[data-step]")
    check("opened")
    somebody.button("Step").click()
    somebody.page.get_by_label("Remove the KL").check()
    somebody.page.locator('.lx-training[data-step="1"]').wait_for()
    check("changed")


def lessons(somebody: Visitor, check: Check) -> None:
    """Look at the list, the method, a step with a task and an answered question, a worksheet."""
    somebody.go("learn?model=digits-2d", ".st-key-lessons")
    check("list")
    somebody.go("learn?section=method&model=digits-2d", ".lx-method-value")
    check("method")
    somebody.go("?lesson=latent-space&step=2", ".lx-lesson-task")
    somebody.page.locator(".lx-lesson-question button").first.click()
    somebody.page.locator(".lx-lesson-reply").wait_for()
    check("step")
    somebody.go("learn?model=digits-2d&sheet=manifold", ".st-key-sheet")
    check("worksheet")


def class_and_presentation(somebody: Visitor, check: Check) -> None:
    """Check the door, a room, its sign, the line of a presentation, and a code that is wrong."""
    somebody.open("decode", "model=digits-2d")
    somebody.button("Class").click()
    check("door")
    somebody.button("Open a room").click()
    somebody.page.get_by_text("Nobody follows yet").first.wait_for()
    check("room")
    somebody.button("Show code").click()
    check("sign")
    somebody.key("Escape")
    somebody.button("Present").click()
    somebody.page.wait_for_url("**present=1**")
    somebody.settle()
    check("presentation")
    somebody.open("decode", "model=digits-2d&follow=BCDFG")
    somebody.page.get_by_text("No class with the code").wait_for()
    check("bar")


PAGES = (
    class_and_presentation,
    explore,
    projections,
    manifold,
    decode,
    reconstruct,
    morph,
    train,
    compare,
    lessons,
    training_in_the_page,
)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.__name__)
def test_a_page_in_use_has_no_serious_fault(
    visitor: Enter,
    page: Callable[[Visitor, Check], None],
    record_property: Callable[[str, object], None],
) -> None:
    """Its states are counted."""
    audit = Audit(visitor())
    page(audit.somebody, audit.check)
    record_property(f"states of {page.__name__} checked by axe-core", audit.states)
    assert not audit.found, audit.faults


@pytest.mark.parametrize("page", [*FIRST, "compare"])
def test_a_page_on_a_phone_has_no_serious_fault(
    visitor: Enter, page: str, record_property: Callable[[str, object], None]
) -> None:
    """At 400 px, where parts float, stand in other places or are 44 px tall; the drawer too."""
    audit = Audit(visitor("phone", alone=True))  # an open drawer would be remembered
    somebody = audit.somebody
    if page == "compare":
        somebody.go("compare?model=mnist-2d&with=mnist-conv", ".lx-pair canvas")
    else:
        somebody.open(page, "model=mnist-3d" if page != "train" else "model=digits-2d")
    audit.check("opened")
    if page == "explore":
        somebody.page.get_by_role("button", name="Move the image").tap()
        audit.check("picture moved")
        somebody.page.get_by_test_id("stExpandSidebarButton").tap()
        somebody.page.get_by_role("link", name="Manifold").wait_for()
        somebody.quiet()
        audit.check("drawer")
    record_property(f"states of {page} on a phone checked by axe-core", audit.states)
    assert not audit.found, audit.faults


def test_a_running_training_has_no_serious_fault(
    visitor: Enter, server: Server, record_property: Callable[[str, object], None]
) -> None:
    """While it runs, and with its settings open."""
    config = RunConfig(
        name="long",
        model=ModelConfig(image_shape=(1, 8, 8), latent_dim=2, hidden=(32,)),
        training=TrainConfig(dataset="digits", epochs=100_000, threads=1),
    )
    run = runs.create(server.runs / "long", config)
    audit = Audit(visitor())
    somebody = audit.somebody
    # In this process, whose imports are done: no other one has to start on a busy machine.
    with ThreadPoolExecutor(1) as pool:
        ended = pool.submit(runs.execute, run)
        try:
            somebody.go("train?model=digits-2d&run=long", GRID)
            audit.check("running")
            somebody.page.get_by_text("Change settings", exact=True).click()
            somebody.page.get_by_role("slider", name="Learning rate").wait_for()
            audit.check("settings")
        finally:
            runs.request(run, "stop")
        assert ended.result() == "stopped"
    shutil.rmtree(run)  # the server's other visitors look at the form
    record_property("states of a running training checked by axe-core", audit.states)
    assert not audit.found, audit.faults


def write_machine(folder: Path) -> None:
    """Write an untrained restricted Boltzmann machine for the digits."""
    config = BoltzmannConfig(kind="rbm", image_shape=(1, 8, 8), hidden=(12,))
    generator = torch.Generator().manual_seed(0)
    layer = Layer(torch.randn(12, 64, generator=generator), torch.zeros(64), torch.zeros(12))
    machine = Boltzmann(config, (layer,))
    model_folder.save_machine(folder, machine, name=folder.name, dataset="digits")


def test_pages_of_a_boltzmann_machine_have_no_serious_fault(
    visitor: Enter, server: Server, record_property: Callable[[str, object], None]
) -> None:
    """Each page, those that say why it is missing too."""
    write_machine(server.runs / "net")
    audit = Audit(visitor())
    somebody = audit.somebody
    somebody.go("?model=net", ".lx-stage", ".lx-legend button")
    audit.check("explore")
    for page in ("manifold", "decode", "reconstruct", "morph"):
        somebody.go(f"{page}?model=net")
        somebody.page.get_by_role("heading", name=page.capitalize()).wait_for()
        somebody.settle()
        audit.check(page)
    record_property("states of a Boltzmann machine checked by axe-core", audit.states)
    assert not audit.found, audit.faults


def test_a_finished_training_has_no_serious_fault(
    visitor: Enter, server: Server, record_property: Callable[[str, object], None]
) -> None:
    """Its replay and the form of another one."""
    config = RunConfig(
        name="tiny",
        model=ModelConfig(image_shape=(1, 8, 8), latent_dim=2, hidden=(32,)),
        training=TrainConfig(dataset="digits", epochs=1, threads=1),
    )
    assert runs.execute(runs.create(server.runs / "tiny", config)) == "finished"
    audit = Audit(visitor())
    somebody = audit.somebody
    somebody.go("train?model=digits-2d&run=tiny", ".lx-replay .lx-legend button")
    audit.check("finished")
    somebody.button("Train another model").click()
    somebody.page.locator('[data-testid="stPopoverBody"]').wait_for()
    somebody.settle()
    audit.check("another")
    shutil.rmtree(server.runs / "tiny")
    record_property("states of a finished training checked by axe-core", audit.states)
    assert not audit.found, audit.faults


def test_the_exported_page_in_use_has_no_serious_fault(
    visitor: Enter, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    """As it opens, hovered, with a selection and with a drawing."""
    audit = Audit(visitor())
    somebody = audit.somebody
    file = tmp_path / "page.html"
    file.write_bytes(html.page(model_folder.open_folder("digits-2d")))
    somebody.page.goto(file.as_uri())
    somebody.page.wait_for_selector("#map .lx-legend button")
    audit.check("opened")
    somebody.move(0.4, 0.5)
    audit.check("hovered")
    keys(somebody, audit.check)
    somebody.button("Lasso").click()
    somebody.drag(MAP, *LASSO)
    somebody.find(".lx-sheet").scroll_into_view_if_needed()
    somebody.drag(".lx-sheet", (0.5, 0.2), (0.5, 0.4), (0.5, 0.6), (0.5, 0.8))
    audit.check("selected and drawn")
    record_property("states of the exported page checked by axe-core", audit.states)
    assert not audit.found, audit.faults


def test_the_map_and_its_legend_are_near_for_the_keyboard(visitor: Enter) -> None:
    """The map is among the page's first five stops; the legend is one, with arrow keys inside."""
    somebody = visitor().open("explore", "model=mnist-20d")
    somebody.find('[data-testid="stMain"]').focus()
    stops = 0
    while (focused := somebody.page.evaluate(FOCUSED))["role"] != "application":
        somebody.key("Tab")
        stops += 1
        assert stops <= 5, focused
    somebody.key("Tab")
    first = somebody.page.evaluate(FOCUSED)
    assert first["legend"]
    somebody.key("ArrowRight")
    second = somebody.page.evaluate(FOCUSED)
    assert second["legend"]
    assert second["words"] != first["words"]
    somebody.key("Tab")
    assert not somebody.page.evaluate(FOCUSED)["legend"]
    somebody.key("Shift+Tab")
    assert somebody.page.evaluate(FOCUSED) == second


def test_a_drawing_and_the_picture_have_names_for_screen_readers(visitor: Enter) -> None:
    """The pad says what the drawing reads as; the picture's name follows the keys on the map."""
    somebody = visitor().open("reconstruct")
    somebody.drag(".lx-sheet", (0.5, 0.2), (0.5, 0.4), (0.5, 0.6), (0.5, 0.8))
    told = somebody.find(".lx-pad [role=status]")
    reads = re.compile(r"Reads as \d: \d+ of the 10 nearest codes")
    assert somebody.eventually(lambda: reads.fullmatch(told.text_content()) is not None)
    somebody.open("explore")
    picture = somebody.page.get_by_role("img", name=re.compile("^Decoded image: .*z = "))
    picture.wait_for()
    before = picture.get_attribute("aria-label")
    somebody.find(MAP).focus()
    somebody.key("Shift+ArrowRight")
    assert somebody.eventually(lambda: picture.get_attribute("aria-label") != before)


def test_tables_of_a_study_are_tables(visitor: Enter) -> None:
    """A screen reader finds their rows and headings."""
    somebody = visitor().go("compare?model=digits-2d", ".js-plotly-plot")
    table = somebody.page.get_by_role("table").first
    assert table.get_by_role("columnheader", name="Model").count() == 1
    assert table.get_by_role("row").count() > 2
