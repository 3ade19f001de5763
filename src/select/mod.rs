//! Selecting spans: mapping selectors and TraceQL become one syntax tree, evaluated over columns.
//!
//! `parse` reads TraceQL; [`Query::of_fields`] and its like build what mapping selectors say. Either way the result is
//! a [`Query`], whose [`Query::select`] names rows of a trace.
//!
//! TraceQL is Tempo's: the same grammar, precedence, types and results. Where Tempo depends on how data happens to be
//! stored or gives up a whole query at run time, the behaviour is settled here and written where it is decided
//! (`filter` for events and links, `value` for what has no result, `aggregate` for mixed types).

mod aggregate;
mod answers;
mod ast;
mod bind;
mod bits;
mod build;
mod column;
mod constant;
mod decided;
mod depth;
mod doubt;
mod duration;
mod error;
mod eval;
mod extent;
mod facts;
mod fields;
mod filter;
mod fold;
mod group;
mod index;
mod lex;
mod monotone;
mod named;
mod needed;
mod other_names;
mod parse;
mod parse_field;
mod parse_spanset;
mod pipeline;
mod postings;
mod print;
mod reading;
mod rows;
mod structural;
mod text;
mod times;
mod types;
mod validate;
mod value;
mod walk;
mod words;

pub use aggregate::Scalar;
pub use ast::{
    Aggregate, AggregateFn, Attribute, Field, FieldExpr, FieldKind, FieldOp, FieldTest, Intrinsic, Mode, Pipeline,
    Place, Query, Relation, ScalarExpr, ScalarFilter, Scope, SpansetExpr, SpansetKind, SpansetOp, Stage, Static,
};
pub use bind::Values;
pub(crate) use constant::{constant, constant_of_failed};
pub use doubt::{Between, Doubt};
pub use error::{ErrorKind, SelectError};
pub use eval::{Selection, Spanset};
pub use fields::AliasUse;
pub use index::Index;
pub use monotone::Monotone;
pub use named::Named;
pub use needed::Needed;
pub use other_names::UnderOtherNames;
pub use parse::{MAX_DEPTH, MAX_LENGTH, MAX_NESTING, parse};
pub use types::Mistyped;

#[cfg(test)]
mod doubt_tests;
#[cfg(test)]
mod eval_tests;
#[cfg(test)]
mod print_tests;
#[cfg(test)]
mod reference_tests;
#[cfg(test)]
mod testing;
