//! Operands of a bound spec as text and in messages.

use crate::matcher::{Literal, Operand, Part};

/// The text of an operand that names something. A template with variables left in it shows them.
pub(super) fn text(operand: &Operand) -> String {
    match operand {
        Operand::Literal(Literal::Str(text)) => text.to_string(),
        Operand::Literal(Literal::Bool(flag)) => flag.to_string(),
        Operand::Literal(Literal::Int(number)) => number.to_string(),
        Operand::Literal(Literal::Float(number)) => number.to_string(),
        Operand::Literal(Literal::Duration(ns)) => super::text::time(*ns),
        Operand::Literal(Literal::Size(bytes)) => format!("{bytes}B"),
        Operand::Literal(Literal::Share(share)) => format!("{}%", share * 100.0),
        Operand::Literal(Literal::Null) => "null".to_owned(),
        Operand::Literal(Literal::List(items)) => {
            let items: Vec<String> = items.iter().map(|item| text(&Operand::Literal(item.clone()))).collect();
            format!("[{}]", items.join(", "))
        }
        Operand::Template(template) => template
            .parts
            .iter()
            .map(|part| match part {
                Part::Text(text) => text.clone(),
                Part::Var { name, .. } => format!("${{{name}}}"),
            })
            .collect(),
    }
}
