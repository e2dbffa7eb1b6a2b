//! The command line: every command reads its flags, asks the public API, and prints a table or JSON.

mod attestation;
mod ca;
mod certificate;
mod config;
mod device;
mod enrolled;
mod enrollment;
mod events;
mod explain;
mod failure;
mod group;
mod import;
mod input;
mod registration;
mod serve;
mod show;
mod target;
mod twin;

use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};
use clap_complete::Shell;

use failure::Failure;

/// Provision, connect and steer devices: a provisioning service, IoT hubs and their CA in one program.
#[derive(Parser, Debug)]
#[command(
    name = "muster",
    version,
    about,
    subcommand_required = true,
    arg_required_else_help = true,
    after_help = "First steps:\n  \
        muster demo                          # a server and 1,000 devices, on a temporary folder\n  \
        muster serve                         # a server that stays\n  \
        muster enrollment create my-device   # let a device in\n\
        \nCommands find the server by --data DIR (default ./muster-data, or MUSTER_DATA), or by\n\
        MUSTER_CONNECTION_STRING and MUSTER_CA_FILE. They exit with 0 when done, 1 when not, 2 when misused."
)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand, Debug)]
enum Command {
    /// Start a server
    Serve(Box<serve::Arguments>),
    /// Boot a thousand simulated devices against a server on a temporary folder
    Demo(crate::demo::Arguments),
    /// Show or check a configuration file
    Config(config::Arguments),
    /// Tell why a device was let in or refused
    Explain(explain::Arguments),
    /// Permissions of single devices
    Enrollment(Box<enrollment::Arguments>),
    /// Permissions of many devices
    Group(Box<group::Arguments>),
    /// What became of devices that asked
    Registration(registration::Arguments),
    /// Named CAs that enrollments refer to
    Certificate(certificate::Arguments),
    /// The certificate authority: sign, revoke, audit
    Ca(Box<ca::Arguments>),
    /// Devices in the hubs' registries
    Device(Box<device::Arguments>),
    /// Twins of devices
    Twin(twin::Arguments),
    /// What devices sent
    Events(events::Arguments),
    /// Print a completion script
    #[command(
        after_help = "Example:\n  muster completions bash > ~/.local/share/bash-completion/completions/muster"
    )]
    Completions {
        /// For this shell
        shell: Shell,
    },
}

impl Cli {
    /// Does it, and says why not.
    pub async fn run(self) -> ExitCode {
        let outcome = match self.command {
            // A verdict of its own: whether the figures add up.
            Command::Demo(arguments) => return Box::pin(crate::demo::run(arguments)).await,
            Command::Serve(arguments) => Box::pin(serve::run(*arguments)).await,
            Command::Config(arguments) => config::run(arguments),
            Command::Explain(arguments) => Box::pin(explain::run(arguments)).await,
            Command::Enrollment(arguments) => Box::pin(enrollment::run(*arguments)).await,
            Command::Group(arguments) => Box::pin(group::run(*arguments)).await,
            Command::Registration(arguments) => Box::pin(registration::run(arguments)).await,
            Command::Certificate(arguments) => Box::pin(certificate::run(arguments)).await,
            Command::Ca(arguments) => Box::pin(ca::run(*arguments)).await,
            Command::Device(arguments) => Box::pin(device::run(*arguments)).await,
            Command::Twin(arguments) => Box::pin(twin::run(arguments)).await,
            Command::Events(arguments) => Box::pin(events::run(arguments)).await,
            Command::Completions { shell } => {
                clap_complete::generate(shell, &mut Self::command(), "muster", &mut std::io::stdout());
                Ok(())
            }
        };
        match outcome {
            Ok(()) => ExitCode::SUCCESS,
            Err(failure) => {
                let failure: Failure = failure;
                failure.print();
                ExitCode::FAILURE
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_flag_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn whatever_can_be_given_says_what_it_is_and_help_fits_a_terminal() {
        // What clap wraps at.
        const WIDTH: usize = 100;
        let mut commands = vec![Cli::command()];
        let mut wrong = Vec::new();
        while let Some(command) = commands.pop() {
            let name = command.get_name().to_owned();
            for argument in command.get_arguments() {
                let is_said = argument.is_positional() || argument.get_help().is_some();
                if !is_said {
                    wrong.push(format!("{name}: {} is not explained", argument.get_id()));
                }
            }
            let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            let long = help.lines().filter(|line| line.chars().count() > WIDTH);
            wrong.extend(long.map(|line| format!("{name}: {line}")));
            commands.extend(command.get_subcommands().cloned());
        }
        assert!(wrong.is_empty(), "{wrong:#?}");
    }

    #[test]
    fn a_command_has_one_way_to_be_understood() {
        let good = [
            "serve",
            "serve --data d --config f --json",
            "config check f",
            "explain 6f1c",
            "explain --registration-id d --cert chain.pem",
            "enrollment create d --certificate d.pem --disabled",
            "enrollment update d --disable",
            "group create g --ca root --to-hub a,b --pin key",
            "certificate upload n f --verified --crl-url http://h/x --crl-check require",
            "certificate verify n -",
            "enrollment create d --credential-policy device --certificate-required",
            "group update g --certificate-required false",
            "registration list --group g --json",
            "device create d --hub h --auth self-signed --thumbprint 00",
            "twin patch d --desired {}",
            "events tail --hub h --device d --from start",
            "ca sign r.csr --out c.pem --chain --dns a --dns b --fact line=4",
            "ca revoke c.pem --reason keycompromise",
            "ca revoke --holder d",
            "ca authority create line-4 --parent root",
            "ca prove c.pem --proof p --key k",
            "completions zsh",
        ];
        for line in good {
            let words = std::iter::once("muster").chain(line.split(' '));
            assert!(Cli::try_parse_from(words).is_ok(), "{line}");
        }
        let bad = [
            "",
            "explain",
            "explain 6f1c --registration-id d",
            "enrollment update d",
            "enrollment update d --enable --disable",
            "enrollment create d --certificate c --ca n",
            "enrollment create d --certificate-required",
            "certificate upload n f --verified --intermediate",
            "certificate crl n --url http://h/x --none",
            "device create d --auth self-signed",
            "twin patch d",
            "ca revoke",
            "ca revoke c.pem --holder d",
            "ca revoke c.pem --reason certificateHold",
            "ca authority create line-4",
            "ca prove c.pem --proof p",
            "ca bulk r.jsonl --retry-refused",
        ];
        for line in bad {
            let words = std::iter::once("muster").chain(line.split(' ').filter(|word| !word.is_empty()));
            assert!(Cli::try_parse_from(words).is_err(), "{line}");
        }
    }
}
