//! What came of a search over HTTP.

use super::http::Answer;
use super::{Fetch, SearchError};

/// What kept a search from an answer.
pub(super) fn failed(fetch: Fetch) -> SearchError {
    match fetch {
        Fetch::Transient { words, retry_after } => SearchError::Failed { words, retry_after },
        Fetch::NotYet { words } | Fetch::Refused { words } => SearchError::Unsupported { words },
        Fetch::Found(_) => SearchError::Failed { words: String::new(), retry_after: None },
    }
}

/// The answer, unless its status says that there is none.
pub(super) fn checked(asked: Result<Answer, Fetch>) -> Result<Answer, SearchError> {
    let answer = asked.map_err(failed)?;
    if let Some(fetch) = answer.judged_by_status() {
        return Err(failed(fetch));
    }
    if !answer.status.is_success() {
        return Err(SearchError::Unsupported { words: answer.shown() });
    }
    Ok(answer)
}
