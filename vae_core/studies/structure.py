"""What the codes hold: classes of digits, and structures of networks."""

from __future__ import annotations

from vae_core.config import ModelConfig, TrainConfig
from vae_core.studies.cells import GraphGap, Separation, bound, pretrained, trained
from vae_core.studies.study import Comparison, Goal, Study

SEPARATION = Study(
    name="separation",
    title="How well classes separate in 2-D, in 20-D and in its t-SNE map",
    reproduces="seed 002, figure 4",
    protocol="The models mnist-2d and mnist-20d that come with the project, as their recipes train "
    "them. Of the 10,000 test images' posterior means, and of their "
    "PCA and t-SNE maps: the share whose 10 nearest others are mostly of their class, and the "
    "mean silhouette.",
    kind="grey",
    cells=tuple(
        pretrained(
            f"z = {n}",
            f"mnist-{n}d",
            Separation(maps=() if n == 2 else ("pca", "tsne")),
            bound,
            settings={"latent_dim": n},
        )
        for n in (2, 20)
    ),
    comparisons=(Comparison("z = 20", "z = 2", "knn_accuracy", at_least=0.0, beyond_error=True),),
    notes=(
        "The seed judged by eye. t-SNE pulls neighbours together by construction: its silhouette "
        "is that of a map, not of the latent space.",
    ),
)

GRAPHS = Study(
    name="graphs",
    title="Networks as data, against the exact optimum",
    reproduces="seed 004, section 6.1 and figures 6.1 and 6.2",
    protocol="300 simulated networks of 68 nodes in three structures, adjacency matrices as 4,624 "
    "Bernoulli inputs, both triangles drawn independently; 4624–1000–200–N_z–200–1000–4624, ReLU "
    "in and leaky ReLU out, Adam at 1e-3, batches of 100, 200 epochs, without and with N(0, I) on "
    "the weights; minus the 5000-sample bound of 900 further draws, network by network against "
    "the likelihood under the true mixture; the share whose 10 nearest others are of their "
    "structure in the first two principal components.",
    kind="binary",
    cells=tuple(
        trained(
            f"z = {n}, weight prior" if weight_prior else f"z = {n}",
            ModelConfig(
                image_shape=(1, 68, 68),
                latent_dim=n,
                hidden=(1000, 200),
                activation="relu",
                decoder_activation="leaky-relu",
            ),
            TrainConfig(dataset="graphs", epochs=200, weight_prior=weight_prior),
            GraphGap(),
            Separation(maps=() if n == 2 else ("pca",)),
            bound,
            settings={"latent_dim": n, "weight_prior": weight_prior},
        )
        for n in (2, 20)
        for weight_prior in (False, True)
    ),
    goals=(
        *(Goal(f"z = {n}", "gap_percent", at_most=1.0) for n in (2, 20)),
        *(Goal(f"z = {n}", "gap_percent", at_least=0.0, within_error=True) for n in (2, 20)),
        Goal("z = 2", "knn_accuracy", at_least=0.99),
        Goal("z = 20", "knn_accuracy_pca", at_least=0.99),
    ),
    notes=(
        "The report tests on nothing: it shows reconstructions of the networks trained on. "
        "frequency_gap_percent is what 300 networks allow who counts edges and knows every "
        "structure; a weight prior is one way to do better.",
        "The optimum is the entropy of the simulator's edges plus log 3 for the structure: no "
        "model can be below it beyond the error of the draw.",
    ),
)
