//! `response`.

use super::Lower;
use super::step::Answers;
use crate::diag::{Code, Problem};
use crate::matcher::{Comparison, Literal, Matcher, Operand, Position};
use crate::source::{Span, Spanned};
use crate::spec::forms;
use crate::spec::plan::{Capture, GRPC_CODES, GraphQlErrors as Errors, Response};
use crate::spec::read::Fields;
use crate::yaml::{Node, Value};
use std::collections::BTreeMap;
use std::sync::Arc;

impl Lower<'_> {
    pub(super) fn response(
        &mut self,
        node: &Arc<Node>,
        at: Span,
        answers: Answers,
        captures: &mut BTreeMap<String, Span>,
    ) -> Response {
        let Some(fields) = self.reader.fields(node, &forms::RESPONSE) else { return self.no_response(answers) };
        self.only_what_answers(&fields, answers);
        let is_grpc = answers == Answers::Grpc;
        let status = fields.get("status").filter(|_| !is_grpc).and_then(|node| self.status(node));
        let grpc_status = fields.get("status").filter(|_| is_grpc).and_then(|node| self.grpc_status(node));
        let status_message =
            fields.get("status_message").and_then(|node| self.reader.spanned_matcher(node, Position::Text));
        let metadata = fields.get("metadata").map(|node| self.header_matchers(node)).unwrap_or_default();
        let headers = fields.get("headers").map(|node| self.header_matchers(node)).unwrap_or_default();
        let mut json = Vec::new();
        if let Some(entries) =
            fields.get("json").and_then(|node| self.reader.entries(node, "JSONPaths with what they must be"))
        {
            let entries: Vec<_> = entries.collect();
            for (key, value) in entries {
                let path = self.reader.json_path(&key.text, key.at);
                let matcher = self.reader.matcher(value, Position::Any);
                json.extend(path.zip(matcher));
            }
        }
        let body = fields.get("body").and_then(|node| self.reader.spanned_matcher(node, Position::Text));
        let errors = fields.get("errors").and_then(|node| self.reader.spanned_matcher(node, Position::Any));
        let errors = match (errors, answers) {
            (Some(matcher), _) => Errors::Are(Box::new(matcher)),
            (None, Answers::GraphQl) => Errors::None,
            (None, _) => Errors::NotLookedAt,
        };
        let exit_code = fields.get("exit_code").and_then(|node| self.reader.spanned_matcher(node, Position::Int));
        let mut output = |name| fields.get(name).and_then(|node| self.reader.spanned_matcher(node, Position::Text));
        let (stdout, stderr) = (output("stdout"), output("stderr"));
        let duration = fields.get("duration").and_then(|node| self.reader.spanned_matcher(node, Position::Duration));
        let capture = fields.get("capture").map(|node| self.captures(node, answers, captures)).unwrap_or_default();
        let redactor = self.options.redactor.clone();
        Response {
            at: Some(at),
            status: status.map(Box::new),
            headers,
            json,
            body: body.map(Box::new),
            grpc_status: grpc_status.map(Box::new),
            status_message: status_message.map(Box::new),
            metadata,
            errors,
            exit_code: exit_code.map(Box::new),
            stdout: stdout.map(Box::new),
            stderr: stderr.map(Box::new),
            duration: duration.map(Box::new),
            capture,
            redactor,
        }
    }

    /// Reports what is expected of another kind of answer.
    fn only_what_answers(&mut self, fields: &Fields<'_>, answers: Answers) {
        let (own, who): (&[&str], _) = match answers {
            Answers::Http | Answers::GraphQl => {
                (&["status", "headers", "json", "body", "errors", "duration", "capture"], "an HTTP answer")
            }
            Answers::Grpc => {
                (&["status", "status_message", "metadata", "headers", "json", "duration", "capture"], "a gRPC answer")
            }
            Answers::Program => (&["exit_code", "stdout", "stderr", "json", "duration", "capture"], "a program"),
            Answers::Nothing => return,
        };
        for key in forms::RESPONSE.keys.iter().filter(|key| !own.contains(&key.name) && fields.has(key.name)) {
            let says = format!("{who} has no `{}`", key.name);
            let help = own.iter().filter(|name| !matches!(**name, "capture" | "errors"));
            let help = help.map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
            self.reader.error(Code::ConflictingKeys, fields.key_span(key.name), says, format!("it has {help}"));
        }
        if answers == Answers::Http && fields.has("errors") {
            let help = "send a `graphql` request; or look into the body: `json: { $.errors: absent }`";
            let says = "`errors` are those of GraphQL, and this step sends another request";
            self.reader.error(Code::ConflictingKeys, fields.key_span("errors"), says, help);
        }
    }

    /// For a step that says nothing of its response.
    pub(super) fn no_response(&self, answers: Answers) -> Response {
        let errors = if answers == Answers::GraphQl { Errors::None } else { Errors::NotLookedAt };
        Response { errors, redactor: self.options.redactor.clone(), ..Response::default() }
    }

    /// A status is one of those that HTTP has.
    fn status(&mut self, node: &Node) -> Option<Spanned<Matcher>> {
        let matcher = self.reader.spanned_matcher(node, Position::Int)?;
        if let Matcher::Compare(Comparison::Eq, Operand::Literal(Literal::Int(status))) = &matcher.value
            && !(100..=599).contains(status)
        {
            self.reader.error(
                Code::NeverMatches,
                node.span,
                format!("{status} is not an HTTP status"),
                "a status is a number from 100 to 599",
            );
            return None;
        }
        Some(matcher)
    }

    /// A status of gRPC, by its word.
    fn grpc_status(&mut self, node: &Node) -> Option<Spanned<Matcher>> {
        let code = node.scalar().and_then(|scalar| scalar.text.parse::<usize>().ok());
        if let Some(code) = code {
            let help = GRPC_CODES
                .get(code)
                .map_or_else(|| "write `OK`, `NOT_FOUND`, …".to_owned(), |word| format!("write `{word}`"));
            self.reader.error(Code::WrongType, node.span, "a gRPC status is named by its word", help);
            return None;
        }
        self.reader.spanned_matcher(node, Position::Word(GRPC_CODES))
    }

    fn header_matchers(&mut self, node: &Node) -> Vec<(Spanned<String>, Matcher)> {
        let Some(entries) = self.reader.entries(node, "headers") else { return Vec::new() };
        let entries: Vec<_> = entries.collect();
        let mut headers = Vec::new();
        for (key, value) in entries {
            if http::HeaderName::from_bytes(key.text.to_ascii_lowercase().as_bytes()).is_err() {
                self.reader.error(
                    Code::BadValue,
                    key.at.whole,
                    format!("`{}` is not the name of a header", key.text),
                    "the name of a header has letters, digits and `-`, no blanks",
                );
                continue;
            }
            let matcher = self.reader.matcher(value, Position::Text);
            headers.extend(matcher.map(|matcher| (Spanned::new(key.text.to_ascii_lowercase(), key.at.whole), matcher)));
        }
        headers
    }

    fn captures(
        &mut self,
        node: &Node,
        answers: Answers,
        captures: &mut BTreeMap<String, Span>,
    ) -> Vec<(Spanned<String>, Capture)> {
        let Some(entries) = self.reader.entries(node, "names with where their values come from") else {
            return Vec::new();
        };
        let entries: Vec<_> = entries.collect();
        let mut out = Vec::new();
        for (key, value) in entries {
            let (name, span) = (key.text.to_string(), key.at.whole);
            if !self.name_of_variable(&name, span) {
                continue;
            }
            if let Some(first) = captures.insert(name.clone(), span) {
                let says = format!("`{name}` was captured before: from here on it has the new value");
                self.reader.push(
                    Problem::warning(Code::ShadowedVariable, span, says)
                        .related(first, "first here")
                        .help("give one of them another name"),
                );
            } else if let Some(first) = self.vars.get(&name) {
                let says = format!("the captured `{name}` hides the file's variable of that name");
                self.reader.push(
                    Problem::warning(Code::ShadowedVariable, span, says)
                        .related(*first, "defined here")
                        .help("give one of them another name"),
                );
            }
            self.reader.known.insert(name.clone());
            let capture = self.capture(value);
            if let Some(capture) = capture.filter(|capture| self.can_be_captured(capture, answers, value.span)) {
                out.push((Spanned::new(name, span), capture));
            }
        }
        out
    }

    fn capture(&mut self, node: &Node) -> Option<Capture> {
        if let Value::Map(_) = node.value {
            let fields = self.reader.fields(node, &forms::CAPTURE)?;
            let found: Vec<&str> = ["json", "header", "stdout"].into_iter().filter(|name| fields.has(name)).collect();
            if let [_, second, ..] = found.as_slice() {
                let help = "keep one of `json`, `header`, `stdout`";
                let at = fields.key_span(second);
                self.reader.error(Code::ConflictingKeys, at, "a value is captured from one place", help);
                return None;
            }
            if let Some(node) = fields.get("stdout") {
                return self.finder(node).map(|pattern| Capture::Stdout(Some(pattern)));
            }
            return match (fields.get("json"), fields.get("header")) {
                (Some(json), _) => {
                    let scalar = self.reader.scalar(json, "a JSONPath", false)?;
                    self.reader.json_path(&scalar.text, scalar.at).map(Capture::Json)
                }
                (None, Some(header)) => self
                    .reader
                    .word(header, "a header's name")
                    .map(|name| Capture::Header(name.value.to_ascii_lowercase())),
                (None, None) => {
                    if found.is_empty() {
                        self.reader.error(
                            Code::MissingKey,
                            node.span,
                            "nothing says what is captured",
                            "write a JSONPath, `{ header: location }`, `status` or `body`",
                        );
                    }
                    None
                }
            };
        }
        let scalar = self.reader.scalar(node, "a JSONPath, `status`, `body` or `{ header: … }`", false)?;
        match &*scalar.text {
            "status" => Some(Capture::Status),
            "status_code" | "statusCode" | "code" | "response.status" => {
                self.reader.error(
                    Code::BadValue,
                    node.span,
                    format!("`{}` is unknown here", scalar.text),
                    "write `status`",
                );
                None
            }
            "body" => Some(Capture::Body),
            "exit_code" => Some(Capture::ExitCode),
            "stdout" => Some(Capture::Stdout(None)),
            "stderr" => Some(Capture::Stderr),
            path => {
                if let Some(help) = other_capture(path) {
                    let begins = if path.starts_with('$') { "`$.` or `$[`" } else { "`$`" };
                    let says = format!("`{path}` is not a JSONPath: a path begins with {begins}");
                    self.reader.error(Code::BadJsonPath, node.span, says, help);
                    return None;
                }
                self.reader.json_path(path, scalar.at).map(Capture::Json)
            }
        }
    }
}

impl Lower<'_> {
    /// Reports a value that such an answer does not have.
    fn can_be_captured(&mut self, capture: &Capture, answers: Answers, at: Span) -> bool {
        let (says, help) = match (capture, answers) {
            (Capture::Status | Capture::Header(_) | Capture::Body, Answers::Program) => (
                "a program has no status, headers or body",
                "write a JSONPath into its output, `exit_code`, `stdout`, `stderr`, or `{ stdout: 'id=(.*)' }`",
            ),
            (
                Capture::ExitCode | Capture::Stdout(_) | Capture::Stderr,
                Answers::Http | Answers::GraphQl | Answers::Grpc,
            ) => (
                "an HTTP answer has no exit code and no output",
                "write a JSONPath, `status`, `body`, or `{ header: NAME }`",
            ),
            _ => return true,
        };
        self.reader.error(Code::ConflictingKeys, at, says, help);
        false
    }
}

/// What to write for what other tools capture by a path without `$`.
fn other_capture(path: &str) -> Option<String> {
    let path = path.strip_prefix('$').unwrap_or(path);
    let path = path.strip_prefix("response.").or_else(|| path.strip_prefix("res.")).unwrap_or(path);
    let (head, rest) = path.split_once(['.', ':', '['])?;
    let rest = rest.trim().trim_end_matches(']').trim_matches(['"', '\'']);
    match head {
        _ if rest.is_empty() => None,
        "header" | "headers" => Some(format!("a header is captured by `{{ header: {rest} }}`")),
        "body" | "json" => Some(format!("a value of the JSON body is captured by `$.{rest}`")),
        "cookie" | "cookies" => Some("cookies are captured whole: `{ header: set-cookie }`".to_owned()),
        _ => None,
    }
}
