//! `grpc`.

use super::*;

form!(
    /// `grpc`.
    GRPC, "grpc", "a gRPC call", [
    key("address", Word, "Host and port; `https://host:port` speaks TLS.", "127.0.0.1:50051"),
    key("method", Word, "The method, as `package.Service/Method`.", "shop.Payment/Authorize"),
    key("message", Json, "The message, as protobuf's JSON mapping has it.", "{ order_id: o-1, amount: 1299 }"),
    key("metadata", Map(&Scalar), "Metadata; of a name that ends in `-bin`, its bytes in base64.", "{ authorization: 'Bearer ${secret.TOKEN}' }"),
    key("proto", OneOrList(&Word), "`.proto` files that describe the method, relative to the spec file; without any, the server is asked (server reflection).", "[protos/payment.proto]"),
    key("includes", OneOrList(&Word), "Folders below which imports are found, relative to the spec file (default: those of the `.proto` files).", "[protos]"),
    key("tls", Shape::Form(&TLS), "TLS settings.", "{ ca: ca.pem }"),
    key("timeout", Duration, "Bound on the whole exchange (default 30s).", "5s"),
    key("propagators", List(&OneOf(&["b3", "b3multi", "jaeger"])), "Trace context to send beside W3C's `traceparent`.", "[b3]"),
]);
