"""The field's experiments, declared as data and run by ``python -m vae_core study NAME``."""

from vae_core.studies.catalogue import STUDIES, find
from vae_core.studies.on_cluster import run_on_cluster
from vae_core.studies.running import RESULTS, judged, read, run
from vae_core.studies.study import Study

__all__ = ["RESULTS", "STUDIES", "Study", "find", "judged", "read", "run", "run_on_cluster"]
