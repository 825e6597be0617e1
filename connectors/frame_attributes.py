"""What a person, or a camera PC, says of frames beside their pixels or points."""

from collections.abc import Mapping
from typing import Annotated

from pydantic import AfterValidator

from wire.frame import check_attribute_names


def _checked(attributes: Mapping[str, str]) -> Mapping[str, str]:
    check_attribute_names(attributes)
    return attributes


# What a reader needs to understand the payload: ``depthscale`` in mm per count, ``pointscale`` in mm per unit, …
Attributes = Annotated[Mapping[str, str], AfterValidator(_checked)]
