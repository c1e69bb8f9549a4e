//! Writes the seeds of all targets into the folder named, and prints the targets' names.

fn main() -> std::io::Result<()> {
    let folder = std::env::args_os().nth(1).unwrap_or_else(|| "corpus".into());
    for name in warmnet_fuzz::write_seeds(folder.as_ref())? {
        println!("{name}");
    }
    Ok(())
}
