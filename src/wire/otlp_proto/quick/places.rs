//! Where the traces of a group of spans have its resource and its scope.

use super::record::{self, Put};
use super::{Field, Fields, Read, Unfit, resource};
use crate::trace::{ResourceIx, ScopeIx, TraceBuilder, TraceId};
use crate::wire::raw;
use std::collections::HashMap;

/// The resource and the scope of the spans that are read, and where each trace has them.
pub(super) struct Places<'a> {
    /// As it lies.
    pub(super) resource: &'a [u8],
    pub(super) scope: raw::Scope<'a>,
    resources: ByTrace<ResourceIx>,
    scopes: ByTrace<ScopeIx>,
    /// Most spans are of the trace that the one before is of.
    last: Option<(TraceId, ResourceIx, ScopeIx)>,
}

/// Seeded: ids come from outside.
type ByTrace<T> = HashMap<TraceId, T, foldhash::fast::RandomState>;

impl<'a> Places<'a> {
    /// Of spans of this resource.
    pub(super) fn new(resource: &'a [u8]) -> Places<'a> {
        let (scope, resources, scopes) = Default::default();
        Places { resource, scope, resources, scopes, last: None }
    }
    /// The spans to come are of this scope.
    pub(super) fn enter(&mut self, scope: raw::Scope<'a>) {
        self.scope = scope;
        self.scopes.clear();
        self.last = None;
    }
    /// Where a trace has them.
    pub(super) fn of(&mut self, builder: &mut TraceBuilder, trace: TraceId) -> Read<(ResourceIx, ScopeIx)> {
        if let Some((last, resource, scope)) = self.last
            && last == trace
        {
            return Ok((resource, scope));
        }
        let resource = match self.resources.get(&trace) {
            Some(known) => *known,
            None => {
                let new = put_resource(self.resource, builder)?;
                self.resources.insert(trace, new);
                new
            }
        };
        let scope = *self.scopes.entry(trace).or_insert_with(|| raw::scope(builder, &self.scope));
        self.last = Some((trace, resource, scope));
        Ok((resource, scope))
    }
}

fn put_resource(message: &[u8], builder: &mut TraceBuilder) -> Read<ResourceIx> {
    let (mut attributes, mut fields) = (Vec::with_capacity(16), Fields(message));
    while let Some(field) = fields.next()? {
        match field {
            (1, Field::Bytes(bytes)) => match record::attribute(bytes, builder)? {
                Put::Is(key, value) => attributes.push((key, value)),
                // Its marks change how it is read.
                Put::Marked => return Ok(raw::resource(builder, &resource(message)?, false)),
            },
            (2, Field::Varint(_)) => {}
            _ => return Err(Unfit),
        }
    }
    Ok(builder.resource(attributes))
}
