//! What becomes of one export on its way: its spans are shuffled, dealt out to several exports, and each of those is
//! delayed by itself; some are sent twice. Nothing is ever lost.

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use std::ops::RangeInclusive;
use std::time::Duration;

/// One export that is sent on, and how long after the one that it stems from.
#[derive(Debug, Clone, PartialEq)]
pub struct Leg {
    pub after: Duration,
    pub request: ExportTraceServiceRequest,
}

/// Deals exports out; the same seed and the same exports give the same legs.
#[derive(Debug)]
pub struct Scatter {
    pub delay: RangeInclusive<Duration>,
    /// The part of all legs that are sent twice, 0 to 1.
    pub duplicates: f64,
    /// The most legs that one export is split into.
    pub most_legs: usize,
    pub rng: fastrand::Rng,
}

/// A span with the places that its resource and its scope have in the request it came in.
struct Placed {
    resource: usize,
    scope: usize,
    span: Span,
}

impl Scatter {
    pub fn scatter(&mut self, request: ExportTraceServiceRequest) -> Vec<Leg> {
        let (frames, mut spans) = take_apart(request);
        if spans.is_empty() {
            return Vec::new();
        }
        self.rng.shuffle(&mut spans);
        let legs = self.rng.usize(1..=self.most_legs.clamp(1, spans.len()));
        let mut hands: Vec<Vec<Placed>> = (0..legs).map(|_| Vec::new()).collect();
        for (at, span) in spans.into_iter().enumerate() {
            // Each leg gets one span at least.
            let hand = if at < legs { at } else { self.rng.usize(..legs) };
            hands[hand].push(span);
        }
        let mut out = Vec::new();
        for hand in hands {
            let request = put_together(&frames, hand);
            if self.rng.f64() < self.duplicates {
                out.push(Leg { after: self.delay(), request: request.clone() });
            }
            out.push(Leg { after: self.delay(), request });
        }
        out
    }

    fn delay(&mut self) -> Duration {
        let nanos = |duration: &Duration| u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        let (least, most) = (nanos(self.delay.start()), nanos(self.delay.end()));
        Duration::from_nanos(self.rng.u64(least..=most.max(least)))
    }
}

/// The resources and scopes without their spans, and the spans.
fn take_apart(request: ExportTraceServiceRequest) -> (Vec<ResourceSpans>, Vec<Placed>) {
    let mut frames = request.resource_spans;
    let mut spans = Vec::new();
    for (resource, of_resource) in frames.iter_mut().enumerate() {
        for (scope, of_scope) in of_resource.scope_spans.iter_mut().enumerate() {
            let taken = std::mem::take(&mut of_scope.spans);
            spans.extend(taken.into_iter().map(|span| Placed { resource, scope, span }));
        }
    }
    (frames, spans)
}

/// Every span under a resource and a scope of its own, which OTLP allows, so that their order stays as it was dealt.
fn put_together(frames: &[ResourceSpans], spans: Vec<Placed>) -> ExportTraceServiceRequest {
    let resource_spans = spans.into_iter().map(|placed| {
        let frame = &frames[placed.resource];
        let scope = &frame.scope_spans[placed.scope];
        ResourceSpans {
            resource: frame.resource.clone(),
            scope_spans: vec![ScopeSpans {
                scope: scope.scope.clone(),
                spans: vec![placed.span],
                schema_url: scope.schema_url.clone(),
            }],
            schema_url: frame.schema_url.clone(),
        }
    });
    ExportTraceServiceRequest { resource_spans: resource_spans.collect() }
}
