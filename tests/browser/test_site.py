"""A site opened from disk, without a network, in a real browser."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from visitor import MAP, PICTURE, Visitor

from vae_core import lessons, model_folder, site

pytestmark = pytest.mark.browser

LESSON = """---
title: A walk
about: Three steps.
time: 5 minutes
needs: digits-2d
---

## On the map
view: explore?model=digits-2d&id=1242&colour=rate
show: map, picture, description, neighbours

The image has a place, $z_1$ and $z_2$.

task: Move by 1 or more.
done: moved >= 1

## Without the KL
view: learn?section=training&training=digits_nokl
show: training

Train it.

task: Train for two epochs.
done: training.kl = 0 and training.epoch >= 2

## Elsewhere
view: compare?study=iwae&model=digits-2d
show: chart

A chart.

question: Which?
- (x) One | Yes, that one.
- ( ) Two | No.
"""


class Guest(Visitor):
    """A person with a site on their disk; whatever their browser asks for is kept."""

    def __init__(self, page: Any, folder: Path) -> None:
        super().__init__(page)
        self.folder = folder
        self.asked: set[str] = set()
        page.on("request", lambda request: self.asked.add(request.url))

    def _note(self, message: Any) -> None:
        if message.type in ("error", "warning"):
            self.problems.append(message.text)

    def open_file(self, path: str) -> Guest:
        """Open a page, and wait until it says that it is ready."""
        self.page.goto(f"{self.folder.as_uri()}/{path}")
        return self.ready()

    def ready(self) -> Guest:
        """Wait for a page that computes."""
        self.page.wait_for_selector("#notice", state="hidden")
        self.frames()
        return self

    def text(self, selector: str) -> str:
        """Return the text of an element."""
        return str(self.page.locator(selector).first.inner_text())

    def check(self) -> None:
        """Check that nothing went wrong, and that nothing beside the site's files was asked for."""
        super().check()
        own = f"{self.folder.as_uri()}/"
        foreign = [url for url in self.asked if not url.startswith((own, "data:", "blob:"))]
        assert not foreign


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a site of a model and a lesson."""
    saved = model_folder.open_folder("digits-2d")
    lesson = lessons.parse(LESSON, "walk")
    built = site.build([site.Selected("digits-2d", saved)], [lesson])
    out = tmp_path_factory.mktemp("disk") / "my site"
    site.write(out, built.files)
    return out


@pytest.fixture(scope="module")
def context(browser: Any) -> Iterator[Any]:
    """Open a browser that is offline."""
    opened = browser.new_context(viewport={"width": 1280, "height": 900})
    opened.set_offline(True)
    yield opened
    opened.close()


@pytest.fixture
def guest(context: Any, folder: Path) -> Iterator[Guest]:
    """Return a person with the site; nothing may have gone wrong in the end."""
    person = Guest(context.new_page(), folder)
    try:
        yield person
        person.check()
    finally:
        person.page.close()


def test_from_the_first_page_to_a_model_that_decodes(guest: Guest) -> None:
    """Links lead to a model's page: its image follows the pointer, and a drawing is encoded."""
    guest.page.goto(f"{guest.folder.as_uri()}/index.html")
    assert guest.page.evaluate("[...document.images].every((one) => one.naturalWidth > 0)")
    guest.page.get_by_role("link", name="digits-2d").click()
    guest.ready()
    guest.page.wait_for_selector("#picture .lx-ready")
    first = guest.picture()
    guest.move(0.3, 0.3)
    assert guest.eventually(lambda: guest.picture() != first)
    assert "Preview" in guest.caption()
    assert guest.look("#manifold canvas")[0] > 0
    guest.find("#pad canvas").scroll_into_view_if_needed()
    guest.drag("#pad canvas", (0.5, 0.2), (0.5, 0.8))
    assert guest.eventually(lambda: "rate" in guest.text(".lx-pad-words"))


def test_the_method_has_live_numbers(guest: Guest) -> None:
    """The original image is encoded in the page, and the sum follows the pointer."""
    guest.open_file("learn.html")
    assert guest.eventually(lambda: "64 numbers" in guest.text("#method-x"))
    before = guest.text("#method-objective output")
    assert before.endswith("nats")
    guest.move(0.8, 0.5)
    assert guest.eventually(lambda: guest.text("#method-objective output") != before)
    assert guest.page.locator("math").count() >= 6


def test_training_runs_and_its_bound_falls(guest: Guest) -> None:
    """In a worker that was started from disk; the settings are in the address."""
    guest.open_file("train.html#digits_s3")
    guest.page.wait_for_selector(".lx-training[data-step='0']")
    assert guest.page.locator(".lx-training").get_attribute("data-settings") == "digits_s3"

    def bound() -> float:
        told = guest.page.locator(".lx-training-curves .lx-spark").nth(2).inner_text()
        return float(told.split("nats")[0].split()[-1])

    start = bound()
    guest.button("Play").click()
    step = "Number(document.querySelector('.lx-training').dataset.step)"
    assert guest.eventually(lambda: guest.page.evaluate(step) > 150)
    assert bound() < start - 1
    assert len(guest.page.workers) >= 1
    guest.button("Pause").click()
    guest.page.get_by_label("Activation").select_option("tanh")
    assert guest.eventually(lambda: "tanh" in guest.page.url)


def test_a_lesson_is_walked(guest: Guest) -> None:
    """Its tasks are seen to be done, its steps are in the address, and it ends at the list."""
    guest.open_file("lessons/walk.html")
    guest.page.wait_for_selector(PICTURE)
    assert "Test image #1242, class 1" in guest.text('[data-part="description"]')
    assert guest.page.locator(".neighbours button:visible").count() == 12
    guest.move(0.9, 0.2)
    guest.page.wait_for_selector('.lx-lesson-task[data-done="true"]')
    guest.button("Next").click()
    guest.page.wait_for_selector(".lx-training[data-step]")
    assert guest.page.url.endswith("#step=2")
    assert guest.page.locator(MAP).count() <= 1
    guest.button("Play").click()
    guest.page.wait_for_selector('.lx-lesson-task[data-done="true"]')
    guest.button("Next").click()
    guest.page.wait_for_selector(".lx-lesson-question")
    assert "Only the app shows the study's chart" in guest.text("#step-3")
    assert guest.page.locator(".stage").is_hidden()
    guest.button("One").click()
    assert guest.says("✓ Yes, that one.")
    guest.page.emulate_media(media="print")
    assert guest.page.locator(".step:visible").count() == 3
    guest.page.emulate_media(media="screen")
    guest.button("Finish").click()
    guest.page.wait_for_url("**/index.html#lessons")
