//! Which tests of `specs/` fail under which fault of the shop. What is not listed passes.

/// The tests of `specs/`, and the letters by which the table below names them.
const TESTS: [(char, &str); 14] = [
    ('c', "an order charges the card, then reserves stock"),
    ('e', "an order makes exactly the spans it should"),
    ('d', "a reservation asks the database once, whatever the number of shelves"),
    ('p', "the items of an order are reserved at once"),
    ('o', "a card is charged once"),
    ('f', "no failed call hides behind a confirmed order"),
    ('t', "one trace holds the whole order"),
    ('n', "a confirmed order is notified through the queue"),
    ('l', "the product list is one query behind the gateway"),
    ('r', "a declined card reserves nothing and tells nobody"),
    ('s', "an order of what is out of stock tells nobody"),
    ('u', "an unknown product is refused before the card is charged"),
    ('j', "what is not JSON stops at the gateway"),
    ('g', "an order nobody placed is not found"),
];

/// Each fault with the letters of the tests that fail under it.
pub const FAULTS: [(&str, &str); 10] = [
    ("none", ""),
    ("n_plus_one", "de"),
    ("slow_payment", "c"),
    ("declined", "cedpoftns"),
    ("swallowed_error", "fceors"),
    ("sequential", "p"),
    ("reserve_before_charge", "cpr"),
    ("missing_service", "cedpst"),
    ("lost_context", "tceds"),
    ("extra_retry", "ocep"),
];

/// Whether a test must fail under a fault; `None` if there is no such test or fault in the table.
pub fn must_fail(fault: &str, test: &str) -> Option<bool> {
    let (letter, _) = TESTS.iter().find(|(_, name)| *name == test)?;
    let (_, failing) = FAULTS.iter().find(|(name, _)| *name == fault)?;
    Some(failing.contains(*letter))
}

/// How many tests a whole run has.
pub const fn tests() -> usize {
    TESTS.len()
}

/// The names of all tests.
pub fn names() -> impl Iterator<Item = &'static str> {
    TESTS.iter().map(|(_, name)| *name)
}
