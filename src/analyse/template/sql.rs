//! The template of a query: its text without literals, comments and differences in white space.
//!
//! A tokenizer in one pass, not a parser: linear in the text, and whatever the text is, it ends with a template. What a
//! dialect decides (whether `"a"` is a name or text, whether a backslash escapes) is taken from the database system.
//! `template(template(x)) == template(x)`: tokens that stand side by side in a template stood side by side in the query.

use super::scan::{Kind, Scanner, Token};
use std::hash::{DefaultHasher, Hash, Hasher};

/// What a query says beside its values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sql {
    /// On one line, with `?` for each value.
    pub(crate) template: String,
    /// A print of the values in it, in order.
    pub(crate) values: u64,
    /// How many values are in it.
    pub(crate) literals: usize,
    /// How many values were taken out before it was recorded (`?`, `$1`, `:name`).
    pub(crate) placeholders: usize,
    /// Whether it locks what it reads (`FOR UPDATE`).
    pub(crate) locks: bool,
}

/// How a database system writes what others write otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Dialect {
    /// SQL as its standard has it: `"name"`, `'text'`.
    Standard,
    /// Comments nest.
    Postgres,
    /// `"text"`, and a backslash escapes.
    MySql,
    /// `[name]`, and comments nest.
    SqlServer,
    /// `"text"`, and `:Label` is no parameter.
    Cypher,
    /// `"key": "text"`.
    Json,
    /// A command and its arguments: only the command says what is asked.
    Command,
}

impl Dialect {
    /// The dialect of a `db.system.name` (or `db.system`).
    pub(crate) fn of(system: &str) -> Dialect {
        match system {
            "postgresql" | "cockroachdb" | "redshift" | "aws.redshift" => Dialect::Postgres,
            "mysql" | "mariadb" | "gcp.spanner" | "spanner" | "bigquery" | "gcp.bigquery" | "hive" | "spark"
            | "databricks" | "couchbase" | "azure.cosmosdb" | "cosmosdb" => Dialect::MySql,
            "mssql" | "microsoft.sql_server" => Dialect::SqlServer,
            "neo4j" => Dialect::Cypher,
            "mongodb" | "elasticsearch" | "opensearch" | "dynamodb" | "aws.dynamodb" | "couchdb" => Dialect::Json,
            "redis" | "valkey" | "memcached" => Dialect::Command,
            _ => Dialect::Standard,
        }
    }
    pub(super) fn escapes(self) -> bool {
        matches!(self, Dialect::MySql | Dialect::Cypher | Dialect::Json)
    }
    pub(super) fn quotes_text_twice(self) -> bool {
        matches!(self, Dialect::MySql | Dialect::Cypher | Dialect::Json)
    }
    pub(super) fn nests(self) -> bool {
        matches!(self, Dialect::Postgres | Dialect::SqlServer)
    }
    pub(super) fn names_parameters(self) -> bool {
        !matches!(self, Dialect::Cypher | Dialect::Json)
    }
}

/// The template of a query. `each` is given every value in it.
pub(crate) fn template(text: &str, dialect: Dialect, mut each: impl FnMut(&str)) -> Sql {
    if dialect == Dialect::Command {
        return command(text, each);
    }
    let mut hasher = DefaultHasher::new();
    let (mut literals, mut placeholders) = (0, 0);
    let mut scanner = Scanner::new(text, dialect);
    let mut line = Line { tokens: Vec::new(), open: Vec::new(), row: None, dialect };
    while let Some(token) = scanner.next() {
        match token.kind {
            Kind::Literal => {
                token.text.hash(&mut hasher);
                literals += 1;
                each(token.text);
            }
            Kind::Placeholder => placeholders += 1,
            Kind::Word | Kind::Name | Kind::Symbol => {}
        }
        line.push(token);
    }
    let locks = line.locks();
    Sql { template: line.text(), values: hasher.finish(), literals, placeholders, locks }
}

/// `GET ?` of `GET user:17`.
fn command(text: &str, mut each: impl FnMut(&str)) -> Sql {
    let mut words = text.split_whitespace();
    let name = words.next().unwrap_or_default();
    let mut hasher = DefaultHasher::new();
    let (mut literals, mut placeholders) = (0, 0);
    for word in words {
        if word == "?" {
            placeholders += 1;
        } else {
            word.hash(&mut hasher);
            literals += 1;
            each(word);
        }
    }
    let rest = if literals + placeholders > 0 { " ?" } else { "" };
    Sql { template: format!("{name}{rest}"), values: hasher.finish(), literals, placeholders, locks: false }
}

/// The tokens of a template, in which lists of values of any length are one value.
struct Line<'a> {
    tokens: Vec<Token<'a>>,
    /// Where the brackets that are open were opened.
    open: Vec<usize>,
    /// The last row of `VALUES`.
    row: Option<(usize, usize)>,
    dialect: Dialect,
}

impl<'a> Line<'a> {
    fn push(&mut self, token: Token<'a>) {
        if token.is("(") || token.is("[") {
            self.open.push(self.tokens.len());
        }
        self.tokens.push(token);
        if (token.is(")") || token.is("]"))
            && let Some(open) = self.open.pop()
        {
            self.shorten_list(open);
            self.join_rows(open);
        }
    }

    /// `IN (?, ?, ?)` → `IN (?)`
    fn shorten_list(&mut self, open: usize) {
        let lists = |token: &Token<'_>| token.is_word("in") || token.is_word("array");
        let json = self.dialect == Dialect::Json && self.tokens[open].is("[");
        if !json && !open.checked_sub(1).is_some_and(|before| lists(&self.tokens[before])) {
            return;
        }
        let items = &self.tokens[open + 1..self.tokens.len() - 1];
        let fits = |(at, token): (usize, &Token<'_>)| if at % 2 == 0 { token.is_value() } else { token.is(",") };
        if items.len() % 2 == 1 && items.iter().enumerate().all(fits) {
            let close = self.tokens.len() - 1;
            self.tokens[open + 1].spaced = false;
            self.tokens[close].spaced = false;
            self.tokens.drain(open + 2..close);
        }
    }

    /// `VALUES (?, ?), (?, ?)` → `VALUES (?, ?)`
    fn join_rows(&mut self, open: usize) {
        let end = self.tokens.len();
        let Some(before) = open.checked_sub(1) else { return };
        if self.tokens[before].is_word("values") {
            self.row = Some((open, end));
            return;
        }
        let Some((from, to)) = self.row.filter(|(_, to)| *to == before && self.tokens[before].is(",")) else { return };
        let (row, next) = (&self.tokens[from..to], &self.tokens[open..end]);
        let same = row.len() == next.len()
            && row.iter().zip(next).all(|(a, b)| a.shown() == b.shown() && a.is_value() == b.is_value());
        if same {
            self.tokens.truncate(before);
        } else {
            self.row = Some((open, end));
        }
    }

    fn locks(&self) -> bool {
        let locks = |words: &[Token<'_>]| {
            words[0].is_word("for") && ["update", "share", "no", "key"].iter().any(|word| words[1].is_word(word))
        };
        self.tokens.windows(2).any(locks)
    }

    fn text(mut self) -> String {
        while self.tokens.last().is_some_and(|token| token.is(";")) {
            self.tokens.pop();
        }
        let mut out = String::with_capacity(self.tokens.iter().map(|token| token.shown().len() + 1).sum());
        for token in &self.tokens {
            if token.spaced && !out.is_empty() {
                out.push(' ');
            }
            out.push_str(token.shown());
        }
        out
    }
}

#[cfg(test)]
#[path = "sql_tests.rs"]
mod tests;
