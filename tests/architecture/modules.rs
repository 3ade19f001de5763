//! The crate's files as modules, and which file uses what of which other, as far as the text of their paths tells.

use crate::source::{blank, closing, is_test_only, without_tests, word_end};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// One file of the crate that is compiled outside tests.
pub(crate) struct Module {
    /// Its path from the crate's root: `["assert", "order"]`.
    pub(crate) path: Vec<String>,
    pub(crate) file: PathBuf,
    /// Its text without comments, literals and tests.
    pub(crate) code: String,
    parent: Option<usize>,
    children: BTreeMap<String, usize>,
    /// The names of what it defines.
    items: BTreeSet<String>,
    uses: Vec<Use>,
}

/// One name that a `use` brings into a module.
struct Use {
    /// The name, or `None` for a glob.
    name: Option<String>,
    path: Vec<String>,
    public: bool,
}

pub(crate) struct Crate {
    pub(crate) modules: Vec<Module>,
}

impl Crate {
    /// Reads the modules that `root` declares, and those that they declare.
    pub(crate) fn read(root: &Path) -> Crate {
        let mut modules = Vec::new();
        let mut open = vec![(root.to_owned(), Vec::new(), None)];
        while let Some((file, path, parent)) = open.pop() {
            let text = std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
            let module = Module::parse(&text, file, path, parent);
            let (index, name) = (modules.len(), module.path.last().cloned());
            for child in declared(&module.code) {
                open.push((module.file_of(&text, &child), [module.path.clone(), vec![child]].concat(), Some(index)));
            }
            modules.push(module);
            if let (Some(parent), Some(name)) = (parent, name) {
                modules[parent].children.insert(name, index);
            }
        }
        Crate { modules }
    }

    /// The files that a file uses something of: where that is defined, through whatever hands it on.
    pub(crate) fn used_by(&self, from: usize) -> BTreeSet<usize> {
        let module = &self.modules[from];
        let bare = module.bare_code();
        let mut paths: Vec<Vec<String>> = paths(&bare);
        for import in &module.uses {
            // What a module only hands on to others is theirs to use.
            if import.public && import.name.as_ref().is_none_or(|name| !has_word(&bare, name)) {
                continue;
            }
            paths.push(import.path.clone());
        }
        let mut found: BTreeSet<usize> = paths.iter().filter_map(|path| self.resolve(from, path)).collect();
        found.remove(&from);
        found
    }

    /// The top-level modules that a file names or uses something of.
    pub(crate) fn top_level_uses(&self, from: usize) -> BTreeSet<String> {
        let used = self.used_by(from).into_iter().filter_map(|index| self.modules[index].path.first().cloned());
        let module = &self.modules[from];
        let named = paths(&module.bare_code()).into_iter().chain(module.uses.iter().map(|import| import.path.clone()));
        let root: Vec<String> = named
            .filter(|path| path.first().is_some_and(|first| first == "crate"))
            .filter_map(|path| path.get(1).cloned())
            .collect();
        used.chain(root.into_iter().filter(|name| self.modules[0].children.contains_key(name))).collect()
    }

    /// The module in which what a path names is defined; `None` for other crates.
    fn resolve(&self, from: usize, path: &[String]) -> Option<usize> {
        let (mut at, mut rest) = (from, path);
        match path.first()?.as_str() {
            "crate" => (at, rest) = (0, &path[1..]),
            "self" => rest = &path[1..],
            "super" => {
                while rest.first().is_some_and(|first| first == "super") {
                    (at, rest) = (self.modules[at].parent?, &rest[1..]);
                }
            }
            first if self.modules[from].children.contains_key(first) => {}
            _ => return None,
        }
        Some(self.descend(at, rest, 0))
    }

    fn descend(&self, mut at: usize, path: &[String], depth: usize) -> usize {
        for (step, name) in path.iter().enumerate() {
            if let Some(child) = self.modules[at].children.get(name) {
                at = *child;
                continue;
            }
            if self.modules[at].items.contains(name) || depth > 20 {
                return at;
            }
            let by_name = self.modules[at].uses.iter().find(|import| import.name.as_ref() == Some(name));
            if let Some(import) = by_name {
                return match self.resolve(at, &import.path) {
                    Some(target) if target != at => self.descend(target, &path[step + 1..], depth + 1),
                    _ => at,
                };
            }
            let globs = self.modules[at].uses.iter().filter(|import| import.name.is_none());
            for target in globs.filter_map(|import| self.resolve(at, &import.path)) {
                if target != at && self.has(target, name, depth + 1) {
                    return self.descend(target, &path[step..], depth + 1);
                }
            }
            return at;
        }
        at
    }

    fn has(&self, module: usize, name: &str, depth: usize) -> bool {
        let module = &self.modules[module];
        module.items.contains(name)
            || module.children.contains_key(name)
            || depth < 20 && module.uses.iter().any(|import| import.public && import.name.as_deref() == Some(name))
    }
}

impl Module {
    fn parse(text: &str, file: PathBuf, path: Vec<String>, parent: Option<usize>) -> Module {
        let code = without_tests(&blank(text));
        let (items, uses) = (defined(&code), uses(&code));
        Module { path, file, code, parent, children: BTreeMap::new(), items, uses }
    }

    /// The module's name as it is written in the source.
    pub(crate) fn name(&self) -> String {
        if self.path.is_empty() { "crate".to_owned() } else { self.path.join("::") }
    }

    fn file_of(&self, text: &str, child: &str) -> PathBuf {
        let folder = self.file.parent().expect("a file is in a folder");
        if let Some(named) = path_attribute(text, &self.code, child) {
            return folder.join(named);
        }
        let stem = self.file.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
        let folder = if ["lib", "main", "mod"].contains(&stem) { folder.to_owned() } else { folder.join(stem) };
        let flat = folder.join(format!("{child}.rs"));
        if flat.is_file() { flat } else { folder.join(child).join("mod.rs") }
    }

    /// The code without what names modules and uses nothing of them: imports, declarations, `pub(in …)`.
    fn bare_code(&self) -> String {
        let words = words(&self.code);
        let declarations =
            words.windows(2).filter(|pair| pair[0].1 == "mod").map(|pair| (pair[0].0, pair[1].0 + pair[1].1.len()));
        let visible = self.code.match_indices("pub(in ").map(|(at, _)| (at, closing(self.code.as_bytes(), at + 3)));
        let mut code = self.code.clone();
        for (start, end) in use_places(&self.code).into_iter().chain(declarations).chain(visible) {
            code.replace_range(start..end, &" ".repeat(end - start));
        }
        code
    }
}

/// The words of a text, with where each begins.
fn words(code: &str) -> Vec<(usize, &str)> {
    let bytes = code.as_bytes();
    let (mut found, mut at) = (Vec::new(), 0);
    while at < bytes.len() {
        let end = word_end(bytes, at);
        if end > at {
            found.push((at, &code[at..end]));
        }
        at = end.max(at + 1);
    }
    found
}

fn has_word(code: &str, word: &str) -> bool {
    words(code).iter().any(|(_, found)| *found == word)
}

/// The names after `mod` where a file stands for the module.
fn declared(code: &str) -> Vec<String> {
    let words = words(code);
    let of_file = |pair: &&[(usize, &str)]| {
        let (at, name) = pair[1];
        pair[0].1 == "mod" && code[at + name.len()..].trim_start().starts_with(';')
    };
    words.windows(2).filter(of_file).map(|pair| pair[1].1.to_owned()).collect()
}

/// The file that `#[path = "…"]` names before `mod child;`: the attribute is in the code, what it holds in the text.
fn path_attribute(text: &str, code: &str, child: &str) -> Option<String> {
    let words = words(code);
    let at = words.windows(2).find(|pair| pair[0].1 == "mod" && pair[1].1 == child)?[0].0;
    let start = code[..at].rfind("#[path")?;
    let attribute = closing(code.as_bytes(), start + 1);
    let between = code[attribute..at].trim();
    (between.is_empty() || between.starts_with("pub"))
        .then(|| text[start..attribute].split('"').nth(1).map(str::to_owned))?
}

/// What a module defines itself, methods included: more names than there are items do no harm.
fn defined(code: &str) -> BTreeSet<String> {
    const KINDS: [&str; 9] = ["fn", "struct", "enum", "union", "trait", "type", "const", "static", "macro_rules"];
    words(code).windows(2).filter(|pair| KINDS.contains(&pair[0].1)).map(|pair| pair[1].1.to_owned()).collect()
}

/// From the word `use` to its semicolon.
fn use_places(code: &str) -> Vec<(usize, usize)> {
    let starts =
        words(code).into_iter().filter(|(at, word)| *word == "use" && !code[at + 3..].trim_start().starts_with('<'));
    starts.filter_map(|(at, _)| Some((at, at + code[at..].find(';')? + 1))).collect()
}

fn uses(code: &str) -> Vec<Use> {
    let mut found = Vec::new();
    for (start, end) in use_places(code) {
        let before = code[..start].trim_end();
        let public = before.ends_with("pub")
            || before.ends_with(')') && before.rfind("pub(").is_some_and(|at| !before[at..].contains(';'));
        let mut leaves = Vec::new();
        tree(&code[start + 3..end - 1], &[], &mut leaves);
        for (mut path, alias) in leaves {
            let name = match path.last().map(String::as_str) {
                Some("*") => {
                    path.pop();
                    None
                }
                Some("self") => {
                    path.pop();
                    path.last().cloned()
                }
                last => last.map(str::to_owned),
            };
            found.push(Use { name: alias.or(name), path, public });
        }
    }
    found
}

/// Unfolds `a::{b, c::{d as e}}`.
fn tree(text: &str, prefix: &[String], leaves: &mut Vec<(Vec<String>, Option<String>)>) {
    let text = text.trim();
    let Some(open) = text.find('{') else {
        let (path, alias) = text.split_once(" as ").map_or((text, None), |(path, alias)| (path, Some(alias.trim())));
        let path = path.split("::").map(|part| part.trim().to_owned()).filter(|part| !part.is_empty());
        leaves.push((prefix.iter().cloned().chain(path).collect(), alias.map(str::to_owned)));
        return;
    };
    let head = text[..open].split("::").map(|part| part.trim().to_owned()).filter(|part| !part.is_empty());
    let prefix: Vec<String> = prefix.iter().cloned().chain(head).collect();
    let inner = &text[open + 1..closing(text.as_bytes(), open) - 1];
    let (mut depth, mut start) = (0, 0);
    for (at, c) in inner.char_indices().chain([(inner.len(), ',')]) {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                if !inner[start..at].trim().is_empty() {
                    tree(&inner[start..at], &prefix, leaves);
                }
                start = at + 1;
            }
            _ => {}
        }
    }
}

/// The paths of two names and more that stand in a code without its imports.
fn paths(code: &str) -> Vec<Vec<String>> {
    let (mut found, mut next) = (Vec::<Vec<String>>::new(), usize::MAX);
    for (at, word) in words(code) {
        match found.last_mut() {
            Some(path) if at == next => path.push(word.to_owned()),
            _ => found.push(vec![word.to_owned()]),
        }
        let end = at + word.len();
        next = if code[end..].starts_with("::") { end + 2 } else { usize::MAX };
    }
    found.retain(|path| path.len() > 1);
    found
}

/// Files below a folder.
pub(crate) fn files(under: &Path) -> BTreeSet<PathBuf> {
    let mut found = BTreeSet::new();
    for entry in std::fs::read_dir(under).expect("readable source tree") {
        let path = entry.expect("readable entry").path();
        if path.is_dir() {
            found.append(&mut files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.insert(path);
        }
    }
    found
}

/// The files that modules declare for tests only.
pub(crate) fn test_files(module: &Module) -> BTreeSet<PathBuf> {
    let text = std::fs::read_to_string(&module.file).expect("read before");
    let whole = Module { code: blank(&text), ..Module::parse("", module.file.clone(), module.path.clone(), None) };
    let ours = declared(&module.code);
    declared(&whole.code)
        .into_iter()
        .filter(|child| !ours.contains(child))
        .map(|child| whole.file_of(&text, &child))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leaves(text: &str) -> Vec<String> {
        uses(text)
            .into_iter()
            .map(|u| {
                format!("{}{}={}", if u.public { "pub " } else { "" }, u.name.unwrap_or("*".into()), u.path.join("::"))
            })
            .collect()
    }

    #[test]
    fn imports_are_unfolded() {
        assert_eq!(
            leaves("use crate::{trace::{Sym, Trace as T}, run};"),
            ["Sym=crate::trace::Sym", "T=crate::trace::Trace", "run=crate::run"]
        );
        assert_eq!(
            leaves("pub(super) use a::{self, b::*};\nfn f(x: u8) { use c::d; }"),
            ["pub a=a", "pub *=a::b", "d=c::d"]
        );
        assert_eq!(leaves("fn f() -> impl Iterator + use<'_> { x }"), Vec::<String>::new());
    }

    #[test]
    fn paths_in_code_are_found() {
        assert_eq!(paths("crate::a::b(super::c::<T>(x.y), D)"), [vec!["crate", "a", "b"], vec!["super", "c"]]);
    }

    #[test]
    fn declarations_are_found_and_inline_modules_are_none() {
        assert_eq!(declared("mod a;\npub(crate) mod b ;\nmod c { }"), ["a", "b"]);
        assert!(is_test_only("cfg(test)"));
    }
}
