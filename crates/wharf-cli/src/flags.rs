//! The keys of servers as options of `wharf serve` and `wharf stdio`, made from the configuration's own tables, so that a
//! new key of a server is an option at once and both mean the same.

use clap::{Arg, ArgAction, ArgMatches, Args, Command, Error, FromArgMatches};

use crate::config::{ServerOption, server_options};

/// What was given: key and value.
#[derive(Debug, Clone, Default)]
pub(crate) struct ServerFlags {
    pub(crate) keys: Vec<(String, String)>,
}

impl Args for ServerFlags {
    fn augment_args(command: Command) -> Command {
        command.args(server_options().iter().map(argument))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

fn argument(option: &ServerOption) -> Arg {
    let help = format!("{} [{}]", option.text.replace('`', ""), option.kinds.join(", "));
    let argument = Arg::new(option.key)
        .long(option.key.replace('_', "-"))
        .help(help)
        .help_heading("Options of the server")
        .requires("server");
    if option.is_switch {
        argument
            .num_args(0..=1)
            .require_equals(true)
            .default_missing_value("true")
            .value_name("BOOL")
    } else {
        let argument = argument.value_name("VALUE");
        if option.is_list { argument.action(ArgAction::Append) } else { argument }
    }
}

impl FromArgMatches for ServerFlags {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, Error> {
        let mut flags = Self::default();
        flags.update_from_arg_matches(matches)?;
        Ok(flags)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), Error> {
        for option in server_options() {
            let Some(values) = matches.get_many::<String>(option.key) else { continue };
            let values: Vec<&str> = values.map(String::as_str).collect();
            self.keys.push((option.key.to_owned(), values.join(",")));
        }
        Ok(())
    }
}
