//! What calls ask for without the values that vary: the templates of queries and URLs.

mod scan;
pub(crate) mod sql;
pub(crate) mod url;
