"""The small network that names regions: one hidden layer over standardised appearances."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models.kinds.vocabulary import NAMED

# Standard deviations; what lies further out is an outlier of a picture unlike those of the training.
_MOST_SIGMA = 6.0


class KindNetwork(nn.Module):
    """vectors (N, D) of ``appearances`` -> logits (N, K), K in the order of ``NAMED``.

    ``metric`` (D, M) turns standardised vectors into points whose distances tell one line's kinds of defect apart:
    regions of one kind scatter around their mean with a standard deviation of at most about 1 in each coordinate.
    """

    mean: Tensor
    spread: Tensor
    metric: Tensor

    def __init__(self, *, dims: int, hidden: int, metric_dims: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(dims))
        self.register_buffer("spread", torch.ones(dims))
        self.register_buffer("metric", torch.zeros(dims, metric_dims))
        self.hidden = nn.Linear(dims, hidden)
        # Half of the appearance, then nearly half of what was made of it: a few thousand samples are learned by heart.
        self.blinkers = nn.Dropout(0.5)
        self.dropout = nn.Dropout(0.4)
        self.out = nn.Linear(hidden, len(NAMED))

    def forward(self, vectors: Tensor) -> Tensor:
        """See the class."""
        logits: Tensor = self.out(self.dropout(F.relu(self.hidden(self.blinkers(self.standardised(vectors))))))
        return logits

    def standardised(self, vectors: Tensor) -> Tensor:
        """(N, D) -> (N, D), each coordinate in its own spread."""
        return ((vectors - self.mean) / self.spread).clamp(-_MOST_SIGMA, _MOST_SIGMA)

    def points(self, vectors: Tensor) -> Tensor:
        """(N, D) -> (N, M) in the metric."""
        return self.standardised(vectors) @ self.metric
