//! Server-sent events, written by one encoder: a bare `\r` in a message must not become the end of a line, since a
//! parser would take what follows it for an event of ours (WHATWG HTML, "Parsing an event stream").
use bytes::Bytes;
use std::{fmt::Write, time::Duration};

/// One event. Everything is optional; an event without data and name only moves the reader's cursor.
#[derive(Clone, Copy, Debug, Default)]
pub struct Frame<'a> {
    pub id: Option<&'a str>,
    pub event: Option<&'a str>,
    pub retry: Option<Duration>,
    pub data: Option<&'a str>,
}

/// An id or a name that would end its own line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an event's id or name holds a line break or NUL")]
pub struct Forged;

impl Frame<'_> {
    /// The bytes on the wire. Line ends in `data` all become `\n`, as a parser would make them.
    pub fn encode(&self) -> Result<Bytes, Forged> {
        let mut wire = String::with_capacity(64 + self.data.map_or(0, str::len));
        field(&mut wire, "id", self.id)?;
        field(&mut wire, "event", self.event)?;
        if let Some(retry) = self.retry {
            let _ = writeln!(wire, "retry: {}", retry.as_millis());
        }
        for line in self.data.into_iter().flat_map(lines) {
            let _ = writeln!(wire, "data: {line}");
        }
        wire.push('\n');
        Ok(wire.into())
    }
}

/// Keeps proxies and readers awake; no event.
pub const HEARTBEAT: Bytes = Bytes::from_static(b":\n\n");

fn field(wire: &mut String, name: &str, value: Option<&str>) -> Result<(), Forged> {
    let Some(value) = value else { return Ok(()) };
    if value.contains(['\r', '\n', '\0']) {
        return Err(Forged);
    }
    let _ = writeln!(wire, "{name}: {value}");
    Ok(())
}

/// Splits at `\r\n`, `\r` and `\n`.
fn lines(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let text = rest?;
        let Some(end) = text.find(['\r', '\n']) else {
            rest = None;
            return Some(text);
        };
        let after = if text[end..].starts_with("\r\n") { end + 2 } else { end + 1 };
        rest = Some(&text[after..]);
        Some(&text[..end])
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[derive(Debug, Default, PartialEq)]
    struct Parsed {
        id: String,
        event: String,
        data: String,
    }

    /// The dispatch algorithm of WHATWG HTML §9.2.6, by the letter.
    fn parse(stream: &str) -> Vec<Parsed> {
        let (mut events, mut now, mut last_id) = (Vec::new(), Parsed::default(), String::new());
        let stream = stream.strip_prefix('\u{feff}').unwrap_or(stream);
        for line in stream.replace("\r\n", "\n").split(['\r', '\n']) {
            if line.is_empty() {
                if !now.data.is_empty() {
                    now.data.pop();
                    now.id.clone_from(&last_id);
                    events.push(std::mem::take(&mut now));
                }
                now = Parsed::default();
                continue;
            }
            let (name, value) = line.split_once(':').unwrap_or((line, ""));
            let value = value.strip_prefix(' ').unwrap_or(value);
            match name {
                "event" => now.event = value.into(),
                "data" => {
                    now.data.push_str(value);
                    now.data.push('\n');
                }
                "id" if !value.contains('\0') => last_id = value.into(),
                _ => {}
            }
        }
        events
    }

    fn any_text() -> impl Strategy<Value = String> {
        let pieces = [
            "\r",
            "\n",
            "\r\n",
            "\0",
            "id: 9:9",
            "event: bye",
            "data: x",
            ":",
            " ",
            "\u{2028}",
            "\u{feff}",
            "retry: 0",
            "你好",
            "<b>",
        ];
        prop::collection::vec(
            prop_oneof![prop::sample::select(pieces.to_vec()).prop_map(String::from), "\\PC{0,8}"],
            0..20,
        )
        .prop_map(|parts| parts.concat())
    }

    proptest! {
        #[test]
        fn no_message_can_forge_an_event(data in any_text()) {
            let wire = Frame { id: Some("e:7"), event: Some("entry"), data: Some(&data), ..Default::default() }.encode().unwrap();
            let stream = String::from_utf8(wire.to_vec()).unwrap();
            let expected = data.replace("\r\n", "\n").replace('\r', "\n");
            prop_assert_eq!(parse(&stream), vec![Parsed { id: "e:7".into(), event: "entry".into(), data: expected }]);
        }

        #[test]
        fn an_id_or_a_name_that_breaks_the_line_is_refused(text in any_text()) {
            let breaks = text.contains(['\r', '\n', '\0']);
            let by_id = Frame { id: Some(&text), data: Some("x"), ..Default::default() }.encode().is_err();
            let by_name = Frame { event: Some(&text), data: Some("x"), ..Default::default() }.encode().is_err();
            prop_assert_eq!((by_id, by_name), (breaks, breaks));
        }
    }
}
