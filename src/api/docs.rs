//! The documentation for people, drawn from the same descriptions that programs read: no script, no network.
use super::{frame, openapi_json};
use crate::{
    error::Result,
    text::Lang,
    web::page::{Viewer, html},
};
use askama::Template;
use poem::{Response, handler};
use serde_json::Value;

#[derive(Template)]
#[template(path = "api/docs.html")]
struct DocsPage {
    lang: Lang,
    groups: Vec<Group>,
    said: Vec<Frame>,
    heard: Vec<Frame>,
}

/// Operations of one subject.
struct Group {
    name: String,
    about: String,
    operations: Vec<Operation>,
}

struct Operation {
    id: String,
    method: String,
    path: String,
    summary: String,
    about: String,
    open: bool,
    fields: Vec<Field>,
    answers: Vec<(String, String)>,
}

/// A parameter, or a field of a body or frame.
struct Field {
    name: String,
    place: &'static str,
    kind: String,
    about: String,
    required: bool,
}

struct Frame {
    name: String,
    about: String,
    fields: Vec<Field>,
}

#[handler]
pub fn documentation(viewer: Viewer) -> Result<Response> {
    let (openapi, asyncapi) = (openapi_json(), frame::asyncapi());
    let messages = &asyncapi["channels"]["socket"]["messages"];
    html(&DocsPage {
        lang: viewer.lang,
        groups: groups(openapi),
        said: frames(messages, "client_"),
        heard: frames(messages, "server_"),
    })
}

fn groups(openapi: &Value) -> Vec<Group> {
    let tags = openapi["tags"].as_array().into_iter().flatten();
    tags.map(|tag| Group {
        name: text(&tag["name"]),
        about: text(&tag["description"]),
        operations: operations(openapi, &tag["name"]),
    })
    .collect()
}

fn operations(openapi: &Value, tag: &Value) -> Vec<Operation> {
    let mut found = Vec::new();
    for (path, methods) in openapi["paths"].as_object().into_iter().flatten() {
        for (method, operation) in methods.as_object().into_iter().flatten() {
            if operation["tags"].get(0) == Some(tag) {
                found.push(self::operation(openapi, path, method, operation));
            }
        }
    }
    found
}

fn operation(openapi: &Value, path: &str, method: &str, operation: &Value) -> Operation {
    let parameters = operation["parameters"].as_array().into_iter().flatten().map(|parameter| {
        let place = if parameter["in"] == "path" { "path" } else { "query" };
        Field {
            name: text(&parameter["name"]),
            place,
            kind: kind(&parameter["schema"]),
            about: text(&parameter["description"]),
            required: parameter["required"] == true,
        }
    });
    let body = operation["requestBody"]["content"].as_object().into_iter().flatten();
    let body = body.flat_map(|(_, content)| fields(resolved(openapi, &content["schema"]), "body"));
    let answers = operation["responses"].as_object().into_iter().flatten();
    Operation {
        id: text(&operation["operationId"]),
        method: method.to_uppercase(),
        path: format!("/api/v1{path}"),
        summary: text(&operation["summary"]),
        about: text(&operation["description"]),
        open: operation["security"].is_null(),
        fields: parameters.chain(body).collect(),
        answers: answers
            .map(|(status, answer)| (status.clone(), text(&answer["description"])))
            .collect(),
    }
}

fn resolved<'a>(document: &'a Value, schema: &'a Value) -> &'a Value {
    let reference = schema["$ref"].as_str().and_then(|text| text.strip_prefix('#'));
    reference.and_then(|pointer| document.pointer(pointer)).unwrap_or(schema)
}

fn frames(messages: &Value, prefix: &str) -> Vec<Frame> {
    let messages = messages.as_object().into_iter().flatten();
    let of_side =
        messages.filter_map(|(name, message)| Some((name.strip_prefix(prefix)?, message)));
    let frame = |(name, message): (&str, &Value)| Frame {
        name: name.to_owned(),
        about: text(&message["summary"]),
        fields: fields(&message["payload"], "frame")
            .into_iter()
            .filter(|field| field.name != "type")
            .collect(),
    };
    of_side.map(frame).collect()
}

fn fields(schema: &Value, place: &'static str) -> Vec<Field> {
    let required = |name: &str| {
        schema["required"].as_array().is_some_and(|names| names.iter().any(|one| one == name))
    };
    let field = |(name, field): (&String, &Value)| Field {
        name: name.clone(),
        place,
        kind: kind(field),
        about: text(&field["description"]),
        required: required(name),
    };
    schema["properties"].as_object().into_iter().flatten().map(field).collect()
}

/// A schema in a word.
fn kind(schema: &Value) -> String {
    if let Some(name) = schema["$ref"].as_str().or_else(|| schema["allOf"][0]["$ref"].as_str()) {
        return name.rsplit('/').next().unwrap_or_default().to_owned();
    }
    match &schema["type"] {
        Value::String(name) => name.clone(),
        Value::Array(names) => text(&names[0]),
        _ => String::new(),
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
