//! One request through the proxy, over one connection to each side.

use std::io;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::json;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, copy, split};

use crate::proxy::Fault;

const LARGEST_HEAD: usize = 64 * 1024;
/// How long a client may take to send what is left of a request that was answered early.
const LINGER: Duration = Duration::from_secs(2);
const TICK: Duration = Duration::from_millis(20);

/// The head of a request, and what was read of its body with it.
pub(super) struct Request {
    pub(super) method: String,
    pub(super) target: String,
    headers: Vec<(String, Vec<u8>)>,
    start_of_body: Vec<u8>,
}

impl Request {
    /// Reads the head; none when the client closes before it has sent one.
    pub(super) async fn read(client: &mut (impl AsyncRead + Unpin)) -> Result<Option<Self>> {
        let mut bytes = Vec::new();
        loop {
            if client.read_buf(&mut bytes).await? == 0 {
                return Ok(None);
            }
            let mut headers = [httparse::EMPTY_HEADER; 128];
            let mut head = httparse::Request::new(&mut headers);
            if let httparse::Status::Complete(length) = head.parse(&bytes)? {
                return Ok(Some(Self {
                    method: head.method.context("no method")?.to_owned(),
                    target: head.path.context("no target")?.to_owned(),
                    headers: head
                        .headers
                        .iter()
                        .map(|header| (header.name.to_owned(), header.value.to_vec()))
                        .collect(),
                    start_of_body: bytes[length..].to_vec(),
                }));
            }
            if bytes.len() > LARGEST_HEAD {
                bail!("a head of more than {LARGEST_HEAD} bytes");
            }
        }
    }

    /// The body, as long as its head says; what has no length has none.
    pub(super) async fn body(&self, client: &mut (impl AsyncRead + Unpin)) -> Result<Vec<u8>> {
        let length = self.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("content-length"));
        let length: usize = length.map_or(Ok(0), |(_, length)| String::from_utf8_lossy(length).parse())?;
        let mut body = self.start_of_body.clone();
        body.reserve_exact(length.saturating_sub(body.len()));
        while body.len() < length && client.read_buf(&mut body).await? > 0 {}
        Ok(body)
    }

    /// The request for the server `host`, which is to close the connection after its answer: its end is then the end
    /// of the bytes. A request for another protocol (exec, port-forward) keeps its connection.
    fn for_server(&self, host: &str) -> Vec<u8> {
        let is = |name: &str, header: &str| name.eq_ignore_ascii_case(header);
        let upgrade = self.headers.iter().any(|(name, _)| is(name, "upgrade"));
        let mut bytes = format!("{} {} HTTP/1.1\r\nHost: {host}\r\n", self.method, self.target).into_bytes();
        if !upgrade {
            bytes.extend_from_slice(b"Connection: close\r\n");
        }
        for (name, value) in &self.headers {
            if !is(name, "host") && (upgrade || !is(name, "connection")) {
                bytes.extend_from_slice(name.as_bytes());
                bytes.extend_from_slice(b": ");
                bytes.extend_from_slice(value);
                bytes.extend_from_slice(b"\r\n");
            }
        }
        bytes.extend_from_slice(b"\r\n");
        bytes.extend_from_slice(&self.start_of_body);
        bytes
    }
}

/// The proxy's own answer: JSON that a client of Kubernetes and one of Vault can both read.
pub(super) fn answer(status: u16, header: &str) -> Vec<u8> {
    let body = json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": "fault of the proxy",
        "code": status, "errors": ["fault of the proxy"],
    });
    let body = body.to_string();
    let length = body.len();
    format!(
        "HTTP/1.1 {status} Fault\r\n{header}Content-Type: application/json\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    )
    .into_bytes()
}

/// What a firewall or gateway answers in the server's place: no JSON, and with what it was sent.
pub(super) fn page(status: u16, body: &[u8]) -> Vec<u8> {
    let page = format!("<html><h1>{status}</h1>looked at {}</html>", String::from_utf8_lossy(body));
    let length = page.len();
    format!(
        "HTTP/1.1 {status} Fault\r\nContent-Type: text/html\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{page}"
    )
    .into_bytes()
}

/// Sends `answer`, then reads what the client still sends: an unread rest would make the system reset the connection
/// before the client has read the answer.
pub(super) async fn reply(mut client: impl AsyncRead + AsyncWrite + Unpin, answer: &[u8]) -> io::Result<()> {
    client.write_all(answer).await?;
    client.shutdown().await?;
    let _ = tokio::time::timeout(LINGER, copy(&mut client, &mut tokio::io::sink())).await;
    Ok(())
}

/// Sends the request to the server and its answer to the client, until either closes.
pub(super) async fn relay(
    request: &Request,
    host: &str,
    fault: Option<&Fault>,
    client: impl AsyncRead + AsyncWrite + Unpin,
    server: impl AsyncRead + AsyncWrite + Unpin,
) -> io::Result<()> {
    let (mut from_client, mut to_client) = split(client);
    let (mut from_server, mut to_server) = split(server);
    to_server.write_all(&request.for_server(host)).await?;
    let upload = async {
        match copy(&mut from_client, &mut to_server).await {
            Ok(_) => {}
            // The server has answered and closed before it read all: its answer is still to come.
            Err(_) => std::future::pending().await,
        }
    };
    let download = async {
        match fault {
            Some(Fault::Cut(bytes)) => {
                // The server has done what it was asked for when its answer starts.
                let mut first = [0];
                let length = from_server.read(&mut first).await?;
                let answer = first[..length].chain(&mut from_server);
                copy(&mut answer.take(*bytes), &mut to_client).await.map(drop)
            }
            Some(Fault::Slow(bytes)) => trickle(&mut from_server, &mut to_client, *bytes).await,
            _ => copy(&mut from_server, &mut to_client).await.map(drop),
        }
    };
    tokio::select! {
        () = upload => return Ok(()),
        done = download => done?,
    }
    match fault {
        // TLS is not closed in order: the client can tell that something is missing.
        Some(Fault::Cut(_)) => to_client.flush().await,
        _ => to_client.shutdown().await,
    }
}

async fn trickle(
    from: &mut (impl AsyncRead + Unpin),
    to: &mut (impl AsyncWrite + Unpin),
    bytes_a_second: u64,
) -> io::Result<()> {
    let ticks = u64::try_from(Duration::from_secs(1).as_millis() / TICK.as_millis()).unwrap_or(1);
    let (portion, pause) = match bytes_a_second / ticks {
        0 => (1, Duration::from_secs(1) / u32::try_from(bytes_a_second).unwrap_or(1)),
        portion => (portion, TICK),
    };
    while copy(&mut (&mut *from).take(portion), to).await? > 0 {
        to.flush().await?;
        tokio::time::sleep(pause).await;
    }
    Ok(())
}
