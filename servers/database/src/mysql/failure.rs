//! Turns failures of the server and the driver into errors that say what to do next.
//!
//! The server's own words are passed on where they are about the caller's statement. Where they can name an account, a
//! host or a file they are replaced, and only the log gets the code.

use mysql_async::{DriverError, Error, IoError, ServerError};

use crate::error::{DatabaseError, ONLY_READ};
use crate::names::TableName;

/// Codes of the general state HY000 whose words are about the statement.
const ABOUT_THE_STATEMENT: &[u16] = &[
    1093, 1105, 1111, 1137, 1210, 1221, 1238, 1247, 1248, 1267, 1270, 1271, 1300, 1356, 1364, 1366,
    1373, 1411, 1442, 1459, 1525, 1526, 1582, 1583, 1584, 1585, 1644, 1691, 1748, 1906, 3065, 3105,
    3140, 3141, 3143, 3144, 3157, 3819,
];

/// What a failure of a statement means for its caller.
pub(super) fn of_statement(error: &Error, preparing: bool) -> DatabaseError {
    match error {
        Error::Server(error) => of_server(error, preparing),
        other => of_connection(other),
    }
}

/// What a failure of a statement that changes rows means for its caller.
pub(super) fn of_change(error: &Error) -> DatabaseError {
    let Error::Server(server) = error else { return of_connection(error) };
    match server.code {
        1044 | 1142 | 1143 | 1370 => DatabaseError::refused(
            "the change, for which the database role has not the rights,",
            "ask the operator to GRANT it INSERT, UPDATE or DELETE, and SELECT, on the table, or use other columns",
        ),
        // A change is explained first, which asks for more rights than reading.
        1345 => DatabaseError::refused(
            "a change that reads a view over tables that the database role may not read itself",
            "read the rows with execute_query and put the values into params",
        ),
        1290 | 1792 | 1836 => DatabaseError::refused(
            "the change, because the server itself takes none now,",
            "ask the operator whether it is a replica or is being maintained",
        ),
        1265 => DatabaseError::Failed { message: words(&server.message) },
        _ => of_server(server, false),
    }
}

/// A failure of a question of our own to the catalogue.
pub(super) fn of_catalogue(error: &Error) -> DatabaseError {
    match of_statement(error, false) {
        DatabaseError::Syntax { message, .. }
        | DatabaseError::NoSuchTable { message, .. }
        | DatabaseError::Failed { message } => {
            DatabaseError::internal(format!("the catalogue: {message}"))
        }
        other => other,
    }
}

/// A failure to log in, or to speak with the server at all.
pub(super) fn of_connection(error: &Error) -> DatabaseError {
    let reason = match error {
        Error::Server(error) => match error.code {
            1040 | 1203 | 1226 => {
                return DatabaseError::Busy { reason: "the server has no connection left".into() };
            }
            1044 | 1045 | 1049 | 1251 | 1275 | 1698 | 1862 | 1873 | 3118 | 4151 => {
                "the server does not let the role in; the operator should check user, password and database"
            }
            1129 | 1130 => "the server does not take connections from this machine",
            _ => "the server refused the session; the operator's log holds the details",
        },
        Error::Io(error) if is_about_encryption(error) => {
            "the encrypted connection failed; the operator should check the certificate and the host name"
        }
        Error::Driver(DriverError::PacketTooLarge) => return row_too_large(),
        Error::Io(IoError::Io(error)) if is_too_large(error) => return row_too_large(),
        Error::Driver(DriverError::NoClientSslFlagFromServer) => {
            "the server offers no encryption; the operator should enable it there, or choose danger_plain"
        }
        Error::Driver(
            DriverError::UnknownAuthPlugin { .. } | DriverError::CleartextPluginDisabled,
        ) => "the role logs in by a method that is not supported",
        Error::Io(_) | Error::Driver(DriverError::ConnectionClosed) => {
            "the connection failed or was lost; try again in a moment"
        }
        _ => "the driver failed; the operator's log holds the details",
    };
    DatabaseError::Unavailable { reason: reason.into(), detail: detail(error) }
}

fn of_server(error: &ServerError, preparing: bool) -> DatabaseError {
    match error.code {
        1792 | 1290 | 1836 | 3906 => DatabaseError::refused("a change to the database", ONLY_READ),
        1044 | 1045 | 1142 | 1143 | 1227 | 1345 | 1370 | 1419 => DatabaseError::refused(
            "something that the database role may not do",
            "read other tables, or ask the operator to GRANT it",
        ),
        // The time limit itself is known to whoever set it; this stands when the server was faster.
        1969 | 3024 => DatabaseError::Timeout { timeout: std::time::Duration::ZERO },
        1317 | 1926 => DatabaseError::Cancelled,
        1205 | 3572 => DatabaseError::Busy { reason: "another session holds a lock".into() },
        // The server has rolled back whatever the statement had done.
        1020 | 1213 => {
            DatabaseError::Busy { reason: "another session was changing the same rows".into() }
        }
        1040 | 1203 | 1226 => {
            DatabaseError::Busy { reason: "the server has no connection left".into() }
        }
        1037 | 1038 | 1041 | 1114 | 1021 | 1135 | 1436 => DatabaseError::TooLarge {
            what: "the memory or space that the statement needs".into(),
            limit: "what the server may use".into(),
            advice: "narrow it with WHERE or LIMIT, or nest it less".into(),
        },
        1153 | 1301 => row_too_large(),
        1053 | 1152..=1161 | 1184 | 1927 | 4031 => DatabaseError::Unavailable {
            reason: "the server closed the session; try again in a moment".into(),
            detail: format!("{} {}", error.code, error.state),
        },
        1146 => {
            let name = missing_table(&error.message);
            DatabaseError::no_such_table(words(&error.message), None, name)
        }
        _ if !about_the_statement(error) => {
            DatabaseError::Failed { message: format!("the server reported error {}", error.code) }
        }
        _ if preparing || error.state.starts_with("42") => {
            DatabaseError::Syntax { message: words(&error.message), offset: None }
        }
        _ => DatabaseError::Failed { message: words(&error.message) },
    }
}

/// The table in `Table 'schema.table' doesn't exist`.
fn missing_table(message: &str) -> Option<TableName> {
    let quoted = message.strip_prefix("Table '")?.strip_suffix("' doesn't exist")?;
    let (schema, name) = quoted.split_once('.')?;
    Some(TableName { schema: Some(schema.into()), name: name.into() })
}

/// Whether the server's words are about the statement and its values: no account, host or file.
fn about_the_statement(error: &ServerError) -> bool {
    let by_state =
        ["21", "22", "23", "42", "3D"].iter().any(|class| error.state.starts_with(class));
    by_state
        || ABOUT_THE_STATEMENT.contains(&error.code)
        // MariaDB's words about JSON.
        || (4035..=4045).contains(&error.code)
}

fn row_too_large() -> DatabaseError {
    DatabaseError::TooLarge {
        what: "a row".into(),
        limit: "what one row may take on its way from the server".into(),
        advice: "select fewer columns, or shorten long values with substr()".into(),
    }
}

/// A failed handshake comes as an ordinary failure of input and output.
fn is_about_encryption(error: &IoError) -> bool {
    match error {
        IoError::Tls(_) => true,
        IoError::Io(error) => error.kind() == std::io::ErrorKind::InvalidData,
    }
}

fn is_too_large(error: &std::io::Error) -> bool {
    error.to_string().to_ascii_lowercase().contains("larger than max_allowed_packet")
}

/// For the log: codes and kinds, never a name, a host or a value.
fn detail(error: &Error) -> String {
    match error {
        Error::Server(error) => format!("server error {} ({})", error.code, error.state),
        Error::Io(IoError::Io(error)) => format!("input/output: {}", error.kind()),
        Error::Io(IoError::Tls(error)) => format!("TLS: {error}"),
        Error::Driver(DriverError::UnexpectedPacket { .. }) => "an unexpected packet".into(),
        Error::Driver(error) => format!("driver: {error}"),
        Error::Url(_) => "the address".into(),
        Error::Other(_) => "another failure".into(),
    }
}

/// The server's words, bounded: they quote the caller's statement.
pub(super) fn words(message: &str) -> String {
    let kept = &message[..message.floor_char_boundary(300)];
    if kept.len() < message.len() { format!("{kept}…") } else { kept.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    fn server(code: u16, state: &str, message: &str) -> Error {
        Error::Server(ServerError { code, message: message.into(), state: state.into() })
    }

    #[test]
    fn failures_are_told_apart_and_name_no_account() {
        #[track_caller]
        fn check(error: &Error, kind: ErrorKind, part: &str) {
            let found = of_statement(error, false);
            assert_eq!(found.kind(), kind, "{found:?}");
            let text = found.to_string();
            assert!(text.contains(part), "{text}");
            assert!(!format!("{text} {:?}", found.detail()).contains("root"), "{found:?}");
        }
        let denied = "SELECT command denied to user 'root'@'10.0.0.1' for table `t`";
        check(&server(1142, "42000", denied), ErrorKind::PermissionDenied, "may not");
        check(&server(1449, "HY000", "definer 'root'@'%'"), ErrorKind::InvalidInput, "1449");
        check(&server(1146, "42S02", "Table 'a.b' doesn't exist"), ErrorKind::InvalidInput, "a.b");
        check(&server(1792, "25006", "x"), ErrorKind::PermissionDenied, "a change");
        check(&server(1205, "HY000", "x"), ErrorKind::Unavailable, "lock");
        check(&server(1690, "22003", "out of range"), ErrorKind::InvalidInput, "out of range");
        check(&server(1213, "40001", "x"), ErrorKind::Unavailable, "the same rows");
        check(&server(29, "HY000", "File '/srv/x'"), ErrorKind::InvalidInput, "error 29");
        let change = of_change(&server(1142, "42000", denied)).to_string();
        assert!(change.contains("GRANT it INSERT") && !change.contains("root"), "{change}");
        let login =
            of_connection(&server(1045, "28000", "denied for 'root'@'h' (using password: YES)"));
        assert_eq!(login.kind(), ErrorKind::Unavailable);
        assert!(!format!("{login} {login:?}").contains("root"));
    }
}
