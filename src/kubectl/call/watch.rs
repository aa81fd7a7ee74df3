//! A child that runs: what it reads and says, until it ends or has to.

use std::future::Future;
use std::os::unix::process::ExitStatusExt as _;
use std::process::ExitStatus;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::Child;
use zeroize::Zeroizing;

use super::super::ending::{Ending, Output, Untrusted};
use super::super::heard::Heard;
use super::Call;
use crate::mask::Masker;

/// Feeds and reads a child, all at once, until it ends or has to.
pub(super) async fn watch(
    mut child: Child,
    input: impl Future<Output = Zeroizing<Vec<u8>>>,
    call: &Call,
    masker: &Masker,
) -> Ending {
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let (mut out, mut heard) = (Zeroizing::new(Vec::new()), Heard::new(masker));
    let keep = |bytes: &[u8]| keep(&mut out, bytes, call.most);
    let hear = |bytes: &[u8]| {
        heard.push(bytes);
        Ok(())
    };
    let feed = async {
        if let Some(mut stdin) = stdin {
            // A child that ends early closes its stdin; its exit code says more than a broken pipe.
            let _ = stdin.write_all(&input.await).await;
        }
        Ok(())
    };
    let work = async {
        tokio::try_join!(feed, read(stdout, keep), read(stderr, hear))?;
        child.wait().await.map_err(|_| Trouble::Wait)
    };
    let ended = tokio::time::timeout(call.deadline, work).await;
    let stderr = heard.finish();
    match ended {
        Ok(Ok(status)) => ending(status, Output::zeroized(out), stderr),
        Ok(Err(trouble)) => {
            end(&mut child).await;
            match trouble {
                Trouble::TooMuch => Ending::TooMuchOutput,
                Trouble::Wait => Ending::Killed { signal: 0, stderr },
            }
        }
        Err(_) => {
            end(&mut child).await;
            Ending::TimedOut { deadline: call.deadline, stderr }
        }
    }
}

fn ending(status: ExitStatus, stdout: Output, stderr: Untrusted) -> Ending {
    match (status.code(), status.signal()) {
        (Some(0), _) => Ending::Success { stdout, stderr },
        (Some(code), _) => Ending::Failed { code, stdout, stderr },
        (None, signal) => Ending::Killed { signal: signal.unwrap_or_default(), stderr },
    }
}

async fn end(child: &mut Child) {
    // Both fail only for a child that has ended.
    let _ = child.start_kill();
    let _ = child.wait().await;
}

enum Trouble {
    TooMuch,
    /// The system does not tell how it ended.
    Wait,
}

fn keep(all: &mut Vec<u8>, bytes: &[u8], cap: usize) -> Result<(), Trouble> {
    if all.len() + bytes.len() > cap {
        return Err(Trouble::TooMuch);
    }
    all.extend_from_slice(bytes);
    Ok(())
}

async fn read(
    pipe: Option<impl AsyncRead + Unpin>,
    mut take: impl FnMut(&[u8]) -> Result<(), Trouble>,
) -> Result<(), Trouble> {
    let Some(mut pipe) = pipe else { return Ok(()) };
    let mut chunk = Zeroizing::new(vec![0; 64 << 10]);
    loop {
        match pipe.read(&mut chunk).await {
            Ok(0) | Err(_) => return Ok(()),
            Ok(count) => take(&chunk[..count])?,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_much_output_ends_the_call() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut kept = Vec::new();
            assert!(read(Some(&b"0123456789"[..]), |bytes| keep(&mut kept, bytes, 10)).await.is_ok());
            assert!(kept == b"0123456789" && read(Some(&b"0"[..]), |bytes| keep(&mut kept, bytes, 10)).await.is_err());
        });
    }
}
