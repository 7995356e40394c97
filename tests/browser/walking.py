"""Do the tasks of lessons as a person does: by moving, clicking, dragging and drawing.

Where to go is computed here from the folder of the model; the page alone says what is done.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm
from visitor import BUSY, GRID, Visitor
from visitor import DONE as FINISHED

from app.address import State
from app.resources.opened_model import Opened
from app.widgets import selection
from vae_core.lessons import Condition, Step

Places = NDArray[np.float64]
#: What the store of the page's panels holds, with arrays as lists.
READ = """async () => {
  const name = performance.getEntriesByType("resource").map((entry) => entry.name);
  const { store } = await import(name.find((one) => one.endsWith("/state/store.js")));
  const { live, hovered, z } = store.get();
  return { live: live && Array.from(live), hovered, z: Array.from(z) };
}"""
NEIGHBOURS, MAJORITY = 10, 6
#: Shares of the map's sides at which the pointer looks where it is.
SEEN = [(0.3, 0.35), (0.65, 0.3), (0.35, 0.65), (0.7, 0.6), (0.5, 0.45)]
SHEET, SLIDER, PATH = (
    ".lx-sheet",
    ".lx-dim input[type=range]",
    'input[aria-label="Place on the path"]',
)
LABEL, STYLE = ".lx-labels button", ".lx-styles canvas"
DONE = ".lx-lesson-task[data-done=true]"
#: Strokes of an upright line, and of one with a short roof, in shares of the sheet.
LINE = [(0.5, 0.15), (0.5, 0.5), (0.5, 0.85)]
SEVEN = [(0.42, 0.17), (0.5, 0.15), (0.5, 0.5), (0.49, 0.85)]
FACE = [(0.3, 0.3), (0.7, 0.3), (0.7, 0.7), (0.3, 0.7), (0.3, 0.3), (0.7, 0.7)]


class Walker:
    """A visitor who does the task of a step."""

    def __init__(self, visitor: Visitor, opened: Opened, step: Step, shown: State) -> None:
        self.visitor, self.opened, self.step, self.shown = visitor, opened, step, shown
        task = step.task
        assert task is not None
        self.conditions = {one.fact: one for one in task.conditions}
        self.mu: Places = opened.codes.mu.numpy().astype(np.float64)
        self.labels = np.array([] if opened.codes.labels is None else opened.codes.labels.numpy())

    def do(self) -> None:
        """Do what the task asks, until the page says that it is done."""
        for _ in self._attempts():
            if self.is_done(0.9):
                return
        assert self.is_done(20), (self.step.title, self.step.task)

    def is_done(self, seconds: float) -> bool:
        """Whether the page ticks the task within some seconds."""
        done = self.visitor.page.locator(DONE)
        return self.visitor.eventually(lambda: bool(done.count()), seconds)

    def _attempts(self) -> Iterator[None]:
        page = self.step.page
        if any(fact.startswith("training.") for fact in self.conditions):
            return self._train()
        if page in ("explore", "learn"):
            return self._on_map()
        return {
            "manifold": self._on_manifold,
            "decode": self._with_sliders,
            "morph": self._on_path,
            "reconstruct": self._with_pen,
        }[page]()

    def _train(self) -> Iterator[None]:
        self.visitor.button("Play").click()
        assert self.visitor.eventually(lambda: self.is_done(1), 60)
        yield

    # The map.

    def _on_map(self) -> Iterator[None]:
        wanted = self.conditions
        if "distance" in wanted:
            for _ in range(4):
                self.visitor.button("Zoom out").click()
            self.visitor.move(0.97, 0.03)
            yield
            return
        to_pixels = self._calibrated()
        if "selected" in wanted:
            self._draw_lasso(to_pixels)
            yield
        elif wanted.keys() & {"distortion", "rate", "pinned", "label."}:
            for example in self._examples():
                self.visitor.page.mouse.click(*to_pixels(self.places[example]))
                yield
        elif "visited" in wanted:
            self._visit(to_pixels)
            yield
        elif "moved" in wanted:
            for place in [(0.05, 0.05), (0.95, 0.95), (0.9, 0.1), (0.1, 0.9)]:
                self.visitor.move(*place)
                yield
        else:
            for place in self._votes():
                self.visitor.page.mouse.move(*to_pixels(place), steps=4)
                yield

    @property
    def places(self) -> Places:
        """Places of the examples on the map, (n, 2)."""
        projection = self.shown.projection or self.opened.facts.projections[0]
        if self.step.page == "learn":
            projection = "axes"
        i, j = self.shown.axes or (0, 1)
        plane = projection if projection != "axes" else f"axes-{i + 1}-{j + 1}"
        found: Places = selection.coordinates(self.opened, plane).astype(np.float64)
        return found

    def _calibrated(self) -> Callable[[Places], tuple[float, float]]:
        """Look at some places of the map; return the window's place of one on the map."""
        rows, at = [], []
        for share in SEEN:
            self.visitor.move(*share)
            self.visitor.frames(2)
            seen = self.visitor.page.evaluate(READ)
            if seen["hovered"] is not None:
                rows.append(self.places[self.opened.row[seen["hovered"]]])
            elif seen["live"] is not None and len(seen["live"]) == 2:
                rows.append(np.array(seen["live"]))
            else:
                continue
            at.append(self.visitor.on_map(*share))
        found, window = np.array(rows), np.array(at)
        fits = [np.polyfit(found[:, axis], window[:, axis], 1) for axis in (0, 1)]
        return lambda place: tuple(float(np.polyval(fits[k], place[k])) for k in (0, 1))  # type: ignore[return-value]

    def _examples(self) -> list[int]:
        """Return rows of examples that fit, those first that lie alone on the map."""
        fits = np.ones(len(self.mu), dtype=bool)
        codes = self.opened.codes
        for name, column in (("distortion", codes.distortion), ("rate", codes.rate)):
            if condition := self.conditions.get(name):
                fits &= compared(column.numpy(), condition)
        if condition := self.conditions.get("moved"):
            row = self.opened.row.get(self.shown.pinned_id or -1)
            start = self.mu[row] if row is not None else np.zeros(self.mu.shape[1])
            fits &= np.linalg.norm(self.mu - start, axis=1) >= 1.1 * condition.value
        places = self.places
        low, high = np.percentile(places, [1, 99], axis=0)
        inside = ((places > low) & (places < high)).all(axis=1)
        rows = np.flatnonzero(fits & inside)
        alone = [np.sort(np.linalg.norm(places - places[row], axis=1))[1] for row in rows]
        return [int(row) for row in rows[np.argsort(alone)[::-1]][:6]]

    def _votes(self) -> list[Places]:
        """Return codes of two dimensions where the nearest codes vote as the task asks."""
        axis = np.linspace(-2.5, 2.5, 51)
        grid = np.array([(x, y) for y in axis for x in axis])
        names = list(self.opened.class_names)
        votes = np.array([self._votes_at(z) for z in grid])
        fits = np.ones(len(grid), dtype=bool)
        task = self.step.task
        assert task is not None
        for one in task.conditions:
            measured = (
                votes.max(axis=1)
                if one.fact == "agreement"
                else votes[:, names.index(one.of or "")]
            )
            fits &= compared(measured, one)
        middle = np.median(grid[fits], axis=0)
        order = np.argsort(np.linalg.norm(grid[fits] - middle, axis=1))
        return list(grid[fits][order][:5])

    def _votes_at(self, z: Places) -> NDArray[np.int64]:
        away = ((self.mu - z) ** 2).sum(axis=1)
        nearest = np.argpartition(away, NEIGHBOURS)[:NEIGHBOURS]
        return np.bincount(self.labels[nearest], minlength=len(self.opened.class_names))

    def _visit(self, to_pixels: Callable[[Places], tuple[float, float]]) -> None:
        """Move onto an example of each class, in the midst of its own."""
        for label in range(len(self.opened.class_names)):
            rows = np.flatnonzero(self.labels == label)
            middle = np.median(self.places[rows], axis=0)
            near = rows[np.argsort(np.linalg.norm(self.places[rows] - middle, axis=1))[:40]]
            row = max(near, key=lambda one: self._votes_at(self.mu[one])[label])
            self.visitor.page.mouse.move(*to_pixels(self.places[row]), steps=2)
            self.visitor.frames(2)

    def _draw_lasso(self, to_pixels: Callable[[Places], tuple[float, float]]) -> None:
        places, condition = self.places, self.conditions["purity"]
        for label in range(len(self.opened.class_names)):
            middle = np.median(places[self.labels == label], axis=0)
            away = np.abs(places - middle).max(axis=1)
            half = np.sort(away)[160]
            if (self.labels[away < half] == label).mean() > condition.value / 100 + 0.03:
                break
        corners = [(-1, -1), (1, -1), (1, 1), (-1, 1), (-1, -1)]
        at = [to_pixels(middle + half * np.array(corner)) for corner in corners]
        self.visitor.button("Lasso").click()
        mouse = self.visitor.page.mouse
        mouse.move(*at[0])
        mouse.down()
        for place in at[1:]:
            mouse.move(*place, steps=5)
        mouse.up()

    # Other pages.

    def _on_manifold(self) -> Iterator[None]:
        n = self.shown.grid
        quantile = norm.ppf((np.arange(n) + 0.5) / n)
        if "norm" in self.conditions:
            self.visitor.page.mouse.move(*self.visitor.at(GRID, 0.5 / n, 0.5 / n), steps=3)
            yield
            return
        best: dict[int, tuple[int, int]] = {}
        for row in range(n):
            for column in range(n):
                votes = self._votes_at(np.array([quantile[column], quantile[n - 1 - row]]))
                if votes.max() > 8:
                    best.setdefault(int(votes.argmax()), (column, row))
        for column, row in best.values():
            place = self.visitor.at(GRID, (column + 0.5) / n, (row + 0.5) / n)
            self.visitor.page.mouse.move(*place, steps=2)
            self.visitor.frames(2)
        yield

    def _with_sliders(self) -> Iterator[None]:
        if "labels" in self.conditions:
            yield from self._choose_labels()
            return
        self.visitor.find(SLIDER).focus()
        for _ in range(2):
            self.visitor.key("End")
            self.visitor.frames()
            yield

    def _choose_labels(self) -> Iterator[None]:
        for label in range(1, 5):
            self.visitor.find(LABEL, label).click()
            self.visitor.frames()
        yield

    def _on_path(self) -> Iterator[None]:
        if "labels" in self.conditions:
            for share in (0.25, 0.55, 0.85):
                self.visitor.page.mouse.click(*self.visitor.at(STYLE, share, 0.1))
                settle(self.visitor)
            yield
            return
        self.visitor.page.locator(PATH).first.scroll_into_view_if_needed()
        self.visitor.drag(PATH, (0.02, 0.5), (0.3, 0.5), (0.55, 0.5))
        yield
        self.visitor.drag(PATH, (0.55, 0.5), (0.8, 0.5), (0.98, 0.5))
        yield

    def _with_pen(self) -> Iterator[None]:
        strokes = SEVEN if "reads." in self.conditions else FACE
        self.visitor.find(SHEET).scroll_into_view_if_needed()
        for stroke in (strokes, LINE):
            clear = self.visitor.button("Clear")
            if clear.is_enabled():
                clear.click()
            self.visitor.drag(SHEET, *stroke)
            settle(self.visitor)
            yield


def settle(visitor: Visitor) -> None:
    """Wait until the script has run and the maps that are seen have their points."""
    visitor.page.wait_for_selector(FINISHED)
    busy = visitor.page.locator(f"{BUSY}:visible")
    assert visitor.eventually(lambda: not busy.count())
    visitor.frames()


def compared(values: NDArray[Any], condition: Condition) -> NDArray[np.bool_]:
    """Return where values fit a condition."""
    return {
        "<": np.less, "<=": np.less_equal, "=": np.equal, ">=": np.greater_equal, ">": np.greater,
    }[condition.operator](values, condition.value)  # fmt: skip
