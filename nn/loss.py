"""Losses as modules. Each is a function of `functional.loss`, whose arguments its constructor takes; weights are buffers.

Stands on `functional`, `module` and `activation`.
"""

from collections.abc import Callable
from typing import Any, ClassVar

from .activation import Applied, PairwiseDistance
from .functional import loss as F
from .module import Module

WEIGHTS = ("weight", "pos_weight")


class _Loss(Applied):
    """A function of an input and a target."""

    function: ClassVar[Callable[..., Any]] = staticmethod(F.mse_loss)
    inputs = 2

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        known = ("batchmean", *F.REDUCTIONS) if isinstance(self, KLDivLoss) else F.REDUCTIONS
        F.check_reduction(type(self).__name__, vars(self)["reduction"], known)
        for name in WEIGHTS:
            if name in vars(self):
                self.register_buffer(name, vars(self).pop(name))


class MSELoss(_Loss):
    """(input - target)**2."""

    function = staticmethod(F.mse_loss)


class L1Loss(_Loss):
    """abs(input - target)."""

    function = staticmethod(F.l1_loss)


class SmoothL1Loss(_Loss):
    """abs(d) - beta / 2 for d = input - target, and d * d / (2 * beta) where abs(d) is below beta."""

    function = staticmethod(F.smooth_l1_loss)


class HuberLoss(_Loss):
    """d * d / 2 for d = input - target, and delta * (abs(d) - delta / 2) where abs(d) is above delta."""

    function = staticmethod(F.huber_loss)


class PoissonNLLLoss(_Loss):
    """exp(input) - target * input: for counts of a Poisson distribution."""

    function = staticmethod(F.poisson_nll_loss)


class GaussianNLLLoss(_Loss):
    """(log(var) + (input - target)**2 / var) / 2, called with input, target and var."""

    function = staticmethod(F.gaussian_nll_loss)
    inputs = 3


class BCELoss(_Loss):
    """The cross-entropy of probabilities and targets between 0 and 1."""

    function = staticmethod(F.binary_cross_entropy)


class BCEWithLogitsLoss(_Loss):
    """The cross-entropy of sigmoid(input) and targets between 0 and 1, without overflow."""

    function = staticmethod(F.binary_cross_entropy_with_logits)


class KLDivLoss(_Loss):
    """target * (log(target) - input), for log-probabilities as input; reduction "batchmean" is the divergence."""

    function = staticmethod(F.kl_div)


class NLLLoss(_Loss):
    """-input at the classes of the target, for log-probabilities (N, C, ...) and class indices (N, ...)."""

    function = staticmethod(F.nll_loss)


class CrossEntropyLoss(_Loss):
    """-log(softmax(input)) at the classes of the target: logits (N, C, ...), class indices (N, ...) or probabilities."""

    function = staticmethod(F.cross_entropy)


class HingeEmbeddingLoss(_Loss):
    """input where the target is 1, max(0, margin - input) where it is -1."""

    function = staticmethod(F.hinge_embedding_loss)


class SoftMarginLoss(_Loss):
    """log(1 + exp(-target * input)), for targets of 1 and -1."""

    function = staticmethod(F.soft_margin_loss)


class MarginRankingLoss(_Loss):
    """max(0, -target * (input1 - input2) + margin)."""

    function = staticmethod(F.margin_ranking_loss)
    inputs = 3


class CosineEmbeddingLoss(_Loss):
    """1 - cos(input1, input2) where the target is 1, max(0, cos - margin) where it is -1."""

    function = staticmethod(F.cosine_embedding_loss)
    inputs = 3


class MultiMarginLoss(_Loss):
    """The sum over the other classes i of max(0, margin - x[target] + x[i])**p, divided by the number of classes."""

    function = staticmethod(F.multi_margin_loss)


class MultiLabelMarginLoss(_Loss):
    """The same for several labels in each row of the target, which stand there up to a -1."""

    function = staticmethod(F.multilabel_margin_loss)


class MultiLabelSoftMarginLoss(_Loss):
    """The mean over the classes of the cross-entropy of sigmoid(input) and targets of 0 and 1."""

    function = staticmethod(F.multilabel_soft_margin_loss)


class TripletMarginLoss(_Loss):
    """max(0, d(anchor, positive) - d(anchor, negative) + margin), for the p-norm d."""

    function = staticmethod(F.triplet_margin_loss)
    inputs = 3


class CTCLoss(_Loss):
    """Connectionist temporal classification, called with log_probs, targets, input_lengths and target_lengths."""

    function = staticmethod(F.ctc_loss)
    inputs = 4


class TripletMarginWithDistanceLoss(Module):
    """max(0, d(anchor, positive) - d(anchor, negative) + margin), for any distance d: a function, or a module."""

    def __init__(
        self,
        *,
        distance_function: Callable[[Any, Any], Any] | None = None,
        margin: float = 1.0,
        swap: bool = False,
        reduction: str = "mean",
    ) -> None:
        F.check_reduction(type(self).__name__, reduction)
        self.distance_function = distance_function or PairwiseDistance()
        self.margin, self.swap, self.reduction = margin, swap, reduction

    def forward(self, anchor: Any, positive: Any, negative: Any) -> Any:
        return F.triplet_margin_with_distance_loss(
            anchor,
            positive,
            negative,
            distance_function=self.distance_function,
            margin=self.margin,
            swap=self.swap,
            reduction=self.reduction,
        )
