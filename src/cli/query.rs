//! `tracespec query`.
use super::args::{Common, QueryArgs};
pub(crate) async fn query(_: &QueryArgs, _: &Common) -> u8 { super::exit::ERROR }
