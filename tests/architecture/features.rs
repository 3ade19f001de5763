//! Which modules there are with which of the crate's features, as the source says it: before their declarations.

use crate::modules::Module;
use crate::source::{blank, closing};
use std::collections::{BTreeMap, BTreeSet};

/// The features, each with all that stand before it; the first name is that of the core, which has none.
pub(crate) const ORDER: [&str; 4] = ["", "receiver", "backends", "run"];

/// The place of the largest feature that a condition names; `None` if it names one that there is not.
fn needs(condition: &str) -> Option<usize> {
    let tight: String = condition.chars().filter(|c| !c.is_whitespace()).collect();
    // What is there only without a feature is there without it.
    let mut named = tight.match_indices("feature=\"").filter(|(at, _)| !tight[..*at].ends_with("not("));
    named.try_fold(0, |most, (at, word)| {
        let name = tight[at + word.len()..].split('"').next()?;
        Some(most.max(ORDER.iter().position(|known| *known == name)?))
    })
}

/// A condition on features, and the code that it stands before.
pub(crate) struct Gate {
    pub(crate) needs: Option<usize>,
    pub(crate) before: String,
}

/// All conditions on features in a text.
pub(crate) fn gates(text: &str) -> Vec<Gate> {
    let code = blank(text);
    let mut found = Vec::new();
    for (at, _) in
        code.match_indices("#[cfg(").chain(code.match_indices("#[cfg_attr(")).chain(code.match_indices("cfg!("))
    {
        let open = at + code[at..].find(['[', '(']).unwrap_or_default();
        let end = closing(code.as_bytes(), open);
        if !code[at..end].contains("feature") {
            continue;
        }
        let mut behind = code[end..].trim_start();
        while behind.starts_with("#[") {
            behind = behind[closing(behind.as_bytes(), 1)..].trim_start();
        }
        let before = behind.split([';', '{', '\n']).next().unwrap_or_default().trim().to_owned();
        found.push(Gate { needs: needs(&text[at..end]), before });
    }
    found
}

impl Gate {
    /// The module that it is the condition of.
    pub(crate) fn module(&self) -> Option<&str> {
        let (_, name) = self.before.split_once("mod ")?;
        let visible = self.before.starts_with("mod ") || self.before.starts_with("pub");
        visible.then_some(name)
    }

    pub(crate) fn is_import(&self) -> bool {
        ["use ", "pub use ", "pub(crate) use ", "pub(super) use "].iter().any(|word| self.before.starts_with(word))
    }
}

/// The place in [`ORDER`] of the feature that each module needs, its parents' included.
pub(crate) fn of(modules: &[Module]) -> BTreeMap<String, usize> {
    let mut found = BTreeMap::new();
    for module in modules {
        let text = std::fs::read_to_string(&module.file).expect("read before");
        for gate in gates(&text) {
            if let (Some(child), Some(needs)) = (gate.module(), gate.needs) {
                found.insert([module.path.clone(), vec![child.to_owned()]].concat().join("::"), needs);
            }
        }
    }
    let own = |module: &Module| {
        let parents = (1..=module.path.len()).map(|length| module.path[..length].join("::"));
        parents.filter_map(|name| found.get(&name).copied()).max().unwrap_or(0)
    };
    modules.iter().map(|module| (module.name(), own(module))).collect()
}

/// A manifest's features with what each switches on, and its optional dependencies.
pub(crate) fn manifest(text: &str) -> (BTreeMap<String, BTreeSet<String>>, BTreeSet<String>) {
    let section = |name: &str| {
        let lines = text.lines().skip_while(move |line| *line != name).skip(1);
        lines
            .take_while(|line| !line.starts_with('['))
            .filter(|line| !line.starts_with('#'))
            .collect::<Vec<_>>()
            .join("\n")
    };
    let listed = section("[features]");
    let features = listed.split(']').filter_map(|entry| {
        let (name, all) = entry.split_once("= [")?;
        let all = all.split('"').skip(1).step_by(2).map(str::to_owned).collect();
        Some((name.trim().to_owned(), all))
    });
    let dependencies = [section("[dependencies]"), section("[target.'cfg(unix)'.dependencies]")].join("\n");
    let optional = dependencies.lines().filter(|line| line.contains("optional = true"));
    let optional = optional.filter_map(|line| Some(line.split_once(" =")?.0.to_owned()));
    (features.collect(), optional.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_are_found_with_what_they_stand_before() {
        let text = "
            #[cfg(feature = \"run\")]
            #[doc(hidden)]
            pub mod engine;
            #[cfg(all(feature = \"receiver\", not(feature = \"backends\")))]
            mod not_remote;
            #[cfg(unix)] mod unix;
            // #[cfg(feature = \"run\")]
            fn f() { if cfg!(feature = \"other\") {} }";
        let found: Vec<_> =
            gates(text).into_iter().map(|gate| (gate.needs, gate.module().map(str::to_owned))).collect();
        let expected = [(Some(3), Some("engine".to_owned())), (Some(1), Some("not_remote".to_owned())), (None, None)];
        assert_eq!(found, expected);
    }

    #[test]
    fn a_manifest_says_which_features_switch_on_what() {
        let text = "[features]\ndefault = [\"b\"]\n# Why.\na = [\n    \"dep:x\",\n    \"y/z\",\n]\nb = [\"a\"]\n\n[dependencies]\n\
                    x = { version = \"1\", optional = true }\ny = \"1\"\n\n[dev-dependencies]\n";
        let (features, optional) = manifest(text);
        assert_eq!(features.keys().collect::<Vec<_>>(), ["a", "b", "default"]);
        assert_eq!(features["a"].iter().collect::<Vec<_>>(), ["dep:x", "y/z"]);
        assert_eq!(optional.into_iter().collect::<Vec<_>>(), ["x"]);
    }
}
