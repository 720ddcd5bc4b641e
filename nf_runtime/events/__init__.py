"""Events between network functions: CloudEvents 1.0 over Kafka."""
