//! The embedded OTLP receiver: gRPC and HTTP on one port, a store with waiters, queries by id.
