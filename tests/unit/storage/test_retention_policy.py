from datetime import UTC, datetime, timedelta

import pytest

from storage.retention_policy import RetentionPolicy
from wire.errors import ConfigurationError
from wire.finding import Verdict


def test_every_age_shorter_than_topic_retention_plus_grace_is_named() -> None:
    with pytest.raises(ConfigurationError) as caught:
        RetentionPolicy(
            ages={Verdict.OK: timedelta(days=7), Verdict.DEFECT: timedelta(days=8)},
            topic_retention=timedelta(days=7),
            grace=timedelta(days=1),
            job_age=timedelta(hours=1),
        )
    assert caught.value.problems == (
        "retention: ages[ok] is 7 days, 0:00:00, shorter than topic retention plus grace (8 days, 0:00:00)",
        "retention: job_age is 1:00:00, shorter than topic retention plus grace (8 days, 0:00:00)",
    )


def test_what_is_younger_than_topic_retention_plus_grace_is_young() -> None:
    policy = RetentionPolicy(topic_retention=timedelta(days=2), grace=timedelta(hours=6))
    now = datetime(2025, 3, 14, 6, 30, tzinfo=UTC)
    assert policy.young_after(now) == datetime(2025, 3, 12, 0, 30, tzinfo=UTC)
