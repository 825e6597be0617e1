"""The mark of tests that only a GPU can run."""

import pytest
import torch

NEEDS_CUDA = pytest.mark.skipif(
    not torch.cuda.is_available(), reason="needs an NVIDIA GPU and a torch with CUDA (torch.cuda.is_available())"
)
