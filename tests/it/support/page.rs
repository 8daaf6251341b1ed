//! What comes back: pages, fragments and streams.
use super::PATIENCE;
use futures_util::{StreamExt, stream::BoxStream};
use poem::{
    Response,
    http::{HeaderMap, StatusCode},
};

#[derive(Clone, Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: String,
}

impl Answer {
    pub async fn read(response: Response) -> Self {
        let (parts, body) = response.into_parts();
        let body = tokio::time::timeout(PATIENCE, body.into_vec())
            .await
            .expect("an answer in time")
            .unwrap();
        Self {
            status: parts.status,
            headers: parts.headers,
            body: String::from_utf8(body).unwrap(),
        }
    }

    /// Where a plain form leads.
    pub fn goes_to(&self) -> String {
        assert_eq!(self.status, StatusCode::SEE_OTHER, "{}", self.body);
        self.header("location").to_owned()
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The value of a hidden field.
    pub fn field(&self, name: &str) -> String {
        let mark = format!("name=\"{name}\"");
        let tag = self
            .body
            .split('<')
            .find(|tag| tag.contains(&mark))
            .unwrap_or_else(|| panic!("no {name} in {}", self.body));
        tag.split("value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned()
    }

    /// What follows each `mark` up to the next quote.
    pub fn all(&self, mark: &str) -> Vec<String> {
        self.body
            .split(mark)
            .skip(1)
            .map(|rest| rest.split('"').next().unwrap().to_owned())
            .collect()
    }

    /// The element with an id, as it stands in the page.
    pub fn entry(&self, id: &str) -> &str {
        let at = self
            .body
            .find(&format!("id=\"{id}\""))
            .unwrap_or_else(|| panic!("no {id} in {}", self.body));
        let start = self.body[..at].rfind("<li").unwrap();
        let end = start + self.body[start..].find("</li>").unwrap() + 5;
        &self.body[start..end]
    }

    #[track_caller]
    pub fn must(self, status: StatusCode) -> Self {
        assert_eq!(self.status, status, "{}", self.body);
        self
    }

    #[track_caller]
    pub fn says(&self, words: &str) -> &Self {
        assert!(self.body.contains(words), "{words:?} is not in {}", self.body);
        self
    }

    #[track_caller]
    pub fn says_not(&self, words: &str) -> &Self {
        assert!(!self.body.contains(words), "{words:?} is in {}", self.body);
        self
    }
}

/// One server-sent event.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Event {
    pub id: String,
    pub name: String,
    pub data: String,
}

/// An open stream of events.
pub struct Stream {
    bytes: BoxStream<'static, Vec<u8>>,
    buffer: String,
    pub headers: HeaderMap,
}

impl Stream {
    pub fn open(response: Response) -> Self {
        let headers = response.headers().clone();
        let bytes =
            response.into_body().into_bytes_stream().map(|bytes| bytes.unwrap().to_vec()).boxed();
        Self { bytes, buffer: String::new(), headers }
    }

    /// The next event, or `None` once the stream has ended.
    pub async fn next(&mut self) -> Option<Event> {
        tokio::time::timeout(PATIENCE, self.read()).await.expect("news in time")
    }

    /// The next event that shows something or has this name; others are passed over.
    pub async fn until(&mut self, wanted: impl Fn(&Event) -> bool) -> Event {
        loop {
            let event = self.next().await.expect("the stream goes on");
            if wanted(&event) {
                return event;
            }
        }
    }

    /// The same while another stream is read, too: one that nobody reads stands still.
    pub async fn until_beside(
        &mut self,
        other: &mut Self,
        wanted: impl Fn(&Event) -> bool,
    ) -> Event {
        tokio::select! {
            event = self.until(wanted) => event,
            never = other.until(|_| false) => unreachable!("{never:?}"),
        }
    }

    /// The next entry of the log.
    pub async fn entry(&mut self) -> Event {
        self.until(|event| event.name.is_empty() && !event.id.is_empty()).await
    }

    pub async fn named(&mut self, name: &str) -> Event {
        self.until(|event| event.name == name).await
    }

    /// Everything up to the event of this name.
    pub async fn all_until(&mut self, name: &str) -> Vec<Event> {
        let mut all = Vec::new();
        loop {
            let event = self.next().await.expect("the stream goes on");
            if event.name == name {
                return all;
            }
            all.push(event);
        }
    }

    async fn read(&mut self) -> Option<Event> {
        loop {
            if let Some((block, rest)) = self.buffer.split_once("\n\n") {
                let (block, rest) = (block.to_owned(), rest.to_owned());
                self.buffer = rest;
                let event = parse(&block);
                if event != Event::default() {
                    return Some(event);
                }
                continue;
            }
            let bytes = self.bytes.next().await?;
            self.buffer.push_str(&String::from_utf8(bytes).unwrap());
        }
    }

    /// A document that never ends, from a place on, once there is more of it; `None` once it has ended.
    pub async fn document_after(&mut self, place: usize) -> Option<String> {
        let bytes = self.bytes.next().await?;
        self.buffer.push_str(&String::from_utf8(bytes).unwrap());
        Some(self.buffer[place..].to_owned())
    }

    /// A document that never ends, read until it holds the words.
    pub async fn document_until(&mut self, words: &str) -> String {
        let reading = async {
            while !self.buffer.contains(words) {
                let bytes = self.bytes.next().await.expect("the document goes on");
                self.buffer.push_str(&String::from_utf8(bytes).unwrap());
            }
            self.buffer.clone()
        };
        tokio::time::timeout(PATIENCE, reading)
            .await
            .unwrap_or_else(|_| panic!("no {words:?} in time"))
    }
}

pub fn parse(block: &str) -> Event {
    let mut event = Event::default();
    let mut data = Vec::new();
    for line in block.lines() {
        let (name, value) = line.split_once(": ").unwrap_or((line, ""));
        match name {
            "id" => event.id = value.into(),
            "event" => event.name = value.into(),
            "data" => data.push(value),
            _ => {}
        }
    }
    event.data = data.join("\n");
    event
}
