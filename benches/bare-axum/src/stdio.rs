//! The answers over stdio, by three ways to read and write.
//!
//! They differ more from each other than any protocol work costs: tokio's own handles hop
//! to a blocking thread and back for every read and write.

use std::io::{BufRead, BufReader, Write};
use std::os::fd::AsFd;

use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::net::unix::pipe;

use crate::answer::{Answer, answer};

const READ_BYTES: usize = 64 << 10;

/// The standard library on one thread.
pub fn blocking() -> anyhow::Result<()> {
    let mut input = BufReader::with_capacity(READ_BYTES, std::io::stdin());
    let mut output = std::io::stdout().lock();
    let mut line = Vec::new();
    while input.read_until(b'\n', &mut line)? > 0 {
        if let Some(bytes) = answer_line(&line) {
            output.write_all(&bytes)?;
            output.flush()?;
        }
        line.clear();
    }
    Ok(())
}

/// Non-blocking pipes on tokio's reactor; stdin and stdout have to be pipes.
#[tokio::main]
pub async fn pipes() -> anyhow::Result<()> {
    let input = pipe::Receiver::from_owned_fd(std::io::stdin().as_fd().try_clone_to_owned()?)?;
    let output = pipe::Sender::from_owned_fd(std::io::stdout().as_fd().try_clone_to_owned()?)?;
    serve(input, output).await
}

/// `tokio::io::stdin` and `tokio::io::stdout`, as most servers use them.
#[tokio::main]
pub async fn tokio_handles() -> anyhow::Result<()> {
    serve(tokio::io::stdin(), tokio::io::stdout()).await?;
    // A blocking read of stdin would hold up the end of the runtime.
    std::process::exit(0)
}

async fn serve(
    input: impl AsyncRead + Unpin,
    mut output: impl AsyncWrite + Unpin,
) -> anyhow::Result<()> {
    let mut input = tokio::io::BufReader::with_capacity(READ_BYTES, input);
    let mut line = Vec::new();
    while input.read_until(b'\n', &mut line).await? > 0 {
        if let Some(bytes) = answer_line(&line) {
            output.write_all(&bytes).await?;
            output.flush().await?;
        }
        line.clear();
    }
    Ok(())
}

fn answer_line(line: &[u8]) -> Option<Vec<u8>> {
    match answer(line) {
        Answer::Message(mut bytes) => {
            bytes.push(b'\n');
            Some(bytes)
        }
        Answer::Nothing | Answer::Refused => None,
    }
}
