//! The coordinator's program.

fn main() -> std::process::ExitCode {
    warmnet_coordinator::cli::Cli::main()
}
