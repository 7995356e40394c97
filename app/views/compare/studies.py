"""A study on the Compare page: its chart, protocol, goals and published values."""

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
from app.resources import datasets, study_results
from app.widgets.chart import show_plotly
from vae_core import studies
from vae_core.errors import LatentExplorerError
from vae_core.studies import Study

Json = Mapping[str, Any]
#: Unit and standard error of each metric, by cell and name of the metric.
Units = Mapping[tuple[str, str], tuple[str, float | None]]

ALL = "all"


def show(shown: State) -> None:
    """Show the choice of a study, and the chosen study."""
    study = choose(shown)
    result = read_result(study)
    with st.container(key="part-study"):
        st.caption(f"Reproduces {study.reproduces}")
    left, right = st.columns([5, 3], gap="large")
    with left, st.container(key="part-chart"):
        if result is None or not result["cells"]:
            show_command(study)
        else:
            show_warnings(study, result)
            show_chart(study, result["cells"], shown)
    with right:  # what was found comes first
        with st.container(key="part-verdicts"):
            show_verdicts(study, result)
        with st.container(key="part-protocol"):
            show_protocol(study, result)
    show_published(study, result)
    if result is not None and result["cells"]:
        show_table(study, result)
    if study.notes:
        st.markdown("**Notes**\n\n" + "\n".join(f"- {note}" for note in study.notes))


def choose(shown: State) -> Study:
    """Show the choice of a study and return the chosen one."""
    names = list(studies.STUDIES)
    if shown.study is not None and shown.study not in names:
        state.notify(f"There is no study {shown.study!r}. Available: {', '.join(names)}.")
        state.update(study=None)
        st.rerun()
    bound = state.bind(
        "study", to_widget=lambda chosen: chosen or names[0], also=lambda chosen: {"figure": None}
    )
    name = st.selectbox("Study", names, format_func=title, **bound)
    return studies.find(name)


def title(name: str) -> str:
    """Return a study's title, with a note if it was not run here."""
    later = "" if study_results.path(name).exists() else " · not run here yet"
    return studies.find(name).title + later


def read_result(study: Study) -> dict[str, Any] | None:
    """Read the result of a study; show the error if that fails."""
    try:
        return study_results.read(study.name)
    except LatentExplorerError as error:
        st.error(words.without_paths(error))
        return None


def show_command(study: Study) -> None:
    """Show what a study that was not run trains, and its command."""
    with st.container(border=True, key="not-run"):
        st.markdown("**Not run here yet**")
        count = len(study.cells)
        st.markdown(
            f"The study trains {count} model{'s' if count > 1 else ''}: "
            f"{listed(cell.name for cell in study.cells)}. It can be interrupted: "
            "finished models are kept and shown here."
        )
        st.code(f"python -m vae_core study {study.name}", language=None, wrap_lines=True)


def show_warnings(study: Study, result: Json) -> None:
    """Show which cells are missing or outdated, and whether the run was a quick one."""
    if result["quick"]:
        st.warning("This is a quick run on little data: its metrics are not meaningful.")
    prints = {cell.name: cell.fingerprint for cell in study.cells}
    there = {cell["name"]: cell["fingerprint"] for cell in result["cells"]}
    if missing := [name for name in prints if name not in there]:
        st.info(f"{len(there)} of {len(prints)} models are finished. Missing: {listed(missing)}.")
    changed = [name for name, mark in there.items() if prints.get(name, mark) != mark]
    if changed:
        st.info(f"Made before the study was last changed: {listed(changed)}.")


def listed(names: Iterable[str]) -> str:
    """Join names that contain commas."""
    return "; ".join(names)


def show_chart(study: Study, cells: Sequence[Json], shown: State) -> None:
    """Show a chart of the study's results, with the choice of data, chart and metric."""
    by_data = by_dataset(cells)
    requested = shown.figure or ("", "", "")
    data = requested[0] if requested[0] in by_data else next(iter(by_data))
    results = Results(by_data[data], study.references)
    fitting = [name for name, kind in CHARTS.items() if kind.metrics(results)]
    first, chart = first_metric(study, results), requested[1]
    if chart not in fitting:
        chart = study_charts.default_chart(study.name, results, first)
    offered = CHARTS[chart].metrics(results)
    metric = next(name for name in (requested[2], first, *offered) if name in offered)
    now = (data, chart, metric)
    with st.container(horizontal=True, vertical_alignment="bottom", key="figure-controls"):
        if len(by_data) > 1:
            st.segmented_control(
                "Dataset", list(by_data), format_func=datasets.title, **_bind(now, 0)
            )
        if len(fitting) > 1:
            titles = {name: chart.title for name, chart in CHARTS.items()}
            st.segmented_control("Chart", fitting, format_func=titles.__getitem__, **_bind(now, 1))
        if chart != "plane":
            st.selectbox("Metric", offered, format_func=words.title, width=330, **_bind(now, 2))
            unit = next((c["metrics"][metric]["unit"] for c in results.having(metric)), "nats")
            st.caption(words.axis(metric, unit), width="content")
    figure = study_charts.draw(results, chart, metric)
    show_plotly(
        figure,
        key=f"study-{study.name}-{'-'.join(now)}",
        alt=f"{words.title(metric)} of {study.title}",
    )
    st.caption(describe_marks(results, chart, metric))


def _bind(now: tuple[str, str, str], place: int) -> state.Binding:
    return state.bind(
        "figure",
        part=("data", "chart", "metric")[place],
        to_widget=lambda _: now[place],
        from_widget=lambda chosen: (*now[:place], chosen, *now[place + 1 :]),
    )


def by_dataset(cells: Sequence[Json]) -> dict[str, list[Json]]:
    """Return the cells by dataset: metrics of two datasets are not comparable."""
    groups: dict[str, list[Json]] = {}
    for cell in cells:
        name = cell["settings"].get("dataset") or cell.get("dataset") or ALL
        groups.setdefault(name, []).append(cell)
    return groups


def first_metric(study: Study, results: Results) -> str:
    """Return the metric of a study's first goal, comparison or reference, else its first metric."""
    cells = {cell["name"] for cell in results.cells}
    names = [
        *(goal.metric for goal in study.goals if goal.cell in cells),
        *(one.metric for one in study.comparisons if one.one in cells),
        *(one.metric for one in study.references if results.published(one.metric)),
        *results.metrics(),
    ]
    return next(name for name in names if results.having(name))


def describe_marks(results: Results, chart: str, metric: str) -> str:
    """Describe the marks of a chart."""
    sentences = []
    if chart in ("curves", "time"):
        sentences.append("Each curve is one training, measured on the test set after each epoch.")
    else:
        counts = sorted({cell["metrics"][metric]["n"] for cell in results.having(metric)})
        examples = " or ".join(f"{count:,}" for count in counts)
        sentences.append(
            f"Bars are ± one standard error over {examples} examples; a short one is hidden by its "
            "dot."
        )
    if results.published(metric) and chart != "plane":
        sentences.append("Dotted lines and open symbols are published values.")
        if any(reference.from_memory for reference in results.published(metric)):
            sentences.append("Those from memory are accurate to about 3 nats.")
    return " ".join(sentences)


def show_protocol(study: Study, result: Json | None) -> None:
    """Show how the results were obtained, and the command that reproduces them."""
    st.markdown(f"**Protocol**  \n{study.protocol}")
    facts = {"Kind of metric": study.kind, "Seed": str(study.seed)}
    if result is not None and result["cells"]:
        facts["Run time"] = words.duration(result["seconds"])
        software = result["software"]
        facts["Software"] = ", ".join(f"{name} {version}" for name, version in software.items())
    st.markdown("  \n".join(f"{name}: {value}" for name, value in facts.items()))
    if result is not None:
        st.code(result["command"], language=None, wrap_lines=True)


def show_verdicts(study: Study, result: dict[str, Any] | None) -> None:
    """Show the goals with their verdicts, and the paired differences of models."""
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
        st.markdown(f"**Differences**, paired by example\n\n{lines}")


def _goal(goal: Json, units: Units) -> str:
    name = goal["metric"]
    unit, se = units.get((goal["cell"], name), ("", None))
    value = ""
    if goal["value"] is not None:
        value = f" {words.quantity(name, goal['value'], se, unit)}"
    within = " within 3 SE" if goal["within_error"] else ""
    return (
        f"- {_verdict(goal, unit)} **{goal['cell']}**: {words.title(name)}{value}, "
        f"target: {_bounds(goal)}{within}"
    )


def _comparison(one: Json, units: Units) -> str:
    name = one["metric"]
    unit, _ = units.get((one["one"], name), ("", None))
    value = target = ""
    if one["value"] is not None:
        measured = words.quantity(name, one["value"], one["se"], unit, difference=True)
        value = f" {measured} over {one['n']:,} examples"
    if one["at_least"] is not None or one["at_most"] is not None:
        target = f", target: {_bounds(one)}"
    verdict = f"{_verdict(one, unit)} " if target or not value else ""
    return (
        f"- {verdict}**{one['one']}** minus **{one['other']}**: {words.title(name)}{value}{target}"
    )


def _verdict(judged: Json, unit: str) -> str:
    if judged["value"] is None:
        return f":material/pending: {'not judged yet' if judged['run'] else 'not run'}:"
    if judged["met"]:
        return ":material/check: met:"
    if judged["missed_by"] > 0:
        return f":material/close: missed by {judged['missed_by']:.2g} {unit}:"
    return ":material/close: within three standard errors:"


def _bounds(judged: Json) -> str:
    """Write the bounds of a goal; by 3 SE if it must exceed them significantly."""
    sign, beyond = words.find(judged["metric"]).sign, judged.get("beyond_error")
    low, high = (judged["at_least"], judged["at_most"])[::sign]
    above, below = (">", "<") if beyond else ("≥", "≤")
    bounds = " and ".join(
        f"{symbol} {words.significant(sign * value)}"
        for symbol, value in ((above, low), (below, high))
        if value is not None
    )
    return bounds + (" by 3 SE" if beyond else "")


def show_table(study: Study, result: Json) -> None:
    """Show every metric of every cell, with downloads."""
    cells = result["cells"]
    names = Results(cells).metrics()
    rows = [
        {
            "Model": cell["name"],
            **{
                words.title(name): words.with_error(
                    words.find(name).sign * cell["metrics"][name]["value"],
                    cell["metrics"][name]["se"],
                )
                if name in cell["metrics"]
                else ""
                for name in names
            },
            "Time": words.duration(cell["seconds"]),
            "Command": f"`{cell['command']}`" if cell.get("command") else "",
        }
        for cell in cells
    ]
    st.markdown("**All metrics**, value ± standard error")
    st.table(rows, hide_index=True, alt=f"All metrics of {study.title}")
    with st.container(horizontal=True):
        st.download_button(
            "Download metrics (CSV)", to_csv(cells), f"{study.name}.csv", "text/csv",
            key="w-study-csv", on_click="ignore",
        )  # fmt: skip
        st.download_button(
            "Download result (JSON)", json.dumps(dict(result), indent=1), f"{study.name}.json",
            "application/json", key="w-study-json", on_click="ignore",
        )  # fmt: skip


def to_csv(cells: Sequence[Json]) -> bytes:
    """Write every metric of every cell as CSV, one metric a row."""
    file = io.StringIO()
    columns = ("value", "se", "n", "kind", "split", "samples", "seed", "unit")
    writer = csv.writer(file)
    writer.writerow(["cell", "metric", *columns])
    for cell in cells:
        for name, one in cell["metrics"].items():
            writer.writerow([cell["name"], name, *(one[column] for column in columns)])
    return file.getvalue().encode()


def show_published(study: Study, result: Json | None) -> None:
    """Show the published values beside those measured here."""
    if not study.references:
        return
    cells = {cell["name"]: cell["metrics"] for cell in (result or {}).get("cells", [])}
    rows = []
    for reference in study.references:
        sign = words.find(reference.metric).sign
        for key, value in reference.values.items():
            here = cells.get(key, {}).get(reference.metric)
            rows.append(
                {
                    "Model": key,
                    "Metric": words.title(reference.metric),
                    "Published": words.significant(sign * value),
                    "Here": words.with_error(sign * here["value"], here["se"]) if here else "",
                    "Series": reference.series,
                    "Source": reference.source + (", from memory" * reference.from_memory),
                }
            )
    st.markdown("**Published values**")
    st.table(rows, hide_index=True, alt=f"Published values of {study.title}")
