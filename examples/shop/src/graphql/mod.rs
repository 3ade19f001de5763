//! The gateway's GraphQL endpoint: `schema.graphql` over HTTP, with an INTERNAL span an operation by the GraphQL semantic
//! conventions. Errors come in a 200, as GraphQL has it.
//!
//! Only the parser is a library's. Those that execute, too, are procedural macros over serde_json and bytes, which they
//! would have compiled a second time, or are larger than the shop.

mod answer;
mod operation;
mod schema;

use std::sync::Arc;

use answer::{Errors, Missing, complete};
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Extension, Json, Router};
use graphql_parser::query::parse_query;
use opentelemetry::KeyValue;
use opentelemetry::trace::{SpanKind, TraceContextExt};
use operation::{Asked, Operation, Wrong, choose};
use schema::Schema;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::Error;
use crate::gateway::{Backends, is_order_id};
use crate::http_client::Call;
use crate::http_server::refusal;
use crate::propagation::RequestContext;
use crate::spans::{self, Beginning};

/// Longer documents are not for this shop.
const MOST_BYTES: usize = 64 << 10;

struct Endpoint {
    backends: Arc<Backends>,
    schema: Schema,
}

pub(crate) fn routes(backends: Arc<Backends>) -> Result<Router, Error> {
    let endpoint = Endpoint { backends, schema: Schema::read()? };
    Ok(Router::new().route("/graphql", post(serve)).with_state(Arc::new(endpoint)))
}

/// A request as GraphQL over HTTP has it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Request {
    query: String,
    #[serde(default)]
    variables: Option<Map<String, Value>>,
    #[serde(default)]
    operation_name: Option<String>,
}

async fn serve(
    State(endpoint): State<Arc<Endpoint>>,
    Extension(context): Extension<RequestContext>,
    body: Bytes,
) -> Response {
    let request: Request = match serde_json::from_slice(&body) {
        Ok(request) if body.len() <= MOST_BYTES => request,
        Ok(_) => return refusal(StatusCode::PAYLOAD_TOO_LARGE, "the document is too long"),
        Err(error) => return refusal(StatusCode::BAD_REQUEST, &format!("not a GraphQL request: {error}")),
    };
    let mut errors = Errors::default();
    let operation = match read(&endpoint.schema, &request) {
        Ok(operation) => operation,
        // Nothing was done, so there is no data.
        Err(wrong) => {
            errors.add(&wrong.message, "GRAPHQL_VALIDATION_FAILED", wrong.at, &[]);
            return Json(json!({ "errors": errors.all })).into_response();
        }
    };
    let cx = begin(&context, &operation, &request.query);
    let data = execute(&endpoint.backends, &context.within(cx.clone()), &operation, &mut errors).await;
    if let Some(first) = errors.all.first() {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        spans::fail(&cx, text(&first["extensions"]["code"]), text(&first["message"]));
    }
    cx.span().end();
    let mut answer = json!({ "data": data.map_or(Value::Null, Value::Object) });
    if !errors.all.is_empty() {
        answer["errors"] = Value::Array(errors.all);
    }
    Json(answer).into_response()
}

fn read(schema: &Schema, request: &Request) -> Result<Operation, Wrong> {
    let document = parse_query::<String>(&request.query);
    let document = document
        .map_err(|error| Wrong { message: format!("not a GraphQL document: {error}"), at: None })?
        .into_static();
    let variables = request.variables.clone().unwrap_or_default();
    choose(schema, &document, request.operation_name.as_deref(), variables)
}

fn begin(context: &RequestContext, operation: &Operation, document: &str) -> opentelemetry::Context {
    let mut attributes = vec![
        KeyValue::new("graphql.operation.type", operation.kind),
        KeyValue::new("graphql.document", document.to_owned()),
    ];
    let mut name = operation.kind.to_owned();
    if let Some(own) = &operation.name {
        attributes.push(KeyValue::new("graphql.operation.name", own.clone()));
        name = format!("{name} {own}");
    }
    spans::begin(
        &context.cx,
        Beginning { scope: "shop.graphql", name: name.into(), kind: SpanKind::Internal, attributes },
    )
}

/// One field after another, as a mutation's must be.
async fn execute(
    backends: &Backends,
    context: &RequestContext,
    operation: &Operation,
    errors: &mut Errors,
) -> Result<Map<String, Value>, Missing> {
    let mut data = Map::new();
    for asked in &operation.fields {
        let mut path = vec![asked.key.as_str().into()];
        let value = match resolve(backends, context, asked).await {
            Ok(value) => complete(asked, &value, &mut path, errors)?,
            Err(Refused { message, code }) => {
                errors.add(&message, &code, Some(asked.at), &path);
                if matches!(asked.of, Some(graphql_parser::schema::Type::NonNullType(_))) {
                    return Err(Missing);
                }
                Value::Null
            }
        };
        data.insert(asked.key.clone(), value);
    }
    Ok(data)
}

/// Why a field has no value.
struct Refused {
    message: String,
    code: String,
}

async fn resolve(backends: &Backends, context: &RequestContext, asked: &Asked) -> Result<Value, Refused> {
    let call = |method, template, path, body| Call { method, template, path, body, traced: true };
    match asked.name.as_str() {
        "products" => {
            let call = call(Method::GET, "/products", "/products".into(), None);
            Ok(found(backends.inventory.send(context, call).await)?["products"].take())
        }
        "order" => {
            let id = asked.arguments["id"].as_str().unwrap_or_default();
            if !is_order_id(id) {
                return Ok(Value::Null);
            }
            let call = call(Method::GET, "/orders/{id}", format!("/orders/{id}"), None);
            match found(backends.orders.send(context, call).await) {
                Err(refused) if refused.code == "NOT_FOUND" => Ok(Value::Null),
                order => order.map(renamed),
            }
        }
        "placeOrder" => {
            let order = asked.arguments["input"].clone();
            let call = call(Method::POST, "/orders", "/orders".into(), Some(order));
            found(backends.orders.send(context, call).await).map(renamed)
        }
        // `__typename`: the schema has no other fields.
        _ => Ok(Value::Null),
    }
}

/// The body of an answer, or why there is none.
fn found(answer: Result<crate::http_client::Answer, reqwest::Error>) -> Result<Value, Refused> {
    let answer = answer.map_err(|_| Refused {
        message: "a service of the shop cannot be reached".into(),
        code: "BAD_GATEWAY".into(),
    })?;
    let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    if answer.status.is_success() {
        return Ok(body);
    }
    let message = match body["error"].as_str() {
        Some(message) => message.to_owned(),
        None if answer.status == StatusCode::PAYMENT_REQUIRED => "the card was declined".into(),
        None => answer.status.to_string(),
    };
    // `Payment Required` is PAYMENT_REQUIRED.
    let code = answer.status.canonical_reason().unwrap_or("UNKNOWN").to_uppercase().replace(' ', "_");
    Err(Refused { message, code })
}

/// An order of the REST interface as the schema names its fields.
fn renamed(mut order: Value) -> Value {
    order["traceId"] = order["trace_id"].take();
    order
}
