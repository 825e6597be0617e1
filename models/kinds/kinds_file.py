"""The classifier of kinds in one small file: safetensors with its numbers in the header, known by its hash."""

import hashlib
import json
from pathlib import Path

from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from models.backbones.student import StudentSettings
from models.kinds.appearance import dims
from models.kinds.classifier import KindClassifier, KindSettings
from models.kinds.kind_network import KindNetwork
from models.kinds.taught import Limits
from models.kinds.vocabulary import NAMED
from wire.errors import ConfigurationError

_HEADER = "kinds"


def pack_kinds(network: KindNetwork, *, temperature: float, limits: Limits, features_sha256: str) -> bytes:
    """A file's bytes. ``features_sha256``: the student on whose features it was trained."""
    header = {
        "types": [each.value for each in NAMED],
        "hidden": network.hidden.out_features,
        "metric_dims": network.metric.shape[1],
        "temperature": temperature,
        "least_reach": limits.least,
        "most_reach": limits.most,
        "features_sha256": features_sha256,
    }
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in sorted(network.state_dict().items())}
    return save(tensors, {_HEADER: json.dumps(header, sort_keys=True)})


def load_kinds(file: Path, settings: KindSettings, student: StudentSettings, *, features_sha256: str) -> KindClassifier:
    """The classifier, ready to run.

    ConfigurationError if the file is not the one that the recipe names, not whole, or trained on other features.
    """
    try:
        content = file.read_bytes()
    except OSError as error:
        raise ConfigurationError([f"kinds {file}: {error.strerror}"]) from error
    found = hashlib.sha256(content).hexdigest()
    if found != settings.sha256:
        raise ConfigurationError([f"kinds {file}: sha256 is {found}, the recipe says {settings.sha256}"])
    try:
        with safe_open(str(file), framework="pt") as opened:
            header = json.loads((opened.metadata() or {})[_HEADER])
            tensors = {name: opened.get_tensor(name) for name in opened.keys()}
        network = KindNetwork(
            dims=dims(student.fine_dims, student.coarse_dims),
            hidden=int(header["hidden"]),
            metric_dims=int(header["metric_dims"]),
        )
        trained_on, types = str(header["features_sha256"]), header["types"]
        limits = Limits(least=float(header["least_reach"]), most=float(header["most_reach"]))
        temperature = float(header["temperature"])
        if trained_on != features_sha256:
            raise ConfigurationError(
                [f"kinds {file}: trained on the features of {trained_on}, the recipe has {features_sha256}"]
            )
        if types != [each.value for each in NAMED]:
            raise ConfigurationError([f"kinds {file}: knows the types {types}, expected {list(NAMED)}"])
        network.load_state_dict(tensors)
    except (SafetensorError, KeyError, ValueError, RuntimeError) as error:
        raise ConfigurationError([f"kinds {file}: {error}"]) from error
    return KindClassifier(
        network=network, temperature=temperature, limits=limits, least_probability=settings.least_probability
    )
