//! Values against a JSON Schema.

use boon::{Compiler, Schemas};
use serde_json::Value;

/// A schema that was itself found valid.
pub(crate) struct Validator {
    schemas: Schemas,
    index: boon::SchemaIndex,
}

impl Validator {
    /// Compiles the schema, which checks it against the schema of schemas.
    pub(crate) fn new(schema: &Value) -> Validator {
        const PLACE: &str = "http://localhost/schema.json";
        let (mut compiler, mut schemas) = (Compiler::new(), Schemas::new());
        compiler.add_resource(PLACE, schema.clone()).unwrap();
        let index = compiler.compile(PLACE, &mut schemas).unwrap_or_else(|error| panic!("{error:#}"));
        Validator { schemas, index }
    }

    /// What is wrong with a value, or `None`.
    pub(crate) fn error(&self, value: &Value) -> Option<String> {
        self.schemas.validate(value, self.index).err().map(|error| format!("{error:#}"))
    }
}
