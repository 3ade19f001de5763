//! Rows of one trace, and what is picked of them where not everything is known.

use super::bits::Bits;
use crate::trace::SpanIx;
use smallvec::SmallVec;
use std::borrow::Cow;

/// Sorted rows. Nearly every set of a `by()` with many sets has a span or two, and allocating for each would be most of
/// what grouping costs.
pub(super) type Few = SmallVec<[SpanIx; 4]>;

/// Rows of one trace.
#[derive(Debug, Clone)]
pub(super) enum Rows {
    Many(Bits),
    /// Sorted. For the sets of `by()`, of which there can be as many as spans: a bit for each row of the trace would
    /// take memory and time by the square.
    Few(Few),
}

impl Rows {
    pub(super) fn is_empty(&self) -> bool {
        match self {
            Rows::Many(bits) => bits.is_empty(),
            Rows::Few(spans) => spans.is_empty(),
        }
    }
    pub(super) fn count(&self) -> usize {
        match self {
            Rows::Many(bits) => bits.count(),
            Rows::Few(spans) => spans.len(),
        }
    }
    pub(super) fn spans(&self) -> Cow<'_, [SpanIx]> {
        match self {
            Rows::Many(bits) => Cow::Owned(bits.spans()),
            Rows::Few(spans) => Cow::Borrowed(spans),
        }
    }
    pub(super) fn bits(&self, len: usize) -> Cow<'_, Bits> {
        match self {
            Rows::Many(bits) => Cow::Borrowed(bits),
            Rows::Few(spans) => Cow::Owned(Bits::of(len, spans.iter().map(|ix| ix.index()))),
        }
    }
    /// These of `bits`, kept as `self` is.
    pub(super) fn like(&self, bits: Bits) -> Rows {
        match self {
            Rows::Many(_) => Rows::Many(bits),
            Rows::Few(_) => Rows::Few(Few::from_vec(bits.spans())),
        }
    }
    pub(super) fn none(&self) -> Rows {
        match self {
            Rows::Many(bits) => Rows::Many(Bits::empty(bits.len())),
            Rows::Few(_) => Rows::Few(Few::new()),
        }
    }
    /// The rows that `bits` has as well.
    pub(super) fn and(&self, bits: &Bits) -> Rows {
        match self {
            Rows::Many(own) => Rows::Many(own.clone().and(bits)),
            Rows::Few(spans) => Rows::Few(spans.iter().copied().filter(|ix| bits.get(ix.index())).collect()),
        }
    }
    pub(super) fn or(self, other: &Rows) -> Rows {
        match (self, other) {
            (Rows::Many(own), Rows::Many(other)) => Rows::Many(own.or(other)),
            (Rows::Many(mut own), Rows::Few(other)) => {
                other.iter().for_each(|ix| own.set(ix.index()));
                Rows::Many(own)
            }
            (Rows::Few(mut own), other) => {
                own.extend_from_slice(&other.spans());
                own.sort_unstable();
                own.dedup();
                Rows::Few(own)
            }
        }
    }
}

/// What is picked: some rows at most, and of these some for certain.
#[derive(Debug, Clone)]
pub(super) struct Picked {
    pub(super) may: Rows,
    /// `None`: all of them. Apart, since there can be as many of these as spans, and doubt is rare.
    sure: Option<Box<Rows>>,
}

impl Picked {
    pub(super) fn exactly(rows: Rows) -> Picked {
        Picked { may: rows, sure: None }
    }
    pub(super) fn between(sure: Rows, may: Rows) -> Picked {
        Picked { may, sure: Some(Box::new(sure)) }
    }
    pub(super) fn sure(&self) -> &Rows {
        self.sure.as_deref().unwrap_or(&self.may)
    }
    pub(super) fn is_exact(&self) -> bool {
        self.sure.is_none()
    }
    /// The same, none of it for certain.
    pub(super) fn perhaps(self) -> Picked {
        Picked { sure: Some(Box::new(self.may.none())), may: self.may }
    }
    /// What becomes of both by something that picks more of more rows.
    pub(super) fn with(&self, other: &Picked, of: impl Fn(&Rows, &Rows) -> Rows) -> Picked {
        let exact = self.is_exact() && other.is_exact();
        Picked { may: of(&self.may, &other.may), sure: (!exact).then(|| Box::new(of(self.sure(), other.sure()))) }
    }
    /// The other way around for `other`: the more it has, the less is picked.
    pub(super) fn without(&self, other: &Picked, of: impl Fn(&Rows, &Rows) -> Rows) -> Picked {
        let exact = self.is_exact() && other.is_exact();
        Picked { may: of(&self.may, other.sure()), sure: (!exact).then(|| Box::new(of(self.sure(), &other.may))) }
    }
}
