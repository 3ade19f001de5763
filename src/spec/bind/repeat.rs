//! What is asked of many runs.

use super::{Bind, Bound, each, spanned};
use crate::matcher::{Lookup, Position};
use crate::spec::plan::{Compare, Percentiles, Repeat, Timed};

impl Bind for Repeat {
    fn bind(&self, scope: &dyn Lookup) -> Bound<Repeat> {
        Ok(Repeat {
            percentiles: each(&self.percentiles, |entry| entry.bind(scope))?,
            compare: each(&self.compare, |entry| entry.bind(scope))?,
            ..self.clone()
        })
    }
}

impl Bind for Percentiles {
    fn bind(&self, scope: &dyn Lookup) -> Bound<Percentiles> {
        let of = match &self.of {
            Timed::Spans(select) => Timed::Spans(select.bind(scope)?),
            Timed::Response => Timed::Response,
        };
        let bounds =
            each(&self.bounds, |(quantile, bound)| Ok((*quantile, spanned(bound, scope, Position::Duration)?)))?;
        Ok(Percentiles { path: self.path.clone(), of, bounds })
    }
}

impl Bind for Compare {
    fn bind(&self, scope: &dyn Lookup) -> Bound<Compare> {
        Ok(Compare {
            path: self.path.clone(),
            left: self.left.bind(scope)?,
            right: self.right.bind(scope)?,
            ratio: spanned(&self.ratio, scope, Position::Ratio)?,
        })
    }
}
