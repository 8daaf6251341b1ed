//! XMPP, as much of it as two people need who talk: registering, signing in, stanzas, and the server's word that it is done with
//! one (XEP-0198). ejabberd gives that once the sender's archive has the message: until then it reads nothing more of the sender.
use anyhow::{Context, Result, bail};
use base64::{Engine, engine::general_purpose::STANDARD};
use quick_xml::{Reader, Writer, events::Event};
use std::net::SocketAddr;
use tokio::{
    io::{AsyncWriteExt, BufReader},
    net::{
        TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
};

const HOST: &str = "localhost";
const PASSWORD: &str = "secret";
const STREAM: &[u8] = b"stream:stream";

#[derive(Debug)]
pub struct Line {
    reader: Reader<BufReader<OwnedReadHalf>>,
    writer: OwnedWriteHalf,
    buffer: Vec<u8>,
}

/// What others send to.
pub fn address(name: &str) -> String {
    format!("{name}@{HOST}")
}

pub async fn register(server: SocketAddr, name: &str) -> Result<()> {
    let mut line = Line::open(server).await?;
    let who = format!("<username>{name}</username><password>{PASSWORD}</password>");
    let query = format!("<query xmlns='jabber:iq:register'>{who}</query>");
    line.ask(&format!("<iq type='set' id='register'>{query}</iq>"), "type='result'").await
}

impl Line {
    pub async fn sign_in(server: SocketAddr, name: &str) -> Result<Self> {
        let mut line = Self::open(server).await?;
        let proof = STANDARD.encode(format!("\0{name}\0{PASSWORD}"));
        let auth = format!(
            "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>{proof}</auth>"
        );
        line.ask(&auth, "<success").await?;
        line.begin().await?;
        let bind = "<iq type='set' id='bind'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>";
        line.ask(bind, "type='result'").await?;
        Ok(line)
    }

    /// From now on it is told of messages.
    pub async fn listen(&mut self) -> Result<()> {
        self.ask("<presence/>", "<presence").await
    }

    /// From now on it may ask whether what it sent was dealt with.
    pub async fn count(&mut self) -> Result<()> {
        self.ask("<enable xmlns='urn:xmpp:sm:3'/>", "<enabled").await
    }

    /// A message, until the server is done with it.
    pub async fn send(&mut self, to: &str, text: &str) -> Result<()> {
        let message = format!("<message to='{to}' type='chat'><body>{text}</body></message>");
        self.writer.write_all(format!("{message}<r xmlns='urn:xmpp:sm:3'/>").as_bytes()).await?;
        while !self.next().await?.starts_with("<a ") {}
        Ok(())
    }

    /// The next stanza, as it is written on the line.
    pub async fn next(&mut self) -> Result<String> {
        let (mut stanza, mut depth) = (Writer::new(Vec::new()), 0);
        loop {
            self.buffer.clear();
            let event = self.reader.read_event_into_async(&mut self.buffer).await?;
            match &event {
                Event::Eof => bail!("the stream has ended"),
                Event::End(tag) if tag.name().as_ref() == STREAM => bail!("the stream has ended"),
                Event::Start(tag) if tag.name().as_ref() == STREAM => continue,
                Event::Decl(_) => continue,
                Event::Text(_) if depth == 0 => continue,
                Event::Start(_) => depth += 1,
                Event::End(_) => depth -= 1,
                _ => {}
            }
            stanza.write_event(event)?;
            if depth == 0 {
                return Ok(String::from_utf8(stanza.into_inner())?);
            }
        }
    }

    async fn open(server: SocketAddr) -> Result<Self> {
        let stream =
            TcpStream::connect(server).await.with_context(|| format!("nobody is at {server}"))?;
        stream.set_nodelay(true)?;
        let (read, writer) = stream.into_split();
        let reader = Reader::from_reader(BufReader::with_capacity(1024, read));
        let mut line = Self { reader, writer, buffer: Vec::new() };
        line.begin().await?;
        Ok(line)
    }

    /// Opens the stream, or opens it anew.
    async fn begin(&mut self) -> Result<()> {
        let xmlns = "xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'";
        let open =
            format!("<?xml version='1.0'?><stream:stream {xmlns} to='{HOST}' version='1.0'>");
        self.ask(&open, "<stream:features").await
    }

    /// Says something, and takes the next stanza for the answer.
    async fn ask(&mut self, what: &str, wanted: &str) -> Result<()> {
        self.writer.write_all(what.as_bytes()).await?;
        let answer = self.next().await?;
        if !answer.contains(wanted) {
            bail!("asked for {wanted}: {answer}");
        }
        Ok(())
    }
}
