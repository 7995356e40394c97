"""All studies, by name."""

from __future__ import annotations

from vae_core.errors import ConfigError
from vae_core.studies import boltzmann, bounds, structure, variants
from vae_core.studies.study import Study

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
