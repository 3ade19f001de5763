//! Attribute names that OpenTelemetry's semantic conventions changed, with what became of their values.
//!
//! Facts of the semantic conventions' registry (snapshot after v1.44.0) and of their migration guides.

use crate::trace::Kind;

/// One rename.
#[derive(Debug)]
pub(super) struct Rename {
    pub(super) old: &'static str,
    pub(super) new: &'static str,
    pub(super) values: Values,
}

/// A side of a call or message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    /// CLIENT and PRODUCER spans.
    Caller,
    /// SERVER and CONSUMER spans.
    Receiver,
}

impl Side {
    /// The side that spans of a kind are on, if any.
    pub(super) fn of(kind: Kind) -> Option<Side> {
        match kind {
            Kind::Client | Kind::Producer => Some(Side::Caller),
            Kind::Server | Kind::Consumer => Some(Side::Receiver),
            Kind::Unspecified | Kind::Internal => None,
        }
    }
}

/// What became of the values.
#[derive(Debug, Clone, Copy)]
pub(super) enum Values {
    /// They are the same.
    Same,
    /// They are the same on spans of this side; on those of the other the two names mean different things.
    SameOn(Side),
    /// Some were renamed (old, new); the others are the same.
    Renamed(&'static [(&'static str, &'static str)]),
    /// A number became its text.
    NumberAsText,
    /// gRPC's number became its name.
    GrpcStatus,
    /// They cannot be told from one another, for this reason.
    Refused(&'static str),
}

const fn rename(old: &'static str, new: &'static str, values: Values) -> Rename {
    Rename { old, new, values }
}

const DB_SYSTEMS: &[(&str, &str)] = &[
    ("adabas", "softwareag.adabas"),
    ("cosmosdb", "azure.cosmosdb"),
    ("db2", "ibm.db2"),
    ("dynamodb", "aws.dynamodb"),
    ("firebird", "firebirdsql"),
    ("h2", "h2database"),
    ("hanadb", "sap.hana"),
    ("informix", "ibm.informix"),
    ("ingres", "actian.ingres"),
    ("intersystems_cache", "intersystems.cache"),
    ("maxdb", "sap.maxdb"),
    ("mssql", "microsoft.sql_server"),
    ("netezza", "ibm.netezza"),
    ("oracle", "oracle.db"),
    ("redshift", "aws.redshift"),
    ("spanner", "gcp.spanner"),
];
const MESSAGING_OPERATIONS: &[(&str, &str)] = &[("publish", "send"), ("deliver", "process")];
const TRANSPORTS: &[(&str, &str)] = &[("ip_tcp", "tcp"), ("ip_udp", "udp")];
const RPC_SYSTEMS: &[(&str, &str)] = &[("connect_rpc", "connectrpc"), ("apache_dubbo", "dubbo")];
const HTTP_FLAVORS: &[(&str, &str)] = &[("2.0", "2"), ("3.0", "3")];
const FAMILIES: &[(&str, &str)] = &[("inet", "ipv4"), ("inet6", "ipv6")];

/// gRPC's status codes, by number.
pub(super) const GRPC_STATUS: [&str; 17] = [
    "OK",
    "CANCELLED",
    "UNKNOWN",
    "INVALID_ARGUMENT",
    "DEADLINE_EXCEEDED",
    "NOT_FOUND",
    "ALREADY_EXISTS",
    "PERMISSION_DENIED",
    "RESOURCE_EXHAUSTED",
    "FAILED_PRECONDITION",
    "ABORTED",
    "OUT_OF_RANGE",
    "UNIMPLEMENTED",
    "INTERNAL",
    "UNAVAILABLE",
    "DATA_LOSS",
    "UNAUTHENTICATED",
];

/// All renames, sorted by old name.
#[rustfmt::skip]
pub(super) const RENAMES: &[Rename] = &[
    rename("android.state", "android.app.state", Values::Same),
    rename("az.namespace", "azure.resource_provider.namespace", Values::Same),
    rename("az.service_request_id", "azure.service.request.id", Values::Same),
    rename("code.column", "code.column.number", Values::Same),
    rename("code.filepath", "code.file.path", Values::Same),
    rename("code.function", "code.function.name", Values::Refused("the new value is the fully qualified name")),
    rename("code.lineno", "code.line.number", Values::Same),
    rename("code.namespace", "code.function.name", Values::Refused("the new value is the fully qualified name")),
    rename("container.cpu.state", "cpu.mode", Values::Same),
    rename("container.labels", "container.label", Values::Same),
    rename("container.runtime", "container.runtime.name", Values::Same),
    rename("db.cassandra.consistency_level", "cassandra.consistency.level", Values::Same),
    rename("db.cassandra.coordinator.dc", "cassandra.coordinator.dc", Values::Same),
    rename("db.cassandra.coordinator.id", "cassandra.coordinator.id", Values::Same),
    rename("db.cassandra.idempotence", "cassandra.query.idempotent", Values::Same),
    rename("db.cassandra.page_size", "cassandra.page.size", Values::Same),
    rename("db.cassandra.speculative_execution_count", "cassandra.speculative_execution.count", Values::Same),
    rename("db.cassandra.table", "db.collection.name", Values::Same),
    rename("db.client.connections.pool.name", "db.client.connection.pool.name", Values::Same),
    rename("db.client.connections.state", "db.client.connection.state", Values::Same),
    rename("db.connection_string", "server.address", Values::Refused("the old value is a whole connection string")),
    rename("db.cosmosdb.client_id", "azure.client.id", Values::Same),
    rename("db.cosmosdb.connection_mode", "azure.cosmosdb.connection.mode", Values::Same),
    rename("db.cosmosdb.consistency_level", "azure.cosmosdb.consistency.level", Values::Same),
    rename("db.cosmosdb.container", "db.collection.name", Values::Same),
    rename("db.cosmosdb.regions_contacted", "azure.cosmosdb.operation.contacted_regions", Values::Same),
    rename("db.cosmosdb.request_charge", "azure.cosmosdb.operation.request_charge", Values::Same),
    rename("db.cosmosdb.request_content_length", "azure.cosmosdb.request.body.size", Values::Same),
    rename("db.cosmosdb.status_code", "db.response.status_code", Values::NumberAsText),
    rename("db.cosmosdb.sub_status_code", "azure.cosmosdb.response.sub_status_code", Values::Same),
    rename("db.elasticsearch.cluster.name", "db.namespace", Values::Same),
    rename("db.elasticsearch.node.name", "elasticsearch.node.name", Values::Same),
    rename("db.elasticsearch.path_parts", "db.operation.parameter", Values::Same),
    rename("db.mongodb.collection", "db.collection.name", Values::Same),
    rename("db.name", "db.namespace", Values::Same),
    rename("db.operation", "db.operation.name", Values::Same),
    rename("db.redis.database_index", "db.namespace", Values::NumberAsText),
    rename("db.sql.table", "db.collection.name", Values::Same),
    rename("db.statement", "db.query.text", Values::Same),
    rename("db.system", "db.system.name", Values::Renamed(DB_SYSTEMS)),
    rename("deployment.environment", "deployment.environment.name", Values::Same),
    rename("enduser.role", "user.roles", Values::Refused("the new value is an array")),
    rename("feature_flag.evaluation.error.message", "feature_flag.error.message", Values::Same),
    rename("feature_flag.evaluation.reason", "feature_flag.result.reason", Values::Same),
    rename("feature_flag.provider_name", "feature_flag.provider.name", Values::Same),
    rename("feature_flag.variant", "feature_flag.result.variant", Values::Same),
    rename("http.client_ip", "client.address", Values::Same),
    rename("http.flavor", "network.protocol.version", Values::Renamed(HTTP_FLAVORS)),
    rename("http.host", "server.address", Values::Refused("the old value may hold a port, the new one does not")),
    rename("http.method", "http.request.method", Values::Same),
    rename("http.request_content_length", "http.request.body.size", Values::Same),
    rename("http.request_content_length_uncompressed", "http.request.body.size", Values::Same),
    rename("http.resend_count", "http.request.resend_count", Values::Same),
    rename("http.response_content_length", "http.response.body.size", Values::Same),
    rename("http.response_content_length_uncompressed", "http.response.body.size", Values::Same),
    rename("http.scheme", "url.scheme", Values::Same),
    rename("http.server_name", "server.address", Values::Same),
    rename("http.status_code", "http.response.status_code", Values::Same),
    rename("http.target", "url.path", Values::Refused("the old value holds path and query, the new one only the path")),
    rename("http.url", "url.full", Values::Same),
    rename("http.user_agent", "user_agent.original", Values::Same),
    rename("ios.state", "ios.app.state", Values::Same),
    rename("k8s.pod.labels", "k8s.pod.label", Values::Same),
    rename("linux.memory.slab.state", "system.memory.linux.slab.state", Values::Same),
    rename("messaging.client_id", "messaging.client.id", Values::Same),
    rename("messaging.eventhubs.consumer.group", "messaging.consumer.group.name", Values::Same),
    rename("messaging.kafka.consumer.group", "messaging.consumer.group.name", Values::Same),
    rename("messaging.kafka.destination.partition", "messaging.destination.partition.id", Values::NumberAsText),
    rename("messaging.kafka.message.offset", "messaging.kafka.offset", Values::Same),
    rename("messaging.operation", "messaging.operation.type", Values::Renamed(MESSAGING_OPERATIONS)),
    rename("messaging.rocketmq.client_group", "messaging.consumer.group.name", Values::Same),
    rename("messaging.servicebus.destination.subscription_name", "messaging.destination.subscription.name", Values::Same),
    rename("net.host.ip", "network.local.address", Values::Same),
    rename("net.host.name", "server.address", Values::SameOn(Side::Receiver)),
    rename("net.host.port", "server.port", Values::SameOn(Side::Receiver)),
    rename("net.peer.ip", "network.peer.address", Values::Same),
    rename("net.peer.name", "client.address", Values::SameOn(Side::Receiver)),
    rename("net.peer.name", "server.address", Values::SameOn(Side::Caller)),
    rename("net.peer.port", "client.port", Values::SameOn(Side::Receiver)),
    rename("net.peer.port", "server.port", Values::SameOn(Side::Caller)),
    rename("net.protocol.name", "network.protocol.name", Values::Same),
    rename("net.protocol.version", "network.protocol.version", Values::Same),
    rename("net.sock.family", "network.type", Values::Renamed(FAMILIES)),
    rename("net.sock.host.addr", "network.local.address", Values::Same),
    rename("net.sock.host.port", "network.local.port", Values::Same),
    rename("net.sock.peer.addr", "network.peer.address", Values::Same),
    rename("net.sock.peer.port", "network.peer.port", Values::Same),
    rename("net.transport", "network.transport", Values::Renamed(TRANSPORTS)),
    rename("otel.library.name", "otel.scope.name", Values::Same),
    rename("otel.library.version", "otel.scope.version", Values::Same),
    rename("peer.service", "service.peer.name", Values::Same),
    rename("pool.name", "db.client.connection.pool.name", Values::Same),
    rename("process.context_switch_type", "process.context_switch.type", Values::Same),
    rename("process.cpu.state", "cpu.mode", Values::Same),
    rename("process.executable.build_id.profiling", "process.executable.build_id.htlhash", Values::Same),
    rename("process.paging.fault_type", "system.paging.fault.type", Values::Same),
    rename("rpc.connect_rpc.error_code", "rpc.status_code", Values::Same),
    rename("rpc.connect_rpc.request.metadata", "rpc.request.metadata", Values::Same),
    rename("rpc.connect_rpc.response.metadata", "rpc.response.metadata", Values::Same),
    rename("rpc.grpc.request.metadata", "rpc.request.metadata", Values::Same),
    rename("rpc.grpc.response.metadata", "rpc.response.metadata", Values::Same),
    rename("rpc.grpc.status_code", "rpc.response.status_code", Values::GrpcStatus),
    rename("rpc.grpc.status_code", "rpc.status_code", Values::GrpcStatus),
    rename("rpc.jsonrpc.error_code", "rpc.status_code", Values::NumberAsText),
    rename("rpc.jsonrpc.request_id", "jsonrpc.request.id", Values::Same),
    rename("rpc.jsonrpc.version", "jsonrpc.protocol.version", Values::Same),
    rename("rpc.response.status_code", "rpc.status_code", Values::Same),
    rename("rpc.service", "rpc.method", Values::Refused("the new value is the full `package.Service/Method`")),
    rename("rpc.system", "rpc.system.name", Values::Renamed(RPC_SYSTEMS)),
    rename("state", "db.client.connection.state", Values::Same),
    rename("system.cpu.logical_number", "cpu.logical_number", Values::Same),
    rename("system.cpu.state", "cpu.mode", Values::Same),
    rename("system.network.state", "network.connection.state", Values::Same),
    rename("system.paging.type", "system.paging.fault.type", Values::Same),
    rename("system.process.status", "process.state", Values::Same),
    rename("system.processes.status", "process.state", Values::Same),
    rename("tls.client.server_name", "server.address", Values::Same),
    rename("vcs.repository.change.id", "vcs.change.id", Values::Same),
    rename("vcs.repository.change.title", "vcs.change.title", Values::Same),
    rename("vcs.repository.ref.name", "vcs.ref.head.name", Values::Same),
    rename("vcs.repository.ref.revision", "vcs.ref.head.revision", Values::Same),
    rename("vcs.repository.ref.type", "vcs.ref.head.type", Values::Same),
];
