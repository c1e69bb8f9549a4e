//! `warmnet-node`: see `warmnet-node --help`.

fn main() -> std::process::ExitCode {
    warmnet_node::cli::main()
}
