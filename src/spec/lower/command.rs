//! `command`.

use super::Lower;
use crate::diag::Code;
use crate::matcher::Template;
use crate::spec::forms;
use crate::spec::plan::Command;
use crate::yaml::{Node, Value};
use std::sync::Arc;

/// What the runner sets itself: by these the trace is found.
const OURS: &[&str] = &["TRACEPARENT", "TRACESTATE"];

impl Lower<'_> {
    pub(super) fn command(&mut self, node: &Arc<Node>) -> Option<Command> {
        if let Value::Scalar(scalar) = &node.value {
            let words: Vec<&str> = scalar.text.split_whitespace().collect();
            let help = format!("write `command: {{ argv: [{}] }}`", words.join(", "));
            let says = "a command is a program with its arguments, each an entry of its own: no shell takes it apart";
            self.reader.error(Code::WrongType, node.span, says, help);
            return None;
        }
        if let Value::List(_) = node.value {
            let help = "write `command: { argv: […] }`";
            self.reader.error(Code::WrongType, node.span, "the program stands under `argv`", help);
            return None;
        }
        let fields = self.reader.fields(node, &forms::COMMAND)?;
        let argv = self.reader.need(&fields, "argv").and_then(|node| self.argv(node));
        let env = fields.get("env").map(|node| self.environment(node)).unwrap_or_default();
        let cwd = fields.get("cwd").and_then(|node| self.folder_path(node));
        let stdin = fields.get("stdin").and_then(|node| self.reader.text(node, "what the program reads"));
        let timeout = fields.get("timeout").and_then(|node| self.reader.positive_duration(node));
        Some(Command { argv: argv?, env, cwd, stdin, timeout })
    }

    fn argv(&mut self, node: &Arc<Node>) -> Option<Vec<Template>> {
        if let Value::Scalar(scalar) = &node.value {
            let words: Vec<&str> = scalar.text.split_whitespace().collect();
            let help = format!("write `argv: [{}]`; a shell is asked for by `argv: [sh, -c, '…']`", words.join(", "));
            let says = "`argv` is the program and its arguments, each an entry of its own: no shell takes it apart";
            self.reader.error(Code::WrongType, node.span, says, help);
            return None;
        }
        let items = self.reader.list(node, "a program and its arguments")?;
        if items.is_empty() {
            self.reader.error(
                Code::Empty,
                node.span,
                "nothing says which program is run",
                "write `argv: [k6, run, load.js]`",
            );
            return None;
        }
        let argv: Vec<Option<Template>> = items.iter().map(|item| self.reader.text(item, "an argument")).collect();
        let argv: Vec<Template> = argv.into_iter().collect::<Option<_>>()?;
        let program = argv.first().filter(|program| program.as_text() == Some(""));
        if let Some(program) = program {
            self.reader.error(Code::Empty, program.span, "the program's name is empty", "write its name or path");
            return None;
        }
        let zero =
            |part: &crate::matcher::Part| matches!(part, crate::matcher::Part::Text(text) if text.contains('\0'));
        if let Some(bad) = argv.iter().find(|argument| argument.parts.iter().any(zero)) {
            self.reader.error(Code::BadValue, bad.span, "an argument cannot hold a NUL character", "remove it");
            return None;
        }
        Some(argv)
    }

    fn environment(&mut self, node: &Arc<Node>) -> Vec<(String, Option<Template>)> {
        let Some(entries) = self.reader.entries(node, "variables of the environment") else { return Vec::new() };
        let entries: Vec<_> = entries.collect();
        let mut env = Vec::new();
        for (key, value) in entries {
            let name = key.text.to_string();
            if name.is_empty() || name.contains(['=', '\0']) {
                let says = format!("`{name}` is not the name of an environment variable");
                self.reader.error(Code::BadValue, key.at.whole, says, "a name has no `=` and is not empty");
                continue;
            }
            if OURS.contains(&name.as_str()) {
                let says = format!("`{name}` is set by the runner: by it the trace is found");
                let help = "remove it; the program reads `TRACEPARENT` and `BAGGAGE` from its environment";
                self.reader.error(Code::ConflictingKeys, key.at.whole, says, help);
                continue;
            }
            if value.is_null() {
                env.push((name, None));
                continue;
            }
            let template = self.reader.text(value, "a variable's value");
            env.extend(template.map(|template| (name, Some(template))));
        }
        env
    }

    /// The path of a folder. It need not be there before the run.
    pub(super) fn folder_path(&mut self, node: &Node) -> Option<std::path::PathBuf> {
        self.reader.word(node, "a folder's path").map(|path| path.value.into())
    }
}
