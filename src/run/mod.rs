//! Running tests: who runs when, one test's life, the events that reporters hear.
