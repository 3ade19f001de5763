//! That no key, command, option, verdict or exit code is without a case. What is left out stands here, with the reason.

use crate::case::{self, Case};
use crate::json_schema::Validator;
use crate::tracespec_process::command;
use serde_json::{Map, Value};
use std::collections::BTreeSet;
use std::path::Path;
use tracespec::source::SourceFile;
use tracespec::spec::schema::{config_schema, spec_schema, to_json};

pub type Judge = fn() -> Result<(), String>;

pub const JUDGES: [(&str, Judge); 4] = [
    ("every_key_has_a_case", every_key_has_a_case),
    ("every_command_and_option_has_a_case", every_command_and_option_has_a_case),
    ("every_verdict_has_a_case", every_verdict_has_a_case),
    ("every_exit_code_has_a_case", every_exit_code_has_a_case),
];

/// Keys, by the form they belong to, that no case has.
const KEYS_WITHOUT: [(&str, &str); 0] = [];

/// Options that no case has.
const OPTIONS_WITHOUT: [(&str, &str); 0] = [];

const VERDICTS: [&str; 6] = ["PASS", "FAIL", "ERROR", "INCONCLUSIVE", "FLAKY", "SKIP"];
const EXIT_CODES: [&str; 6] = ["0", "1", "2", "3", "4", "130"];

/// What is wanted and neither there nor excused, and what is excused although it is there.
fn compare(
    what: &str,
    wanted: &BTreeSet<String>,
    there: &BTreeSet<String>,
    without: &[(&str, &str)],
) -> Result<(), String> {
    let excused = |name: &String| without.iter().any(|(excused, _)| excused == name);
    let missing: Vec<&String> = wanted.difference(there).filter(|name| !excused(name)).collect();
    let is_stale = |name: &&str| there.contains(*name) || !wanted.contains(*name);
    let stale: Vec<&str> = without.iter().map(|(name, _)| *name).filter(is_stale).collect();
    if missing.is_empty() && stale.is_empty() {
        return Ok(());
    }
    Err(format!("without a case: {what} {missing:?}; excused for nothing: {stale:?}"))
}

/// A schema, the keys that its forms have, and those that were met.
struct Walk<'a> {
    forms: &'a Map<String, Value>,
    met: BTreeSet<String>,
}

impl Walk<'_> {
    /// Notes the keys that a value has where the schema knows them. Of alternatives all are walked: a key belongs to one of them.
    fn of(&mut self, schema: &Value, form: &str, value: &Value) {
        if let Some(name) = schema["$ref"].as_str().and_then(|path| path.strip_prefix("#/$defs/")) {
            let forms = self.forms;
            self.of(&forms[name], name, value);
        }
        for word in ["anyOf", "oneOf", "allOf"] {
            for branch in schema[word].as_array().into_iter().flatten() {
                self.of(branch, form, value);
            }
        }
        match value {
            Value::Array(list) => list.iter().for_each(|item| self.of(&schema["items"], form, item)),
            Value::Object(keys) => {
                for (key, value) in keys {
                    match schema["properties"].get(key) {
                        Some(property) => {
                            self.met.insert(format!("{form}.{key}"));
                            self.of(property, form, value);
                        }
                        None => self.of(&schema["additionalProperties"], form, value),
                    }
                }
            }
            _ => {}
        }
    }
}

fn json_of(name: &str, text: &str) -> Option<Value> {
    let parsed = tracespec::yaml::parse(&SourceFile::new(Path::new(name), text));
    parsed.root.map(|root| to_json(&root))
}

fn every_key_has_a_case() -> Result<(), String> {
    let (mut wanted, mut there) = (BTreeSet::new(), BTreeSet::new());
    for (schema, has_tests) in [(spec_schema(), true), (config_schema(), false)] {
        let forms = schema["$defs"].as_object().unwrap();
        for (form, definition) in forms {
            let keys = definition["properties"].as_object().into_iter().flatten();
            // A key of another form that is refused here has a schema that nothing fits.
            let known = keys.filter(|(_, property)| property.get("not").is_none());
            wanted.extend(known.map(|(key, _)| format!("{form}.{key}")));
        }
        let validator = Validator::new(&schema);
        let mut walk = Walk { forms, met: BTreeSet::new() };
        for case in case::all() {
            for file in case.files().filter(|file| file.head.ends_with(".yaml")) {
                let json = json_of(&file.head, &file.body);
                // What is wrong with a spec shows no key at work.
                let fits = |json: &Value| json.get("tests").is_some() == has_tests && validator.error(json).is_none();
                if let Some(json) = json.filter(fits) {
                    walk.of(&schema, "", &json);
                }
            }
        }
        there.extend(walk.met);
    }
    compare("keys", &wanted, &there, &KEYS_WITHOUT)
}

/// What `tracespec WORDS --help` says.
fn help(words: &[&str]) -> String {
    let output = command().args(words).arg("--help").output().unwrap();
    String::from_utf8(output.stdout).unwrap()
}

/// The names of the commands that a help text lists.
fn commands(help: &str) -> Vec<String> {
    let lines = help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    lines
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
        .filter_map(|line| Some(line.split_whitespace().next()?.to_owned()))
        .collect()
}

/// Each command with its options, `run --jobs`; a command alone is its name.
fn known() -> (BTreeSet<String>, BTreeSet<String>) {
    let (mut names, mut options) = (BTreeSet::new(), BTreeSet::new());
    let mut open: Vec<String> = commands(&help(&[]));
    let option = regex::Regex::new(r"(?m)^\s+(?:-\w, )?(--[a-z][a-z-]*)").unwrap();
    while let Some(name) = open.pop() {
        let text = help(&name.split(' ').collect::<Vec<_>>());
        open.extend(commands(&text).into_iter().map(|below| format!("{name} {below}")));
        let own = option.captures_iter(&text).map(|found| found[1].to_owned());
        // Every command has help, in the words of the library that reads the line.
        options.extend(own.filter(|option| option != "--help").map(|option| format!("{name} {option}")));
        names.insert(name);
    }
    (names, options)
}

/// The words of each call of the binary in a line of a shell.
fn calls(line: &str) -> Vec<Vec<String>> {
    // What is quoted is no option, and may hold what separates commands.
    let line = regex::Regex::new("'[^']*'|\"[^\"]*\"").unwrap().replace_all(line, "QUOTED");
    let parts = line.split([';', '|', '&', '(', ')']);
    let words = parts.map(|part| part.split_whitespace().map(str::to_owned).collect::<Vec<_>>());
    words
        .filter_map(|words| {
            let at = words.iter().position(|word| word == "tracespec")?;
            Some(words[at + 1..].to_vec())
        })
        .collect()
}

fn every_command_and_option_has_a_case() -> Result<(), String> {
    let (names, options) = known();
    if names.len() < 20 || options.len() < 100 {
        return Err(format!("the help is not understood: {names:?} {options:?}"));
    }
    let short = [("-k", "--name"), ("-j", "--jobs"), ("-v", "--verbose")];
    let (mut called, mut used) = (BTreeSet::new(), BTreeSet::new());
    for case in case::all() {
        for words in case.sections.iter().filter_map(|section| section.command()).flat_map(calls) {
            let nested =
                format!("{} {}", words.first().map_or("", String::as_str), words.get(1).map_or("", String::as_str));
            let name = if names.contains(&nested) { nested } else { words.first().cloned().unwrap_or_default() };
            for word in &words {
                let word = word.split('=').next().unwrap_or_default();
                let long = short.iter().find(|(short, _)| *short == word).map_or(word, |(_, long)| long);
                used.insert(format!("{name} {long}"));
            }
            called.insert(name);
        }
    }
    // Those above others do nothing by themselves.
    let leaves: BTreeSet<String> = names
        .iter()
        .filter(|name| !names.iter().any(|other| other.starts_with(&format!("{name} "))))
        .cloned()
        .collect();
    compare("commands", &leaves, &called, &[])?;
    // Those of every command are looked at once, wherever that is.
    let global = ["--config", "--profile", "--history", "--color"];
    let is_global = |option: &String| global.iter().any(|name| option.ends_with(&format!(" {name}")));
    let plain = |set: &BTreeSet<String>| -> BTreeSet<String> {
        set.iter()
            .map(|option| {
                if is_global(option) {
                    option.rsplit(' ').next().unwrap_or_default().to_owned()
                } else {
                    option.clone()
                }
            })
            .collect()
    };
    let leaf = |option: &String| leaves.iter().any(|name| option.rsplit_once(' ').is_some_and(|(of, _)| of == name));
    let wanted: BTreeSet<String> = options.into_iter().filter(leaf).collect();
    compare("options", &plain(&wanted), &plain(&used), &OPTIONS_WITHOUT)
}

/// The lines that commands said, in all cases.
fn said() -> Vec<String> {
    let of = |case: Case| {
        let bodies: Vec<String> = case
            .sections
            .iter()
            .filter(|section| section.command().is_some())
            .map(|section| section.body.clone())
            .collect();
        bodies
    };
    case::all().into_iter().flat_map(of).flat_map(|body| body.lines().map(str::to_owned).collect::<Vec<_>>()).collect()
}

fn every_verdict_has_a_case() -> Result<(), String> {
    let wanted = VERDICTS.map(str::to_owned).into();
    let there =
        said().iter().filter_map(|line| line.split_once("  ")).map(|(word, _)| word.trim().to_owned()).collect();
    compare("verdicts", &wanted, &there, &[])
}

fn every_exit_code_has_a_case() -> Result<(), String> {
    let wanted = EXIT_CODES.map(str::to_owned).into();
    let there = said().iter().filter_map(|line| line.strip_prefix("exit ")).map(str::to_owned).collect();
    compare("exit codes", &wanted, &there, &[])
}
