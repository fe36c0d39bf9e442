//! What only Kafka can show.
