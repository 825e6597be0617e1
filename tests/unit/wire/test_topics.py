"""Names of topics and groups."""

from wire import topics


def test_every_topic_has_its_dead_letters_and_its_readers() -> None:
    assert topics.with_dead_letters()[4:] == (
        "lineside.frames.dlq",
        "lineside.results.dlq",
        "lineside.reports.dlq",
        "lineside.commands.dlq",
    )
    assert topics.READERS.keys() == set(topics.ALL)
