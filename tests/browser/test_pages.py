"""Every page of the running app in a real browser, by mouse, keyboard and address."""

from __future__ import annotations

import io
import re
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image
from serving import ROOT
from visitor import FIRST, GRID, MAP, PATHS, Visitor

from vae_core.data import load_dataset

pytestmark = pytest.mark.browser

SCRIPT = ROOT / "app" / "main.py"
#: The range of brightness from which on a picture counts as not blank.
CONTRAST = 60
UPLOAD = '[data-testid="stMain"] [data-testid="stFileUploaderDropzoneInput"]'
SLIDER = ".lx-dim input[type=range]"
SHEET = ".lx-sheet"
NEIGHBOURS = re.compile("Nearest neighbours:")
SELECTED = re.compile(r"\d+ of 360 selected")
LASSO = [(0.3, 0.3), (0.7, 0.25), (0.75, 0.7), (0.35, 0.75), (0.3, 0.3)]

Enter = Callable[..., Visitor]


def lasso(somebody: Visitor) -> str:
    """Draw a lasso around the middle of the map; return what the page counts in it."""
    somebody.button("Lasso").click()
    somebody.drag(MAP, *LASSO)
    assert somebody.eventually(lambda: somebody.says(SELECTED))
    assert somebody.eventually(lambda: "select=" in somebody.page.url)
    somebody.settle()
    return str(somebody.page.get_by_text(SELECTED).first.inner_text())


@pytest.mark.parametrize("page", FIRST)
def test_every_page_opens_by_its_address(
    visitor: Enter, page: str, record_property: Callable[[str, object], None]
) -> None:
    """It says its name, shows a picture that is not blank, and nothing fails.

    How long a newcomer waits for it, with nothing kept in the browser, is printed.
    """
    somebody = visitor(alone=True)
    somebody.page.goto(f"{somebody.address}/{PATHS.get(page, page)}?model=digits-2d")
    seconds = somebody.drawn_after(FIRST[page], CONTRAST)
    record_property(f"first picture of {page}", f"{seconds:.2f} s after opening it")
    somebody.settle()
    assert somebody.page.get_by_role("heading", name=page.capitalize()).count() == 1


@pytest.mark.parametrize(("page", "scheme"), list(zip(FIRST, ["light", "dark"] * 3, strict=True)))
def test_a_phone_needs_no_sideways_scrolling(visitor: Enter, page: str, scheme: str) -> None:
    """At 400 px every page fits, and its title is not hidden under the header."""
    somebody = visitor("phone")
    somebody.page.emulate_media(color_scheme=scheme)
    somebody.open(page)
    width = somebody.page.evaluate("document.querySelector('[data-testid=stMain]').scrollWidth")
    assert width <= 400
    header = somebody.page.locator('[data-testid="stHeader"]').bounding_box()
    title = somebody.page.get_by_role("heading", name=page.capitalize()).bounding_box()
    assert title["y"] >= header["y"] + header["height"] - 8


@pytest.mark.parametrize("page", ["explore", "decode"])
def test_on_a_phone_the_picture_stays_in_sight(visitor: Enter, page: str) -> None:
    """Whoever moves a slider or a finger on the map sees what it does."""
    somebody = visitor("phone").open(page)
    for scrolled in (0, 300):
        somebody.page.mouse.wheel(0, scrolled)
        somebody.quiet()
        box = somebody.page.locator(".lx-picture canvas").bounding_box()
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 400
        assert box["y"] >= 0
        assert box["y"] + box["height"] <= 800


def test_a_slider_changes_the_picture_while_it_moves(visitor: Enter) -> None:
    """The picture follows before anything is let go, and the address after it."""
    somebody = visitor().open("decode")
    before, url = somebody.picture(), somebody.page.url
    somebody.page.mouse.move(*somebody.at(SLIDER, 0.5, 0.5))
    somebody.page.mouse.down()
    somebody.page.mouse.move(*somebody.at(SLIDER, 0.8, 0.5), steps=8)
    assert somebody.eventually(lambda: somebody.picture() != before)
    assert somebody.page.url == url
    somebody.page.mouse.up()
    assert somebody.eventually(lambda: "z=" in somebody.page.url)


def test_a_slider_moves_by_keys(visitor: Enter) -> None:
    """Arrow keys change the picture, and the code goes into the address."""
    somebody = visitor().open("decode")
    before = somebody.picture()
    somebody.find(SLIDER).focus()
    for _ in range(8):
        somebody.key("ArrowRight")
    assert somebody.eventually(lambda: somebody.picture() != before)
    assert somebody.eventually(lambda: "z=" in somebody.page.url)


def test_a_lasso_counts_what_lies_inside_and_its_link_restores_it(visitor: Enter) -> None:
    """Map and page count alike; the address opens the same selection for somebody else."""
    somebody = visitor().open("explore")
    counted = lasso(somebody)
    count = counted.split()[0]
    assert int(count) > 0
    assert somebody.find(".lx-status").inner_text().split()[0] == count
    other = visitor().open("explore", somebody.page.url.split("?")[1])
    assert other.eventually(lambda: other.says(counted))
    assert other.find(".lx-status").inner_text().split()[0] == count
    somebody.button("Clear selection").click()
    assert somebody.eventually(lambda: "select=" not in somebody.page.url)


def test_a_selection_is_seen_beside_the_map_and_its_images_are_alive(visitor: Enter) -> None:
    """At 1440 × 900 without scrolling: count and images; resting shows one, a click pins it."""
    somebody = visitor(alone=True)
    somebody.page.set_viewport_size({"width": 1440, "height": 900})
    somebody.open("explore", "model=digits-2d&select=axes-1-2:-1,-1;1,-1;1,1;-1,1")
    gallery = ".lx-gallery canvas"
    somebody.drawn_after(gallery, CONTRAST)
    assert somebody.page.evaluate("scrollY") == 0
    for shown in (gallery, ".lx-gallery-pages"):
        box = somebody.find(shown).bounding_box()
        assert box["y"] + box["height"] <= 900
    left = somebody.find(MAP).bounding_box()
    assert somebody.find(gallery).bounding_box()["x"] > left["x"] + left["width"]
    count = int(somebody.find(".lx-status").inner_text().split()[0])
    assert somebody.says(f"1–32 of {count}")
    first = somebody.picture(gallery)
    overlay, before = somebody.picture(MAP), somebody.picture()
    somebody.page.mouse.move(*somebody.at(gallery, 0.3, 0.4))
    somebody.frames()
    assert somebody.picture(MAP) != overlay
    assert somebody.picture() != before
    assert "id=" not in somebody.page.url
    somebody.page.mouse.click(*somebody.at(gallery, 0.3, 0.4))
    assert somebody.eventually(lambda: "id=" in somebody.page.url)
    somebody.button("Further images").click()
    somebody.frames()
    assert somebody.says(f"33–64 of {count}")
    assert somebody.picture(gallery) != first


def test_a_click_pins_and_going_back_takes_it_back(visitor: Enter) -> None:
    """Pins are in the address; the browser's back button restores what was before."""
    somebody = visitor().open("explore")
    start = somebody.page.url
    somebody.page.mouse.click(*somebody.on_map(0.3, 0.2))
    assert somebody.eventually(lambda: somebody.page.url != start)
    first = somebody.page.url
    somebody.settle()
    pinned = somebody.picture()
    somebody.page.mouse.click(*somebody.on_map(0.7, 0.7))
    assert somebody.eventually(lambda: somebody.page.url != first)
    somebody.leave()
    somebody.settle()
    assert somebody.picture() != pinned
    somebody.page.go_back()
    assert somebody.eventually(lambda: somebody.picture() == pinned)
    assert somebody.page.url == first


def test_a_pin_is_kept_over_a_page_switch_and_a_reload(visitor: Enter) -> None:
    """One state, many views: the same picture on another page, and after a reload."""
    somebody = visitor().open("explore")
    somebody.page.mouse.click(*somebody.on_map(0.3, 0.25))
    assert somebody.eventually(lambda: re.search("[?&](z|id)=", somebody.page.url) is not None)
    somebody.leave()
    somebody.settle()
    pinned, query = somebody.picture(), somebody.page.url.split("?")[1]
    somebody.follow("decode")
    assert somebody.page.url.endswith(f"/decode?{query}")
    assert somebody.eventually(lambda: somebody.picture() == pinned)
    somebody.page.reload()
    somebody.settle()
    assert somebody.eventually(lambda: somebody.picture() == pinned)
    assert query in somebody.page.url


def test_two_people_do_not_see_what_the_other_does(visitor: Enter) -> None:
    """Pin and selection of one session leave the other one where it was, in its own browser."""
    first, second = visitor(alone=True).open("explore"), visitor(alone=True).open("explore")
    before, url = second.picture(), second.page.url
    first.page.mouse.click(*first.on_map(0.3, 0.2))
    assert first.eventually(lambda: re.search("[?&](z|id)=", first.page.url) is not None)
    lasso(first)
    second.page.get_by_text("Rate", exact=True).click()
    assert second.eventually(lambda: "colour=rate" in second.page.url)
    second.settle()
    assert second.page.url == f"{url}&colour=rate"
    assert second.picture() == before
    assert not second.says(SELECTED)
    assert second.find(".lx-status").is_hidden()


def test_the_copied_link_is_the_address(visitor: Enter) -> None:
    """It opens the same view elsewhere."""
    somebody = visitor(alone=True, permissions=["clipboard-read", "clipboard-write"])
    somebody.open("manifold")
    somebody.button("Copy link").click()
    assert somebody.eventually(lambda: somebody.says("Copied"))
    copied = somebody.page.evaluate("navigator.clipboard.readText()")
    assert copied == somebody.page.url
    assert "model=digits-2d" in copied


def test_a_bad_address_is_named(visitor: Enter) -> None:
    """The page stands, the notice names the value, and dismissing it makes it go."""
    somebody = visitor().open("explore", "model=digits-2d&n=999&z=abc")
    assert somebody.says(re.compile("n = '999'"))
    assert somebody.says(re.compile("z = 'abc'"))
    somebody.button("Dismiss").click()
    assert somebody.eventually(lambda: not somebody.says(re.compile("was ignored")))


def photograph(digit: int) -> tuple[bytes, str]:
    """Return a photo of a digit: dark ink, off centre, on unevenly lit paper."""
    split = load_dataset("digits").test
    row = int((split.labels == digit).nonzero()[3])
    ink = Image.fromarray(split.images[row, 0].numpy()).resize((160, 160), Image.Resampling.BICUBIC)
    paper = np.linspace(170, 235, 400)[None, :] * np.linspace(0.9, 1, 300)[:, None]
    paper[40:200, 180:340] *= 1 - 0.75 * np.asarray(ink) / 255
    noisy = paper + np.random.default_rng(0).normal(0, 3, paper.shape)
    file = io.BytesIO()
    Image.fromarray(noisy.clip(0, 255).astype(np.uint8)).save(file, "JPEG", quality=92)
    return file.getvalue(), str(digit)


def test_a_photographed_digit_is_classified_by_its_neighbours(visitor: Enter) -> None:
    """Inverted, cropped and centred as the data were, it lies among its own kind."""
    somebody = visitor().open("reconstruct")
    somebody.page.get_by_text("Files", exact=True).click()
    content, label = photograph(0)
    somebody.page.set_input_files(
        UPLOAD,
        {"name": "photo.jpg", "mimeType": "image/jpeg", "buffer": content},
    )
    assert somebody.eventually(lambda: somebody.says(NEIGHBOURS))
    verdict = somebody.page.get_by_text(NEIGHBOURS).inner_text()
    assert f"are {label}s" in verdict
    assert somebody.says("Light on dark")


def test_a_drawing_is_encoded_and_explained(visitor: Enter) -> None:
    """On release the server's parts follow: rate, distortion, neighbours."""
    somebody = visitor().open("reconstruct")
    somebody.find(SHEET).wait_for()
    somebody.drag(SHEET, (0.5, 0.2), (0.5, 0.4), (0.5, 0.6), (0.5, 0.8))
    assert somebody.eventually(lambda: somebody.says(NEIGHBOURS))
    labels = somebody.page.locator('[data-testid="stMetricLabel"]')
    assert somebody.eventually(lambda: labels.count() == 3)
    assert labels.all_inner_texts()[1] == "Distortion (nats, grey)"
    assert somebody.eventually(lambda: "z=" in somebody.page.url)


@pytest.mark.parametrize(
    ("name", "content"),
    [("text.png", b"no picture"), ("empty.png", b""), ("torn.jpg", photograph(1)[0][:800])],
)
def test_a_file_that_is_no_picture_is_a_sentence(visitor: Enter, name: str, content: bytes) -> None:
    """The session lives: the page goes on with the next file."""
    somebody = visitor().open("reconstruct")
    somebody.page.get_by_text("Files", exact=True).click()
    somebody.page.set_input_files(
        UPLOAD, {"name": name, "mimeType": "image/png", "buffer": content}
    )
    assert somebody.eventually(lambda: somebody.says(re.compile(f"^{name}: ")))
    good = {"name": "photo.jpg", "mimeType": "image/jpeg", "buffer": photograph(0)[0]}
    somebody.page.set_input_files(UPLOAD, good)
    assert somebody.eventually(lambda: somebody.says(NEIGHBOURS))


def test_a_cell_of_the_manifold_pins_its_code(visitor: Enter) -> None:
    """The grid is one picture; the cell that is clicked becomes the pinned code."""
    somebody = visitor().open("manifold")
    somebody.page.mouse.click(*somebody.at(GRID, 0.9, 0.1))
    assert somebody.eventually(lambda: "z=" in somebody.page.url)
    code = re.search(r"z=([^&]+)", somebody.page.url)
    assert code is not None
    across, up = (float(value) for value in code[1].replace("%2C", ",").split(","))
    assert across > 0.8
    assert up > 0.8


def test_another_model_opens_from_the_picker(visitor: Enter) -> None:
    """A zipped folder becomes a model of this session, on the same page."""
    from vae_core import model_folder

    somebody = visitor().open("explore")
    somebody.button("Open a model").click()
    packed = model_folder.zip_folder("digits-2d")
    somebody.page.locator('[data-testid="stFileUploaderDropzoneInput"]').set_input_files(
        {"name": "mine.zip", "mimeType": "application/zip", "buffer": packed}
    )
    assert somebody.eventually(lambda: "model=file-" in somebody.page.url)
    somebody.settle()
    assert somebody.eventually(lambda: somebody.look()[0] > CONTRAST)


@pytest.mark.parametrize("size", [(1280, 720), (1440, 900), (1920, 1080), (2560, 1440)], ids=str)
def test_the_map_fills_the_first_screen(visitor: Enter, size: tuple[int, int]) -> None:
    """It ends where the screen does, is larger than all controls, and the product has its name."""
    width, height = size
    somebody = visitor(alone=True)
    somebody.page.set_viewport_size({"width": width, "height": height})
    somebody.open("explore")
    box = somebody.find(MAP).bounding_box()
    assert box["y"] + box["height"] <= height
    assert box["height"] > 0.5 * height
    assert somebody.find('[data-testid="stSidebar"] img[alt="Logo"]').is_visible()
