//! Pipes and sockets as non-blocking streams: tokio's own stdin and stdout pass every chunk through another thread, which
//! costs more than the protocol does.

use std::{
    fs::File,
    io,
    os::{
        fd::{BorrowedFd, OwnedFd},
        unix::{fs::FileTypeExt, net::UnixStream},
    },
};

use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{
        UnixStream as Socket,
        unix::pipe::{Receiver, Sender},
    },
};

/// What can be waited for without another thread. A terminal can't: its flags are shared with the shell. A file can't:
/// epoll refuses it.
enum Kind {
    Pipe,
    Socket,
    Other,
}

fn kind(fd: BorrowedFd<'_>) -> io::Result<(Kind, OwnedFd)> {
    let file = File::from(fd.try_clone_to_owned()?);
    let file_type = file.metadata()?.file_type();
    let kind = match (file_type.is_fifo(), file_type.is_socket()) {
        (true, _) => Kind::Pipe,
        (_, true) => Kind::Socket,
        _ => Kind::Other,
    };
    Ok((kind, file.into()))
}

fn socket(fd: OwnedFd) -> io::Result<Socket> {
    let stream = UnixStream::from(fd);
    stream.set_nonblocking(true)?;
    Socket::from_std(stream)
}

/// stdin, whatever it is.
pub(super) fn reader(fd: BorrowedFd<'_>) -> io::Result<Box<dyn AsyncRead + Unpin + Send>> {
    Ok(match kind(fd)? {
        (Kind::Pipe, fd) => Box::new(Receiver::from_owned_fd(fd)?),
        (Kind::Socket, fd) => Box::new(socket(fd)?),
        (Kind::Other, _) => Box::new(tokio::io::stdin()),
    })
}

/// stdout, whatever it is.
pub(super) fn writer(fd: BorrowedFd<'_>) -> io::Result<Box<dyn AsyncWrite + Unpin + Send>> {
    Ok(match kind(fd)? {
        (Kind::Pipe, fd) => Box::new(Sender::from_owned_fd(fd)?),
        (Kind::Socket, fd) => Box::new(socket(fd)?),
        (Kind::Other, _) => Box::new(tokio::io::stdout()),
    })
}
