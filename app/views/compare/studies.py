"""The Compare page's studies: what each found, beside its protocol and what was published."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import streamlit as st

from app import state, words
from app.address import State
from app.figures import study_charts
from app.figures.study_charts import CHARTS, Results
from app.resources import study_results
from vae_core import studies
from vae_core.errors import LatentExplorerError
from vae_core.studies import Study

Json = Mapping[str, Any]
#: Unit and standard error of each metric, by cell and name.
Units = Mapping[tuple[str, str], tuple[str, float | None]]

ALL = "all"


def show(shown: State) -> None:
    """Show a study that can be chosen."""
    study = choose(shown)
    result = found(study)
    st.caption(f"Reproduces {study.reproduces}")
    left, right = st.columns([5, 3], gap="large")
    with left:
        if result is None or not result["cells"]:
            not_run_yet(study)
        else:
            say_what_is_missing(study, result)
            show_figure(study, result["cells"], shown)
    with right:
        protocol(study, result)
    published(study, result)
    verdicts(study, result)
    if result is not None and result["cells"]:
        table(study, result)
    if study.notes:
        st.markdown("**Notes**\n\n" + "\n".join(f"- {note}" for note in study.notes))


def choose(shown: State) -> Study:
    """Show the choice of a study; return the chosen one."""
    names = list(studies.STUDIES)
    if shown.study is not None and shown.study not in names:
        state.notify(f"There is no study {shown.study!r}; there are {', '.join(names)}.")
        state.update(study=None)
        st.rerun()
    bound = state.bind(
        "study", shown=lambda chosen: chosen or names[0], also=lambda chosen: {"figure": None}
    )
    name = st.selectbox("Study", names, format_func=named, **bound)
    return studies.find(name)


def named(name: str) -> str:
    """Name a study by its title, and say so where it was not run."""
    later = "" if study_results.path(name).exists() else " · not run here yet"
    return studies.find(name).title + later


def found(study: Study) -> dict[str, Any] | None:
    """Read what a study found; say why where that cannot be read."""
    try:
        return study_results.read(study.name)
    except LatentExplorerError as error:
        st.error(str(error))
        return None


def not_run_yet(study: Study) -> None:
    """Say what the study will show once it has run."""
    with st.container(border=True, key="not-run"):
        st.markdown("**Not run here yet**")
        count = len(study.cells)
        st.markdown(
            f"The study trains {count} model{'s' if count > 1 else ''}: "
            f"{listed(cell.name for cell in study.cells)}. It can be interrupted: what is "
            "finished is kept, and this page shows it as it comes."
        )
        st.code(f"python -m vae_core study {study.name}", language="bash", wrap_lines=True)


def say_what_is_missing(study: Study, result: Json) -> None:
    """Say which cells are missing or declared otherwise by now, and what a quick run is worth."""
    if result["quick"]:
        st.warning("This is a quick run on little data: its figures mean nothing.")
    prints = {cell.name: cell.fingerprint for cell in study.cells}
    there = {cell["name"]: cell["fingerprint"] for cell in result["cells"]}
    if missing := [name for name in prints if name not in there]:
        st.info(f"{len(there)} of {len(prints)} models are there. Missing: {listed(missing)}.")
    changed = [name for name, mark in there.items() if prints.get(name, mark) != mark]
    if changed:
        st.info(f"Made before the study was last changed: {listed(changed)}.")


def listed(names: Iterable[str]) -> str:
    """Join names that have commas of their own."""
    return "; ".join(names)


# The figure


def show_figure(study: Study, cells: Sequence[Json], shown: State) -> None:
    """Show the study's figure with the choices that it has."""
    by_data = data_sets(cells)
    asked = shown.figure or ("", "", "")
    data = asked[0] if asked[0] in by_data else next(iter(by_data))
    results = Results(by_data[data], study.references)
    fitting = [name for name, kind in CHARTS.items() if kind.metrics(results)]
    first, chart = first_metric(study, results), asked[1]
    if chart not in fitting:
        chart = study_charts.default_chart(study.name, results, first)
    offered = CHARTS[chart].metrics(results)
    metric = next(name for name in (asked[2], first, *offered) if name in offered)
    now = (data, chart, metric)
    with st.container(horizontal=True, vertical_alignment="bottom", key="figure-controls"):
        if len(by_data) > 1:
            st.segmented_control("Data", list(by_data), **_bound(now, 0))
        if len(fitting) > 1:
            titles = {name: chart.title for name, chart in CHARTS.items()}
            st.segmented_control(
                "Figure", fitting, format_func=titles.__getitem__, **_bound(now, 1)
            )
        if chart != "plane":
            st.selectbox("Metric", offered, format_func=words.title, width=330, **_bound(now, 2))
            unit = next((c["metrics"][metric]["unit"] for c in results.having(metric)), "nats")
            st.caption(words.axis(metric, unit), width="content")
    figure = study_charts.draw(results, chart, metric)
    st.plotly_chart(
        figure,
        key=f"study-{study.name}-{'-'.join(now)}",
        config={"displayModeBar": False},
        alt=f"{words.title(metric)} of {study.title}",
    )
    st.caption(explained(results, chart, metric))


def _bound(now: tuple[str, str, str], place: int) -> state.Binding:
    parts = ("data", "chart", "metric")

    def taken(chosen: str) -> tuple[str, ...]:
        return (*now[:place], chosen, *now[place + 1 :])

    return state.bind("figure", part=parts[place], shown=lambda _: now[place], taken=taken)


def data_sets(cells: Sequence[Json]) -> dict[str, list[Json]]:
    """Cells by the data that they were declared for: figures of two data sets share no axis."""
    groups: dict[str, list[Json]] = {}
    for cell in cells:
        name = cell["settings"].get("dataset") or cell.get("dataset") or ALL
        groups.setdefault(name, []).append(cell)
    return groups


def first_metric(study: Study, results: Results) -> str:
    """Choose the metric that a study is first shown by: the one that it sets out to reach."""
    cells = {cell["name"] for cell in results.cells}
    names = [
        *(goal.metric for goal in study.goals if goal.cell in cells),
        *(one.metric for one in study.comparisons if one.one in cells),
        *(one.metric for one in study.references if results.published(one.metric)),
        *results.metrics(),
    ]
    return next(name for name in names if results.having(name))


def explained(results: Results, chart: str, metric: str) -> str:
    """Say what the figure's marks are."""
    sentences = []
    if chart in ("curves", "time"):
        sentences.append("Each curve is one training, measured on the test set after its epochs.")
    else:
        counts = sorted({cell["metrics"][metric]["n"] for cell in results.having(metric)})
        examples = " or ".join(f"{count:,}" for count in counts)
        sentences.append(
            f"Bars are one standard error each way, over {examples} examples; one shorter than "
            "its dot is hidden by it."
        )
    if results.published(metric) and chart != "plane":
        sentences.append("Dotted lines and open marks are published values, not made here.")
        if any(reference.from_memory for reference in results.published(metric)):
            sentences.append("Those from memory are good to about 3 nats.")
    return " ".join(sentences)


# Beside and below the figure


def protocol(study: Study, result: Json | None) -> None:
    """Show how the figures came to be, and how to make them again."""
    st.markdown(f"**Protocol**  \n{study.protocol}")
    facts = {"Kind of figure": study.kind, "Seed": str(study.seed)}
    if result is not None and result["cells"]:
        facts["Training and measuring took"] = duration(result["seconds"])
        software = result["software"]
        facts["Made with"] = ", ".join(f"{name} {version}" for name, version in software.items())
    st.markdown("  \n".join(f"{name}: {value}" for name, value in facts.items()))
    if result is not None:
        st.code(result["command"], language="bash", wrap_lines=True)


def duration(seconds: float) -> str:
    """Write a time as people say it."""
    minutes = round(seconds / 60)
    if minutes < 1:
        return f"{seconds:.0f} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"


def verdicts(study: Study, result: dict[str, Any] | None) -> None:
    """Show goals that were met, missed and by how much, or not run; and paired differences."""
    units = {
        (cell["name"], name): (one["unit"], one["se"])
        for cell in (result or {}).get("cells", [])
        for name, one in cell["metrics"].items()
    }
    goals, comparisons = studies.judged(study, result)
    if goals:
        lines = "\n".join(_goal(goal, units) for goal in goals)
        st.markdown(f"**Goals**\n\n{lines}")
    if comparisons:
        lines = "\n".join(_comparison(one, units) for one in comparisons)
        st.markdown(f"**Differences**, example by example\n\n{lines}")


def _goal(goal: Json, units: Units) -> str:
    unit, se = units.get((goal["cell"], goal["metric"]), ("", None))
    value = "" if goal["value"] is None else f" {words.measured(goal['value'], se)} {unit}"
    within = " within three standard errors" if goal["within_error"] else ""
    return (
        f"- {_verdict(goal, unit)} **{goal['cell']}**: {words.title(goal['metric'])}"
        f"{value}, {_wanted(goal)}{within}"
    )


def _comparison(one: Json, units: Units) -> str:
    unit, _ = units.get((one["one"], one["metric"]), ("", None))
    value = wanted = ""
    if one["value"] is not None:
        measured = words.measured(one["value"], one["se"])
        value = f" {measured} {unit} over {one['n']:,} examples"
    if one["at_least"] is not None or one["at_most"] is not None:
        beyond = " and beyond three standard errors" if one["beyond_error"] else ""
        wanted = f", {_wanted(one)}{beyond}"
    verdict = f"{_verdict(one, unit)} " if wanted or not value else ""
    return (
        f"- {verdict}**{one['one']}** minus **{one['other']}**: {words.title(one['metric'])}"
        f"{value}{wanted}"
    )


def _verdict(judged: Json, unit: str) -> str:
    if judged["value"] is None:
        return f":material/pending: {'not judged yet' if judged['run'] else 'not run'}:"
    if judged["met"]:
        return ":material/check: met:"
    if judged["missed_by"] > 0:
        return f":material/close: missed by {judged['missed_by']:.2g} {unit}:"
    return ":material/close: not beyond three standard errors:"


def _wanted(judged: Json) -> str:
    bounds = {"at least": judged["at_least"], "at most": judged["at_most"]}
    return "wanted " + " and ".join(
        f"{word} {words.plain(value)}" for word, value in bounds.items() if value is not None
    )


def table(study: Study, result: Json) -> None:
    """Show every metric of every cell, and offer them as files."""
    cells = result["cells"]
    names = Results(cells).metrics()
    rows = [
        {
            "Model": cell["name"],
            **{
                words.title(name): words.measured(
                    cell["metrics"][name]["value"], cell["metrics"][name]["se"]
                )
                for name in names
                if name in cell["metrics"]
            },
            "Time": duration(cell["seconds"]),
            "Command": cell.get("command", ""),
        }
        for cell in cells
    ]
    st.markdown("**All figures**, value ± standard error")
    st.dataframe(rows, hide_index=True, key=f"table-{study.name}")
    with st.container(horizontal=True):
        st.download_button(
            "Figures as CSV", to_csv(cells), f"{study.name}.csv", "text/csv",
            key="w-study-csv", on_click="ignore",
        )  # fmt: skip
        st.download_button(
            "Result as JSON", json.dumps(dict(result), indent=1), f"{study.name}.json",
            "application/json", key="w-study-json", on_click="ignore",
        )  # fmt: skip


def to_csv(cells: Sequence[Json]) -> bytes:
    """Write every metric of every cell, one a line."""
    file = io.StringIO()
    columns = ("value", "se", "n", "kind", "split", "samples", "seed", "unit")
    writer = csv.writer(file)
    writer.writerow(["cell", "metric", *columns])
    for cell in cells:
        for name, one in cell["metrics"].items():
            writer.writerow([cell["name"], name, *(one[column] for column in columns)])
    return file.getvalue().encode()


def published(study: Study, result: Json | None) -> None:
    """Show what was published, beside what was found here."""
    if not study.references:
        return
    cells = {cell["name"]: cell["metrics"] for cell in (result or {}).get("cells", [])}
    rows = []
    for reference in study.references:
        for key, value in reference.values.items():
            here = cells.get(key, {}).get(reference.metric)
            rows.append(
                {
                    "Model": key,
                    "Metric": words.title(reference.metric),
                    "Published": words.plain(value),
                    "Here": words.measured(here["value"], here["se"]) if here else "",
                    "Series": reference.series,
                    "Source": reference.source + (", from memory" * reference.from_memory),
                }
            )
    st.markdown("**Published values**")
    st.dataframe(rows, hide_index=True, key=f"published-{study.name}")
