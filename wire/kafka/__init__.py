"""The one home of confluent-kafka: producer, topic administration, group lag, embedded broker."""
