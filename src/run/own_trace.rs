//! `trace.id`: where the id of a trace stands that the system made itself.

use super::response;
use crate::diag::Problem;
use crate::spec::plan::{Step, TraceIdSource};
use crate::spec::vars::Scope;
use crate::trace::TraceId;
use crate::trigger::context::{trace_id_in, trace_id_of_header};
use crate::trigger::outcome::Outcome;

/// The id of a trace that the system made itself, where the spec says where to read it.
pub(super) fn own_trace_id(
    step: &Step,
    outcome: &Outcome,
    scope: &Scope,
) -> Result<Option<Result<TraceId, String>>, Problem> {
    let Some(source) = &step.trace_id else { return Ok(None) };
    let (what, text, id) = match source {
        TraceIdSource::Header { name, pattern } => {
            let value = outcome.header(name);
            let value = match (pattern, value) {
                (Some(pattern), Some(value)) => match pattern.find(value) {
                    None => {
                        let shown = crate::redact::cut(value, 80);
                        return Ok(Some(Err(format!(
                            "response header `{name}` should hold the trace id where `{}` finds it, but it finds nothing in `{shown}`",
                            pattern.text()
                        ))));
                    }
                    found => found,
                },
                (_, value) => value,
            };
            let tags = outcome.header("x-datadog-tags");
            let id = value.and_then(|value| match pattern {
                Some(_) => trace_id_in(value),
                None => trace_id_of_header(name, value, tags),
            });
            (format!("response header `{name}`"), value.map(str::to_owned), id)
        }
        TraceIdSource::Json(path) => {
            let text = response::Body::of(outcome).text_at(path);
            let id = text.as_deref().and_then(trace_id_in);
            (format!("`{}` of the response", path.text), text, id)
        }
        TraceIdSource::Stdout(pattern) => {
            let output = String::from_utf8_lossy(outcome.document());
            let text = pattern.find(&output).map(str::to_owned);
            let id = text.as_deref().and_then(trace_id_in);
            (format!("what `{}` finds in the output", pattern.text()), text, id)
        }
        TraceIdSource::Value(template) => {
            let text = template.bind(scope)?;
            let id = trace_id_in(&text);
            ("`trace.id`".to_owned(), Some(text), id)
        }
    };
    Ok(Some(match text {
        None => {
            let (place, ending) = (outcome.place(), outcome.ending());
            Err(format!("{what} should hold the trace id, but {place} ({ending}) does not have it"))
        }
        Some(text) => id.ok_or_else(|| {
            let shown = crate::redact::cut(&text, 80);
            format!("{what} should hold the trace id, but `{shown}` is not one (32 hexadecimal digits)")
        }),
    }))
}
