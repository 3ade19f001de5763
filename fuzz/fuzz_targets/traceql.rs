//! Any text is read or refused; errors point into it; what is read prints as a text that means the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tracespec::select::parse;
use tracespec::source::Span;

fuzz_target!(|text: &str| {
    let read = |text: &str| parse(text, Span::new(0, text.len()));
    let (query, errors) = read(text);
    assert_eq!(query.is_none(), !errors.is_empty());
    for error in &errors {
        assert!(text.get(error.span.range()).is_some(), "{error:?}");
    }
    if let Some(query) = query {
        let printed = query.to_string();
        // Printing can make a text longer than what is read, but never mean something else.
        if let (Some(again), _) = read(&printed) {
            assert_eq!(again.to_string(), printed);
        } else {
            assert!(printed.len() > tracespec::select::MAX_LENGTH, "{printed}");
        }
        let _ = query.monotone();
    }
});
