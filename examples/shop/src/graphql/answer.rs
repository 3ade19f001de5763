//! What was found, as the operation asked for it: data, and errors beside it.

use graphql_parser::Pos;
use graphql_parser::schema::Type;
use serde_json::{Map, Value, json};

use super::operation::Asked;
use super::schema::TypeOf;

/// What is missing became null further out; what it was is among the errors.
pub(super) struct Missing;

/// The errors of one answer.
#[derive(Default)]
pub(super) struct Errors {
    pub(super) all: Vec<Value>,
}

impl Errors {
    pub(super) fn add(&mut self, message: &str, code: &str, at: Option<Pos>, path: &[Value]) {
        let mut error = json!({ "message": message, "extensions": { "code": code } });
        if let Some(at) = at {
            error["locations"] = json!([{ "line": at.line, "column": at.column }]);
        }
        if !path.is_empty() {
            error["path"] = json!(path);
        }
        self.all.push(error);
    }
}

/// The value of a field with the fields that were asked for. A null where there must be none takes what
/// holds it along.
pub(super) fn complete(
    asked: &Asked,
    value: &Value,
    path: &mut Vec<Value>,
    errors: &mut Errors,
) -> Result<Value, Missing> {
    match &asked.of {
        None => Ok(asked.object.as_str().into()),
        Some(of) => typed(asked, of, value, path, errors),
    }
}

fn typed(
    asked: &Asked,
    of: &TypeOf,
    value: &Value,
    path: &mut Vec<Value>,
    errors: &mut Errors,
) -> Result<Value, Missing> {
    match (of, value) {
        (Type::NonNullType(_), Value::Null) => {
            errors.add(&format!("`{}` must not be null", asked.name), "INTERNAL_SERVER_ERROR", Some(asked.at), path);
            Err(Missing)
        }
        (Type::NonNullType(inner), value) => match typed(asked, inner, value, path, errors)? {
            // An error below is told already.
            Value::Null => Err(Missing),
            value => Ok(value),
        },
        (_, Value::Null) => Ok(Value::Null),
        (Type::ListType(item), Value::Array(values)) => {
            let mut all = Vec::new();
            for (position, value) in values.iter().enumerate() {
                path.push(position.into());
                let one = typed(asked, item, value, path, errors);
                path.pop();
                match one {
                    Ok(value) => all.push(value),
                    Err(Missing) => return Ok(Value::Null),
                }
            }
            Ok(Value::Array(all))
        }
        (Type::ListType(_), _) | (Type::NamedType(_), Value::Array(_)) => {
            errors.add(&format!("`{}` is not `{of}`", asked.name), "INTERNAL_SERVER_ERROR", Some(asked.at), path);
            Ok(Value::Null)
        }
        (Type::NamedType(_), value) if asked.fields.is_empty() => Ok(value.clone()),
        (Type::NamedType(_), value) => {
            let mut all = Map::new();
            for field in &asked.fields {
                path.push(field.key.as_str().into());
                let one = complete(field, &value[&field.name], path, errors);
                path.pop();
                match one {
                    Ok(value) => drop(all.insert(field.key.clone(), value)),
                    Err(Missing) => return Ok(Value::Null),
                }
            }
            Ok(Value::Object(all))
        }
    }
}
