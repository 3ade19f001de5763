//! Which calls are told and how often they count.

use super::keys::{BROKEN, KEPT, MISSING, check_on};

#[test]
fn a_count_that_only_lists_needs_its_calls_unless_it_writes_a_zero() {
    let none = "a server in 0..9\n";
    check_on(MISSING, "calls: { only: [{ a -> b: 2 }] }", none);
    check_on(MISSING, "calls: { only: [{ a -> b: <= 2 }] }", none);
    check_on(KEPT, "calls: { only: [{ a -> b: 0..2 }] }", none);
    check_on(KEPT, "calls: { only: [a -> b] }", none);
    let twice = "a server in 0..9\n  a client x 1..2\n    b server x 1..2\n  a client y 3..4\n    b server y 3..4\n";
    check_on(KEPT, "calls: { only: [{ a -> b: 2 }] }", twice);
    check_on(BROKEN, "calls: { only: [{ a -> b: 1 }] }", twice);
}

#[test]
fn what_only_lacks_is_told_as_its_own() {
    let judged = super::told::one("calls: { only: [{ a -> b: 2 }] }", &super::told::trace("a server in 0..9\n"));
    assert_eq!(judged.findings[0].expectation, "trace.calls.only");
    assert_eq!(judged.findings[0].expected, "a -> b: 2");
}
