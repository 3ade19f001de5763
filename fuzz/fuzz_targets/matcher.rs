//! Text as a matcher in every position: what reads prints, and what was printed of the text forms reads again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tracespec::matcher::{Position, parse};
use tracespec::yaml::{Node, Scalar, Style, TextSpan};

fuzz_target!(|text: &str| {
    for position in [Position::Any, Position::Text, Position::Count, Position::Int, Position::Duration, Position::Word(&["ok", "error"])] {
        for style in [Style::Plain, Style::Quoted] {
            let node = Node::scalar_of(Scalar { text: text.into(), style, at: TextSpan::default() });
            let mut problems = Vec::new();
            match parse(&node, position, &mut problems) {
                Some(matcher) => drop(matcher.to_string()),
                None => assert!(!problems.is_empty(), "refused without a word"),
            }
        }
    }
});
