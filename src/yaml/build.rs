//! The parser's events → the tree, within a budget.

use super::{Key, Node, Scalar, Style, TextSpan, Value, prescan, repair};
use crate::diag::{Code, Problem};
use crate::source::{SourceFile, Span};
use granit_parser::{Event, Options, Parser, ScalarStyle, Span as Marks};
use std::collections::HashMap;
use std::sync::Arc;

/// Bytes of a file.
const MAX_BYTES: usize = 8 << 20;
/// Nodes of a file, aliases unfolded. The longest spec that a person keeps has a few thousand.
const MAX_NODES: u64 = 200_000;
/// Nodes within nodes, aliases unfolded.
const MAX_DEPTH: u32 = 64;
/// Tests that may be broken in YAML before the rest of the file is skipped.
const MAX_REPAIRS: usize = 50;

/// What a file holds, everything wrong with its YAML, and whether parts of it are missing for that reason.
#[derive(Debug)]
pub struct Parsed {
    /// The document; `None` for an empty one or one that could not be read at all.
    pub root: Option<Arc<Node>>,
    /// What is wrong.
    pub problems: Vec<Problem>,
    /// Parts of the file could not be read: what says "nowhere defined" may be wrong.
    pub incomplete: bool,
}

/// Reads a file's text.
pub fn parse(file: &SourceFile) -> Parsed {
    let text = file.text();
    if text.len() > MAX_BYTES {
        let says =
            format!("the file has {} MiB, and a spec may have at most {} MiB", text.len() >> 20, MAX_BYTES >> 20);
        let problem = Problem::error(Code::YamlLimit, Span::new(0, 0), says)
            .help("large bodies belong in files of their own: `file:` in a request, CSV or JSON for a matrix");
        return Parsed { root: None, problems: vec![problem], incomplete: true };
    }
    let prescan::Scan { text: mut patched, traps, mut problems } = prescan::scan(text);
    let mut incomplete = false;
    for _ in 0..MAX_REPAIRS {
        let mut builder = Builder { text, traps: &traps, problems: Vec::new(), anchors: HashMap::new() };
        match builder.run(&patched) {
            Ok(root) => {
                problems.append(&mut builder.problems);
                return Parsed { root, problems, incomplete };
            }
            Err(Stop { at, problem, fatal }) => {
                let item = repair::item_around(&patched, at).filter(|_| !fatal);
                problems.push(*problem);
                incomplete = true;
                let Some(item) = item else { break };
                patched = repair::blank(&patched, item);
            }
        }
    }
    Parsed { root: None, problems, incomplete }
}

struct Stop {
    at: usize,
    problem: Box<Problem>,
    fatal: bool,
}

struct Builder<'a> {
    text: &'a str,
    traps: &'a [Span],
    problems: Vec<Problem>,
    anchors: HashMap<usize, Arc<Node>>,
}

/// The keys of a mapping, and where each stands.
type Keys = HashMap<Arc<str>, Span, foldhash::fast::RandomState>;

enum Open {
    List(Vec<Arc<Node>>),
    Map { entries: Vec<(Key, Arc<Node>)>, key: Option<PendingKey>, seen: Keys, merges: Vec<Arc<Node>> },
}

enum PendingKey {
    Key(Key),
    /// Reported already; its value is dropped.
    Bad,
    /// `<<`
    Merge,
}

struct Frame {
    start: usize,
    anchor: usize,
    tag: bool,
    open: Open,
    size: u64,
    depth: u32,
}

impl Builder<'_> {
    fn run(&mut self, patched: &str) -> Result<Option<Arc<Node>>, Stop> {
        let mut options = Options::default();
        options.emit_comments = false;
        options.emit_unresolved_aliases = true;
        options.block_nesting_limit = MAX_DEPTH as usize;
        options.flow_nesting_limit = MAX_DEPTH as usize;
        let mut stack: Vec<Frame> = Vec::new();
        let mut root = None;
        let mut documents = 0;
        for item in Parser::new_from_str_with_options(patched, options) {
            let (event, marks) = item.map_err(|error| self.syntax(&error, patched))?;
            let span = span_of(&marks);
            let node = match event {
                Event::DocumentStart(explicit, _) => {
                    documents += 1;
                    if documents == 2 && explicit {
                        let says = "a second document begins here, and a spec file has only one";
                        self.push(Problem::error(Code::YamlSyntax, span, says).help("put it into a file of its own"));
                        return Ok(root);
                    }
                    continue;
                }
                Event::SequenceStart(_, anchor, tag) => {
                    let tag = self.tag(&marks, tag.is_some());
                    stack.push(Frame::new(span, anchor, tag, Open::List(Vec::new())));
                    continue;
                }
                Event::MappingStart(_, anchor, tag) => {
                    let tag = self.tag(&marks, tag.is_some());
                    let open = Open::Map { entries: Vec::new(), key: None, seen: Keys::default(), merges: Vec::new() };
                    stack.push(Frame::new(span, anchor, tag, open));
                    continue;
                }
                Event::SequenceEnd | Event::MappingEnd => {
                    let Some(frame) = stack.pop() else { continue };
                    let anchor = frame.anchor;
                    let node = self.close(frame, span);
                    self.remember(anchor, node)
                }
                Event::Scalar(text, style, anchor, tag) => {
                    let tagged = self.tag(&marks, tag.is_some());
                    let node = self.scalar(&text, style, span, tagged);
                    self.remember(anchor, node)
                }
                Event::Alias(id) => match self.anchors.get(&id) {
                    Some(node) => node.clone(),
                    None => {
                        let says = "an alias inside of what it refers to";
                        self.push(Problem::error(Code::YamlSyntax, span, says));
                        Arc::new(leaf(span, Value::Broken))
                    }
                },
                Event::UnresolvedAlias(name) => {
                    let says = format!("`*{name}` refers to an anchor `&{name}` that is not defined above it");
                    let help = "a value that begins with `*` is an alias in YAML; in quotes it is text";
                    self.push(Problem::error(Code::YamlSyntax, span, says).help(help));
                    Arc::new(leaf(span, Value::Broken))
                }
                _ => continue,
            };
            match stack.last_mut() {
                None => root = Some(node),
                Some(frame) => {
                    frame.size += node.size;
                    frame.depth = frame.depth.max(node.depth + 1);
                    let (size, depth) = (frame.size, frame.depth + stack_depth(&stack));
                    if size > MAX_NODES || depth > MAX_DEPTH {
                        return Err(limit(span, size));
                    }
                    if let Some(frame) = stack.last_mut() {
                        self.add(frame, node, span);
                    }
                }
            }
        }
        Ok(root.filter(|node: &Arc<Node>| !node.is_null()))
    }

    /// Beyond that, the file is not a spec.
    fn push(&mut self, problem: Problem) {
        if self.problems.len() < 500 {
            self.problems.push(problem);
        }
    }

    fn remember(&mut self, anchor: usize, node: Node) -> Arc<Node> {
        let node = Arc::new(node);
        if anchor != 0 {
            self.anchors.insert(anchor, node.clone());
        }
        node
    }

    /// Reports a tag, unless the scan of the lines did.
    fn tag(&mut self, marks: &Marks, present: bool) -> bool {
        if present {
            let span = marks.tag_span().map_or(span_of(marks), |tag| span_of(&tag));
            let text = self.text.get(span.range()).unwrap_or("!");
            let says = format!("`{text}` is a tag in YAML, and tags have no meaning here");
            self.push(Problem::error(Code::YamlTag, span, says).help("text that begins with `!` goes in quotes"));
        }
        present
    }

    fn trapped(&self, span: Span) -> bool {
        let from = self.traps.partition_point(|trap| trap.end <= span.start);
        self.traps.get(from).is_some_and(|trap| trap.start < span.end.max(span.start + 1))
    }

    fn scalar(&mut self, text: &str, style: ScalarStyle, span: Span, tagged: bool) -> Node {
        if tagged || self.trapped(span) {
            return leaf(span, Value::Broken);
        }
        let style = match style {
            ScalarStyle::Plain => Style::Plain,
            ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted => Style::Quoted,
            ScalarStyle::Literal | ScalarStyle::Folded => Style::Block,
        };
        let span = match style {
            // The parser ends a block after the line break, which may be at the next key.
            Style::Block => trim_end(self.text, span),
            _ => span,
        };
        // An empty value reads `~` to the parser.
        let text = if style == Style::Plain && span.start == span.end { "" } else { text };
        let from = span.start as usize + usize::from(style == Style::Quoted);
        let literal = style != Style::Block && self.text.get(from..from + text.len()) == Some(text);
        let at = TextSpan { whole: span, start: literal.then_some(from as u32) };
        leaf(span, Value::Scalar(Scalar { text: text.into(), style, at }))
    }

    fn close(&mut self, frame: Frame, end: Span) -> Node {
        let span = trim_end(self.text, Span { start: frame.start as u32, end: end.end.max(frame.start as u32) });
        let value = match frame.open {
            _ if frame.tag => Value::Broken,
            Open::List(items) => Value::List(items),
            Open::Map { mut entries, merges, mut seen, .. } => {
                for merge in merges {
                    let Value::Map(more) = &merge.value else { continue };
                    for (key, value) in more {
                        if seen.insert(key.text.clone(), key.at.whole).is_none() {
                            entries.push((key.clone(), value.clone()));
                        }
                    }
                }
                Value::Map(entries)
            }
        };
        Node { span, value, size: frame.size, depth: frame.depth }
    }

    fn add(&mut self, frame: &mut Frame, node: Arc<Node>, span: Span) {
        let Open::Map { entries, key, seen, merges } = &mut frame.open else {
            if let Open::List(items) = &mut frame.open {
                items.push(node);
            }
            return;
        };
        match key.take() {
            None => *key = Some(self.key(&node, span, seen)),
            Some(PendingKey::Bad) => {}
            Some(PendingKey::Key(name)) => entries.push((name, node)),
            Some(PendingKey::Merge) => match &node.value {
                Value::Map(_) => merges.push(node),
                Value::List(list) if list.iter().all(|one| matches!(one.value, Value::Map(_))) => {
                    merges.extend(list.iter().cloned());
                }
                Value::Broken => {}
                _ => self.push(
                    Problem::error(Code::WrongType, span, format!("`<<` takes a mapping, not {}", node.noun()))
                        .help("write `<<: *name`, where `&name` stands before a mapping"),
                ),
            },
        }
    }

    fn key(&mut self, node: &Node, span: Span, seen: &mut Keys) -> PendingKey {
        let Value::Scalar(scalar) = &node.value else {
            if !matches!(node.value, Value::Broken) {
                let says = format!("a key must be a word, not {}", node.noun());
                self.push(
                    Problem::error(Code::WrongType, span, says).help("`{`, `[` and `${` in a key or value need quotes"),
                );
                return PendingKey::Bad;
            }
            return PendingKey::Key(Key { text: "".into(), at: TextSpan::whole(span), broken: true });
        };
        if scalar.style == Style::Plain && &*scalar.text == "<<" {
            return PendingKey::Merge;
        }
        if let Some(&first) = seen.get(&scalar.text) {
            let says = format!("the key `{}` occurs twice in this mapping", scalar.text);
            self.push(
                Problem::error(Code::DuplicateKey, span, says).related(first, "first here").help("keep one of them"),
            );
            return PendingKey::Bad;
        }
        seen.insert(scalar.text.clone(), span);
        PendingKey::Key(Key { text: scalar.text.clone(), at: scalar.at, broken: false })
    }

    fn syntax(&mut self, error: &granit_parser::ScanError, patched: &str) -> Stop {
        let mut at = error.marker().byte_offset().unwrap_or(0).min(patched.len());
        while !patched.is_char_boundary(at) {
            at -= 1;
        }
        let info = error.info();
        if info.contains("nesting") || info.contains("recursion") || info.contains("limit") {
            return limit(Span::new(at, at + 1), 0);
        }
        let end = patched[at..].chars().next().map_or(at, |c| at + c.len_utf8());
        let mut problem = Problem::error(Code::YamlSyntax, Span::new(at, end), format!("this is not YAML: {info}"));
        if let Some(help) = repair::guess(patched, at, &info) {
            problem = problem.help(help);
        }
        Stop { at, problem: Box::new(problem), fatal: false }
    }
}

impl Frame {
    fn new(span: Span, anchor: usize, tag: bool, open: Open) -> Frame {
        Frame { start: span.start as usize, anchor, tag, open, size: 1, depth: 1 }
    }
}

fn stack_depth(stack: &[Frame]) -> u32 {
    stack.len() as u32 - 1
}

fn leaf(span: Span, value: Value) -> Node {
    Node { span, value, size: 1, depth: 1 }
}

fn limit(span: Span, size: u64) -> Stop {
    let says = if size > MAX_NODES {
        format!("this makes the file more than {MAX_NODES} values large (aliases count each time they are used)")
    } else {
        format!("this is nested more than {MAX_DEPTH} deep")
    };
    let help = "no spec needs that much: look for aliases of aliases, or brackets that are not closed";
    Stop {
        at: span.start as usize,
        problem: Box::new(Problem::error(Code::YamlLimit, span, says).help(help)),
        fatal: true,
    }
}

fn span_of(marks: &Marks) -> Span {
    let range = marks.byte_range().unwrap_or(0..0);
    Span::new(range.start, range.end.max(range.start))
}

/// Without trailing white space and line ends.
fn trim_end(text: &str, span: Span) -> Span {
    let shown = text.get(span.range()).unwrap_or("").trim_end();
    Span { start: span.start, end: span.start + shown.len() as u32 }
}
