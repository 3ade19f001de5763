//! Go's syntax of regular expressions, read into `regex-syntax`'s tree.
//!
//! Groups are kept on a stack of their own, so that a pattern's depth costs no recursion. The groups of a pattern that is
//! matched with whole texts capture nothing; of one that is looked for, they are kept under the name [`FOUND`].

use super::class;
use super::{FOUND, PatternError};
use regex_syntax::hir::{Capture, Class, ClassUnicode, ClassUnicodeRange, Hir, HirKind, Look, Repetition};

/// Go's limit of one repetition, and of nested ones multiplied.
const MOST_COPIES: u32 = 1_000;
/// Go's limit of a tree's height.
const MOST_LEVELS: u32 = 1_000;
/// How many ranges all classes together may have: `\pL` has more than 600, and is written in three bytes.
const MOST_RANGES: usize = 50_000;

type Read<T> = Result<T, PatternError>;

/// What `(?ims)` switches.
#[derive(Debug, Clone, Copy)]
pub(super) struct Flags {
    pub(super) fold: bool,
    lines: bool,
    dot_all: bool,
    /// Repetitions take as little as they can, unless a `?` follows.
    lazy: bool,
}

/// A part of the tree.
struct Node {
    hir: Hir,
    /// How often its innermost part is repeated at most, repetitions multiplied.
    copies: u32,
    /// How deep it is.
    height: u32,
}

impl Node {
    fn leaf(hir: Hir) -> Node {
        Node { hir, copies: 0, height: 1 }
    }
    /// Several parts that become one.
    fn of(parts: Vec<Node>, join: fn(Vec<Hir>) -> Hir) -> Node {
        let copies = parts.iter().map(|part| part.copies).max().unwrap_or(0);
        let deepest = parts.iter().map(|part| part.height).max().unwrap_or(0);
        let height = deepest + u32::from(parts.len() != 1);
        Node { hir: join(parts.into_iter().map(|part| part.hir).collect()), copies, height }
    }
}

/// A group that is being read; the outermost one is the whole pattern.
struct Group {
    /// Where its `(` stands.
    at: usize,
    captures: bool,
    /// The flags that count again behind it.
    outer: Flags,
    /// The alternatives before the one that is being read.
    branches: Vec<Node>,
    items: Vec<Node>,
}

impl Group {
    fn new(at: usize, captures: bool, outer: Flags) -> Group {
        Group { at, captures, outer, branches: Vec::new(), items: Vec::new() }
    }
    fn end_branch(&mut self) {
        self.branches.push(Node::of(std::mem::take(&mut self.items), Hir::concat));
    }
    fn into_node(mut self) -> Node {
        self.end_branch();
        let mut node = Node::of(self.branches, Hir::alternation);
        node.height += u32::from(self.captures);
        node
    }
}

/// How often, as `{…}` says it.
enum Counts {
    /// At least, at most.
    Of(u32, Option<u32>),
    /// It is not a repetition, so the brace is a character.
    Literal,
}

pub(super) struct Parser<'p> {
    pub(super) text: &'p str,
    pub(super) at: usize,
    pub(super) flags: Flags,
    /// The groups around the innermost one.
    outer: Vec<Group>,
    group: Group,
    ranges: usize,
    /// Where groups that capture begin, if they are kept.
    captures: Option<Vec<usize>>,
    /// Where the last `:]` stands: behind it no `[:` begins a POSIX class.
    pub(super) posix_end: usize,
}

/// Reads a pattern that whole texts are matched with.
pub(super) fn parse(text: &str) -> Read<Hir> {
    read(text, None).map(|(hir, _)| hir)
}

/// Reads a pattern that is looked for, of which at most one group captures.
pub(super) fn parse_to_find(text: &str) -> Read<Hir> {
    let (hir, captures) = read(text, Some(Vec::new()))?;
    match captures.unwrap_or_default().as_slice() {
        [] | [_] => Ok(hir),
        [_, second, ..] => {
            let message = "one group says what is taken of the text: write the others as `(?:…)`";
            Err(PatternError::new(message, *second..second + 1))
        }
    }
}

fn read(text: &str, captures: Option<Vec<usize>>) -> Read<(Hir, Option<Vec<usize>>)> {
    let flags = Flags { fold: false, lines: false, dot_all: true, lazy: false };
    let group = Group::new(0, false, flags);
    let posix_end = text.rfind(":]").unwrap_or(0);
    let mut parser = Parser { text, at: 0, flags, outer: Vec::new(), group, ranges: 0, captures, posix_end };
    parser.pattern()?;
    Ok((parser.group.into_node().hir, parser.captures))
}

impl<'p> Parser<'p> {
    pub(super) fn rest(&self) -> &'p str {
        &self.text[self.at..]
    }
    /// Whether the text goes on like this; then it is read.
    pub(super) fn take(&mut self, start: &str) -> bool {
        let is = self.rest().starts_with(start);
        self.at += if is { start.len() } else { 0 };
        is
    }
    pub(super) fn next(&mut self) -> Option<char> {
        let c = self.rest().chars().next()?;
        self.at += c.len_utf8();
        Some(c)
    }
    /// An error about what was read since `start`.
    pub(super) fn error<T>(&self, start: usize, message: impl Into<String>) -> Read<T> {
        Err(PatternError::new(message, start..self.at))
    }
    pub(super) fn since(&self, start: usize) -> &'p str {
        &self.text[start..self.at]
    }

    fn pattern(&mut self) -> Read<()> {
        // Where the repetition began that ends here.
        let mut repetition = None;
        loop {
            let start = self.at;
            let Some(c) = self.next() else { break };
            let before = repetition.take();
            match c {
                '(' => self.open(start)?,
                ')' => self.close(start)?,
                '|' => self.group.end_branch(),
                '^' => self.look(if self.flags.lines { Look::StartLF } else { Look::Start }),
                '$' => self.look(if self.flags.lines { Look::EndLF } else { Look::End }),
                '.' if self.flags.dot_all => self.class(start, ClassUnicode::new([any()]))?,
                '.' => self.class(start, class::except('\n'))?,
                '[' => {
                    let class = class::bracketed(self, start)?;
                    self.class(start, class)?;
                }
                '*' | '+' | '?' => {
                    let (least, most) = match c {
                        '*' => (0, None),
                        '+' => (1, None),
                        _ => (0, Some(1)),
                    };
                    self.repeat(start, before, least, most)?;
                    repetition = Some(start);
                }
                '{' => match self.counts(start)? {
                    Counts::Literal => self.literal(start, '{')?,
                    Counts::Of(least, most) => {
                        self.repeat(start, before, least, most)?;
                        repetition = Some(start);
                    }
                },
                '\\' => self.backslash(start)?,
                c => self.literal(start, c)?,
            }
        }
        if self.outer.is_empty() {
            return Ok(());
        }
        let open = self.group.at;
        Err(PatternError::new("`(` is not closed by `)`", open..open + 1))
    }

    fn push(&mut self, hir: Hir) {
        self.group.items.push(Node::leaf(hir));
    }
    fn look(&mut self, look: Look) {
        self.push(Hir::look(look));
    }
    fn class(&mut self, start: usize, class: ClassUnicode) -> Read<()> {
        self.spend(start, &class)?;
        self.push(Hir::class(Class::Unicode(class)));
        Ok(())
    }
    /// Counts a class against what all classes may take.
    pub(super) fn spend(&mut self, start: usize, class: &ClassUnicode) -> Read<()> {
        self.ranges += class.ranges().len();
        if self.ranges > MOST_RANGES {
            return self.error(start, "the pattern is too large: its character classes have too many ranges");
        }
        Ok(())
    }
    fn literal(&mut self, start: usize, c: char) -> Read<()> {
        let mut one = ClassUnicode::new([ClassUnicodeRange::new(c, c)]);
        if self.flags.fold {
            one.case_fold_simple();
        }
        let Some(bytes) = one.literal() else { return self.class(start, one) };
        self.push(Hir::literal(bytes));
        Ok(())
    }

    /// `(`: a group, or flags for what follows.
    fn open(&mut self, start: usize) -> Read<()> {
        if !self.take("?") {
            self.begin(start, true, self.flags);
            return Ok(());
        }
        for look_around in ["=", "!", "<=", "<!"] {
            if self.take(look_around) {
                let message = format!("`{}`: look-around is not supported", self.since(start));
                return Err(PatternError { look_around: true, ..PatternError::new(message, start..self.at) });
            }
        }
        if self.take("P<") || self.take("<") {
            let Some(length) = self.rest().find('>') else {
                return self.error(start, "the name of this group is not closed by `>`");
            };
            let name = &self.rest()[..length];
            self.at += length + 1;
            if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
                return self.error(start, "the name of a group is made of ASCII letters, digits and `_`");
            }
            self.begin(start, true, self.flags);
            return Ok(());
        }
        let mut flags = self.flags;
        let (mut on, mut seen) = (true, false);
        loop {
            let flag = self.next();
            match flag {
                Some('i') => flags.fold = on,
                Some('m') => flags.lines = on,
                Some('s') => flags.dot_all = on,
                Some('U') => flags.lazy = on,
                Some('-') if on => {
                    (on, seen) = (false, false);
                    continue;
                }
                Some(':') if on || seen => {
                    self.begin(start, false, flags);
                    return Ok(());
                }
                Some(')') if on || seen => {
                    self.flags = flags;
                    return Ok(());
                }
                _ => {
                    let message =
                        format!("`{}` is not supported; the flags are `i`, `m`, `s` and `U`", self.since(start));
                    return self.error(start, message);
                }
            }
            seen = true;
        }
    }
    fn begin(&mut self, at: usize, captures: bool, inner: Flags) {
        let group = Group::new(at, captures, self.flags);
        self.outer.push(std::mem::replace(&mut self.group, group));
        self.flags = inner;
    }
    fn close(&mut self, start: usize) -> Read<()> {
        let Some(outer) = self.outer.pop() else { return self.error(start, "`)` closes nothing") };
        let group = std::mem::replace(&mut self.group, outer);
        self.flags = group.outer;
        let (open, captures) = (group.at, group.captures);
        let mut node = group.into_node();
        if captures && let Some(kept) = &mut self.captures {
            // The second is refused by whoever asked for them; here no name may stand twice.
            if kept.is_empty() {
                let sub = Box::new(node.hir);
                node.hir = Hir::capture(Capture { index: 1, name: Some(FOUND.into()), sub });
            }
            kept.push(open);
        }
        self.grown(open, node)
    }
    /// Puts a part that contains others.
    fn grown(&mut self, start: usize, node: Node) -> Read<()> {
        if node.height > MOST_LEVELS {
            return self.error(start, format!("the pattern nests too deeply: more than {MOST_LEVELS} levels"));
        }
        self.group.items.push(node);
        Ok(())
    }

    /// What follows `{`.
    fn counts(&mut self, start: usize) -> Read<Counts> {
        let number = |text: &str| -> Option<u32> {
            let plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
            // Go reads `{01}` as text. A number too great to be read is too great to be valid.
            (plain && (text.len() == 1 || !text.starts_with('0'))).then(|| text.parse().unwrap_or(u32::MAX))
        };
        let length = self.rest().bytes().take_while(|byte| byte.is_ascii_digit() || *byte == b',').count();
        let inside = &self.rest()[..length];
        if !self.rest()[length..].starts_with('}') {
            return Ok(Counts::Literal);
        }
        let (least, most) = match inside.split_once(',') {
            None => (number(inside), Some(number(inside))),
            Some((least, "")) => (number(least), None),
            Some((least, most)) => (number(least), Some(number(most))),
        };
        let (Some(least), false) = (least, most == Some(None)) else { return Ok(Counts::Literal) };
        let most = most.flatten();
        self.at += length + 1;
        let shown = self.since(start);
        if least.max(most.unwrap_or(0)) > MOST_COPIES {
            return self.error(start, format!("`{shown}` repeats more than {MOST_COPIES} times"));
        }
        if most.is_some_and(|most| most < least) {
            return self.error(start, format!("`{shown}` has its bounds the wrong way around"));
        }
        Ok(Counts::Of(least, most))
    }
    fn repeat(&mut self, start: usize, before: Option<usize>, least: u32, most: Option<u32>) -> Read<()> {
        let greedy = self.take("?") == self.flags.lazy;
        if let Some(before) = before {
            return self.error(before, format!("`{}` repeats a repetition", self.since(before)));
        }
        let Some(Node { hir, copies, height }) = self.group.items.pop() else {
            return self.error(start, format!("`{}` repeats nothing", self.since(start)));
        };
        let counted = self.text[start..].starts_with('{');
        let copies = match most.unwrap_or(least) {
            _ if !counted => copies,
            0 if most.is_some() => 0,
            times => copies.max(1).saturating_mul(times),
        };
        if counted && least.max(most.unwrap_or(0)) >= 2 && copies > MOST_COPIES {
            return self.error(start, format!("nested repetitions repeat more than {MOST_COPIES} times"));
        }
        // Printed without a group, `(a+)?` would become `a+?`, which is another pattern.
        let sub = match hir.kind() {
            HirKind::Repetition(_) => Hir::capture(Capture { index: 1, name: None, sub: Box::new(hir) }),
            _ => hir,
        };
        let hir = Hir::repetition(Repetition { min: least, max: most, greedy, sub: Box::new(sub) });
        self.grown(start, Node { hir, copies, height: height + 1 })
    }

    /// What follows a backslash outside of a class.
    fn backslash(&mut self, start: usize) -> Read<()> {
        let looks = [("A", Look::Start), ("z", Look::End), ("b", Look::WordAscii), ("B", Look::WordAsciiNegate)];
        if let Some((_, look)) = looks.into_iter().find(|(letter, _)| self.take(letter)) {
            self.look(look);
            return Ok(());
        }
        if self.take("Q") {
            let (quoted, length) = match self.rest().split_once(r"\E") {
                Some((quoted, _)) => (quoted, quoted.len() + 2),
                None => (self.rest(), self.rest().len()),
            };
            self.at += length;
            return quoted.chars().try_for_each(|c| self.literal(start, c));
        }
        if let Some(class) = class::escaped(self, start)? {
            return self.class(start, class);
        }
        match self.character(start)? {
            Some(c) => self.literal(start, c),
            None => {
                self.push(Hir::fail());
                Ok(())
            }
        }
    }
    /// The code point of an escape whose backslash stands at `start`.
    pub(super) fn code_point(&mut self, start: usize) -> Read<u32> {
        let octal = |c: Option<char>| c.and_then(|c| c.to_digit(8));
        let hex = |c: Option<char>| c.and_then(|c| c.to_digit(16));
        let Some(c) = self.next() else { return self.error(start, "a backslash at the end escapes nothing") };
        let code = match c {
            '0'..='7' if c == '0' || octal(self.rest().chars().next()).is_some() => {
                let mut code = octal(Some(c)).unwrap_or(0);
                for _ in 0..2 {
                    let Some(digit) = octal(self.rest().chars().next()) else { break };
                    code = code * 8 + digit;
                    self.at += 1;
                }
                Some(code)
            }
            'x' if self.take("{") => {
                let digits = self.rest().split_once('}').map_or("", |(digits, _)| digits);
                let known = !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
                let significant = digits.trim_start_matches('0');
                let code = match significant.len() {
                    0 => Some(0),
                    1..=6 => u32::from_str_radix(significant, 16).ok().filter(|code| *code <= 0x10_FFFF),
                    _ => None,
                };
                self.at += if known { digits.len() + 1 } else { 0 };
                code.filter(|_| known)
            }
            'x' => match (hex(self.next()), hex(self.next())) {
                (Some(high), Some(low)) => Some(high * 16 + low),
                _ => None,
            },
            'a' => Some(7),
            'f' => Some(12),
            'n' => Some(10),
            'r' => Some(13),
            't' => Some(9),
            'v' => Some(11),
            c if c.is_ascii() && !c.is_ascii_alphanumeric() => Some(c.into()),
            _ => None,
        };
        match code {
            Some(code) => Ok(code),
            None => self.error(start, format!("`{}` is not an escape sequence", self.since(start))),
        }
    }
    /// The same as a character; none for a surrogate, which no text contains.
    fn character(&mut self, start: usize) -> Read<Option<char>> {
        self.code_point(start).map(char::from_u32)
    }
}

/// Every character.
fn any() -> ClassUnicodeRange {
    ClassUnicodeRange::new('\0', char::MAX)
}
