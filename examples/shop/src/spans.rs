//! Starting and failing spans. A span lives in the `Context` it made, and that context is handed on explicitly.

use std::borrow::Cow;

use opentelemetry::trace::{Link, SpanBuilder, SpanKind, Status, TraceContextExt};
use opentelemetry::{Context, KeyValue, global};

/// What a span is made of before it starts.
pub(crate) struct Beginning {
    /// Name of the instrumentation scope.
    pub(crate) scope: &'static str,
    pub(crate) name: Cow<'static, str>,
    pub(crate) kind: SpanKind,
    pub(crate) attributes: Vec<KeyValue>,
}

/// Starts a span under `parent` and returns the context in which it is current.
pub(crate) fn begin(parent: &Context, beginning: Beginning) -> Context {
    begin_linked(parent, beginning, Vec::new())
}

/// As [`begin`], with links to other spans.
pub(crate) fn begin_linked(parent: &Context, beginning: Beginning, links: Vec<Link>) -> Context {
    let tracer = global::tracer(beginning.scope);
    let span = SpanBuilder::from_name(beginning.name)
        .with_kind(beginning.kind)
        .with_attributes(beginning.attributes)
        .with_links(links)
        .start_with_context(&tracer, parent);
    parent.with_span(span)
}

/// Starts a span for work inside the service.
pub(crate) fn begin_internal(parent: &Context, name: &'static str, attributes: Vec<KeyValue>) -> Context {
    begin(parent, Beginning { scope: "shop", name: name.into(), kind: SpanKind::Internal, attributes })
}

/// Marks the context's span as failed. An empty description means that the attributes say it all.
pub(crate) fn fail(cx: &Context, error_type: impl Into<Cow<'static, str>>, description: impl Into<Cow<'static, str>>) {
    let span = cx.span();
    span.set_attribute(KeyValue::new("error.type", error_type.into().into_owned()));
    span.set_status(Status::Error { description: description.into() });
}

/// The id of the context's trace as text.
pub(crate) fn trace_id(cx: &Context) -> String {
    cx.span().span_context().trace_id().to_string()
}
