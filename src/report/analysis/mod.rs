//! What `analyze` says: the findings of one trace or of many, and the facts behind them, for people and as JSON.

mod compared;
mod json;
mod many;
mod one;
mod words;

pub use compared::{comparison, comparison_json};
pub use json::{SCHEMA, document};
pub use many::many;
pub use one::one;
