//! GitHub's side of OIDC: answers one kind of request, and remembers what came.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};

/// A running issuer.
pub struct Issuer {
    /// What the runner calls `ACTIONS_ID_TOKEN_REQUEST_URL`.
    pub url: String,
    seen: Arc<Mutex<Vec<String>>>,
}

impl Issuer {
    /// Gives `jwt` to whoever has the request token `token`, after that many failures.
    pub fn start(token: &str, jwt: String, failures: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}/token?api-version=2.0", listener.local_addr().expect("an address"));
        let seen = Arc::new(Mutex::new(Vec::new()));
        let remembered = Arc::clone(&seen);
        let bearer = format!("authorization: bearer {}", token.to_lowercase());
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.expect("a connection");
                let head = head(&stream);
                let number = {
                    let mut seen = remembered.lock().expect("seen");
                    seen.push(head.clone());
                    seen.len()
                };
                let authorized = head.to_lowercase().contains(&bearer);
                let (status, body) = match authorized && head.starts_with("GET /token?api-version=2.0") {
                    true if number <= failures => ("503 Unavailable", String::new()),
                    true => ("200 OK", format!("{{\"count\":1,\"value\":\"{jwt}\"}}")),
                    false => ("401 Unauthorized", String::new()),
                };
                let length = body.len();
                let _ =
                    write!(stream, "HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}");
            }
        });
        Self { url, seen }
    }

    /// The head of each request so far.
    pub fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn head(stream: &TcpStream) -> String {
    let lines = BufReader::new(stream).lines().map_while(Result::ok).take_while(|line| !line.is_empty());
    lines.collect::<Vec<_>>().join("\n")
}
