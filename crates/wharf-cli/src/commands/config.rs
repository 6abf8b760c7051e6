//! `wharf config`: looks at the configuration without starting anything.

use crate::{
    access,
    cli::ConfigCommand,
    commands::matrix,
    config::{manual, schema},
    exit::Exit,
    hosting, printer,
};

/// Checks, or prints.
///
/// # Errors
/// A configuration that can't be used.
pub(crate) fn run(command: &ConfigCommand) -> anyhow::Result<Exit> {
    match command {
        ConfigCommand::Check(options) => {
            let settings = options.settings(None)?;
            let hosted = hosting::build(&settings, None, None)?;
            access::authenticator(&settings.auth)?;
            matrix::check_names(&access::callers(&settings.auth)?, &hosted)?;
            let names: Vec<&str> = hosted.iter().map(|server| server.name.as_str()).collect();
            printer::write(format!("ok: {}\n", names.join(", ")).as_bytes())?;
        }
        ConfigCommand::Matrix(options) => matrix::run(options)?,
        ConfigCommand::Schema => printer::write_json(&schema())?,
        ConfigCommand::Manual => printer::write(manual().as_bytes())?,
    }
    Ok(Exit::Success)
}
