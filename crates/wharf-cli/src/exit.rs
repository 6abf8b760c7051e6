//! Exit codes: a script learns from the code alone what kind of failure it met. The numbers are a promise, so they are
//! written once, here, and the help text and docs/CLI.md repeat this table. Nothing else in the crate names a number.

use std::process::ExitCode;

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Everything worked.
    Success,
    /// The tool ran and said `isError`.
    ToolFailed,
    /// The server answered with a JSON-RPC error, or with something that is not the protocol.
    Protocol,
    /// No answer: the server could not be reached or started, was too slow, or went away.
    Transport,
    /// The server wants other credentials: HTTP 401 or 403.
    Authentication,
    /// The command line makes no sense; sysexits.h calls this EX_USAGE.
    Usage,
    /// A failure of this machine, such as a full disk; sysexits.h calls this EX_SOFTWARE.
    Internal,
    /// Ctrl-C: 128 and the number of SIGINT, as shells report it.
    Interrupted,
}

impl Exit {
    /// The number the shell sees.
    pub(crate) const fn code(self) -> u8 {
        match self {
            Self::Success => 0,
            Self::ToolFailed => 1,
            Self::Protocol => 2,
            Self::Transport => 3,
            Self::Authentication => 4,
            Self::Usage => 64,
            Self::Internal => 70,
            Self::Interrupted => 130,
        }
    }

    /// The word in the `error.kind` member of `--json` output.
    pub(crate) const fn kind(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::ToolFailed => "tool",
            Self::Protocol => "protocol",
            Self::Transport => "transport",
            Self::Authentication => "authentication",
            Self::Usage => "usage",
            Self::Internal => "internal",
            Self::Interrupted => "interrupted",
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

/// The table at the end of `--help`.
pub(crate) const TABLE: &str = "\
Exit codes:
    0  success
    1  the tool reported an error (isError)
    2  protocol error: the server answered with a JSON-RPC error
    3  transport error: cannot connect, no answer in time, connection closed
    4  authentication needed (HTTP 401 or 403)
   64  usage: the command line makes no sense
   70  another failure on this machine, such as an unwritable output
  130  interrupted by Ctrl-C";

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Exit; 8] = [
        Exit::Success,
        Exit::ToolFailed,
        Exit::Protocol,
        Exit::Transport,
        Exit::Authentication,
        Exit::Usage,
        Exit::Internal,
        Exit::Interrupted,
    ];

    #[test]
    fn help_and_manual_list_every_code() {
        let manual = include_str!("../../../docs/CLI.md");
        for exit in ALL {
            let code = exit.code();
            assert!(TABLE.contains(&format!("{code:>5}  ")), "--help lacks {code}");
            assert!(manual.contains(&format!("| {code} | ")), "docs/CLI.md lacks {code}");
        }
    }
}
