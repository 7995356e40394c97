"""Every operator of ONNX that is known, and what lowers it."""

from __future__ import annotations

from vae_core.formats.onnx_reading import arithmetic, arranging, einsum, folding, spatial
from vae_core.formats.onnx_reading.arithmetic import Lower

LOWERED: dict[str, Lower] = {
    # Products and arithmetic
    "Gemm": arithmetic.gemm,
    "MatMul": arithmetic.matmul,
    "Add": arithmetic.arithmetic,
    "Sub": arithmetic.arithmetic,
    "Mul": arithmetic.arithmetic,
    "Div": arithmetic.arithmetic,
    "Pow": arithmetic.arithmetic,
    "Max": arithmetic.arithmetic,
    "Min": arithmetic.arithmetic,
    "Sum": arithmetic.arithmetic,
    "Mean": arithmetic.mean,
    "ReduceMean": arithmetic.reduction,
    "ReduceSum": arithmetic.reduction,
    "ReduceMax": arithmetic.reduction,
    "ReduceMin": arithmetic.reduction,
    "ReduceL2": arithmetic.reduction,
    "ReduceSumSquare": arithmetic.reduction,
    "Softmax": arithmetic.softmax,
    "LogSoftmax": arithmetic.softmax,
    "Einsum": einsum.einsum,
    "CumSum": arithmetic.cumulative_sum,
    # Choices
    "Less": arithmetic.compared,
    "LessOrEqual": arithmetic.compared,
    "Greater": arithmetic.compared,
    "GreaterOrEqual": arithmetic.compared,
    "Equal": arithmetic.compared,
    "And": arithmetic.logical,
    "Or": arithmetic.logical,
    "Not": arithmetic.logical,
    "Where": arithmetic.where,
    # Activations
    "Relu": arithmetic.unary("relu"),
    "Sigmoid": arithmetic.unary("sigmoid"),
    "Tanh": arithmetic.unary("tanh"),
    "Softplus": arithmetic.unary("softplus"),
    "Mish": arithmetic.unary("mish"),
    "HardSwish": arithmetic.unary("hard_swish"),
    "Exp": arithmetic.unary("exp"),
    "Log": arithmetic.unary("log"),
    "Sqrt": arithmetic.unary("sqrt"),
    "Abs": arithmetic.unary("abs"),
    "Neg": arithmetic.unary("negative"),
    "Reciprocal": arithmetic.unary("reciprocal"),
    "Erf": arithmetic.unary("erf"),
    "Sin": arithmetic.unary("sin"),
    "Cos": arithmetic.unary("cos"),
    "LeakyRelu": arithmetic.attributed("leaky_relu", slope=("alpha", 0.01)),
    "Elu": arithmetic.attributed("elu", alpha=("alpha", 1.0)),
    "HardSigmoid": arithmetic.attributed("hard_sigmoid", alpha=("alpha", 0.2), beta=("beta", 0.5)),
    "Gelu": arithmetic.gelu,
    "Selu": arithmetic.selu,
    "Celu": arithmetic.celu,
    "Softsign": arithmetic.softsign,
    "Swish": arithmetic.swish,
    "PRelu": arithmetic.prelu,
    "Clip": arithmetic.clip,
    "Identity": arithmetic.identity,
    "Dropout": arithmetic.identity,
    "Cast": arithmetic.cast,
    # Images, signals, rows
    "Conv": spatial.conv,
    "ConvTranspose": spatial.conv_transpose,
    "MaxPool": spatial.pool,
    "AveragePool": spatial.pool,
    "GlobalAveragePool": spatial.global_pool,
    "GlobalMaxPool": spatial.global_pool,
    "Resize": spatial.resize,
    "BatchNormalization": spatial.batch_normalization,
    "InstanceNormalization": spatial.group_normalization,
    "GroupNormalization": spatial.group_normalization,
    "LayerNormalization": spatial.layer_normalization,
    "GRU": spatial.gru,
    # Layouts
    "Shape": arranging.shape,
    "Size": arranging.size,
    "ConstantOfShape": arranging.constant_of_shape,
    "Transpose": arranging.transpose,
    "Reshape": arranging.reshape,
    "Flatten": arranging.flatten,
    "Squeeze": arranging.squeeze,
    "Unsqueeze": arranging.unsqueeze,
    "Expand": arranging.expand,
    "Tile": arranging.tile,
    "Concat": arranging.concat,
    "Split": arranging.split,
    "Slice": arranging.slice_,
    "Gather": arranging.gather,
    "OneHot": arranging.one_hot,
    "Pad": arranging.pad,
    "DepthToSpace": arranging.depth_to_space,
    "SpaceToDepth": arranging.depth_to_space,
    "RandomNormal": arranging.noise,
    "RandomNormalLike": arranging.noise,
}

KNOWN = frozenset(LOWERED) | frozenset(folding.FOLDS)

#: Operators that read a reshape without its layer.
LAZY = frozenset(
    {"Reshape", "Flatten", "Squeeze", "Unsqueeze", "Identity", "Dropout", "Cast", "Shape", "Size"}
    | {"InstanceNormalization", "Relu", "Sigmoid", "Tanh", "Softplus", "Mish", "HardSwish", "Exp"}
    | {"Log", "Sqrt", "Abs", "Neg", "Reciprocal", "Erf", "LeakyRelu", "Elu", "HardSigmoid", "Sin", "Cos"}
)
