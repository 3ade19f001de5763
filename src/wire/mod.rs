//! Bytes to spans and back: OTLP protobuf, OTLP JSON in every dialect met, Jaeger JSON.
