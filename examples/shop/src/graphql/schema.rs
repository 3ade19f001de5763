//! The schema, read from `schema.graphql`, and values as its types have them.

use std::collections::HashMap;

use graphql_parser::query;
use graphql_parser::schema::{Definition, Field, InputValue, Type, TypeDefinition, parse_schema};
use serde_json::{Map, Value};

use crate::Error;

/// A type as the schema writes it.
pub(super) type TypeOf = Type<'static, String>;

pub(super) struct Schema {
    types: HashMap<String, TypeDefinition<'static, String>>,
}

impl Schema {
    pub(super) fn read() -> Result<Self, Error> {
        let document = parse_schema::<String>(include_str!("schema.graphql"))?;
        let mut types = HashMap::new();
        for definition in document.definitions {
            let Definition::TypeDefinition(definition) = definition else { continue };
            let name = match &definition {
                TypeDefinition::Object(object) => object.name.clone(),
                TypeDefinition::InputObject(input) => input.name.clone(),
                _ => return Err("the schema has objects and input objects only".into()),
            };
            types.insert(name, definition);
        }
        Ok(Self { types })
    }

    /// An output object's fields; `None` for whatever else has this name.
    pub(super) fn fields(&self, object: &str) -> Option<&[Field<'static, String>]> {
        match self.types.get(object) {
            Some(TypeDefinition::Object(object)) => Some(&object.fields),
            _ => None,
        }
    }

    /// `value` as an input of this type.
    pub(super) fn input(&self, of: &TypeOf, value: Value) -> Result<Value, String> {
        match (of, value) {
            (Type::NonNullType(_), Value::Null) => Err(format!("null is not `{of}`")),
            (Type::NonNullType(inner), value) => self.input(inner, value),
            (_, Value::Null) => Ok(Value::Null),
            (Type::ListType(item), Value::Array(items)) => {
                items.into_iter().map(|one| self.input(item, one)).collect::<Result<_, _>>().map(Value::Array)
            }
            // A single value is a list of one.
            (Type::ListType(item), value) => Ok(Value::Array(vec![self.input(item, value)?])),
            (Type::NamedType(name), value) => self.named(name, value),
        }
    }

    fn named(&self, name: &str, value: Value) -> Result<Value, String> {
        let is_right = match name {
            "Int" => value.as_i64().is_some_and(|number| i32::try_from(number).is_ok()),
            "Float" => value.is_number(),
            "Boolean" => value.is_boolean(),
            "String" => value.is_string(),
            "ID" => value.is_string() || value.is_i64(),
            _ => return self.object(name, value),
        };
        if is_right { Ok(value) } else { Err(format!("{value} is not `{name}`")) }
    }

    fn object(&self, name: &str, value: Value) -> Result<Value, String> {
        let Some(TypeDefinition::InputObject(input)) = self.types.get(name) else {
            return Err(format!("`{name}` is not an input type"));
        };
        let Value::Object(given) = value else { return Err(format!("{value} is not `{name}`")) };
        self.arguments(&input.fields, given, name).map(Value::Object)
    }

    /// `given` as the arguments of a field, or as the fields of an input object; `of` names which.
    pub(super) fn arguments(
        &self,
        declared: &[InputValue<'static, String>],
        mut given: Map<String, Value>,
        of: &str,
    ) -> Result<Map<String, Value>, String> {
        let mut all = Map::new();
        for one in declared {
            // None of the schema's inputs has a default.
            let value = given.remove(&one.name).unwrap_or(Value::Null);
            let value = self.input(&one.value_type, value).map_err(|why| format!("`{}` of `{of}`: {why}", one.name))?;
            all.insert(one.name.clone(), value);
        }
        match given.keys().next() {
            Some(unknown) => Err(format!("`{of}` has no `{unknown}`")),
            None => Ok(all),
        }
    }
}

/// A literal of a document as JSON, its variables filled in.
pub(super) fn literal(value: &query::Value<'static, String>, variables: &Map<String, Value>) -> Result<Value, String> {
    Ok(match value {
        query::Value::Variable(name) => {
            variables.get(name).cloned().ok_or_else(|| format!("no variable `${name}` is declared"))?
        }
        query::Value::Int(number) => number.as_i64().into(),
        query::Value::Float(number) => (*number).into(),
        query::Value::String(text) => text.as_str().into(),
        query::Value::Boolean(truth) => (*truth).into(),
        query::Value::Null => Value::Null,
        query::Value::Enum(name) => return Err(format!("the schema has no enum, and so no `{name}`")),
        query::Value::List(items) => {
            items.iter().map(|item| literal(item, variables)).collect::<Result<_, _>>().map(Value::Array)?
        }
        query::Value::Object(fields) => fields
            .iter()
            .map(|(name, value)| Ok((name.clone(), literal(value, variables)?)))
            .collect::<Result<_, String>>()
            .map(Value::Object)?,
    })
}

/// The name of the object or scalar within lists and non-nulls.
pub(super) fn innermost(of: &TypeOf) -> &str {
    match of {
        Type::NamedType(name) => name,
        Type::ListType(inner) | Type::NonNullType(inner) => innermost(inner),
    }
}
