//! One operation of a document, checked against the schema before anything is done for it.

use std::collections::HashMap;

use graphql_parser::Pos;
use graphql_parser::query::{
    Definition, Directive, Document, Field, FragmentDefinition, OperationDefinition, Selection, SelectionSet,
    TypeCondition, VariableDefinition,
};
use serde_json::{Map, Value};

use super::schema::{Schema, TypeOf, innermost, literal};

/// What a document asks for, in the order in which it asks.
pub(super) struct Operation {
    /// `query` or `mutation`.
    pub(super) kind: &'static str,
    pub(super) name: Option<String>,
    pub(super) fields: Vec<Asked>,
}

/// A field that is asked for.
pub(super) struct Asked {
    /// Its name in the answer.
    pub(super) key: String,
    pub(super) name: String,
    pub(super) at: Pos,
    pub(super) arguments: Map<String, Value>,
    /// The object that it is a field of.
    pub(super) object: String,
    /// `None` for `__typename`.
    pub(super) of: Option<TypeOf>,
    pub(super) fields: Vec<Asked>,
}

/// What is wrong with a request, and where.
pub(super) struct Wrong {
    pub(super) message: String,
    pub(super) at: Option<Pos>,
}

fn wrong(at: Pos, message: impl Into<String>) -> Wrong {
    Wrong { message: message.into(), at: Some(at) }
}

type Sets<'q> = Vec<&'q SelectionSet<'static, String>>;
/// Fields by their keys in the answer, each with all that is selected below it.
type Collected<'q> = Vec<(&'q str, &'q Field<'static, String>, Sets<'q>)>;

/// Chooses the operation with this name, or the only one.
pub(super) fn choose(
    schema: &Schema,
    document: &Document<'static, String>,
    name: Option<&str>,
    variables: Map<String, Value>,
) -> Result<Operation, Wrong> {
    let mut fragments = HashMap::new();
    let mut operations = Vec::new();
    for definition in &document.definitions {
        match definition {
            Definition::Fragment(fragment) => drop(fragments.insert(fragment.name.as_str(), fragment)),
            Definition::Operation(operation) => operations.push(parts(operation)?),
        }
    }
    let found = match name {
        Some(wanted) => operations.into_iter().find(|found| found.name == Some(wanted)),
        None if operations.len() == 1 => operations.pop(),
        None => None,
    };
    let Some(found) = found else {
        let message = match name {
            Some(wanted) => format!("there is no operation `{wanted}`"),
            None => "`operationName` must say which operation of the document is meant".to_owned(),
        };
        return Err(Wrong { message, at: None });
    };
    let variables = declared(schema, found.variables, variables)?;
    let reader = Reader { schema, fragments, variables };
    let fields = reader.asked(found.object, vec![found.selection])?;
    Ok(Operation { kind: found.kind, name: found.name.map(str::to_owned), fields })
}

struct Parts<'q> {
    kind: &'static str,
    object: &'static str,
    name: Option<&'q str>,
    variables: &'q [VariableDefinition<'static, String>],
    selection: &'q SelectionSet<'static, String>,
}

fn parts<'a>(operation: &'a OperationDefinition<'static, String>) -> Result<Parts<'a>, Wrong> {
    Ok(match operation {
        OperationDefinition::SelectionSet(selection) => {
            Parts { kind: "query", object: "Query", name: None, variables: &[], selection }
        }
        OperationDefinition::Query(query) => Parts {
            kind: "query",
            object: "Query",
            name: query.name.as_deref(),
            variables: &query.variable_definitions,
            selection: &query.selection_set,
        },
        OperationDefinition::Mutation(mutation) => Parts {
            kind: "mutation",
            object: "Mutation",
            name: mutation.name.as_deref(),
            variables: &mutation.variable_definitions,
            selection: &mutation.selection_set,
        },
        OperationDefinition::Subscription(subscription) => {
            return Err(wrong(subscription.position, "the schema has no subscriptions"));
        }
    })
}

/// The values of the declared variables, each of its type.
fn declared(
    schema: &Schema,
    definitions: &[VariableDefinition<'static, String>],
    mut given: Map<String, Value>,
) -> Result<Map<String, Value>, Wrong> {
    let mut all = Map::new();
    for definition in definitions {
        let bad = |why: String| wrong(definition.position, format!("variable `${}`: {why}", definition.name));
        let value = match (given.remove(&definition.name), &definition.default_value) {
            (Some(value), _) => value,
            (None, Some(default)) => literal(default, &Map::new()).map_err(bad)?,
            (None, None) => Value::Null,
        };
        let value = schema.input(&definition.var_type, value).map_err(bad)?;
        all.insert(definition.name.clone(), value);
    }
    Ok(all)
}

struct Reader<'q, 's> {
    schema: &'s Schema,
    fragments: HashMap<&'q str, &'q FragmentDefinition<'static, String>>,
    variables: Map<String, Value>,
}

impl<'q> Reader<'q, '_> {
    /// No type of the schema holds one of its own kind, so this ends.
    fn asked(&self, object: &str, sets: Sets<'q>) -> Result<Vec<Asked>, Wrong> {
        let mut collected = Collected::new();
        for set in sets {
            self.collect(object, set, &mut Vec::new(), &mut collected)?;
        }
        collected.into_iter().map(|(key, field, below)| self.field(object, key, field, below)).collect()
    }

    fn collect(
        &self,
        object: &str,
        set: &'q SelectionSet<'static, String>,
        seen: &mut Vec<&'q str>,
        into: &mut Collected<'q>,
    ) -> Result<(), Wrong> {
        let applies =
            |on: Option<&TypeCondition<'static, String>>| on.is_none_or(|TypeCondition::On(name)| name == object);
        for selection in &set.items {
            match selection {
                Selection::Field(field) if self.is_wanted(&field.directives)? => {
                    let key = field.alias.as_deref().unwrap_or(&field.name);
                    match into.iter_mut().find(|(known, ..)| *known == key) {
                        None => into.push((key, field, vec![&field.selection_set])),
                        Some((_, known, below)) if known.name == field.name && known.arguments == field.arguments => {
                            below.push(&field.selection_set);
                        }
                        Some(_) => return Err(wrong(field.position, format!("`{key}` is asked for in two ways"))),
                    }
                }
                Selection::InlineFragment(part)
                    if applies(part.type_condition.as_ref()) && self.is_wanted(&part.directives)? =>
                {
                    self.collect(object, &part.selection_set, seen, into)?;
                }
                Selection::FragmentSpread(spread) if self.is_wanted(&spread.directives)? => {
                    let name = spread.fragment_name.as_str();
                    let fragment = self.fragments.get(name);
                    let fragment = fragment.ok_or_else(|| wrong(spread.position, format!("no fragment `{name}`")))?;
                    if !seen.contains(&name) && applies(Some(&fragment.type_condition)) {
                        seen.push(name);
                        self.collect(object, &fragment.selection_set, seen, into)?;
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn is_wanted(&self, directives: &[Directive<'static, String>]) -> Result<bool, Wrong> {
        for directive in directives {
            let at = directive.position;
            let condition = directive.arguments.iter().find(|(name, _)| name == "if");
            let condition = condition.map(|(_, value)| literal(value, &self.variables)).transpose();
            let condition = condition.map_err(|why| wrong(at, why))?.and_then(|value| value.as_bool());
            match (directive.name.as_str(), condition) {
                ("skip", Some(true)) | ("include", Some(false)) => return Ok(false),
                ("skip" | "include", Some(_)) => {}
                (name, _) => return Err(wrong(at, format!("there is no directive `@{name}`, or it has no `if`"))),
            }
        }
        Ok(true)
    }

    fn field(&self, object: &str, key: &str, field: &Field<'static, String>, below: Sets<'q>) -> Result<Asked, Wrong> {
        let (name, at) = (field.name.as_str(), field.position);
        let mut asked = Asked {
            key: key.to_owned(),
            name: name.to_owned(),
            at,
            arguments: Map::new(),
            object: object.to_owned(),
            of: None,
            fields: Vec::new(),
        };
        if name == "__typename" {
            return Ok(asked);
        }
        let known = self.schema.fields(object).unwrap_or_default();
        let Some(declared) = known.iter().find(|known| known.name == name) else {
            let names: Vec<&str> = known.iter().map(|known| known.name.as_str()).collect();
            return Err(wrong(at, format!("`{object}` has no field `{name}`; it has {}", names.join(", "))));
        };
        let given = field.arguments.iter().map(|(name, value)| Ok((name.clone(), literal(value, &self.variables)?)));
        let given = given.collect::<Result<Map<String, Value>, String>>();
        let arguments = given.and_then(|given| self.schema.arguments(&declared.arguments, given, name));
        asked.arguments = arguments.map_err(|why| wrong(at, why))?;
        let selects = below.iter().any(|set| !set.items.is_empty());
        let inner = innermost(&declared.field_type);
        match (self.schema.fields(inner).is_some(), selects) {
            (true, true) => asked.fields = self.asked(inner, below)?,
            (false, false) => {}
            (true, false) => return Err(wrong(at, format!("which fields of `{name}` are wanted is not said"))),
            (false, true) => return Err(wrong(at, format!("`{name}` has no fields"))),
        }
        asked.of = Some(declared.field_type.clone());
        Ok(asked)
    }
}
