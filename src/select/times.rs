//! Whether a query makes one value of the times of many spans: then one span whose times are not known leaves it open
//! what the query picks. Of a filter or a test it is known span by span (`doubt`).

use super::ast::*;
use super::walk::{Part, attributes, parts};

impl Query {
    /// Whether what it picks depends on the times of other spans than those that it picks.
    pub fn combines_times(&self) -> bool {
        parts(self).into_iter().any(|part| part.expr().is_some_and(|expr| combines(expr, part)))
    }
}

fn combines(expr: &FieldExpr, part: Part<'_>) -> bool {
    use Intrinsic::{Duration, EventTime, TraceDuration};
    let mut found = false;
    attributes(expr, &mut |attribute| {
        found |= match attribute {
            Attribute::Intrinsic(TraceDuration) => true,
            Attribute::Intrinsic(Duration | EventTime) => matches!(part, Part::By(_) | Part::Aggregate(_)),
            _ => false,
        };
    });
    found
}
