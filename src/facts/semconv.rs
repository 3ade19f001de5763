//! Which attributes say what of a call and of its answer, under their present and former names (OpenTelemetry's semantic
//! conventions).

use crate::trace::SpanRef;

/// What an attribute says. Each has a list of names, the preferred one first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Attr {
    PeerService,
    Address,
    Port,
    /// The address of the other end of the connection, which may be a proxy's.
    NetworkAddress,
    NetworkPort,
    Url,
    Route,
    Path,
    DbSystem,
    DbNamespace,
    DbQuery,
    DbQuerySummary,
    DbOperation,
    DbCollection,
    MessagingSystem,
    /// What a messaging span does: `send`, `receive`, `process`, …
    MessagingOperation,
    /// The same in the system's own words.
    MessagingOperationName,
    DestinationTemplate,
    Destination,
    RpcSystem,
    RpcService,
    RpcMethod,
    GraphQlOperation,
    HttpMethod,
    UrlQuery,
    /// Which attempt of a request it is, after the first.
    Resend,
    RequestSize,
    ResponseSize,
    HttpStatus,
    RpcStatus,
    ConnectError,
    ErrorType,
}

/// Every [`Attr`], in the order of its declaration, with its names.
pub(crate) const TABLE: [(Attr, &[&str]); 32] = [
    (Attr::PeerService, &["service.peer.name", "peer.service"]),
    (Attr::Address, &["server.address", "net.peer.name", "http.host"]),
    (Attr::Port, &["server.port", "net.peer.port"]),
    (Attr::NetworkAddress, &["network.peer.address", "net.peer.ip"]),
    (Attr::NetworkPort, &["network.peer.port"]),
    (Attr::Url, &["url.full", "http.url"]),
    (Attr::Route, &["url.template", "http.route"]),
    (Attr::Path, &["url.path", "http.target"]),
    (Attr::DbSystem, &["db.system.name", "db.system"]),
    (Attr::DbNamespace, &["db.namespace", "db.name"]),
    (Attr::DbQuery, &["db.query.text", "db.statement"]),
    (Attr::DbQuerySummary, &["db.query.summary"]),
    (Attr::DbOperation, &["db.operation.name", "db.operation"]),
    (
        Attr::DbCollection,
        &["db.collection.name", "db.sql.table", "db.mongodb.collection", "db.cassandra.table", "db.cosmosdb.container"],
    ),
    (Attr::MessagingSystem, &["messaging.system"]),
    (Attr::MessagingOperation, &["messaging.operation.type", "messaging.operation"]),
    (Attr::MessagingOperationName, &["messaging.operation.name"]),
    (Attr::DestinationTemplate, &["messaging.destination.template"]),
    (Attr::Destination, &["messaging.destination.name", "messaging.destination"]),
    (Attr::RpcSystem, &["rpc.system.name", "rpc.system"]),
    (Attr::RpcService, &["rpc.service"]),
    (Attr::RpcMethod, &["rpc.method"]),
    (Attr::GraphQlOperation, &["graphql.operation.name"]),
    (Attr::HttpMethod, &["http.request.method", "http.method"]),
    (Attr::UrlQuery, &["url.query"]),
    (Attr::Resend, &["http.request.resend_count", "http.resend_count"]),
    (Attr::RequestSize, &["http.request.body.size", "http.request_content_length"]),
    (Attr::ResponseSize, &["http.response.body.size", "http.response_content_length"]),
    (Attr::HttpStatus, &["http.response.status_code", "http.status_code"]),
    (Attr::RpcStatus, &["rpc.response.status_code", "rpc.status_code", "rpc.grpc.status_code"]),
    (Attr::ConnectError, &["rpc.connect_rpc.error_code"]),
    (Attr::ErrorType, &["error.type"]),
];

impl Attr {
    /// Its names, the preferred one first.
    pub(crate) const fn names(self) -> &'static [&'static str] {
        TABLE[self as usize].1
    }
    /// What a span has under one of its names, as text; of several the first that is not empty counts.
    pub(crate) fn text(self, span: SpanRef<'_>) -> Option<String> {
        let texts = self.names().iter().filter_map(|name| Some(span.trace().show(span.attribute(name)?)));
        texts.into_iter().find(|text| !text.is_empty())
    }
}

/// The status of HTTP that a span has; browsers write 0 where there was none.
pub(crate) fn http_status(span: SpanRef<'_>) -> Option<u32> {
    Attr::HttpStatus.text(span)?.parse().ok().filter(|status| (100..=599).contains(status))
}

/// The status of an RPC that a span has, a number or a word, in upper case.
pub(crate) fn rpc_status(span: SpanRef<'_>) -> Option<String> {
    Attr::RpcStatus.text(span).map(|status| status.to_ascii_uppercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_the_order_of_the_enum() {
        for (at, (attr, names)) in TABLE.iter().enumerate() {
            assert_eq!((*attr as usize, attr.names()), (at, *names));
        }
    }
}
