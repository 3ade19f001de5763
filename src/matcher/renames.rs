//! Attribute names that OpenTelemetry's semantic conventions changed, with what became of their values.
//!
//! Facts of the semantic conventions, as of v1.44.0: the `rename_attributes` of their schema file (`schemas/1.44.0`, which
//! goes back to 1.8), the `renamed_to` and "Replaced by" of the registry in every tagged version, and the changelog for what
//! was split or renamed before there were either. A name that changed twice is listed under each of its later names, so
//! that any two are one row. Left out is what only metrics had (`state`, `direction`: these names mean nothing without
//! their metric) but for what the registry itself lists, and `enduser.id`, which was renamed to `user.id` for a while and is
//! an attribute of its own again.

use crate::trace::Kind;
use std::borrow::Cow;

/// One rename.
#[derive(Debug)]
pub(super) struct Rename {
    pub(super) old: &'static str,
    pub(super) new: &'static str,
    pub(super) values: Values,
    /// Whether the name is the beginning of many: `k8s.pod.label.KEY`.
    template: bool,
}

impl Rename {
    pub(super) fn is_template(&self) -> bool {
        self.template
    }
    /// What an attribute is named that goes by `from` (or stands below it), if that became `to`.
    pub(super) fn renamed(&self, asked: &str, from: &str, to: &'static str) -> Option<Cow<'static, str>> {
        match asked.strip_prefix(from)? {
            "" => Some(Cow::Borrowed(to)),
            rest if self.template && rest.len() > 1 && rest.starts_with('.') => Some(Cow::Owned(format!("{to}{rest}"))),
            _ => None,
        }
    }
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
    /// The old value is a whole of which the new one is a part.
    Part(Whole, Part),
    /// They cannot be compared with one another, for this reason.
    Refused(&'static str),
}

/// What an old attribute held in one piece.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Whole {
    /// `https://shop:8443/orders?id=7`
    Url,
    /// `/orders?id=7`, or a whole URL, as a proxy receives it.
    Target,
    /// `shop:8443`
    Host,
}

/// The piece that a new attribute holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// `https`
    Scheme,
    /// `shop`
    Address,
    /// `8443`; the scheme's where the URL has none.
    Port,
    /// `/orders`
    Path,
    /// `id=7`
    Query,
    /// What follows a `#`.
    Fragment,
}

const fn rename(old: &'static str, new: &'static str, values: Values) -> Rename {
    Rename { old, new, values, template: false }
}

/// What the registry calls a template: an attribute for each key below it.
const fn template(old: &'static str, new: &'static str) -> Rename {
    Rename { old, new, values: Values::Same, template: true }
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
const CLOUD_PLATFORMS: &[(&str, &str)] = &[("gcp_gke", "gcp_kubernetes_engine")];
const GEN_AI_PROVIDERS: &[(&str, &str)] = &[
    ("az.ai.inference", "azure.ai.inference"),
    ("az.ai.openai", "azure.ai.openai"),
    ("gemini", "gcp.gemini"),
    ("vertex_ai", "gcp.vertex_ai"),
    ("xai", "x_ai"),
];
const LOWER_CASE: &str = "the old value is in any case, the new one in lower case";
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

/// All renames, sorted by old and new name.
#[rustfmt::skip]
pub(super) const RENAMES: &[Rename] = &[
    rename("android.state", "android.app.state", Values::Same),
    rename("az.namespace", "azure.resource_provider.namespace", Values::Same),
    rename("az.service_request_id", "azure.service.request.id", Values::Same),
    rename("browser.user_agent", "user_agent.original", Values::Same),
    rename("client.socket.address", "network.peer.address", Values::SameOn(Side::Receiver)),
    rename("client.socket.port", "network.peer.port", Values::SameOn(Side::Receiver)),
    rename("cloud.infrastructure_service", "cloud.platform", Values::Renamed(CLOUD_PLATFORMS)),
    rename("cloud.zone", "cloud.availability_zone", Values::Same),
    rename("code.column", "code.column.number", Values::Same),
    rename("code.filepath", "code.file.path", Values::Same),
    rename("code.function", "code.function.name", Values::Refused("the new value is the fully qualified name")),
    rename("code.lineno", "code.line.number", Values::Same),
    rename("code.namespace", "code.function.name", Values::Refused("the new value is the fully qualified name")),
    rename("container.cpu.state", "cpu.mode", Values::Same),
    template("container.labels", "container.label"),
    rename("container.runtime", "container.runtime.name", Values::Same),
    rename("db.cassandra.consistency_level", "cassandra.consistency.level", Values::Same),
    rename("db.cassandra.coordinator.dc", "cassandra.coordinator.dc", Values::Same),
    rename("db.cassandra.coordinator.id", "cassandra.coordinator.id", Values::Same),
    rename("db.cassandra.idempotence", "cassandra.query.idempotent", Values::Same),
    rename("db.cassandra.keyspace", "db.name", Values::Same),
    rename("db.cassandra.keyspace", "db.namespace", Values::Same),
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
    template("db.elasticsearch.path_parts", "db.operation.parameter"),
    rename("db.hbase.namespace", "db.name", Values::Same),
    rename("db.hbase.namespace", "db.namespace", Values::Same),
    rename("db.mongodb.collection", "db.collection.name", Values::Same),
    rename("db.name", "db.namespace", Values::Same),
    rename("db.operation", "db.operation.name", Values::Same),
    rename("db.redis.database_index", "db.namespace", Values::NumberAsText),
    rename("db.sql.table", "db.collection.name", Values::Same),
    rename("db.statement", "db.query.text", Values::Same),
    rename("db.system", "db.system.name", Values::Renamed(DB_SYSTEMS)),
    rename("deployment.environment", "deployment.environment.name", Values::Same),
    rename("enduser.role", "user.roles", Values::Refused("the new value is an array")),
    rename("faas.execution", "faas.invocation_id", Values::Same),
    rename("faas.id", "cloud.resource_id", Values::Same),
    rename("feature_flag.evaluation.error.message", "error.message", Values::Same),
    rename("feature_flag.evaluation.error.message", "feature_flag.error.message", Values::Same),
    rename("feature_flag.evaluation.reason", "feature_flag.result.reason", Values::Same),
    rename("feature_flag.provider_name", "feature_flag.provider.name", Values::Same),
    rename("feature_flag.variant", "feature_flag.result.variant", Values::Same),
    rename("gen_ai.openai.request.response_format", "gen_ai.output.type", Values::Refused("several of the old values became `json`")),
    rename("gen_ai.openai.request.seed", "gen_ai.request.seed", Values::Same),
    rename("gen_ai.openai.request.service_tier", "openai.request.service_tier", Values::Same),
    rename("gen_ai.openai.response.service_tier", "openai.response.service_tier", Values::Same),
    rename("gen_ai.openai.response.system_fingerprint", "openai.response.system_fingerprint", Values::Same),
    rename("gen_ai.system", "gen_ai.provider.name", Values::Renamed(GEN_AI_PROVIDERS)),
    rename("gen_ai.usage.completion_tokens", "gen_ai.usage.output_tokens", Values::Same),
    rename("gen_ai.usage.prompt_tokens", "gen_ai.usage.input_tokens", Values::Same),
    rename("http.client_ip", "client.address", Values::Same),
    rename("http.flavor", "net.protocol.version", Values::Renamed(HTTP_FLAVORS)),
    rename("http.flavor", "network.protocol.version", Values::Renamed(HTTP_FLAVORS)),
    rename("http.host", "server.address", Values::Part(Whole::Host, Part::Address)),
    rename("http.host", "server.port", Values::Part(Whole::Host, Part::Port)),
    rename("http.method", "http.request.method", Values::Same),
    rename("http.request_content_length", "http.request.body.size", Values::Same),
    rename("http.request_content_length_uncompressed", "http.request.body.size", Values::Same),
    rename("http.resend_count", "http.request.resend_count", Values::Same),
    rename("http.response_content_length", "http.response.body.size", Values::Same),
    rename("http.response_content_length_uncompressed", "http.response.body.size", Values::Same),
    rename("http.retry_count", "http.request.resend_count", Values::Same),
    rename("http.retry_count", "http.resend_count", Values::Same),
    rename("http.scheme", "url.scheme", Values::Same),
    rename("http.server_name", "server.address", Values::Same),
    rename("http.status_code", "http.response.status_code", Values::Same),
    rename("http.target", "url.fragment", Values::Part(Whole::Target, Part::Fragment)),
    rename("http.target", "url.path", Values::Part(Whole::Target, Part::Path)),
    rename("http.target", "url.query", Values::Part(Whole::Target, Part::Query)),
    rename("http.url", "server.address", Values::Part(Whole::Url, Part::Address)),
    rename("http.url", "server.port", Values::Part(Whole::Url, Part::Port)),
    rename("http.url", "url.fragment", Values::Part(Whole::Url, Part::Fragment)),
    rename("http.url", "url.full", Values::Same),
    rename("http.url", "url.path", Values::Part(Whole::Url, Part::Path)),
    rename("http.url", "url.query", Values::Part(Whole::Url, Part::Query)),
    rename("http.url", "url.scheme", Values::Part(Whole::Url, Part::Scheme)),
    rename("http.user_agent", "user_agent.original", Values::Same),
    rename("ios.state", "ios.app.state", Values::Same),
    template("k8s.pod.labels", "k8s.pod.label"),
    rename("linux.memory.slab.state", "system.memory.linux.slab.state", Values::Same),
    rename("message.compressed_size", "rpc.message.compressed_size", Values::Same),
    rename("message.id", "rpc.message.id", Values::Same),
    rename("message.type", "rpc.message.type", Values::Same),
    rename("message.uncompressed_size", "rpc.message.uncompressed_size", Values::Same),
    rename("messaging.client_id", "messaging.client.id", Values::Same),
    rename("messaging.consumer_id", "messaging.consumer.id", Values::Same),
    rename("messaging.conversation_id", "messaging.message.conversation_id", Values::Same),
    rename("messaging.destination", "messaging.destination.name", Values::Same),
    rename("messaging.destination_kind", "messaging.destination.kind", Values::Same),
    rename("messaging.eventhubs.consumer.group", "messaging.consumer.group.name", Values::Same),
    rename("messaging.kafka.client_id", "messaging.client.id", Values::Same),
    rename("messaging.kafka.client_id", "messaging.client_id", Values::Same),
    rename("messaging.kafka.consumer.group", "messaging.consumer.group.name", Values::Same),
    rename("messaging.kafka.consumer_group", "messaging.consumer.group.name", Values::Same),
    rename("messaging.kafka.consumer_group", "messaging.kafka.consumer.group", Values::Same),
    rename("messaging.kafka.destination.partition", "messaging.destination.partition.id", Values::NumberAsText),
    rename("messaging.kafka.message.offset", "messaging.kafka.offset", Values::Same),
    rename("messaging.kafka.message_key", "messaging.kafka.message.key", Values::Same),
    rename("messaging.kafka.partition", "messaging.destination.partition.id", Values::NumberAsText),
    rename("messaging.kafka.partition", "messaging.kafka.destination.partition", Values::Same),
    rename("messaging.kafka.source.partition", "messaging.destination.partition.id", Values::NumberAsText),
    rename("messaging.kafka.source.partition", "messaging.kafka.destination.partition", Values::Same),
    rename("messaging.kafka.tombstone", "messaging.kafka.message.tombstone", Values::Same),
    rename("messaging.message.payload_size_bytes", "messaging.message.body.size", Values::Same),
    rename("messaging.message_id", "messaging.message.id", Values::Same),
    rename("messaging.message_payload_compressed_size_bytes", "messaging.message.payload_compressed_size_bytes", Values::Same),
    rename("messaging.message_payload_size_bytes", "messaging.message.body.size", Values::Same),
    rename("messaging.message_payload_size_bytes", "messaging.message.payload_size_bytes", Values::Same),
    rename("messaging.operation", "messaging.operation.type", Values::Renamed(MESSAGING_OPERATIONS)),
    rename("messaging.protocol", "net.app.protocol.name", Values::Refused(LOWER_CASE)),
    rename("messaging.protocol", "net.protocol.name", Values::Refused(LOWER_CASE)),
    rename("messaging.protocol", "network.protocol.name", Values::Refused(LOWER_CASE)),
    rename("messaging.protocol_version", "net.app.protocol.version", Values::Same),
    rename("messaging.protocol_version", "net.protocol.version", Values::Same),
    rename("messaging.protocol_version", "network.protocol.version", Values::Same),
    rename("messaging.rabbitmq.routing_key", "messaging.rabbitmq.destination.routing_key", Values::Same),
    rename("messaging.rocketmq.client_group", "messaging.consumer.group.name", Values::Same),
    rename("messaging.rocketmq.client_id", "messaging.client.id", Values::Same),
    rename("messaging.rocketmq.client_id", "messaging.client_id", Values::Same),
    rename("messaging.rocketmq.message_keys", "messaging.rocketmq.message.keys", Values::Same),
    rename("messaging.rocketmq.message_tag", "messaging.rocketmq.message.tag", Values::Same),
    rename("messaging.rocketmq.message_type", "messaging.rocketmq.message.type", Values::Same),
    rename("messaging.servicebus.destination.subscription_name", "messaging.destination.subscription.name", Values::Same),
    rename("messaging.source.anonymous", "messaging.destination.anonymous", Values::Same),
    rename("messaging.source.name", "messaging.destination.name", Values::Same),
    rename("messaging.source.template", "messaging.destination.template", Values::Same),
    rename("messaging.source.temporary", "messaging.destination.temporary", Values::Same),
    rename("messaging.temp_destination", "messaging.destination.temporary", Values::Same),
    rename("net.app.protocol.name", "net.protocol.name", Values::Same),
    rename("net.app.protocol.name", "network.protocol.name", Values::Same),
    rename("net.app.protocol.version", "net.protocol.version", Values::Same),
    rename("net.app.protocol.version", "network.protocol.version", Values::Same),
    rename("net.host.carrier.icc", "network.carrier.icc", Values::Same),
    rename("net.host.carrier.mcc", "network.carrier.mcc", Values::Same),
    rename("net.host.carrier.mnc", "network.carrier.mnc", Values::Same),
    rename("net.host.carrier.name", "network.carrier.name", Values::Same),
    rename("net.host.connection.subtype", "network.connection.subtype", Values::Same),
    rename("net.host.connection.type", "network.connection.type", Values::Same),
    rename("net.host.ip", "net.sock.host.addr", Values::Same),
    rename("net.host.ip", "network.local.address", Values::Same),
    rename("net.host.name", "server.address", Values::SameOn(Side::Receiver)),
    rename("net.host.port", "server.port", Values::SameOn(Side::Receiver)),
    rename("net.peer.ip", "net.sock.peer.addr", Values::Same),
    rename("net.peer.ip", "network.peer.address", Values::Same),
    rename("net.peer.name", "client.address", Values::SameOn(Side::Receiver)),
    rename("net.peer.name", "server.address", Values::SameOn(Side::Caller)),
    rename("net.peer.port", "client.port", Values::SameOn(Side::Receiver)),
    rename("net.peer.port", "server.port", Values::SameOn(Side::Caller)),
    rename("net.protocol.name", "network.protocol.name", Values::Same),
    rename("net.protocol.version", "network.protocol.version", Values::Same),
    rename("net.sock.family", "network.type", Values::Renamed(FAMILIES)),
    rename("net.sock.host.addr", "network.local.address", Values::Same),
    rename("net.sock.host.addr", "server.socket.address", Values::SameOn(Side::Receiver)),
    rename("net.sock.host.port", "network.local.port", Values::Same),
    rename("net.sock.host.port", "server.socket.port", Values::SameOn(Side::Receiver)),
    rename("net.sock.peer.addr", "client.socket.address", Values::SameOn(Side::Receiver)),
    rename("net.sock.peer.addr", "network.peer.address", Values::Same),
    rename("net.sock.peer.addr", "server.socket.address", Values::SameOn(Side::Caller)),
    rename("net.sock.peer.name", "server.socket.domain", Values::Same),
    rename("net.sock.peer.port", "client.socket.port", Values::SameOn(Side::Receiver)),
    rename("net.sock.peer.port", "network.peer.port", Values::Same),
    rename("net.sock.peer.port", "server.socket.port", Values::SameOn(Side::Caller)),
    rename("net.transport", "network.transport", Values::Renamed(TRANSPORTS)),
    rename("otel.library.name", "otel.scope.name", Values::Same),
    rename("otel.library.version", "otel.scope.version", Values::Same),
    rename("peer.service", "service.peer.name", Values::Same),
    rename("pool.name", "db.client.connection.pool.name", Values::Same),
    rename("process.context_switch_type", "process.context_switch.type", Values::Same),
    rename("process.cpu.state", "cpu.mode", Values::Same),
    rename("process.executable.build_id.profiling", "process.executable.build_id.htlhash", Values::Same),
    rename("process.paging.fault_type", "system.paging.fault.type", Values::Same),
    rename("rpc.connect_rpc.error_code", "rpc.response.status_code", Values::Same),
    rename("rpc.connect_rpc.error_code", "rpc.status_code", Values::Same),
    template("rpc.connect_rpc.request.metadata", "rpc.request.metadata"),
    template("rpc.connect_rpc.response.metadata", "rpc.response.metadata"),
    template("rpc.grpc.request.metadata", "rpc.request.metadata"),
    template("rpc.grpc.response.metadata", "rpc.response.metadata"),
    rename("rpc.grpc.status_code", "rpc.response.status_code", Values::GrpcStatus),
    rename("rpc.grpc.status_code", "rpc.status_code", Values::GrpcStatus),
    rename("rpc.jsonrpc.error_code", "rpc.response.status_code", Values::NumberAsText),
    rename("rpc.jsonrpc.error_code", "rpc.status_code", Values::NumberAsText),
    rename("rpc.jsonrpc.request_id", "jsonrpc.request.id", Values::Same),
    rename("rpc.jsonrpc.version", "jsonrpc.protocol.version", Values::Same),
    rename("rpc.response.status_code", "rpc.status_code", Values::Same),
    rename("rpc.service", "rpc.method", Values::Refused("the new value is the full `package.Service/Method`")),
    rename("rpc.system", "rpc.system.name", Values::Renamed(RPC_SYSTEMS)),
    rename("server.socket.address", "network.local.address", Values::SameOn(Side::Receiver)),
    rename("server.socket.address", "network.peer.address", Values::SameOn(Side::Caller)),
    rename("server.socket.port", "network.local.port", Values::SameOn(Side::Receiver)),
    rename("server.socket.port", "network.peer.port", Values::SameOn(Side::Caller)),
    rename("state", "db.client.connection.state", Values::Same),
    rename("system.cpu.logical_number", "cpu.logical_number", Values::Same),
    rename("system.cpu.state", "cpu.mode", Values::Same),
    rename("system.network.state", "network.connection.state", Values::Same),
    rename("system.paging.type", "system.paging.fault.type", Values::Same),
    rename("system.process.status", "process.state", Values::Same),
    rename("system.processes.status", "process.state", Values::Same),
    rename("system.processes.status", "system.process.status", Values::Same),
    rename("telemetry.auto.version", "telemetry.distro.version", Values::Same),
    rename("tls.client.server_name", "server.address", Values::Same),
    rename("vcs.repository.change.id", "vcs.change.id", Values::Same),
    rename("vcs.repository.change.title", "vcs.change.title", Values::Same),
    rename("vcs.repository.ref.name", "vcs.ref.head.name", Values::Same),
    rename("vcs.repository.ref.revision", "vcs.ref.head.revision", Values::Same),
    rename("vcs.repository.ref.type", "vcs.ref.head.type", Values::Same),
];
