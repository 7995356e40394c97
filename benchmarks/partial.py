"""Results that are kept as they are measured, so that a run that was stopped goes on.

They lie beside the final record, in a file named ``*.partial``, until :meth:`Partial.finished`.
They count only for a run with the same header, which names the seed and the sources' digest.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any


def digest(modules: Sequence[ModuleType]) -> str:
    """Return a digest of the sources of modules."""
    found = hashlib.sha256()
    for module in modules:
        assert module.__file__ is not None
        found.update(Path(module.__file__).read_bytes())
    return found.hexdigest()[:16]


class Partial:
    """Named results of an unfinished run.

    Parameters
    ----------
    out
        Where the final record goes.
    header
        What has to be the same for results to be used again.
    """

    def __init__(self, out: Path, header: dict[str, Any]) -> None:
        self.out, self.header = out, header
        self.path = out.with_name(out.name + ".partial")
        self.results: dict[str, Any] = {}
        if self.path.exists():
            kept = json.loads(self.path.read_text())
            if kept["header"] == header:
                self.results = kept["results"]

    def keep(self, name: str, result: Any) -> None:
        """Keep one result, on disk as well."""
        self.results[name] = result
        self.path.parent.mkdir(parents=True, exist_ok=True)
        fresh = self.path.with_name(self.path.name + ".new")
        fresh.write_text(json.dumps({"header": self.header, "results": self.results}))
        fresh.replace(self.path)

    def measured(self, name: str, measure: Callable[[], Any]) -> Any:
        """Return the result of this name, measured now if it is not kept."""
        if name not in self.results:
            self.keep(name, measure())
        return self.results[name]

    def finished(self, record: dict[str, Any]) -> None:
        """Write the final record, and forget what was kept."""
        self.out.parent.mkdir(parents=True, exist_ok=True)
        self.out.write_text(json.dumps(record, indent=2, ensure_ascii=False) + "\n")
        self.path.unlink(missing_ok=True)
