"""The field's experiments, declared as data and run by ``python -m vae_core study NAME``."""

from vae_core.errors import ConfigError
from vae_core.studies import boltzmann, bounds, structure, variants
from vae_core.studies.on_cluster import run_on_cluster
from vae_core.studies.running import RESULTS, judged, read, run
from vae_core.studies.study import Study

__all__ = ["RESULTS", "STUDIES", "Study", "find", "judged", "read", "run", "run_on_cluster"]

STUDIES: dict[str, Study] = {
    study.name: study
    for study in (
        bounds.LATENT_SIZE,
        bounds.SAMPLE_SIZE,
        bounds.RATE_DISTORTION,
        bounds.LEARNERS,
        bounds.MARGINAL_LIKELIHOOD,
        structure.SEPARATION,
        variants.IWAE,
        variants.CONDITIONAL,
        variants.PRIORS,
        variants.CONVOLUTION,
        structure.GRAPHS,
        boltzmann.BOLTZMANN,
        variants.IWAE_FULL,
    )
}


def find(name: str) -> Study:
    """Return a study by its name.

    Raises
    ------
    ConfigError
        If there is none; the sentence lists the names.
    """
    if name not in STUDIES:
        raise ConfigError(f"study {name!r}: allowed are {', '.join(STUDIES)}")
    return STUDIES[name]
