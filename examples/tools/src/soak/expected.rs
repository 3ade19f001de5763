//! Which tests of `specs/` fail under which fault of the shop. What is not listed passes.

/// The tests of `specs/`, and the letters by which the table below names them.
const TESTS: [(char, &str); 21] = [
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
    ('q', "the product list over GraphQL is one query behind the gateway"),
    ('m', "an order over GraphQL is charged once, then reserved once"),
    ('k', "a declined card is an error in a 200, and reserves nothing"),
    ('a', "a payment is authorised over gRPC"),
    ('b', "a declined card is a status of the call and of its span"),
    ('y', "nine of ten product lists take less than a second"),
    ('w', "the nightly job orders within the trace that it was given"),
];

/// Each fault with the letters of the tests that fail under it.
pub const FAULTS: [(&str, &str); 10] = [
    ("none", ""),
    ("n_plus_one", "demw"),
    ("slow_payment", "ca"),
    ("declined", "cedpoftnsmaw"),
    ("swallowed_error", "fceorsmw"),
    ("sequential", "p"),
    ("reserve_before_charge", "cprmk"),
    ("missing_service", "cedpstmw"),
    ("lost_context", "tcedsmw"),
    ("extra_retry", "ocepmw"),
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
