//! The JSON Schema of spec files and of the configuration, for editors.
//!
//! Made by hand from `spec::forms`, the same tables that the readers check keys against: a derived schema would
//! describe serde types, which this language does not have (serde loses the places of keys), and could drift from the
//! readers. One table cannot.

use super::forms::{self, Form, Shape};
use crate::matcher::{KEYS, Position};
use crate::source::SourceFile;
use crate::yaml;
use serde_json::{Map, Value, json};

/// The schema of spec files.
pub fn spec_schema() -> Value {
    document("tracespec spec", "What a spec file of tracespec may hold.", &forms::FILE)
}

/// The schema of `tracespec.yaml`.
pub fn config_schema() -> Value {
    document("tracespec configuration", "What tracespec.yaml may hold.", &forms::CONFIG)
}

/// A schema as it is written to a file.
pub fn text(schema: &Value) -> String {
    let mut text = serde_json::to_string_pretty(schema).unwrap_or_default();
    text.push('\n');
    text
}

/// Keys without which a mapping means nothing.
const REQUIRED: &[(&str, &[&str])] = &[
    ("file", &["tests"]),
    ("test", &["name"]),
    ("repeat", &["runs"]),
    ("compare", &["left", "right", "ratio"]),
    ("until", &["timeout"]),
    ("trace_file", &["path"]),
    ("matrix", &["file"]),
    ("part", &["file"]),
    ("basic", &["user", "password"]),
    ("span", &["select"]),
    ("child", &["select"]),
    ("structure", &["tree"]),
    ("node", &["select"]),
    ("traceql_none", &["none"]),
    ("critical_path", &["select"]),
    ("network", &["call"]),
    ("per", &["under"]),
    ("jaeger", &["url"]),
    ("tempo", &["url"]),
    ("file_backend", &["dir"]),
    ("process", &["name", "command"]),
    ("ack", &["test", "finding", "until", "reason"]),
];

fn document(title: &str, description: &str, root: &'static Form) -> Value {
    let mut defs = Map::new();
    let mut open = vec![root];
    let mut seen = vec![root.name];
    while let Some(form) = open.pop() {
        defs.insert(form.name.to_owned(), form_schema(form));
        for key in form.keys {
            reach(&key.shape, &mut open, &mut seen);
        }
    }
    let positions = [
        Position::Any,
        Position::Text,
        Position::Count,
        Position::Int,
        Position::Score,
        Position::Duration,
        Position::Share,
        Position::Ratio,
    ];
    for position in positions {
        defs.insert(matcher_name(position).to_owned(), matcher(position));
    }
    for (name, words) in WORDS {
        defs.insert((*name).to_owned(), matcher(Position::Word(words)));
    }
    defs.insert(
        "selector".to_owned(),
        json!({
            "description": "Which spans: a mapping of matchers, TraceQL in braces, or a name.",
            "anyOf": [{ "type": "string", "minLength": 1 }, { "$ref": "#/$defs/selector_mapping" }],
        }),
    );
    if !defs.contains_key("selector_mapping") {
        defs.remove("selector");
    }
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": title,
        "description": description,
        "$ref": format!("#/$defs/{}", root.name),
        "$defs": defs,
    })
}

fn reach(shape: &Shape, open: &mut Vec<&'static Form>, seen: &mut Vec<&'static str>) {
    let mut visit = |form: &'static Form| {
        if !seen.contains(&form.name) {
            seen.push(form.name);
            open.push(form);
        }
    };
    match shape {
        Shape::Form(form) => visit(form),
        Shape::Selector => visit(&forms::SELECTOR),
        Shape::List(inner) | Shape::OneOrList(inner) | Shape::Map(inner) => reach(inner, open, seen),
        Shape::Any(all) => all.iter().for_each(|one| reach(one, open, seen)),
        _ => {}
    }
}

fn form_schema(form: &'static Form) -> Value {
    let mut properties = Map::new();
    for key in form.keys {
        let mut schema = shape(&key.shape);
        if let Some(object) = schema.as_object_mut() {
            object.insert("description".to_owned(), json!(key.doc));
            object.insert("examples".to_owned(), json!([example(key.example)]));
        }
        properties.insert(key.name.to_owned(), schema);
    }
    let mut schema = json!({
        "type": "object",
        "properties": properties,
        "patternProperties": { "^(x-|<<$)": true },
        "additionalProperties": false,
    });
    if let Some((_, keys)) = REQUIRED.iter().find(|(name, _)| *name == form.name) {
        schema["required"] = json!(keys);
    }
    schema
}

/// A key's example as JSON.
pub(super) fn example(text: &str) -> Value {
    let parsed = yaml::parse(&SourceFile::new("example.yaml", format!("example: {text}\n")));
    parsed.root.as_deref().and_then(|root| root.get("example")).map(|node| to_json(node)).unwrap_or(Value::Null)
}

/// A node as JSON, typed as the readers type it.
pub fn to_json(node: &yaml::Node) -> Value {
    match &node.value {
        yaml::Value::Broken => Value::Null,
        yaml::Value::List(items) => items.iter().map(|item| to_json(item)).collect(),
        yaml::Value::Map(entries) => {
            Value::Object(entries.iter().map(|(key, value)| (key.text.to_string(), to_json(value))).collect())
        }
        yaml::Value::Scalar(scalar) => match scalar.core() {
            yaml::Core::Null => Value::Null,
            yaml::Core::Bool(value) => json!(value),
            yaml::Core::Int(value) => i64::try_from(value).map_or_else(|_| json!(value as f64), |value| json!(value)),
            yaml::Core::Float(value) => json!(value),
            yaml::Core::Text => json!(&*scalar.text),
        },
    }
}

fn scalar() -> Value {
    json!({ "type": ["string", "number", "boolean"] })
}

fn shape(shape_of: &Shape) -> Value {
    match shape_of {
        Shape::Bool => json!({ "type": "boolean" }),
        Shape::Number => json!({ "type": "integer", "minimum": 0, "maximum": 1_000_000 }),
        Shape::Duration => json!({ "type": "string", "pattern": "^\\s*[0-9]" }),
        Shape::Word | Shape::Scalar | Shape::Text => scalar(),
        Shape::Null => json!({ "type": "null" }),
        Shape::TraceQl => json!({ "type": "string", "minLength": 1 }),
        Shape::OneOf(words) => {
            let mut values: Vec<Value> = Vec::new();
            for word in *words {
                values.push(json!(word));
                if let Ok(number) = word.parse::<f64>() {
                    values.push(json!(number));
                }
            }
            json!({ "enum": values })
        }
        Shape::Matcher(Position::Word(words)) => {
            // Another set of words has to be named here first.
            let name = WORDS.iter().find(|(_, known)| known == words).map_or("word_matcher", |(name, _)| name);
            json!({ "$ref": format!("#/$defs/{name}") })
        }
        Shape::Matcher(position) => json!({ "$ref": format!("#/$defs/{}", matcher_name(*position)) }),
        Shape::Selector => json!({ "$ref": "#/$defs/selector" }),
        Shape::Json => json!({ "description": "Any JSON." }),
        Shape::List(inner) => json!({ "type": "array", "items": shape(inner) }),
        Shape::OneOrList(inner) => {
            json!({ "anyOf": [shape(inner), { "type": "array", "minItems": 1, "items": shape(inner) }] })
        }
        Shape::Map(inner) => json!({ "type": "object", "additionalProperties": shape(inner) }),
        Shape::Form(form) => json!({ "$ref": format!("#/$defs/{}", form.name) }),
        Shape::Any(all) => json!({ "anyOf": all.iter().map(shape).collect::<Vec<_>>() }),
    }
}

/// Matchers of words, by the name of their definition.
const WORDS: &[(&str, &[&str])] =
    &[("kind", forms::KINDS), ("status", forms::STATUSES), ("grpc_status", super::plan::GRPC_CODES)];

fn matcher_name(position: Position) -> &'static str {
    match position {
        Position::Any => "matcher",
        Position::Text => "text_matcher",
        Position::Count => "count_matcher",
        Position::Int => "number_matcher",
        Position::Score => "score_matcher",
        Position::Duration => "duration_matcher",
        Position::Share => "share_matcher",
        Position::Ratio => "ratio_matcher",
        Position::Word(_) => "word_matcher",
    }
}

/// Variables may stand for any operand.
const VARIABLE: &str = "\\$\\{";

fn matcher(position: Position) -> Value {
    let text = |pattern: &str| json!({ "type": "string", "pattern": format!("{pattern}|{VARIABLE}") });
    let operator = "^\\s*(<=|>=|!=|<|>)?\\s*";
    let mut forms = match position {
        Position::Any => vec![
            json!({ "type": ["number", "boolean"] }),
            json!({ "type": "string", "not": { "pattern": "^(=[^~]|=$|<>|~=)" } }),
            json!({ "type": "array" }),
        ],
        Position::Text => vec![
            json!({ "type": ["number", "boolean"] }),
            json!({ "type": "string", "not": { "pattern": "^(=[^~]|=$|<|>|~=)" } }),
        ],
        Position::Count => vec![
            json!({ "type": "integer", "minimum": 0 }),
            text(&format!("{operator}[0-9]+$|^[0-9]*\\s*\\.\\.\\s*[0-9]*$")),
        ],
        Position::Int => {
            vec![json!({ "type": "integer" }), text(&format!("{operator}-?[0-9]+$|^[0-9]*\\s*\\.\\.\\s*[0-9]*$"))]
        }
        Position::Score => vec![
            json!({ "type": "number", "minimum": 0, "maximum": 100 }),
            text(&format!("{operator}[0-9.]+$|^[0-9.]*\\s*\\.\\.\\s*[0-9.]*$")),
        ],
        Position::Duration => vec![text(&format!("{operator}[0-9.]+\\s*[a-zµμ]|^\\s*\\.\\.\\s*[0-9]"))],
        Position::Share => vec![text(&format!("{operator}[0-9.]+\\s*%|^\\s*\\.\\.\\s*[0-9]"))],
        Position::Ratio => vec![text(&format!("{operator}[0-9.]+$|^[0-9.]*\\s*\\.\\.\\s*[0-9.]*$"))],
        Position::Word(words) => {
            let list = words.join("|");
            vec![json!({ "enum": words }), text(&format!("^(!=\\s*({list})|!?=?~.*|exists|absent)$"))]
        }
    };
    forms.push(matcher_mapping(position));
    let examples = match position {
        Position::Any => {
            json!(["card", 200, "< 3s", "~ card.*", "2..5", "exists", "absent", { "one_of": ["card", "cash"] }])
        }
        Position::Text => json!(["order-service", "~ GET .*", { "starts_with": "GET" }]),
        Position::Count => json!([1, "<= 5", "2..5", "0.."]),
        Position::Int => json!([201, "< 400", "200..299"]),
        Position::Score => json!([">= 75", "90..", 100]),
        Position::Duration => json!(["< 3s", "200ms..1.5s", { "gt": "1ms", "lt": "3s" }]),
        Position::Share => json!(["< 60%", "20%..60%", { "gt": "20%" }]),
        Position::Ratio => json!(["< 0.8", "0.9..1.1", { "lte": 1 }]),
        Position::Word(words) => json!([words[1], { "one_of": words }]),
    };
    let description = match position {
        Position::Any => {
            "A matcher: a value, a comparison (`< 3s`), a regular expression (`~ card.*`), a range (`2..5`), `exists`, `absent`, or a mapping."
        }
        Position::Text => "A matcher of text.",
        Position::Count => "A matcher of a count.",
        Position::Int => "A matcher of a whole number.",
        Position::Score => "A matcher of a score from 0 to 100.",
        Position::Duration => "A matcher of a duration: numbers have units.",
        Position::Share => "A matcher of a share, in percent.",
        Position::Ratio => "A matcher of a ratio.",
        Position::Word(_) => "A matcher of one of a few words.",
    };
    json!({ "description": description, "examples": examples, "anyOf": forms })
}

fn matcher_mapping(position: Position) -> Value {
    let operand = match position {
        Position::Duration | Position::Share => json!({ "type": "string" }),
        Position::Count | Position::Int => json!({ "type": ["integer", "string"] }),
        Position::Score | Position::Ratio => json!({ "type": ["number", "string"] }),
        Position::Any => json!({ "type": ["string", "number", "boolean", "array", "null"] }),
        _ => scalar(),
    };
    let mut properties = Map::new();
    for key in KEYS {
        let schema = match *key {
            "exists" => json!({ "type": "boolean" }),
            "between" => json!({ "type": "array", "minItems": 2, "maxItems": 2, "items": operand }),
            "one_of" => json!({ "type": "array", "minItems": 1, "items": operand }),
            "type" => json!({ "enum": ["string", "int", "double", "number", "bool", "array", "map", "bytes", "null"] }),
            "length" => json!({ "$ref": "#/$defs/count_matcher" }),
            "matches" | "starts_with" | "ends_with" => scalar(),
            "contains" => json!({ "type": ["string", "number", "boolean", "array", "null"] }),
            _ => operand.clone(),
        };
        properties.insert((*key).to_owned(), schema);
    }
    json!({ "type": "object", "minProperties": 1, "properties": properties, "additionalProperties": false })
}
