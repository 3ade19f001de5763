//! `wait` and `until`.

use super::Lower;
use crate::diag::Code;
use crate::spec::forms;
use crate::spec::plan::{Settle, Until, Wait};
use crate::spec::read::Reader;
use crate::yaml::Node;
use std::time::Duration;

/// Key by key, the nearer `wait` before the farther.
pub(super) fn over(near: Wait, far: &Wait) -> Wait {
    Wait {
        timeout: near.timeout.or(far.timeout),
        settle: near.settle.or(far.settle),
        silent: if near.silent.is_empty() { far.silent.clone() } else { near.silent },
    }
}

impl Lower<'_> {
    pub(super) fn wait(&mut self, node: &Node) -> Wait {
        self.reader.wait(node)
    }

    pub(super) fn until(&mut self, node: &Node) -> Option<Until> {
        let fields = self.reader.fields(node, &forms::UNTIL)?;
        let timeout = self.reader.need(&fields, "timeout").and_then(|node| self.reader.positive_duration(node))?;
        let interval = match fields.get("interval") {
            Some(node) => self.reader.positive_duration(node)?,
            None => Duration::from_millis(200),
        };
        if interval > timeout {
            let help = "the interval is the pause between two tries within the timeout";
            self.reader.error(
                Code::BadValue,
                node.span,
                "the interval is longer than the timeout: there would be one try",
                help,
            );
        }
        Some(Until { timeout, interval })
    }
}

impl Reader {
    /// `wait`, here and in the configuration.
    pub(in crate::spec) fn wait(&mut self, node: &Node) -> Wait {
        let Some(fields) = self.fields(node, &forms::WAIT) else { return Wait::default() };
        let timeout = fields.get("timeout").and_then(|node| self.positive_duration(node));
        let settle = fields.get("settle").and_then(|node| {
            if node.scalar().is_some_and(|scalar| &*scalar.text == "auto") {
                return Some(Settle::Auto);
            }
            self.positive_duration(node).map(Settle::Fixed)
        });
        if let (Some(timeout), Some(Settle::Fixed(settle))) = (timeout, settle)
            && settle >= timeout
        {
            self.error(
                Code::BadValue,
                node.span,
                "a trace cannot settle within this timeout",
                "make `timeout` several times as long as `settle`",
            );
        }
        let silent = fields.get("silent").map(|node| self.words(node, "services")).unwrap_or_default();
        Wait { timeout, settle, silent: silent.into_iter().map(|word| word.value).collect() }
    }

    /// `clocks`, here and in the configuration: how far any two clocks are apart at most.
    pub(in crate::spec) fn clocks(&mut self, node: &Node) -> Option<Duration> {
        let fields = self.fields(node, &forms::CLOCKS)?;
        self.need(&fields, "max_skew").and_then(|node| self.duration(node))
    }

    /// A list of words.
    pub(in crate::spec) fn words(&mut self, node: &Node, what: &str) -> Vec<crate::source::Spanned<String>> {
        let Some(items) = self.list(node, what) else { return Vec::new() };
        items.iter().filter_map(|item| self.word(item, "a word")).collect()
    }
}
