"""Studies of the bound: latent size, sample size, beta, learners and the marginal likelihood."""

from __future__ import annotations

from vae_core.config import LearnerName, ModelConfig, TrainConfig
from vae_core.studies.cells import trained
from vae_core.studies.measures import MarginalLikelihood, active_units, bound
from vae_core.studies.study import Cell, Comparison, Goal, Reference, Study, better

ZHANG_WU = "Zhang & Wu (2020), figure 6.3: two hidden layers, single-sample bound on the test set"
PAPER = "Kingma & Welling (2014)"
TWO_LAYERS = ModelConfig(hidden=(500, 500), activation="silu")
GREY = TrainConfig(
    epochs=100,
    batch_size=200,
    learning_rate=2e-3,
    warmup=0.05,
    decay="cosine",
    precision="bfloat16",
    threads=1,
)
LATENT_SIZES = (2, 3, 5, 10, 20, 200)
TRAIN_SIZES = (1_000, 5_000, 20_000, 60_000)

LATENT_SIZE = Study(
    name="latent-size",
    title="The bound against the size of the latent space",
    reproduces="Ball et al. (2018), figure 3; Zhang & Wu (2020), figure 6.3a",
    protocol="MNIST, 784–500–500–N_z–500–500–784 with SiLU, Bernoulli on intensities, all 60,000 "
    "images, 100 epochs of Adam with cosine decay; single-sample ELBO of the 10,000 test images.",
    kind="grey",
    cells=tuple(
        trained(
            f"z = {n}",
            TWO_LAYERS.model_copy(update={"latent_dim": n}),
            GREY,
            bound,
            settings={"latent_dim": n},
        )
        for n in LATENT_SIZES
    ),
    references=(
        *(
            Reference(
                series=f"Zhang & Wu (2020) after {epochs} epochs",
                metric="elbo",
                values={"z = 3": -three, "z = 10": -ten, "z = 20": -twenty},
                source=ZHANG_WU,
            )
            for epochs, three, ten, twenty in (
                (5, 143.2, 112.4, 110.4),
                (10, 138.5, 107.9, 107.0),
                (20, 134.7, 105.3, 102.6),
                (100, 131.8, 102.6, 99.7),
            )
        ),
        Reference(
            series="AEVB, one hidden layer, plateaus",
            metric="elbo",
            values={"z = 3": -136, "z = 5": -122, "z = 10": -107, "z = 20": -102, "z = 200": -103},
            source=f"{PAPER}, figure 2",
            from_memory=True,
        ),
    ),
    goals=(Goal("z = 20", "elbo", at_least=-94.0),),
    comparisons=(Comparison("z = 200", "z = 20", "elbo", at_least=-2.0),),
)

BETAS = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0)

RATE_DISTORTION = Study(
    name="rate-distortion",
    title="Rate–distortion trade-off (β-VAE)",
    reproduces="beta-VAE (Higgins et al. 2017); the curve of Alemi et al. (2018)",
    protocol="MNIST, 784–500–20–500–784 with tanh, Bernoulli on intensities, beta times the rate "
    "in the loss; all 60,000 images, 15 epochs of Adam with cosine decay; rate and distortion of "
    "the 10,000 test images, whose sum is the −ELBO for beta 1 whatever beta was trained with.",
    kind="grey",
    cells=tuple(
        trained(
            f"beta = {beta:g}",
            ModelConfig(latent_dim=20),
            GREY.model_copy(update={"epochs": 15, "beta": beta}),
            bound,
            active_units,
            settings={"beta": beta},
        )
        for beta in BETAS
    ),
    comparisons=tuple(
        better("beta = 1", f"beta = {beta:g}", "elbo") for beta in BETAS if beta != 1
    ),
)

SAMPLE_SIZE = Study(
    name="sample-size",
    title="The bound against the number of training images",
    reproduces="Zhang & Wu (2020), figure 6.3b",
    protocol="MNIST, 784–500–500–20–500–500–784 with SiLU, Bernoulli on intensities, N images "
    "drawn by the seed, the smaller sets within the larger, 100 epochs of Adam at 1e-3 in "
    "batches of 100; single-sample ELBO of the 10,000 test images, and its curve.",
    kind="grey",
    cells=tuple(
        trained(
            f"N = {n:,}",
            TWO_LAYERS,
            TrainConfig(epochs=100, train_size=n, precision="bfloat16", threads=1),
            bound,
            settings={"train_size": n},
        )
        for n in TRAIN_SIZES
    ),
    references=(
        Reference(
            series="Zhang & Wu (2020), N = 1,000",
            metric="elbo",
            values={
                "N = 1,000, epoch 5": -205,
                "N = 1,000, epoch 10": -183,
                "N = 1,000, epoch 20": -153,
                "N = 1,000, epoch 100": -127.5,
            },
            source=ZHANG_WU,
        ),
    ),
    comparisons=(better("N = 60,000", "N = 1,000", "elbo"),),
)


def _paper(learner: LearnerName, **settings: object) -> TrainConfig:
    """Train as Kingma & Welling (2014) do in section 5."""
    return TrainConfig.of(
        learner=learner,
        optimizer="adagrad",
        learning_rate=0.02,
        init="paper",
        weight_prior=True,
        threads=1,
        **settings,
    )


def _learner_cell(dataset: str, latent_dim: int, learner: LearnerName) -> Cell:
    model, epochs = {
        "mnist": (ModelConfig(latent_dim=latent_dim), 15),
        "frey-face": (
            ModelConfig(
                image_shape=(1, 28, 20),
                latent_dim=latent_dim,
                hidden=(200,),
                likelihood="gaussian",
            ),
            300,
        ),
    }[dataset]
    return trained(
        f"{dataset}, z = {latent_dim}, {learner}",
        model,
        _paper(learner, dataset=dataset, epochs=epochs, precision="bfloat16"),
        bound,
        settings={"dataset": dataset, "latent_dim": latent_dim, "learner": learner},
    )


LEARNERS = Study(
    name="learners",
    title="AEVB and wake-sleep: the bound by number of examples",
    reproduces=f"{PAPER}, figure 2",
    protocol="One tanh hidden layer of 500 (MNIST, Bernoulli on intensities) or 200 (Frey Face, "
    "Gaussian decoder with a floor on its variance), weights from N(0, 0.01), Adagrad at 0.02, "
    "batches of 100, one sample, N(0, I) prior on the generative weights; 15 and 300 epochs: 0.9 "
    "and 0.5 million images, where Kingma & Welling go to 100 million. Curves are over "
    "the number of images.",
    kind="grey (MNIST), continuous (Frey Face)",
    cells=tuple(
        _learner_cell(dataset, latent_dim, learner)
        for dataset, sizes in (("mnist", (3, 5, 10, 20, 200)), ("frey-face", (2, 5, 10, 20)))
        for latent_dim in sizes
        for learner in ("aevb", "wake-sleep")
    ),
    references=(
        Reference(
            series="AEVB, plateaus",
            metric="elbo",
            values={
                "mnist, z = 3, aevb": -136,
                "mnist, z = 5, aevb": -122,
                "mnist, z = 10, aevb": -107,
                "mnist, z = 20, aevb": -102,
                "mnist, z = 200, aevb": -103,
            },
            source=f"{PAPER}, figure 2",
            from_memory=True,
        ),
    ),
    comparisons=tuple(
        better(f"mnist, z = {n}, aevb", f"mnist, z = {n}, wake-sleep", "elbo")
        for n in (3, 5, 10, 20, 200)
    ),
    notes=(
        "Kingma & Welling's Frey Face densities have no floor on the variance: they are not "
        "comparable.",
        "On Frey Face neither learner has left the mean picture after so few images: bounds are "
        "all but equal, and that panel of their figure 2 is not reproduced.",
    ),
)

#: Epochs of each training size that see about as many images.
_MARGINAL_EPOCHS = {1_000: 500, 50_000: 10}
_MARGINAL_CURVE = {
    1_000: (20, 100, 500),
    50_000: (1, 3, 10),
}

MARGINAL_LIKELIHOOD = Study(
    name="marginal-likelihood",
    title="The marginal likelihood: AEVB, wake-sleep and Monte Carlo EM",
    reproduces=f"{PAPER}, figure 3",
    protocol="MNIST, 784–100–3–100–784 with tanh, Bernoulli on intensities; training as in "
    "section 5, for Monte Carlo EM 10 leapfrog steps at 90 % acceptance and 5 updates a sample; "
    "500 and 10 epochs: half a million images, where Kingma & Welling go to 60 million. log p(x) "
    "by the estimator of appendix D over the first 1,000 test images and the first 1,000 of those "
    "trained on, with 200 samples of 20 chains where they take 50.",
    kind="grey",
    cells=tuple(
        trained(
            f"N = {n:,}, {learner}",
            ModelConfig(latent_dim=3, hidden=(100,)),
            _paper(learner, epochs=_MARGINAL_EPOCHS[n], train_size=n),
            MarginalLikelihood(),
            settings={"train_size": n, "learner": learner},
            watch=MarginalLikelihood(limit=100),
            milestones=_MARGINAL_CURVE[n],
        )
        for n in (1_000, 50_000)
        for learner in ("aevb", "wake-sleep", "mcem")
    ),
    references=(
        Reference(
            series="finals, about",
            metric="nll_appendix_d",
            values={"N = 50,000, aevb": 125, "N = 50,000, wake-sleep": 130, "N = 1,000, mcem": 135},
            source=f"{PAPER}, figure 3",
            from_memory=True,
        ),
    ),
    comparisons=(
        *(
            better(f"N = {n:,}, wake-sleep", f"N = {n:,}, aevb", "nll_appendix_d")
            for n in (1_000, 50_000)
        ),
        *(
            Comparison(f"N = {n:,}, mcem", f"N = {n:,}, aevb", "nll_appendix_d")
            for n in (1_000, 50_000)
        ),
    ),
    notes=(
        "Seeing as many images, Monte Carlo EM takes five updates and ten leapfrog gradients for "
        "each of AEVB's updates: train_seconds in the result has the price. They show it for "
        "N = 1,000 alone, since it is not an online method.",
        "Monte Carlo EM has no encoder; one is fitted to its codes for the ELBO, which "
        "therefore says little about its decoder. Appendix D uses it only to start chains.",
    ),
)
