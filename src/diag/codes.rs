//! The kinds of diagnostics. A kind keeps its name for ever: editors, suppressions and SARIF viewers go by it.

macro_rules! codes {
    ($($(#[$doc:meta])* $variant:ident = $text:literal: $says:literal;)*) => {
        /// The kind of a diagnostic.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code { $(#[doc = $says] $variant,)* }
        impl Code {
            /// Every kind.
            pub const ALL: &'static [Code] = &[$(Code::$variant,)*];
            /// Its name.
            pub fn as_str(self) -> &'static str {
                match self { $(Code::$variant => $text,)* }
            }
            /// What it is about, in one sentence.
            pub fn says(self) -> &'static str {
                match self { $(Code::$variant => $says,)* }
            }
        }
    };
}

codes! {
    Encoding = "encoding": "the file is not UTF-8 text";
    YamlSyntax = "yaml-syntax": "the file is not valid YAML";
    YamlLimit = "yaml-limit": "the file is larger or deeper than any spec needs to be";
    YamlTrap = "yaml-trap": "the text means something else to YAML than it says";
    YamlTag = "yaml-tag": "tags have no meaning in a spec";
    Tab = "tab": "YAML does not allow tabs in indentation";
    DuplicateKey = "duplicate-key": "one key twice in a mapping";
    HashCuts = "hash-cuts": "a space and a hash sign begin a comment in the middle of a value";
    BlockScalar = "block-scalar": "a block of text in place of one word or number";
    OldBoolean = "old-boolean": "yes, no, on and off are text: booleans are only true and false";
    UnknownKey = "unknown-key": "a key that this place does not have";
    MissingKey = "missing-key": "a key that this place needs";
    ConflictingKeys = "conflicting-keys": "keys that cannot stand together";
    WrongType = "wrong-type": "a value of another type than this place takes";
    BadValue = "bad-value": "a value that this place does not take";
    Empty = "empty": "nothing is written where something must be";
    TooFewRuns = "too-few-runs": "fewer runs than it takes to say something of them";
    BadMatcher = "bad-matcher": "a matcher that cannot be read";
    WrongUnit = "wrong-unit": "a comparison with a value of another kind, such as a duration with a count";
    NeverMatches = "never-matches": "a matcher that nothing can satisfy";
    AlwaysMatches = "always-matches": "an expectation that nothing can violate";
    BadRegex = "bad-regex": "a regular expression that cannot be read";
    BadJsonPath = "bad-jsonpath": "a JSONPath that cannot be read";
    BadTraceql = "bad-traceql": "TraceQL that cannot be read";
    BadTemplate = "bad-template": "a variable that is not written as one";
    UnknownVariable = "unknown-variable": "a variable that is not defined";
    UnusedVariable = "unused-variable": "a variable that nothing uses";
    UnusedCapture = "unused-capture": "a captured value that nothing uses";
    ShadowedVariable = "shadowed-variable": "two values under one name";
    TooLarge = "too-large": "text that grows too large when its variables are filled in";
    UnboundVariable = "unbound-variable": "a variable without a value in this run";
    UnknownName = "unknown-name": "a name that no `as` declares";
    DuplicateName = "duplicate-name": "one name used twice";
    UnknownTest = "unknown-test": "`needs` names a test that does not exist";
    NeedsCycle = "needs-cycle": "tests that need each other";
    NoExpectation = "no-expectation": "a test that could not fail";
    OnlyInCi = "only-in-ci": "`only` would leave the other tests out of a CI run";
    MatrixRow = "matrix-row": "a matrix row that cannot be used";
    MissingFile = "missing-file": "a file that cannot be read";
    BackendCannot = "backend-cannot": "something that the backend of the test cannot answer";
    UnusedKey = "unused-key": "a key without effect where it stands";
    Redundant = "redundant": "something written twice";
}
